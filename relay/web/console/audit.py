"""``/console/audit``: who saw, exported, corrected, replayed, mapped, came and went. For admins."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Response, abort, render_template, request
from flask.typing import ResponseReturnValue

from relay.ledger.audit import Wanted
from relay.office.auditing import TITLES, row
from relay.reports.spreadsheets import csv_lines
from relay.web.console import door
from relay.web.console.blueprint import LARGEST, console

PAGE = 50

# Names in the details of a line left, their words right; every other name is told with blanks.
DETAILS: Mapping[str, str] = {
    "as": "as a file of kind",
    "of": "of",
    "with": "by",
    "rows": "rows found",
    "before": "was",
    "after": "is now",
    "going": "to send",
    "done": "sent",
    "skipped": "left as they are",
    "expires_at": "ends",
    "everywhere": "on every device",
    "not_looked_up": "not looked up yet",
    "checked": "found by a look-up",
    "changed": "changed",
    "status": "stands now",
    "problem": "could not be asked",
}


@console.get("/audit")
def audit() -> ResponseReturnValue:
    """The newest lines, with a form to narrow them."""
    parts, actor = door.relay_parts().auditing, door.actor()
    page = min(max(request.args.get("page", 1, type=int), 1), LARGEST // PAGE)
    wanted = _wanted()
    found = parts.page(actor, wanted, limit=PAGE + 1, offset=(page - 1) * PAGE)
    return render_template(
        "audit.html",
        lines=found[:PAGE],
        more=len(found) > PAGE,
        page=page,
        actions=parts.actions(actor),
        url=_url,
        told=told,
    )


def told(details: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The details of a line in words; what is empty says nothing."""
    return [(DETAILS.get(name, name.replace("_", " ")), said) for name, value in details.items()
            if (said := _said(value))]  # fmt: skip


def _said(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case int():
            return f"{value:,}"
        case list():
            return ", ".join(map(_said, value))
        case dict():
            return "; ".join(f"{name} {said}" for name, said in told(value))
        case _:
            return str(value)


@console.get("/audit.csv")
def audit_csv() -> ResponseReturnValue:
    """Every line that matches, oldest first."""
    found = door.relay_parts().auditing.export(door.actor(), _wanted(), how="csv")
    headers = {"Content-Disposition": "attachment; filename=audit.csv"}
    return Response(csv_lines(TITLES, map(row, found)), mimetype="text/csv", headers=headers)


def _wanted() -> Wanted:
    asked = request.args
    return Wanted(
        organizations=(door.chosen(),) if door.chosen() else None,
        who=asked.get("who", "").strip(),
        action=asked.get("action", ""),
        subject=asked.get("subject", "").strip(),
        since=_day("since"),
        until=_day("until", days=1),
    )


def _day(name: str, *, days: int = 0) -> datetime | None:
    text = request.args.get(name, "")
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=days) if text else None
    except (ValueError, OverflowError):
        abort(400, "Write a day as 2025-12-31.")


def _url(page: int) -> str:
    """The same search, another page."""
    return "?" + urlencode({**request.args.to_dict(), "page": page})
