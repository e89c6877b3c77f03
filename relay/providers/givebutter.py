"""Givebutter: transactions in dollars as they are sent today, and in cents by the scheme that is announced.

https://help.givebutter.com/en/articles/8828428, https://docs-new.givebutter.com/api-reference/webhooks-available-events
("coming soon"). What to switch on at Givebutter, and how to find out how it signs: docs/providers/givebutter.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.errors import BadSignature, MoneyError, NotUnderstood
from relay.gifts import Address, Donor, Fact, Flag, Gift, Name, Refund, RefundReason, Tender, TenderKind
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
from relay.providers.exact import major, minor, plain, read_exact_object
from relay.providers.signatures import place_of_match
from relay.providers.times import instant
from relay.providers.told import fund_of, name_of, yes_or_no

HEADER = "signature"
MAX_TYPE = 100
# Their status of a transaction left; "" that the money is there, else why not. What is not listed is for a person.
STATUSES: Mapping[str, str] = {
    "succeeded": "",
    "completed": "",
    "pending": "the money is on its way",
    "processing": "the money is on its way",
    "authorized": "authorized, not captured",
    "failed": "the payment failed",
    "canceled": "the payment was canceled",
    "cancelled": "the payment was canceled",
}
# Their method left. Whoever gives by a donor-advised fund or in stock is told by "other".
TENDERS: Mapping[str, TenderKind] = {
    "card": TenderKind.CARD,
    "credit_card": TenderKind.CARD,
    "paypal": TenderKind.WALLET,
    "venmo": TenderKind.WALLET,
    "apple_pay": TenderKind.WALLET,
    "google_pay": TenderKind.WALLET,
    "cash_app": TenderKind.WALLET,
    "ach": TenderKind.BANK_DEBIT,
    "bank": TenderKind.BANK_DEBIT,
    "us_bank_account": TenderKind.BANK_DEBIT,
    "check": TenderKind.CHECK,
    "cash": TenderKind.CASH,
}
# Events that begin like this take money back: a new one is shown to a person.
FAMILIES = ("refund.", "dispute.", "chargeback.", "transaction.refund", "transaction.chargeback", "transaction.dispute")


@dataclass(frozen=True, slots=True)
class Transaction:
    """One transaction, opened: how its amounts are counted, and where its donor and campaign stand."""

    data: Mapping[str, Any]
    count: Callable[[object, object], Money]
    donor: Mapping[str, Any]
    fund: str = ""

    def money(self, name: str) -> Money:
        """An amount of it. Raises MoneyError."""
        return self.count(self.data.get(name), self.data.get("currency"))

    def money_or_none(self, name: str) -> Money | None:
        """An amount of it, where a missing or odd one does no harm."""
        try:
            return self.money(name)
        except MoneyError:
            return None

    @property
    def key(self) -> str:
        """Its id. Raises NotUnderstood: money without an id could be booked twice."""
        if found := ident(self.data):
            return found
        raise NotUnderstood("the transaction has no id")


# --- verify -----------------------------------------------------------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # nothing is dated
    """The place of the secret that stands in, or has signed for, the header ``Signature``. Raises BadSignature.

    The option ``signature`` says which: ``secret`` (most public receivers compare the header with the secret itself)
    or ``hmac`` (HMAC-SHA256 of the raw body, in hex). Never both, or the weaker one would always do.
    """
    sent = delivery.headers.get(HEADER, "").strip()
    if not sent:
        raise BadSignature("the Signature header is missing")
    if settings.options.get("signature", "secret") != "hmac":
        return place_of_match(settings.secrets, str.strip, [sent], "Signature")

    def expected(secret: str) -> str:
        return hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()

    return place_of_match(settings.secrets, expected, [sent.removeprefix("sha256=")], "Signature")


# --- parse ------------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What a stored event says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    body = read_exact_object(delivery.body)
    today, announced = text(body.get("event")), text(body.get("type"))
    kind, event_id = (today or announced)[:MAX_TYPE], ident(body)
    found = body.get("data")
    about = Parsed(
        event_id=event_id or ident(dig(found, "id")),
        type=kind,
        delivery_key=delivery_key(delivery.body, event_id, kind),
        occurred_at=instant(body.get("created_at")) or instant(dig(found, "transacted_at")),
    )
    with understood_as(about):
        if bool(today) == bool(announced):
            raise NotUnderstood("the body must name its event or its type, not both: one is in dollars, one in cents")
        reader = (TODAY if today else ANNOUNCED).get(kind)
        if reader is None:
            facts = stranger(kind, FAMILIES)
            return replace(about, facts=facts, note="" if facts else "not about the money of a gift")
        if not isinstance(found, dict):
            raise NotUnderstood(f"{kind} came without its data")
        fund_from = settings.options.get("fund_from", "") if settings else ""
        try:
            read = reader(_of_today(found, fund_from) if today else _announced(found))
        except MoneyError as error:
            raise NotUnderstood(f"{kind}: {error}") from error
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


def _of_today(data: Mapping[str, Any], fund_from: str) -> Transaction:
    """In dollars, donor beside the amounts."""
    fund = text(data.get("fund_code"))
    if not fund and fund_from == "campaign_code":
        fund = text(data.get("campaign_code"))
    return Transaction(data, major, data, fund)


def _announced(data: Mapping[str, Any]) -> Transaction:
    """In cents, donor in an object of its own, no fund."""
    donor = data.get("donor")
    return Transaction(data, minor, donor if isinstance(donor, dict) else {})


Reading = tuple[Fact, ...] | str


def _succeeded(found: Transaction) -> Reading:
    """transaction.succeeded, announced: transaction.created. The status decides."""
    key, status = found.key, text(found.data.get("status")).lower()
    if status not in STATUSES:
        sentence = "Givebutter gives this transaction a status that relay does not know: look at it there."
        return (Flag(text=sentence, parent_keys=(key,)),)
    if STATUSES[status]:
        return STATUSES[status]
    amount = found.money("amount")
    return (_gift(found, key, amount),) if amount.minor > 0 else "nothing was paid"


def _gift(found: Transaction, key: str, amount: Money) -> Gift:
    data = found.data
    method = text(data.get("payment_method")) or text(data.get("method"))
    payout = found.money_or_none("payout") or found.money_or_none("net_amount")
    return Gift(
        keys=(key,),
        amount=amount,
        occurred_at=instant(data.get("transacted_at")) or instant(data.get("created_at")),
        donor=_donor(found.donor),
        tender=Tender(kind=TENDERS.get(method.lower(), TenderKind.OTHER)),
        designations=fund_of(found.fund),
        anonymous=yes_or_no(data.get("anonymous")),
        recurring=bool(ident(data.get("plan_id"))) if "plan_id" in data else None,
        fee=amount - payout if payout and 0 <= payout.minor <= amount.minor else None,
        hold=_why_unsure(found, amount),
        sources=(plain(dict(data)),),
    )


def _why_unsure(found: Transaction, amount: Money) -> str:
    """Tickets and goods are sold in the same transactions: ``donated`` says how much was given."""
    donated = found.money_or_none("donated")
    if donated is None or donated == amount:
        return ""
    return f"Givebutter says that {donated} of these {amount} were donated: the rest was perhaps a ticket or goods."


def _donor(told: Mapping[str, Any]) -> Donor:
    first, last = text(told.get("first_name")), text(told.get("last_name"))
    address = told.get("address")
    where = address if isinstance(address, dict) else {}
    return Donor(
        name=name_of(first, last) if first or last else Name(full=text(told.get("company"))),
        email=text(told.get("email")),
        phone=text(told.get("phone")),
        address=Address(
            street1=text(where.get("address_1")),
            street2=text(where.get("address_2")),
            city=text(where.get("city")),
            state=text(where.get("state")),
            zip=text(where.get("zipcode")),
            country=text(where.get("country")),
        ),
    )


def _refund_created(found: Transaction) -> Reading:
    """refund.created: no body is public. Booked where it names refund, transaction and amount, else for a person."""
    own, parent = ident(found.data), ident(found.data.get("transaction_id"))
    amount = found.money_or_none("amount")
    if own and parent and own != parent and amount and amount.minor > 0:
        return (Refund(keys=(own,), parent_keys=(parent,), amount=amount, sources=(plain(dict(found.data)),)),)
    sentence = "A refund in Givebutter that does not name its transaction and amount: look at it there."
    return (Flag(text=sentence, parent_keys=present(parent, own)),)


def _refunded(found: Transaction) -> Reading:
    """transaction.refunded (announced): ``refund`` tells its id, its amount, and whether the bank took the money."""
    told = found.data.get("refund")
    own, amount = ident(dig(told, "id")), found.count(dig(told, "amount"), found.data.get("currency"))
    if not own or amount.minor <= 0:
        sentence = "A refund in Givebutter without an id or an amount: look at it there."
        return (Flag(text=sentence, parent_keys=(found.key,)),)
    taken = "chargeback" in text(dig(told, "reason")).lower()
    refund = Refund(
        keys=(own,),
        parent_keys=(found.key,),
        amount=amount,
        reason=RefundReason.CHARGEBACK if taken else RefundReason.REFUND,
        occurred_at=instant(dig(told, "refunded_at")),
        sources=(plain(dict(found.data)),),
    )
    return (refund,)


# Their event of today (in dollars), and their type of the announced scheme (in cents) -> who reads it. Everything else
# is kept, counted and ignored: plan.*, contact.*, campaign.*, ticket.*, transaction.updated.
TODAY: Mapping[str, Callable[[Transaction], Reading]] = {
    "transaction.succeeded": _succeeded,
    "refund.created": _refund_created,
}
ANNOUNCED: Mapping[str, Callable[[Transaction], Reading]] = {
    "transaction.created": _succeeded,
    "transaction.refunded": _refunded,
}

GIVEBUTTER = Provider(name="givebutter", verify=verify, parse=parse)
