"""Donorbox: donations, refunds and chargebacks, signed with ``Donorbox-Signature``; webhook versions v1 and v2.

https://donorbox.zendesk.com/hc/en-us/articles/4733681068820-Custom-Webhooks, github.com/donorbox/donorbox-api. What to
switch on at Donorbox, and why one source must be chosen: docs/providers/donorbox.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.errors import BadSignature, MoneyError, NotUnderstood, Unreadable
from relay.gifts import (
    Address,
    Designation,
    Donor,
    Fact,
    Flag,
    Gift,
    Refund,
    RefundReason,
    Reinstatement,
    Tender,
    TenderKind,
)
from relay.money import Money
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    dig,
    ident,
    present,
    stranger,
    text,
    understood_as,
)
from relay.providers.exact import major, major_or_none, plain, read_exact
from relay.providers.signatures import check_age, place_of_match, unix_seconds
from relay.providers.times import instant
from relay.providers.told import fund_of, name_of, yes_or_no

HEADER = "donorbox-signature"
MAX_TYPE = 100
# Webhook version v1 has no event name; its donation says what happened in ``action``.
ACTIONS: Mapping[str, str] = {
    "": "donation.created",
    "new": "donation.created",
    "update": "donation.updated",
    "updated": "donation.updated",
}
MONEY = frozenset({"donation.created", "donation.updated"})
# Events that begin like this move money: a new one is shown to a person.
FAMILIES = ("donation.",)
# Their status of a donation left; "" that the money is there, else why not. What is not listed is for a person.
STATUSES: Mapping[str, str] = {
    "paid": "",
    "succeeded": "",
    "refunded": "",
    "partially_refunded": "",
    "pending": "the money is on its way",
    "processing": "the money is on its way",
    "failed": "the payment failed",
    "canceled": "the payment was canceled",
    "cancelled": "the payment was canceled",
}
# Their donation_type -> how the donor paid. "stripe" is what Donorbox calls a card.
TENDERS: Mapping[str, TenderKind] = {
    "stripe": TenderKind.CARD,
    "card": TenderKind.CARD,
    "paypal": TenderKind.WALLET,
    "venmo": TenderKind.WALLET,
    "apple_pay": TenderKind.WALLET,
    "google_pay": TenderKind.WALLET,
    "ach": TenderKind.BANK_DEBIT,
    "us_bank_account": TenderKind.BANK_DEBIT,
    "plaid": TenderKind.BANK_DEBIT,
    "sepa": TenderKind.BANK_DEBIT,
    "sepa_debit": TenderKind.BANK_DEBIT,
    "bacs_debit": TenderKind.BANK_DEBIT,
    "cash": TenderKind.CASH,
    "check": TenderKind.CHECK,
}
UPDATE_ONLY = (
    "Donorbox told of this donation only by an update. Is it in Luminate already, from before relay was switched on? "
    "Then close it; else release it."
)
Donation = Mapping[str, Any]


# --- verify: donorbox.zendesk.com/hc/en-us/articles/17982194843028 ---------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:
    """The place of the secret that signed ``<timestamp>.<raw body>``. Raises BadSignature."""
    stated, _, signature = delivery.headers.get(HEADER, "").strip().partition(",")
    if not (stated and signature):
        raise BadSignature("the Donorbox-Signature header is missing, or not a timestamp and a signature")
    sent = unix_seconds(stated, "Donorbox-Signature")

    def expected(secret: str) -> str:
        mac = hmac.new(secret.encode(), f"{stated}.".encode(), hashlib.sha256)
        mac.update(delivery.body)
        return mac.hexdigest()

    place = place_of_match(settings.secrets, expected, [signature], "Donorbox-Signature")
    check_age(sent, now, settings.tolerance)
    return place


# --- parse ------------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What a stored event says. Raises Unreadable (not theirs) or NotUnderstood (genuine, yet not readable)."""
    kind, donation, event_id = _opened(read_exact(delivery.body))
    about = Parsed(
        event_id=event_id,
        type=kind[:MAX_TYPE],
        delivery_key=delivery_key(delivery.body, event_id, kind),
        occurred_at=instant(donation.get("donation_date")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no name")
        try:
            read = _read(kind, donation, settings.options if settings else {})
        except MoneyError as error:
            raise NotUnderstood(f"{kind}: {error}") from error
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _opened(body: Any) -> tuple[str, Donation, str]:
    """Event name, donation and event id of v1 (an array with one donation) or v2 (an object with a name)."""
    if isinstance(body, list) and body and isinstance(body[0], dict):
        if len(body) > 1:
            raise NotUnderstood("the array holds more than one donation")
        action = text(body[0].get("action"))
        return ACTIONS.get(action, action), body[0], ""
    if not isinstance(body, dict):
        raise Unreadable("the body is neither an event nor an array with a donation")
    inner = body.get("donation")
    return text(body.get("event_name")), inner if isinstance(inner, dict) else body, ident(body.get("event_id"))


def _read(kind: str, donation: Donation, options: Mapping[str, str]) -> tuple[Fact, ...] | str:
    if kind in MONEY:
        return _money_of(donation, options, update=kind == "donation.updated")
    what = kind.removeprefix("donation.")
    if what in {"chargeback_created", "chargeback_won", "chargeback_lost"}:
        return (_chargeback(what, donation),)
    return stranger(kind, FAMILIES) or "not about the money of a gift"


def _money_of(donation: Donation, options: Mapping[str, str], *, update: bool) -> tuple[Fact, ...] | str:
    """donation.created and donation.updated: the gift as it stands, and what was refunded of it so far."""
    keys, status = _keys(donation), text(donation.get("status")).lower()
    if status not in STATUSES:
        sentence = "Donorbox gives this donation a status that relay does not know: look at it in Donorbox."
        return (Flag(text=sentence, parent_keys=keys),)
    if STATUSES[status]:
        return STATUSES[status]
    gift = _gift(donation, keys, options, update=update)
    if gift.amount.minor <= 0:
        return "nothing was paid"
    total = _refunded(donation)
    if total is None or total.minor <= 0:
        if status.endswith("refunded"):
            sentence = "Donorbox calls this donation refunded, but not how much of it: look at it in Donorbox."
            return (gift, Flag(text=sentence, parent_keys=keys))
        return (gift,)
    back = Refund(keys=(), parent_keys=keys, amount=total, total=total, sources=gift.sources)
    return (gift, back)


def _keys(donation: Donation) -> tuple[str, ...]:
    """Donorbox's own id first, then the processor's. Raises NotUnderstood: money without an id doubles."""
    if not (own := ident(donation.get("id"))):
        raise NotUnderstood("the donation has no id")
    processors = (ident(donation.get(name)) for name in ("stripe_charge_id", "paypal_transaction_id"))
    return present(f"donorbox:{own}"[:255], *processors)


def _refunded(donation: Donation) -> Money | None:
    """``amount_refunded`` is cumulative: the sum of all refunds of this donation."""
    told = donation.get("amount_refunded")
    return None if told in (None, "") else major(told, donation.get("currency"))


def _gift(donation: Donation, keys: tuple[str, ...], options: Mapping[str, str], *, update: bool) -> Gift:
    currency = donation.get("currency")
    return Gift(
        keys=keys,
        amount=major(donation.get("amount"), currency),
        occurred_at=instant(donation.get("donation_date")),
        donor=_donor(donation),
        tender=Tender(kind=TENDERS.get(text(donation.get("donation_type")).lower(), TenderKind.OTHER)),
        designations=_designations(donation, options),
        anonymous=yes_or_no(donation.get("anonymous_donation")),
        recurring=yes_or_no(donation.get("recurring")),
        fee=major_or_none(donation.get("processing_fee"), currency),
        hold=UPDATE_ONLY if update and options.get("updates", "hold") != "post" else "",
        sources=(plain(dict(donation)),),
    )


def _donor(donation: Donation) -> Donor:
    told = donation.get("donor")
    donor = told if isinstance(told, dict) else {}
    said = {name: text(donor.get(name)) for name in donor}
    first, last = said.get("first_name", ""), said.get("last_name", "")
    return Donor(
        name=name_of(first, last, said.get("name", "")),
        email=said.get("email", ""),
        phone=said.get("phone", ""),
        address=Address(
            street1=said.get("address", ""),
            street2=said.get("address_line_2", ""),
            city=said.get("city", ""),
            state=said.get("state", ""),
            zip=said.get("zip_code", ""),
            country=said.get("country", ""),
        ),
        employer=said.get("employer", ""),
        occupation=said.get("occupation", ""),
        email_opt_in=yes_or_no(donation.get("join_mailing_list")),
    )


def _designations(donation: Donation, options: Mapping[str, str]) -> tuple[Designation, ...]:
    """The donor's designation; by option the campaign's name, where the donor chose none."""
    fund = text(donation.get("designation"))
    if not fund and options.get("fund_from") == "campaign":
        fund = text(dig(donation, "campaign", "name"))
    return fund_of(fund)


def _chargeback(what: str, donation: Donation) -> Fact:
    """A chargeback is known by its donation: Donorbox gives it no id of its own."""
    keys = _keys(donation)
    own, amount = f"chargeback of {keys[0]}"[:255], _left(donation)
    if what == "chargeback_won":
        sentence = "The chargeback was won; the organization has the money again."
        won = RefundReason.CHARGEBACK
        return Reinstatement(refund_keys=(own,), parent_keys=keys, amount=amount, text=sentence, reason=won)
    if what == "chargeback_lost" and amount:
        return Refund(
            keys=(own,),
            parent_keys=keys,
            amount=amount,
            reason=RefundReason.CHARGEBACK,
            sources=(plain(dict(donation)),),
        )
    happened = "lost, but nothing was left of the donation" if what == "chargeback_lost" else "opened"
    return Flag(text=f"A chargeback was {happened}: look at it in Donorbox.", parent_keys=keys)


def _left(donation: Donation) -> Money | None:
    """What the refunds by choice have left of the donation; None if nothing."""
    whole = major(donation.get("amount"), donation.get("currency"))
    refunded = _refunded(donation)
    left = whole - refunded if refunded else whole
    return left if left.minor > 0 else None


DONORBOX = Provider(name="donorbox", verify=verify, parse=parse)
