"""``/console/settings``: the configuration in force, in words, without a secret."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from babel.dates import get_month_names
from flask import render_template
from flask.typing import ResponseReturnValue

from relay import words
from relay.config import FormLevel, Mode, OptIn, Organization, RefundedUnposted, Reinstate, WholeUnits
from relay.money import Money
from relay.web.console import door
from relay.web.console.blueprint import console

_MODE: Mapping[Mode, str] = {
    Mode.LIVE: "Real gifts only; test events are refused",
    Mode.TEST: "Test events only; real gifts are refused",
    Mode.BOTH: "Real and test events alike: for demonstrations",
}
_OPT_IN: Mapping[OptIn, str] = {
    OptIn.OPTED_IN: "Told to Luminate only where the donor said yes",
    OptIn.ALWAYS: "Told to Luminate as the donor said, yes or no",
    OptIn.NEVER: "Never told to Luminate",
}
_WHOLE: Mapping[WholeUnits, str] = {
    WholeUnits.HOLD: "A gift whose shares have cents is held for a person",
    WholeUnits.FIRST: "Cents go to the first share",
    WholeUnits.SEND_CENTS: "Cents are sent as they are",
}
_REFUNDED: Mapping[RefundedUnposted, str] = {
    RefundedUnposted.NEITHER: "Neither the gift nor its refund is recorded in Luminate",
    RefundedUnposted.BOTH: "Both are recorded in Luminate",
}
_REINSTATE: Mapping[Reinstate, str] = {
    Reinstate.HOLD: "A person decides",
    Reinstate.AUTOMATIC: "Recorded as a gift once more, without a mail",
}
_Says = Callable[[Organization], str]


def _yes(wanted: object, yes: str, no: str) -> str:
    return yes if wanted else no


def _form(form: FormLevel) -> str:
    return f"form {form.form_id}, level {form.level_id}"


def _rules(one: Organization) -> str:
    said = [
        f"{words.money(Money(rule.minimum, one.currency))} and more: {_form(rule.form)}" for rule in one.amount_rules
    ]
    return "; ".join(said) or "None"


def _mails(one: Organization) -> str:
    told = {"receipts": one.mail.receipt, "registration mails": one.mail.registration, "refund mails": one.mail.refund}
    allowed = [name for name, may in told.items() if may]
    return f"Luminate may send {' and '.join(allowed)} for new gifts; a replay mails nobody unless chosen" \
        if allowed else "Luminate mails nobody for what relay sends"  # fmt: skip


def _pace(one: Organization) -> str:
    most = f", at most {one.pace.per_minute:,} a minute" if one.pace.per_minute else ""
    return f"{words.count(one.pace.max_in_flight, 'call')} at a time{most}"


def _patience(seconds: tuple[int, ...]) -> str:
    return ", ".join(_span(each) for each in seconds)


def _span(seconds: float) -> str:
    for size, unit in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size and seconds % size == 0:
            return words.count(int(seconds // size), unit)
    return f"{seconds:g} seconds" if seconds != 1 else "1 second"


def _kept(one: Organization) -> str:
    days = one.retention.payload_days
    return f"{words.count(days, 'day')} after everything of a payment is settled" if days else "For ever"


# Part of the page left, its lines right: what it is called, and how an organization says it.
PARTS: Mapping[str, Mapping[str, _Says]] = {
    "The organization": {
        "Name in addresses": lambda one: one.name,
        "Takes": lambda one: _MODE[one.mode],
        "Currency": lambda one: one.currency,
        "Time zone": lambda one: str(one.time_zone),
        "Fiscal year begins in": lambda one: get_month_names("wide", locale="en_US")[one.fiscal_year_start],
        "A gift that would land in another fiscal year": lambda one: _yes(
            one.hold_other_year, "Is held for a person", "Is sent, and marked as recorded late"
        ),
    },
    "Luminate Online": {
        "Site": lambda one: one.luminate.url,
        "Account": lambda one: one.luminate.login_name,
        "Source": lambda one: one.luminate.source,
        "Second way to look up": lambda one: _yes(one.luminate.soap_url, "SOAP web services", "None"),
        "Waits for an answer": lambda one: _span(one.luminate.read_timeout),
    },
    "Where gifts go": {
        "Form": lambda one: _form(one.form).capitalize(),
        "By amount": _rules,
        "Funds in the configuration": lambda one: f"{len(one.funds):,}",
        "Fund of gifts that name none": lambda one: one.default_fund or "None: sent without a designation",
        "Fields mapped by rule": lambda one: (
            ", ".join(words.parameter(rule.parameter) for rule in one.fields) or "None"
        ),
        "Cents in a designation": lambda one: _WHOLE[one.whole_units],
    },
    "Mails": {
        "Mails": _mails,
        "E-mail consent": lambda one: _OPT_IN[one.opt_in],
    },
    "Refunds": {
        "A gift refunded before it was sent": lambda one: _REFUNDED[one.refunded_unposted],
        "A refund whose money came back": lambda one: _REINSTATE[one.reinstate],
    },
    "Pace and patience": {
        "Sends": _pace,
        "Waits for other events of a payment": lambda one: _span(one.pace.settle_seconds),
        "Tries again what surely was not sent after": lambda one: _patience(one.pace.retry_ladder),
        "Looks up what may be in Luminate after": lambda one: _patience(one.probe.ladder),
    },
    "Payloads": {
        "What came in and was sent is kept": _kept,
    },
    "Sources": {
        "Providers": lambda one: ", ".join(sorted(one.providers)) or "None",
    },
}


@console.get("/settings")
def settings() -> ResponseReturnValue:
    """Every organization in view."""
    known = door.relay_parts().settings.organizations
    return render_template(
        "settings.html",
        told=[
            (known[name], {part: {label: says(known[name]) for label, says in lines.items()}
                           for part, lines in PARTS.items()})
            for name in door.in_view()
        ],
    )  # fmt: skip
