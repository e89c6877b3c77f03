"""Why a gift cannot be sent as it stands, in the finance team's words."""

from __future__ import annotations

from dataclasses import dataclass

# Short code left (for grouping and for replay by reason), what it means right.
REASONS = {
    "not_positive": "the amount is zero or less",
    "other_currency": "the money is in a currency this organization does not take",
    "no_email": "there is no e-mail address, and Luminate wants one",
    "email_invalid": "the e-mail address is not one",
    "field_missing": "something Luminate or the organization requires is missing",
    "field_invalid": "a value does not fit what Luminate documents for it",
    "fund_not_mapped": "a fund code has no place in the table of funds",
    "designation_missing": "part of the gift is for a designee and part is for none",
    "cents_in_designation": "a designation takes whole units only, and this share has cents",
    "shares_do_not_add_up": "the shares of the designations are not the gift",
    "forms_differ": "the funds of one gift belong to different donation forms",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One reason to hold an entry.

    ``reason`` is a key of REASONS, ``field`` Luminate's parameter or "", ``text`` one plain sentence that never
    repeats what a donor typed.
    """

    reason: str
    field: str
    text: str


_WHOSE = {
    "billing": "billing",
    "donor": "donor's",
    "joint_donor": "joint donor's",
    "shipping": "recipient's",
    "designated": "designation's",
    "designated_write_in": "write-in designation's",
}
_WHAT = {
    "name.first": "first name",
    "name.middle": "middle name",
    "name.last": "last name",
    "name.title": "title",
    "name.suffix": "name suffix",
    "name.profSuffix": "professional suffix",
    "address.street1": "street",
    "address.street2": "second street line",
    "address.street3": "third street line",
    "address.city": "city",
    "address.state": "state or province",
    "address.zip": "zip or postal code",
    "address.county": "county",
    "address.country": "country",
    "email": "e-mail address",
    "cons_id": "constituent id",
    "email_opt_in": "e-mail consent",
    "phone_type": "kind of phone",
    "id": "designee",
    "offline_payment_method": "payment method",
    "other_amount": "amount",
    "card_number": "masked card number",
    "card_exp_date": "card expiry",
}


def label(parameter: str) -> str:
    """What a person calls a parameter: ``billing.name.first`` is "the billing first name"."""
    family, _, rest = parameter.partition(".")
    rest = rest.lstrip("0123456789.") if family.startswith("designated") else rest
    if not rest:
        return "the " + _WHAT.get(parameter, parameter.replace("_", " "))
    return f"the {_WHOSE.get(family, family)} {_WHAT.get(rest, rest.replace('_', ' '))}"


def missing(parameter: str) -> Problem:
    """Nothing to send for a parameter that must be sent."""
    if parameter == "donor.email":
        return Problem("no_email", parameter, "The donor has no e-mail address.")
    return Problem("field_missing", parameter, f"{label(parameter).capitalize()} is missing ({parameter}).")


def invalid(parameter: str, clause: str) -> Problem:
    """A value that does not fit; ``clause`` goes on after the label: "is not a whole number"."""
    reason = "email_invalid" if parameter == "donor.email" else "field_invalid"
    return Problem(reason, parameter, f"{label(parameter).capitalize()} {clause} ({parameter}).")
