"""A payment of Mollie's as it stands now: its gift, who gave it and how, and whatever was given back or taken."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from relay.errors import FetchFailed, NotUnderstood
from relay.gifts import Address, Donor, Fact, Flag, Gift, Name, Refund, RefundReason, Reinstatement, Tender, TenderKind
from relay.money import Money
from relay.providers import letters, metadata
from relay.providers.asking import path_id
from relay.providers.base import dig, ident, text
from relay.providers.times import instant

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
# Asks for a customer by id, where the payment names no e-mail address.
CustomerOf = Callable[[str], dict[str, Any]]


def why_not(found: list[dict[str, Any]]) -> str:
    return UNPAID.get(text(found[0].get("status")), "nothing was paid") if found else "nothing was paid"


def facts(customer_of: CustomerOf, payment: dict[str, Any]) -> Iterator[Fact]:
    """A payment as it stands now: its gift, and whatever was given back or taken."""
    name, status = ident(payment), text(payment.get("status"))[:40]
    if status != PAID:
        if status not in UNPAID:
            yield Flag(text=f"A payment with the status '{status}': look at it in Mollie.", parent_keys=(name,))
        return
    yield _gift(customer_of, payment)
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
            reason=RefundReason.CHARGEBACK,
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


def _gift(customer_of: CustomerOf, payment: dict[str, Any]) -> Gift:
    customer = {} if _has_email(payment) else customer_of(ident(payment.get("customerId")))
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
        return letters.inside(told) if isinstance(told, str) else told
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
