"""Mollie: a webhook that is one id and unsigned; what happened is asked of the API. Signed next-gen events as well.

https://docs.mollie.com/reference/webhooks, https://docs.mollie.com/reference/get-payment. Where to put the webhook's
address, and what an unsigned webhook is worth: docs/providers/mollie.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs

from relay.config import ProviderSettings
from relay.errors import BadSignature, FetchFailed, NotUnderstood, Unreadable
from relay.gifts import Address, Donor, Fact, Flag, Gift, Name, Refund, RefundReason, Reinstatement, Tender, TenderKind
from relay.money import Money
from relay.providers import metadata
from relay.providers.asking import address, completed, path_id, read_answer
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    dig,
    ident,
    read_json,
    text,
    understood_as,
    without_nul,
)
from relay.providers.calling import Caller
from relay.providers.signatures import place_of_match, place_of_token
from relay.providers.times import instant

HEADER = "x-mollie-signature"
ADDRESSES = {"live": "https://api.mollie.com"}
MAX_TYPE = 100
CLASSIC = "payment"

# How an id begins -> what it is an id of, and can be asked for.
KINDS: Mapping[str, str] = {"tr_": "payment", "pl_": "payment-link"}
# Next-gen events about the money of a gift (https://docs.mollie.com/reference/webhooks-new).
NEXT_GEN: Mapping[str, str] = {"payment-link.paid": "payment-link"}
# payment.status -> why it is no gift (https://docs.mollie.com/docs/status-change); neither here nor paid: odd.
UNPAID: Mapping[str, str] = {
    "open": "the donor has not paid yet",
    "pending": "the money is on its way",
    "authorized": "authorized, not captured",
    "canceled": "the donor canceled the payment",
    "expired": "the donor did not pay in time",
    "failed": "the payment failed",
}
PAID = "paid"
# refund.status -> what happened (https://docs.mollie.com/reference/get-refund).
REFUND_WAITS = frozenset({"queued", "pending", "processing", "canceled"})
REFUNDED, REFUND_FAILED = "refunded", "failed"
_BANKS = "ideal bancontact banktransfer directdebit belfius kbc sofort eps giropay trustly przelewy24 blik mybank"
# payment.method -> how the donor paid; what is not here is "other".
TENDERS: Mapping[str, TenderKind] = {
    "creditcard": TenderKind.CARD,
    "pointofsale": TenderKind.CARD,
    **dict.fromkeys(("applepay", "googlepay", "paypal", "mbway", "satispay", "twint"), TenderKind.WALLET),
    **dict.fromkeys(_BANKS.split(), TenderKind.BANK_DEBIT),
}
CARD_TYPES: Mapping[str, str] = {
    "Visa": "Visa",
    "Mastercard": "MasterCard",
    "American Express": "American Express",
    "Discover": "Discover",
}


# --- verify --------------------------------------------------------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """Classic: the secret in the address. Next-gen: HMAC-SHA256 over the raw body, in hex. Raises BadSignature."""
    if HEADER not in delivery.headers:
        return place_of_token(settings.secrets, delivery.token)
    scheme, equals, sent = delivery.headers[HEADER].strip().partition("=")
    if scheme != "sha256" or not equals:
        raise BadSignature("the X-Mollie-Signature header is not sha256=...")

    def expected(secret: str) -> str:
        return hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()

    return place_of_match(settings.secrets, expected, [sent.strip()], "X-Mollie-Signature")


# --- parse ---------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:  # noqa: ARG001  # no option matters
    """What has changed. Raises Unreadable (neither a form nor JSON) or NotUnderstood."""
    if delivery.body.lstrip()[:1] == b"{":
        return _next_gen(delivery)
    try:
        named = parse_qs(delivery.body.decode().strip(), strict_parsing=True, max_num_fields=20).get("id", [])
    except ValueError:
        raise Unreadable("the body is not the form that Mollie sends") from None
    if len(named) != 1:
        raise Unreadable("the form does not hold one id")
    # One body for whatever happens to a payment: no two deliveries are the same event.
    about = Parsed(event_id="", type=CLASSIC, delivery_key="")
    with understood_as(about):
        return _asked(about, named[0].replace("\x00", ""))


def _next_gen(delivery: Delivery) -> Parsed:
    body = read_json(delivery.body)
    # The SDK's own tests write event_type.
    kind = (text(body.get("type")) or text(body.get("event_type")))[:MAX_TYPE]
    about = Parsed(
        event_id=ident(body),
        type=kind,
        delivery_key=delivery_key(delivery.body, ident(body), kind, ident(body.get("entityId"))),
        live={"live": True, "test": False}.get(text(dig(body, "_embedded", "entity", "mode"))),
        occurred_at=instant(body.get("createdAt")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the event has no type")
        if kind not in NEXT_GEN and not kind.startswith("payment."):
            return completed(about, note="not about the money of a gift")
        return _asked(about, body.get("entityId"))


def _asked(about: Parsed, named: object) -> Parsed:
    name = path_id(named, "payment")
    kind = KINDS.get(name[:3])
    if kind is None:
        return completed(about, note="the id of something else than a payment")
    return completed(about, wanted=f"{kind} {name}")


# --- fetch ---------------------------------------------------------------------------------------------------------


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask for the payment as it stands now, with its refunds and chargebacks. Raises FetchFailed, NotUnderstood."""
    about = parse(delivery, settings)
    kind, _, name = about.wanted.partition(" ")
    if not kind:
        return about
    api = Api(settings, caller)
    with understood_as(about):
        paid = list(READERS[kind](api, name))
        facts = tuple(fact for payment in paid for fact in _facts(api, payment))
        modes = {text(payment.get("mode")) for payment in paid}
    live = {"live": True, "test": False}.get(modes.pop()) if len(modes) == 1 else None
    return completed(about, live=live, facts=facts, note="" if facts else _why_not(paid))


class Api:
    """Mollie's API, as far as it is read. The key of a website profile is live or test; the address is the same."""

    def __init__(self, settings: ProviderSettings, caller: Caller) -> None:
        """The API key is an option."""
        self._base, self._caller = address(settings, ADDRESSES), caller
        self._headers = {"Authorization": f"Bearer {settings.options.get('api_key', '')}"}

    def get(self, path: str) -> dict[str, Any]:
        """One answer. Raises FetchFailed."""
        return read_answer(self._caller.get(f"{self._base}/v2/{path}", headers=self._headers))

    def payment(self, name: str) -> dict[str, Any]:
        """A payment with what was taken from it. Raises FetchFailed or NotUnderstood."""
        found = self.get(f"payments/{name}?embed=refunds,chargebacks")
        if ident(found) != name:
            raise NotUnderstood("Mollie answered with something else than the payment asked for")
        return found

    def customer(self, name: str) -> dict[str, Any]:
        """A customer; {} where they are gone."""
        try:
            return self.get(f"customers/{path_id(name, 'customer')}") if name else {}
        except FetchFailed as error:
            if error.again:
                raise
            return {}


def _payment(api: Api, name: str) -> Iterator[dict[str, Any]]:
    yield api.payment(name)


def _payments_of_link(api: Api, name: str) -> Iterator[dict[str, Any]]:
    """A payment link may be paid more than once (https://docs.mollie.com/reference/get-payment-link-payments)."""
    listed = dig(api.get(f"payment-links/{name}/payments?limit=250"), "_embedded", "payments")
    if not isinstance(listed, list):
        raise NotUnderstood("Mollie did not tell the payments of the link")
    for one in listed:
        if text(dig(one, "status")) == PAID:
            yield api.payment(path_id(one, "payment"))


READERS: Mapping[str, Callable[[Api, str], Iterator[dict[str, Any]]]] = {
    "payment": _payment,
    "payment-link": _payments_of_link,
}


def _why_not(found: list[dict[str, Any]]) -> str:
    return UNPAID.get(text(found[0].get("status")), "nothing was paid") if found else "nothing was paid"


def _facts(api: Api, payment: dict[str, Any]) -> Iterator[Fact]:
    """A payment as it stands now: its gift, and whatever was given back or taken."""
    name, status = ident(payment), text(payment.get("status"))[:40]
    if status != PAID:
        if status not in UNPAID:
            yield Flag(text=f"A payment with the status '{status}': look at it in Mollie.", parent_keys=(name,))
        return
    yield _gift(api, payment)
    for refund in _listed(payment, "refunds", "amountRefunded"):
        yield from _refund(refund, name)
    for chargeback in _listed(payment, "chargebacks", "amountChargedBack"):
        yield from _chargeback(chargeback, name)


def _listed(payment: dict[str, Any], what: str, total: str) -> list[dict[str, Any]]:
    """What is embedded. Raises FetchFailed where the total says that something is missing."""
    listed = dig(payment, "_embedded", what)
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not found and payment.get(total) and _money(payment[total]).minor:
        raise FetchFailed(f"Mollie tells a total of {what}, and none of them", again=True)
    return found


def _money(told: object) -> Money:
    """``{"currency": "EUR", "value": "10.00"}``. Raises MoneyError."""
    return Money.parse(dig(told, "value"), dig(told, "currency"))


def _above_zero(told: object) -> Money:
    if (money := _money(told)).minor > 0:
        return money
    raise NotUnderstood("Mollie told no amount above zero")


def _refund(refund: dict[str, Any], payment: str) -> Iterator[Fact]:
    status, name, when = text(refund.get("status"))[:40], path_id(refund, "refund"), instant(refund.get("createdAt"))
    if status == REFUNDED:
        amount = _above_zero(refund.get("amount"))
        yield Refund(keys=(name,), parent_keys=(payment,), amount=amount, occurred_at=when, sources=(refund,))
    elif status == REFUND_FAILED:
        said = "The refund failed; Mollie has the money again."
        amount = _above_zero(refund.get("amount"))
        yield Reinstatement(refund_keys=(name,), parent_keys=(payment,), amount=amount, text=said, occurred_at=when)
    elif status not in REFUND_WAITS:
        yield Flag(text=f"A refund with the status '{status}': look at it in Mollie.", parent_keys=(payment,))


def _chargeback(chargeback: dict[str, Any], payment: str) -> Iterator[Fact]:
    name, amount = path_id(chargeback, "chargeback"), _above_zero(chargeback.get("amount"))
    if reversed_at := chargeback.get("reversedAt"):
        yield Reinstatement(
            refund_keys=(name,),
            parent_keys=(payment,),
            amount=amount,
            text="The chargeback was reversed; Mollie has the money again.",
            occurred_at=instant(reversed_at),
        )
        return
    yield Refund(
        keys=(name,),
        parent_keys=(payment,),
        amount=amount,
        reason=RefundReason.CHARGEBACK,
        occurred_at=instant(chargeback.get("createdAt")),
        sources=(chargeback,),
    )


def _gift(api: Api, payment: dict[str, Any]) -> Gift:
    customer = {} if _has_email(payment) else api.customer(ident(payment.get("customerId")))
    words = metadata.merged(_words(payment.get("metadata")), _words(customer.get("metadata")))
    amount = _above_zero(payment.get("amountCaptured") or payment.get("amount"))
    return Gift(
        keys=(ident(payment),),
        amount=amount,
        occurred_at=instant(payment.get("paidAt")) or instant(payment.get("createdAt")),
        donor=metadata.completed(_donor(payment, customer), words),
        tender=_tender(payment),
        designations=metadata.designations(words, amount.currency),
        recurring={"oneoff": False, "first": True, "recurring": True}.get(text(payment.get("sequenceType"))),
        sources=(payment, customer) if customer else (payment,),
        **metadata.gift_fields(words),
    )


def _words(told: object) -> object:
    """Metadata is whatever was sent: an object, or a text that holds one."""
    try:
        return without_nul(json.loads(told, parse_float=str)) if isinstance(told, str) else told
    except (ValueError, RecursionError):
        return {}


def _has_email(payment: dict[str, Any]) -> bool:
    return bool(text(dig(payment, "billingAddress", "email")) or _paypal_email(payment))


def _paypal_email(payment: dict[str, Any]) -> str:
    """PayPal's account is an e-mail address; a bank's is an IBAN."""
    account = text(dig(payment, "details", "consumerAccount"))
    return account if "@" in account else ""


def _donor(payment: dict[str, Any], customer: dict[str, Any]) -> Donor:
    told = payment.get("billingAddress")

    def said(name: str) -> str:
        return text(dig(told, name))

    name = Name(title=said("title"), first=said("givenName"), last=said("familyName"))
    payer = text(dig(payment, "details", "consumerName")) or text(dig(payment, "details", "cardHolder"))
    whole = payer or text(customer.get("name")) or said("organizationName")
    return Donor(
        name=name if name.first and name.last else Name(full=whole),
        email=said("email") or _paypal_email(payment) or text(customer.get("email")),
        phone=said("phone"),
        address=Address(
            street1=said("streetAndNumber"),
            street2=said("streetAdditional"),
            city=said("city"),
            state=said("region"),
            zip=said("postalCode"),
            country=said("country"),
        ),
    )


def _tender(payment: dict[str, Any]) -> Tender:
    kind = TENDERS.get(text(payment.get("method")), TenderKind.OTHER)
    last4 = text(dig(payment, "details", "cardNumber"))[-4:]
    return Tender(
        kind=kind,
        card_type=CARD_TYPES.get(text(dig(payment, "details", "cardLabel")), ""),
        last4=last4 if len(last4) == 4 and last4.isascii() and last4.isdigit() else "",
    )


MOLLIE = Provider(name="mollie", verify=verify, parse=parse, fetch=fetch)
