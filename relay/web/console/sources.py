"""``/console/sources``: where events come from, what came of them, and the address a provider sends them to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import render_template, url_for
from flask.typing import ResponseReturnValue

from relay.reports.overview import DAYS, Source
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.speech import VERDICT
from relay.web.console.today import zone_of

# Why a webhook was refused; relay.errors writes the words.
REFUSED: Mapping[str, str] = {
    "bad_signature": "its signature is wrong: the secret here is not the one over there",
    "wrong_mode": "it is of the test mode and the organization is live, or the reverse",
    "unreadable": "it is not what this provider sends",
    "too_large": "it is too large",
    "could_not_store": "the ledger did not answer, so the provider sends it again",
}
_PAGES = Path(__file__).parents[3] / "docs" / "providers"


@dataclass(frozen=True, slots=True)
class Shown:
    """One source with what a person sets up over there."""

    source: Source
    address: str
    secrets: int
    page: str


@console.get("/sources")
def sources() -> ResponseReturnValue:
    """Every provider of the organizations in view."""
    found = door.relay_parts().overview.sources(door.actor(), door.chosen())
    return render_template(
        "sources.html",
        sources=[_shown(one) for one in found],
        verdicts=VERDICT,
        refused=REFUSED,
        days=DAYS,
        zone_of=zone_of,
    )


def _shown(one: Source) -> Shown:
    place = {"organization": one.organization, "provider": one.provider}
    settings = door.relay_parts().settings.organizations[one.organization].providers[one.provider]
    name = f"{one.provider}.md"
    page = f"docs/providers/{name}" if (_PAGES / name).exists() else ""
    return Shown(one, url_for("webhooks.receive", _external=True, **place), len(settings.secrets), page)
