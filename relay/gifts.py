"""What a provider's event says, in neutral words: Gift, Refund, Reinstatement, Flag, Link.

Frozen and provider-neutral. Providers build these; the Luminate side reads them; neither knows the other.
An empty text or None means "the provider did not say". A later event of the same payment may fill what is
blank (``Gift.filled_from``), never overwrite.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from relay.money import Money


class TenderKind(StrEnum):
    """How the donor paid, before the organization's configuration turns it into Luminate's word."""

    CARD = "card"
    CHECK = "check"
    CASH = "cash"
    BANK_DEBIT = "bank_debit"
    WALLET = "wallet"
    OTHER = "other"


class RefundReason(StrEnum):
    """Why money went back: by choice, or taken by the bank."""

    REFUND = "refund"
    CHARGEBACK = "chargeback"


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A person's name; ``full`` only where the provider gives one string (it is split when mapped)."""

    full: str = ""
    title: str = ""
    first: str = ""
    middle: str = ""
    last: str = ""
    suffix: str = ""
    prof_suffix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A postal address as the provider wrote it."""

    street1: str = ""
    street2: str = ""
    street3: str = ""
    city: str = ""
    state: str = ""
    zip: str = ""
    county: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Donor:
    """The person giving, as the provider describes them. ``email_opt_in`` None: not asked."""

    name: Name = Name()
    email: str = ""
    phone: str = ""
    phone_type: str = ""
    address: Address = Address()
    employer: str = ""
    occupation: str = ""
    cons_id: str = ""
    email_opt_in: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Billing:
    """Name and address on the card or account, where they differ from the donor's."""

    name: Name = Name()
    address: Address = Address()


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipping:
    """Who receives a premium, and where."""

    name: Name = Name()
    address: Address = Address()
    email: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tender:
    """How the donor paid. Only the last four digits of a card ever get here."""

    kind: TenderKind = TenderKind.OTHER
    card_type: str = ""
    last4: str = ""
    exp_month: int | None = None
    exp_year: int | None = None
    check_number: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Designation:
    """One purpose of the money: a ``fund`` code the configuration maps, or a write-in by name.

    ``amount`` None: the whole gift, or an equal share of what the other designations leave.
    """

    fund: str = ""
    write_in: str = ""
    contact: str = ""
    amount: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gift:
    """Money given and surely received by the provider.

    ``keys`` are all the provider's ids of this one payment; the first is the provider_transaction_id.
    ``occurred_on`` instead of ``occurred_at``: the provider tells a calendar date, which is that day in every zone.
    ``hold`` is a sentence when the provider's event alone is not proof enough to post (a person or a later
    event releases it). ``sources`` are the provider's own objects, for field mapping without code.
    """

    keys: tuple[str, ...]
    amount: Money
    occurred_at: datetime | None = None
    occurred_on: date | None = None
    donor: Donor = Donor()
    billing: Billing = Billing()
    shipping: Shipping = Shipping()
    joint_donor: Name = Name()
    tender: Tender = Tender()
    designations: tuple[Designation, ...] = ()
    premium_id: str = ""
    gift_aid: str = ""
    matching_eligible: bool | None = None
    anonymous: bool | None = None
    recurring: bool | None = None
    fee: Money | None = None
    hold: str = ""
    sources: tuple[Mapping[str, Any], ...] = ()

    def filled_from(self, later: Gift) -> Gift:
        """This gift with its blanks filled from a later event of the same payment; nothing overwritten.

        Names and addresses are filled whole or not at all, so that no half of one address ever meets half of
        another; tenders only if both tell the same kind. A hold ends as soon as one event needs none.
        """
        same_tender = self.tender.kind is later.tender.kind
        if self.occurred_at or self.occurred_on:
            later = replace(later, occurred_at=None, occurred_on=None)
        filled: Gift = _fill(self, later, whole=_WHOLE if same_tender else (*_WHOLE, Tender))
        keys = tuple(dict.fromkeys(self.keys + later.keys))
        hold = self.hold if later.hold else ""
        return replace(filled, keys=keys, amount=self.amount, hold=hold, sources=self.sources + later.sources)


_WHOLE = (Name, Address)


def _fill(ours: Any, theirs: Any, whole: tuple[type, ...]) -> Any:
    """Replace the blank fields of a frozen dataclass by those of another, level by level."""
    changes = {}
    for field in fields(ours):
        mine, other = getattr(ours, field.name), getattr(theirs, field.name)
        if hasattr(mine, "__dataclass_fields__") and not isinstance(mine, (*whole, Money)):
            changes[field.name] = _fill(mine, other, whole)
        elif is_blank(mine) and not is_blank(other):
            changes[field.name] = other
    return replace(ours, **changes)


def is_blank(value: object) -> bool:
    """Whether the provider did not say: None, "", (), or a part whose every field is its default."""
    if value is None or value in ("", ()):
        return True
    return hasattr(value, "__dataclass_fields__") and not isinstance(value, Money) and value == type(value)()


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """Money returned, whole or in part, with the amount of *this* refund.

    Where the provider names the refund, ``keys`` has its ids. Where it only tells a cumulative total,
    ``keys`` is empty, ``total`` is the sum refunded so far of this payment and ``before`` what it was before
    this event (None: not told); the ledger works out what is new, so that a total never counts twice.

    ``only_if_booked``: the whole payment fell through (a bank debit that bounced, a void). Where the ledger has
    no gift of it there is nothing to give back, and nothing to wait for: none will be made of it any more.
    """

    keys: tuple[str, ...]
    parent_keys: tuple[str, ...]
    amount: Money
    reason: RefundReason = RefundReason.REFUND
    total: Money | None = None
    before: Money | None = None
    only_if_booked: bool = False
    occurred_at: datetime | None = None
    sources: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstatement:
    """Money that came back to the organization: a refund that failed, a dispute won.

    ``refund_keys`` name the refund or dispute it undoes, ``reason`` tells which of the two. If that was never sent it
    is closed by rule; if Luminate has it, a person decides (Luminate has no call that undoes a refund).
    """

    refund_keys: tuple[str, ...]
    parent_keys: tuple[str, ...]
    amount: Money | None
    text: str
    reason: RefundReason = RefundReason.REFUND
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Something a person should see, with no money moved by it: a dispute opened, an odd body.

    ``only_if_booked``: nothing to see where the ledger has no gift of it.
    """

    text: str
    parent_keys: tuple[str, ...] = ()
    only_if_booked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Ids that belong to one payment, told by an event that announces no money itself."""

    keys: tuple[str, ...]


Fact = Gift | Refund | Reinstatement | Flag | Link
