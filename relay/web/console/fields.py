"""The fields of a correction: grouped as a person thinks of them, those that were complained about marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from relay import words
from relay.ledger.entries import Entry
from relay.office.corrections import FUND

_NAME = ("name.title", "name.first", "name.middle", "name.last", "name.suffix", "name.profSuffix")
_PLACE = tuple(
    f"address.{part}" for part in ("street1", "street2", "street3", "city", "state", "zip", "county", "country")
)
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "offline_payment_method": ("cash", "check", "credit"),
    "donor.phone_type": ("home", "work", "other"),
    "anonymous": ("true", "false"),
    "matching_eligible": ("true", "false"),
}
_HINTS: Mapping[str, str] = {
    FUND: "A code of the fund map; it decides where the money goes.",
    "form_id": "A number; the level must belong to it.",
    "card_exp_date": "Month and year, such as 04/2030.",
    "donor.cons_id": "The number of the donor's record in Luminate.",
}
# Title left, Luminate's names right; open from the start or folded away.
_GROUPS: tuple[tuple[str, bool, tuple[str, ...]], ...] = (
    ("Donor", True, ("donor.name.first", "donor.name.last", "donor.email", "donor.phone")),
    ("Donor's address", True, tuple(f"donor.address.{one}" for one in ("street1", "city", "state", "zip", "country"))),
    ("Designation", True, (FUND,)),
    ("Billing", False, tuple(f"billing.{part}" for part in (*_NAME, *_PLACE))),
    ("More about the donor", False, ("donor.name.title", "donor.name.middle", "donor.name.suffix",
        "donor.name.profSuffix", "donor.phone_type", "donor.employer", "donor.occupation", "donor.cons_id",
        "donor.email_opt_in", "donor.address.street2", "donor.address.street3", "donor.address.county")),
    ("Gift", False, ("form_id", "level_id", "offline_payment_method", "check_number", "card_type", "card_exp_date",
        "card_exp_date_month", "card_exp_date_year", "anonymous", "matching_eligible", "gift_aid", "premium_id",
        "source", "sub_source", "center_id")),
    ("Joint donor", False, tuple(f"joint_donor.{part}" for part in _NAME[:-1])),
    ("Recipient of a premium", False, tuple(f"shipping.{part}" for part in (*_NAME, *_PLACE, "email", "phone"))),
)  # fmt: skip
NAMES = tuple(name for _, _, names in _GROUPS for name in names)
_NEVER = ("card_number",)
_MARKS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field. ``was``: what would be sent without this form; ``marked``: somebody complained about it."""

    name: str
    label: str
    value: str
    was: str
    marked: bool = False
    by_hand: bool = False
    hint: str = ""
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Fields under one title."""

    title: str
    open: bool
    fields: tuple[Field, ...] = field(default_factory=tuple)


def groups(entry: Entry, typed: Mapping[str, str] | None = None) -> list[Group]:
    """All fields, what was complained about in a group of its own before the others. ``typed``: what was entered."""
    marked = set(complained(entry))
    made = {name: _field(name, entry, typed or {}, name in marked) for name in NAMES}
    first = Group("What is asked for", True, tuple(one for one in made.values() if one.marked))
    rest = [_group(title, is_open, names, made) for title, is_open, names in _GROUPS]
    return [group for group in (first, *rest) if group.fields]


def _group(title: str, is_open: bool, names: tuple[str, ...], made: Mapping[str, Field]) -> Group:  # noqa: FBT001
    return Group(title, is_open, tuple(made[name] for name in names if not made[name].marked))


def never(entry: Entry) -> list[tuple[str, str]]:
    """What is shown and never changed here."""
    shown = [("Payment", entry.provider_transaction_id)]
    names = [name for name in entry.parameters if name in _NEVER or name.startswith("designated")]
    return shown + [(words.parameter(name).capitalize(), entry.parameters[name]) for name in sorted(names)]


def changes(entry: Entry, typed: Mapping[str, str]) -> dict[str, str]:
    """What differs from what would be sent anyway. Emptied: an earlier correction is taken back."""
    found = {}
    for name in NAMES:
        if name in typed:
            value, was = " ".join(typed[name].split()), _was(name, entry)
            if value != was and (value or name in entry.overrides):
                found[name] = value
    return found


def cannot_be_emptied(entry: Entry, typed: Mapping[str, str]) -> dict[str, str]:
    """Fields that were emptied although the provider filled them: an empty value cannot be sent in its place."""
    emptied = [name for name in NAMES if name in typed and not typed[name].strip() and _was(name, entry)]
    said = "This came with the gift and cannot be sent empty; write what is right."
    return {name: said for name in emptied if name not in entry.overrides}


def complained(entry: Entry) -> Iterator[str]:
    """The fields that the reason speaks of: by Luminate's name, or by words close to ours."""
    said = entry.reason_text
    plain = f" {_plain(said)} "
    for name in NAMES:
        if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w.])", said) or _is_meant(name, plain):
            yield name
    if entry.reason in {"fund_not_mapped", "designation_missing", "forms_differ"}:
        yield FUND


# Words that a refusal says of a field; longer than these our own labels may be ("the billing first name").
_SAID: Mapping[str, tuple[str, ...]] = {
    "name.first": ("first name",),
    "name.last": ("last name",),
    "email": ("email address", "e mail address"),
    "address.street1": ("street address", "street"),
    "address.city": ("city",),
    "address.state": ("state or province", "state"),
    "address.zip": ("zip or postal code", "zip", "postal code", "zip code"),
    "address.country": ("country",),
    "phone": ("phone", "phone number"),
}


def _is_meant(name: str, plain: str) -> bool:
    """``Billing city is required.`` speaks of the billing city; ``City is required.`` of the donor's and billing's."""
    whose, _, what = name.partition(".")
    if not any(f" {words} " in plain for words in _SAID.get(what, ())):
        return False
    named = [one for one in ("billing", "donor", "recipient", "joint") if f" {one} " in plain]
    if not named:
        return whose in {"donor", "billing"}
    return whose in named or (whose == "donor" and named == ["billing"] and what.startswith("address"))


def _plain(text: str) -> str:
    return _MARKS.sub(" ", text.lower().replace("'s", "")).strip()


def _field(name: str, entry: Entry, typed: Mapping[str, str], marked: bool) -> Field:  # noqa: FBT001
    was = _was(name, entry)
    label = "Fund" if name == FUND else words.parameter(name)
    return Field(
        name=name,
        label=label[:1].upper() + label[1:],
        value=typed.get(name, was),
        was=was,
        marked=marked,
        by_hand=name in entry.overrides,
        hint=_HINTS.get(name, ""),
        choices=_CHOICES.get(name, ()),
    )


def _was(name: str, entry: Entry) -> str:
    if name == FUND:
        return entry.overrides.get(FUND) or entry.fund
    # What does not fit is left out of the parameters; whoever corrected it shall see it all the same.
    return entry.parameters.get(name) or entry.overrides.get(name, "")
