"""Words that a donation page leaves in a payment's metadata: funds, splits, and what the donor said.

Providers carry metadata as flat texts under keys that the page chose. Keys are read without regard to case, and
``-``, ``.`` and blanks count as ``_`` ("Fund Code" is ``fund_code``). docs/providers/stripe.md lists them all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from relay.errors import MoneyError
from relay.gifts import Address, Designation, Donor, Name
from relay.money import Money
from relay.providers import letters
from relay.providers.base import text

# The first key that has a value names the fund of the whole gift.
FUND_KEYS = ("fund", "fund_code", "fund_id", "designation", "designation_code", "campaign", "campaign_code", "appeal")
# Ours left, theirs right in order of preference. Each may also be written with "donor_" before it, which wins.
WORDS: Mapping[str, tuple[str, ...]] = {
    "title": ("title",),
    "first": ("first_name", "firstname"),
    "middle": ("middle_name",),
    "last": ("last_name", "lastname"),
    "suffix": ("suffix",),
    "prof_suffix": ("prof_suffix",),
    "email": ("email",),
    "phone": ("phone",),
    "phone_type": ("phone_type",),
    "employer": ("employer",),
    "occupation": ("occupation",),
    "cons_id": ("cons_id", "constituent_id"),
    "email_opt_in": ("email_opt_in", "opt_in"),
    "street1": ("street1", "address_line1", "address"),
    "street2": ("street2", "address_line2"),
    "street3": ("street3", "address_line3"),
    "city": ("city",),
    "state": ("state",),
    "zip": ("zip", "postal_code", "postcode"),
    "county": ("county",),
    "country": ("country",),
    "premium_id": ("premium_id",),
    "gift_aid": ("gift_aid",),
    "matching_eligible": ("matching_eligible",),
    "anonymous": ("anonymous",),
    "joint_title": ("joint_title",),
    "joint_first": ("joint_first_name", "spouse_first_name"),
    "joint_middle": ("joint_middle_name",),
    "joint_last": ("joint_last_name", "spouse_last_name"),
    "joint_suffix": ("joint_suffix",),
}
# More parts than any page offers; a hostile one must not grow a gift without end.
MAX_PARTS = 20
MAX_CODE = 255
_TRUE = frozenset({"true", "yes", "y", "1", "on"})
_FALSE = frozenset({"false", "no", "n", "0", "off"})
_SEPARATORS = re.compile(r"[\s.-]+")

Words = Mapping[str, str]


def merged(*metadata: object) -> dict[str, str]:
    """The words of several metadata objects; of one key the first that says something wins."""
    words: dict[str, str] = {}
    for source in metadata:
        for key, value in source.items() if isinstance(source, dict) else ():
            if found := text(value):
                words.setdefault(_SEPARATORS.sub("_", key.strip().lower()), found)
    return words


def said(words: Words, what: str) -> str:
    """What the metadata says about one row of WORDS."""
    for key in WORDS[what]:
        if found := words.get(f"donor_{key}") or words.get(key):
            return found
    return ""


def yes_or_no(words: Words, what: str) -> bool | None:
    """A yes or a no; None where the page did not ask, or the answer is neither."""
    answer = said(words, what).lower()
    return True if answer in _TRUE else False if answer in _FALSE else None


def name(words: Words, prefix: str = "") -> Name:
    """A name in parts, only where first and last name are both there: half a name is worse than one whole text."""
    first, last = said(words, f"{prefix}first"), said(words, f"{prefix}last")
    if not (first and last):
        return Name()
    parts = {part: said(words, f"{prefix}{part}") for part in ("title", "middle", "suffix")}
    return Name(first=first, last=last, prof_suffix="" if prefix else said(words, "prof_suffix"), **parts)


def completed(donor: Donor, words: Words) -> Donor:
    """The donor as the provider knows them, with what only the metadata tells. A name in parts wins over one text."""
    asked = yes_or_no(words, "email_opt_in")
    return Donor(
        name=name(words) if name(words) != Name() else donor.name,
        email=donor.email or said(words, "email"),
        phone=donor.phone or said(words, "phone"),
        phone_type=said(words, "phone_type"),
        address=donor.address if donor.address != Address() else _address(words),
        employer=said(words, "employer"),
        occupation=said(words, "occupation"),
        cons_id=said(words, "cons_id"),
        email_opt_in=donor.email_opt_in if asked is None else asked,
    )


def _address(words: Words) -> Address:
    if not said(words, "street1"):
        return Address()
    return Address(**{part: said(words, part) for part in Address.__dataclass_fields__})


def gift_fields(words: Words) -> dict[str, Any]:
    """The fields of Gift that only metadata can tell."""
    return {
        "joint_donor": name(words, "joint_"),
        "premium_id": said(words, "premium_id"),
        "gift_aid": said(words, "gift_aid"),
        "matching_eligible": yes_or_no(words, "matching_eligible"),
        "anonymous": yes_or_no(words, "anonymous"),
    }


def designations(words: Words, currency: str) -> tuple[Designation, ...]:
    """What the money is for: ``designations``, else ``fund_1`` and so on, else one fund, else one write-in.

    A split that cannot be read becomes one fund with the text itself as its code. No fund is configured under
    it, so the gift is held with the text in sight, and no money goes to the wrong purpose.
    """
    if written := words.get("designations", ""):
        try:
            return _listed(written, currency)
        except (MoneyError, ValueError):
            return (Designation(fund=written[:MAX_CODE]),)
    if parts := _numbered(words, currency):
        return parts
    if fund := next((words[key] for key in FUND_KEYS if key in words), ""):
        return (Designation(fund=fund[:MAX_CODE]),)
    write_in = words.get("write_in", "")
    return (Designation(write_in=write_in, contact=words.get("write_in_contact", "")),) if write_in else ()


def _listed(written: str, currency: str) -> tuple[Designation, ...]:
    """A JSON list of parts, a JSON object of fund and amount, or ``WATER:60.00,LIBRARY:40.00``."""
    if written[:1] in ("[", "{"):
        value = letters.without_nul(letters.loads(written.encode()))
        found = [_from_json(part, currency) for part in _as_list(value)]
    else:
        found = [_from_text(part.strip(), currency) for part in written.split(",") if part.strip()]
    if not 0 < len(found) <= MAX_PARTS:
        raise ValueError("no parts, or too many")
    return tuple(found)


def _as_list(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [{"fund": fund, "amount": amount} for fund, amount in value.items()]
    return list(value)


def _from_json(part: object, currency: str) -> Designation:
    if isinstance(part, str):
        return Designation(fund=_code(part))
    if not isinstance(part, dict):
        raise ValueError("a part is neither a fund nor an object")  # noqa: TRY004  # one error for all that is odd
    fund, write_in = text(part.get("fund")), text(part.get("write_in"))
    if bool(fund) == bool(write_in):
        raise ValueError("a part needs either a fund or a write-in")
    amount = part.get("amount")
    money = None if amount is None or amount == "" else _share(amount, currency)
    return Designation(fund=fund[:MAX_CODE], write_in=write_in, contact=text(part.get("contact")), amount=money)


def _from_text(part: str, currency: str) -> Designation:
    fund, colon, amount = part.rpartition(":")
    if not colon:
        return Designation(fund=_code(part))
    return Designation(fund=_code(fund), amount=_share(amount.strip(), currency))


def _share(amount: object, currency: str) -> Money:
    """An amount above zero. Raises MoneyError for anything else."""
    money = Money.parse(amount, currency)
    if money.minor <= 0:
        raise MoneyError("a share must be above zero")
    return money


def _code(fund: str) -> str:
    if not (found := fund.strip()):
        raise ValueError("a part without a fund")
    return found[:MAX_CODE]


def _numbered(words: Words, currency: str) -> tuple[Designation, ...]:
    """``fund_1`` and ``amount_1``, ``fund_2`` and ``amount_2``, ...; ``write_in_1`` instead of a fund."""
    found = []
    for number in range(1, MAX_PARTS + 1):
        fund, write_in = words.get(f"fund_{number}", ""), words.get(f"write_in_{number}", "")
        if fund or write_in:
            contact, amount = words.get(f"contact_{number}", ""), words.get(f"amount_{number}", "")
            named = Designation(fund=fund[:MAX_CODE], write_in="" if fund else write_in, contact=contact)
            found.append(_with_amount(named, amount, currency))
    return tuple(found)


def _with_amount(named: Designation, amount: str, currency: str) -> Designation:
    try:
        return replace(named, amount=_share(amount, currency) if amount else None)
    except MoneyError:
        return Designation(fund=f"{named.fund or named.write_in}: {amount}"[:MAX_CODE])
