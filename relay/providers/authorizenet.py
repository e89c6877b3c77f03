"""Authorize.Net: notifications signed with ``X-ANET-Signature``; what they mean is asked of the API.

https://developer.authorize.net/api/reference/features/webhooks.html,
https://developer.authorize.net/api/reference/#transaction-reporting-get-transaction-details. What to switch on, and why
the odd ones are read as they are: docs/providers/authorizenet.md.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.config import ProviderSettings
from relay.errors import BadSignature, FetchFailed, NotUnderstood
from relay.gifts import Address, Designation, Donor, Fact, Flag, Gift, Name, Refund, Reinstatement, Tender, TenderKind
from relay.money import Money
from relay.providers.asking import LIVE, SANDBOX, address, completed, environment, path_id, read_answer
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    dig,
    first,
    ident,
    present,
    read_json,
    stranger,
    text,
    understood_as,
)
from relay.providers.calling import Caller
from relay.providers.signatures import place_of_match
from relay.providers.times import instant

HEADER = "x-anet-signature"
SCHEME = "sha512"
# https://developer.authorize.net/api/reference/index.html#gettingstarted-section-section-header
ADDRESSES = {
    LIVE: "https://api.authorize.net/xml/v1/request.api",
    SANDBOX: "https://apitest.authorize.net/xml/v1/request.api",
}
MAX_TYPE = 100
PREFIX = "net.authorize."

# Their event (behind PREFIX) that may move money, once its responseCode says "approved".
ASK = frozenset(
    {
        "payment.authcapture.created",
        "payment.capture.created",
        "payment.priorAuthCapture.created",
        "payment.refund.created",
        "payment.void.created",
        "payment.fraud.approved",
    }
)
# Of the same family, why these need no asking.
WHY_NOT: Mapping[str, str] = {
    "payment.authorization.created": "authorized, not captured",
    "payment.fraud.held": "held by a fraud filter; approved or declined is told later",
    "payment.fraud.declined": "held by a fraud filter, then declined",
    "customer.subscription.created": "a subscription began; each of its payments is told by itself",
}
# Events that begin like this move money: a new one is shown to a person.
FAMILIES = ("payment.",)
APPROVED = 1
# payload.responseCode -> why there is no money; what is not here is what the portal's test button invents.
RESPONSES: Mapping[int, str] = {2: "the transaction was declined", 3: "the transaction failed", 4: "held for review"}
# transactionStatus -> what became of the money
# (https://developer.authorize.net/api/reference/#transaction-reporting-get-transaction-details).
CAPTURED = frozenset({"capturedPendingSettlement", "settledSuccessfully", "updatingSettlement", "pendingSettlement"})
REFUNDED = frozenset({"refundPendingSettlement", "refundSettledSuccessfully"})
VOIDED = "voided"
NO_MONEY: Mapping[str, str] = {
    "authorizedPendingCapture": "authorized, not captured",
    "FDSPendingReview": "held by a fraud filter; approved or declined is told later",
    "FDSAuthorizedPendingReview": "held by a fraud filter; approved or declined is told later",
    "declined": "the transaction was declined",
    "expired": "the authorization expired",
    "failedReview": "the transaction did not pass its review",
    "generalError": "the transaction failed",
}
CARD_TYPES: Mapping[str, str] = {
    "Visa": "Visa",
    "MasterCard": "MasterCard",
    "AmericanExpress": "American Express",
    "Discover": "Discover",
}


# --- verify: the page above, "Verifying the notification" -----------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """The place of the Signature Key that made the header. Raises BadSignature.

    HMAC-SHA512 over the raw body; the key is the 128 digits as text, not what they encode. Hex in either case.
    """
    scheme, equals, sent = delivery.headers.get(HEADER, "").strip().partition("=")
    if scheme.strip().lower() != SCHEME or not equals:
        raise BadSignature("the X-ANET-Signature header is missing or not sha512=...")

    def expected(secret: str) -> str:
        return hmac.new(secret.encode(), delivery.body, hashlib.sha512).hexdigest().upper()

    return place_of_match(settings.secrets, expected, [sent.strip().upper()], "X-ANET-Signature")


# --- parse ---------------------------------------------------------------------------------------------------------


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What a notification says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    body = read_json(delivery.body)
    kind, payload = text(body.get("eventType"))[:MAX_TYPE], body.get("payload")
    about = Parsed(
        event_id=ident(body.get("notificationId")),
        type=kind,
        delivery_key=delivery_key(delivery.body, ident(body.get("notificationId")), kind, ident(payload)),
        live=environment(settings) == LIVE if settings else None,
        occurred_at=instant(body.get("eventDate")),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the notification has no type")
        name = kind.removeprefix(PREFIX)
        if name not in ASK:
            if name not in WHY_NOT and (facts := stranger(name, FAMILIES)):
                return completed(about, facts=facts)
            return completed(about, note=WHY_NOT.get(name, "not about the money of a gift"))
        return _asked(about, payload)


def _asked(about: Parsed, payload: object) -> Parsed:
    told = dig(payload, "responseCode")
    code = told if type(told) is int else 0
    if code != APPROVED:
        known = RESPONSES.get(code)
        return completed(about, note=known or "its response code is no transaction's; the test button sends such")
    return completed(about, wanted=f"transaction {path_id(dig(payload, 'id'), 'transaction')}")


# --- fetch ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Transaction:
    """``transaction`` of the answer, with what only the configuration knows."""

    found: dict[str, Any]
    currency: str
    fund_from: str
    when: datetime | None

    @property
    def id(self) -> str:
        """Its own id; the ledger's key of the payment."""
        return ident(self.found.get("transId"))

    @property
    def is_refund(self) -> bool:
        """Whether it gives money back."""
        return self.said("transactionType") == "refundTransaction"

    @property
    def parents(self) -> tuple[str, ...]:
        """The transaction that a refund gives back; none for a credit without one."""
        return present(ident(self.found.get("refTransId")))

    def said(self, *path: str) -> str:
        """A text of it, blank where there is none."""
        return text(dig(self.found, *path))

    def money(self) -> Money:
        """What settles, else (a void may settle nothing) what was authorized. Raises MoneyError or NotUnderstood."""
        told = [amount for name in ("settleAmount", "authAmount") if (amount := self.found.get(name)) is not None]
        amounts = [Money.parse(amount, self.said("currencyCode") or self.currency) for amount in told]
        if money := first([amount for amount in amounts if amount.minor > 0]):
            found: Money = money
            return found
        raise NotUnderstood("Authorize.Net told no amount above zero")


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask for the transaction the notification names; its status decides. Raises FetchFailed, NotUnderstood."""
    about = parse(delivery, settings)
    if not about.wanted:
        return about
    with understood_as(about):
        options = settings.options
        transaction = Transaction(
            found=_details(settings, caller, about.wanted.partition(" ")[2]),
            currency=options.get("currency", "").strip() or "USD",
            fund_from=options.get("fund_from", ""),
            when=about.occurred_at,
        )
        facts, note = _read(transaction)
    return completed(about, facts=facts, note=note)


def _details(settings: ProviderSettings, caller: Caller, name: str) -> dict[str, Any]:
    """Ask for one transaction. The API reads JSON in the order of its XML schema, credentials first."""
    credentials = {
        "name": settings.options.get("login_id", ""),
        "transactionKey": settings.options.get("transaction_key", ""),
    }
    question = {"getTransactionDetailsRequest": {"merchantAuthentication": credentials, "transId": name}}
    headers = {"Content-Type": "application/json"}
    answer = read_answer(caller.post(address(settings, ADDRESSES), json.dumps(question).encode(), headers=headers))
    found = answer.get("transaction")
    if dig(answer, "messages", "resultCode") != "Ok" or not isinstance(found, dict):
        raise _refused(answer)
    if ident(found.get("transId")) != name:
        raise NotUnderstood("Authorize.Net answered with another transaction than the one asked for")
    return found


def _refused(answer: dict[str, Any]) -> FetchFailed:
    """Errors come with HTTP 200 and a code; all may be mended: a key, a permission, a transaction not yet known.

    https://developer.authorize.net/api/reference/responseCodes.html
    """
    code = text(dig(answer, "messages", "message", 0, "code"))[:20] or "no code"
    everybody = code in {"E00001", "E00005", "E00006", "E00007", "E00008", "E00010", "E00011", "E00053", "E00104"}
    return FetchFailed(f"Authorize.Net's API refused ({code})", again=True, silent=everybody)


Reading = tuple[tuple[Fact, ...], str]


def _read(one: Transaction) -> Reading:
    """A transaction as it stands now."""
    status = one.said("transactionStatus")[:40]
    if status == VOIDED:
        return _voided(one), ""
    if one.is_refund and status in REFUNDED:
        return (_refund(one),), ""
    if not one.is_refund and status in CAPTURED:
        return (_gift(one),), ""
    if status in NO_MONEY:
        return (), NO_MONEY[status]
    said = f"A transaction with the status '{status}': look at it in Authorize.Net."
    return (Flag(text=said, parent_keys=one.parents or (one.id,)),), ""


def _refund(one: Transaction) -> Refund:
    return Refund(
        keys=(one.id,),
        parent_keys=one.parents,
        amount=one.money(),
        occurred_at=instant(one.found.get("submitTimeUTC")) or one.when,
        sources=(one.found,),
    )


def _voided(one: Transaction) -> tuple[Fact, ...]:
    """Ended before it settled: a gift that was booked goes back, a refund that was booked did not happen."""
    if one.is_refund:
        said = "The refund was voided before it settled; the organization keeps the money."
        amount = one.money()
        return (Reinstatement(refund_keys=(one.id,), parent_keys=one.parents, amount=amount, text=said),)
    back = Refund(
        keys=(f"{one.id}:void",),
        parent_keys=(one.id,),
        amount=one.money(),
        only_if_booked=True,
        occurred_at=one.when,
        sources=(one.found,),
    )
    return (back,)


def _gift(one: Transaction) -> Gift:
    recurring = bool(one.said("subscription", "id")) or one.found.get("recurringBilling") is True
    return Gift(
        keys=(one.id,),
        amount=one.money(),
        occurred_at=instant(one.found.get("submitTimeUTC")) or one.when,
        donor=_donor(one),
        tender=_tender(one.found.get("payment")),
        designations=_designations(one),
        recurring=recurring,
        sources=(one.found,),
    )


def _designations(one: Transaction) -> tuple[Designation, ...]:
    """The invoice number or the description as fund, only where that is configured: most shops number invoices."""
    field = {"invoice_number": "invoiceNumber", "description": "description"}.get(one.fund_from, "")
    fund = one.said("order", field) if field else ""
    return (Designation(fund=fund),) if fund else ()


def _donor(one: Transaction) -> Donor:
    name = Name(first=one.said("billTo", "firstName"), last=one.said("billTo", "lastName"))
    owner = one.said("billTo", "company") or one.said("payment", "bankAccount", "nameOnAccount")
    street, _, more = one.said("billTo", "address").partition("\n")
    return Donor(
        name=name if name != Name() else Name(full=owner),
        email=one.said("customer", "email") or one.said("billTo", "email"),
        phone=one.said("billTo", "phoneNumber"),
        address=Address(
            street1=street.strip(),
            street2=more.strip(),
            city=one.said("billTo", "city"),
            state=one.said("billTo", "state"),
            zip=one.said("billTo", "zip"),
            country=one.said("billTo", "country"),
        ),
    )


def _tender(payment: object) -> Tender:
    """A masked card (XXXX4444, its expiry never told) or a bank account."""
    card, bank = dig(payment, "creditCard"), dig(payment, "bankAccount")
    kind = TenderKind.CARD if card else TenderKind.BANK_DEBIT if bank else TenderKind.OTHER
    last4 = (text(dig(card, "cardNumber")) or text(dig(bank, "accountNumber")))[-4:]
    return Tender(
        kind=kind,
        card_type=CARD_TYPES.get(text(dig(card, "cardType")), ""),
        last4=last4 if len(last4) == 4 and last4.isascii() and last4.isdigit() else "",
    )


AUTHORIZENET = Provider(name="authorizenet", verify=verify, parse=parse, fetch=fetch)
