"""The page for a person: what is recorded, how often each fault struck, and what to log in with."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from .defaults import API_KEY, forms, logins
from .money import two_places
from .site import Level
from .state import Sandbox

SHOWN = 200
STYLE = """body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;color:#222}
h1{font-size:1.5rem}h2{font-size:1.1rem;margin-top:2rem}table{border-collapse:collapse;width:100%}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid #ddd;vertical-align:top}
th{font-weight:600}td.number{text-align:right;font-variant-numeric:tabular-nums}code{background:#f3f3f3;padding:0 .2rem}
.none{color:#666}"""


def _cells(row: Sequence[str]) -> str:
    return "".join(f"<td>{escape(cell)}</td>" for cell in row)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]], none: str) -> str:
    body = "".join(f"<tr>{_cells(row)}</tr>" for row in rows)
    if not body:
        return f'<p class="none">{escape(none)}</p>'
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in heads)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _gift(gift: dict[str, Any]) -> list[str]:
    params = gift["params"]
    name = " ".join(gift["billing"].get(part, "") for part in ("name.first", "name.last"))
    parts = [f"{part.get('name') or part.get('id')}: {part['amount']}" for part in gift["designations"]]
    refunds = [f"{refund['amount']}{' (full)' if refund['full'] else ''}" for refund in gift["refunds"]]
    return [
        gift["recorded_at"][:19].replace("T", " "),
        gift["organization"],
        gift["amount"],
        gift["current_amount"],
        name,
        gift["email"],
        f"{gift['form_id']} / {gift['level_id']}",
        params.get("offline_payment_method", "cash"),
        ", ".join(parts),
        ", ".join(refunds),
        gift["confirmation_code"],
        gift["sub_source"],
    ]


HEADS = (
    "Recorded (UTC)", "Organization", "Amount", "Left", "Name", "E-mail", "Form / level", "Paid by", "Designations",
    "Refunds", "Confirmation code", "Sub-source",
)  # fmt: skip


def _level(level: Level) -> str:
    return f"${two_places(level.amount)}" if level.amount else f"any, at least ${two_places(level.minimum)}"


def _form_rows() -> Iterable[list[str]]:
    for form_id, form in forms().items():
        levels = [f"{level_id}: {_level(level)}" for level_id, level in form.levels.items()]
        kind = form.kind.replace("_", " ") if form.published else "not published"
        write_ins = "designees and write-ins" if form.write_in else "designees"
        yield [form_id, kind, "; ".join(levels), write_ins]


def _faults(sandbox: Sandbox) -> str:
    rows = [
        [
            one["fault"],
            one["when"],
            one["method"] or "any",
            str(one["probability"]),
            str(one["seen"]),
            str(one["fired"]),
        ]
        for one in sandbox.faults.listed()["faults"]
    ]
    return _table(("Fault", "When", "Method", "Probability", "Calls seen", "Struck"), rows, "No fault is set.")


def page(sandbox: Sandbox) -> str:
    """The whole page. It refreshes by hand; the newest 200 gifts come first."""
    gifts = sorted(sandbox.donations(), key=lambda gift: str(gift["recorded_at"]), reverse=True)
    counts = [[what.replace("_", " "), str(number)] for what, number in sandbox.counts().items()]
    accounts = [[name, login.password, ", ".join(login.rights)] for name, login in logins().items()]
    shown = f"<p>The newest {SHOWN} of {len(gifts)}.</p>" if len(gifts) > SHOWN else ""
    return (
        f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Luminate sandbox</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>Luminate sandbox</h1><p>A simulation of Luminate Online. No gift here is real. Calls go to "
        f"<code>/&lt;organization&gt;/site/SRDonationAPI</code>; any organization name works.</p>"
        f"<h2>Counted</h2>{_table(('What', 'How many'), counts, '')}"
        f"<h2>Gifts</h2>{shown}{_table(HEADS, map(_gift, gifts[:SHOWN]), 'Nothing recorded yet.')}"
        f"<h2>Faults</h2>{_faults(sandbox)}"
        f"<h2>What every organization starts with</h2><p>API key <code>{escape(API_KEY)}</code></p>"
        f"{_table(('Login', 'Password', 'Rights'), accounts, '')}"
        f"{_table(('Form', 'Kind', 'Levels', 'Designations'), _form_rows(), '')}"
        f'<p>As JSON: <a href="/sandbox/donations">donations</a>, <a href="/sandbox/calls">calls</a>, '
        f'<a href="/sandbox/faults">faults</a>, <a href="/sandbox/organizations">organizations</a>.</p></body></html>'
    )
