"""GoCardless: events without amounts, signed with ``Webhook-Signature``; what they mean is asked of the API.

https://developer.gocardless.com/getting-started/staying-up-to-date-with-webhooks,
https://developer.gocardless.com/api-reference/#appendix-events. What to switch on at GoCardless, and why the odd ones
are read as they are: docs/providers/gocardless.md.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import orjson

from relay.config import ProviderSettings
from relay.errors import FetchFailed, NotUnderstood
from relay.gifts import Address, Donor, Fact, Flag, Gift, Name, Refund, RefundReason, Reinstatement, Tender, TenderKind
from relay.money import Money, parse_currency
from relay.providers import metadata
from relay.providers.asking import LIVE, SANDBOX, address, completed, environment, path_id, read_answer
from relay.providers.base import (
    Delivery,
    Parsed,
    Provider,
    delivery_key,
    dig,
    ident,
    present,
    read_json,
    stranger,
    text,
    understood_as,
)
from relay.providers.calling import Caller
from relay.providers.signatures import place_of_match
from relay.providers.times import day, instant

HEADER = "webhook-signature"
ADDRESSES = {LIVE: "https://api.gocardless.com", SANDBOX: "https://api-sandbox.gocardless.com"}
# https://developer.gocardless.com/api-reference/#making-requests-versions
VERSION = "2015-07-06"
MAX_TYPE = 100

# Their event -> the object to ask for. All of one payment are read from its state, so the order does not matter.
ASK: Mapping[str, str] = {
    "payments.confirmed": "payment",
    "payments.paid_out": "payment",
    "payments.failed": "payment",
    "payments.late_failure_settled": "payment",
    "payments.charged_back": "payment",
    "payments.chargeback_settled": "payment",
    "payments.chargeback_cancelled": "payment",
    "refunds.paid": "refund",
    "refunds.refund_settled": "refund",
    "refunds.failed": "refund",
    "refunds.bounced": "refund",
    "refunds.funds_returned": "refund",
}
# Of the families above, why these need no asking.
WHY_NOT: Mapping[str, str] = {
    "payments.created": "the money is on its way",
    "payments.customer_approval_granted": "the money is on its way",
    "payments.customer_approval_denied": "the donor did not approve the payment",
    "payments.submitted": "the money is on its way",
    "payments.cancelled": "the payment was cancelled before it was collected",
    "payments.surcharge_fee_debited": "a fee, not the money of a gift",
    "refunds.created": "the refund is on its way",
}
# Events that begin like this move money: a new one is shown to a person.
FAMILIES = ("payments.", "refunds.")
RESUBMITTED = "payments.resubmission_requested"
RETRIED = (
    "This payment failed after it was booked, and is tried again: if it succeeds, GoCardless has the money and its "
    "refund in Luminate is one too many."
)
# payment.status -> whether the organization has the money (https://developer.gocardless.com/api-reference/#core-endpoints-payments).
PAID = frozenset({"confirmed", "paid_out"})
UNPAID: Mapping[str, str] = {
    "pending_customer_approval": "the donor has not approved the payment yet",
    "pending_submission": "the money is on its way",
    "submitted": "the money is on its way",
    "cancelled": "the payment was cancelled before it was collected",
    "customer_approval_denied": "the donor did not approve the payment",
}
# The bank took the money back, or never gave it; the key of the refund, and how it is said.
REVERSED: Mapping[str, str] = {"failed": "failed", "charged_back": "been charged back"}
# refund.status -> (https://developer.gocardless.com/api-reference/#core-endpoints-refunds).
REFUND_PENDING = frozenset({"created", "pending_submission", "submitted"})
REFUND_UNDONE = frozenset({"failed", "cancelled", "bounced", "funds_returned"})
# The currencies GoCardless collects; all have hundredths.
CURRENCIES = frozenset({"AUD", "CAD", "DKK", "EUR", "GBP", "NZD", "SEK", "USD"})


# --- verify: https://developer.gocardless.com/api-reference/#webhooks-signing-webhooks -----------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # no time is signed
    """The place of the secret that made the header: HMAC-SHA256 over the raw body, in hex. Raises BadSignature."""

    def expected(secret: str) -> str:
        return hmac.new(secret.encode(), delivery.body, hashlib.sha256).hexdigest()

    sent = delivery.headers.get(HEADER, "").strip()
    return place_of_match(settings.secrets, expected, [sent] if sent else [], "Webhook-Signature")


# --- parse ---------------------------------------------------------------------------------------------------------


def split(delivery: Delivery) -> Sequence[Delivery]:
    """Up to 250 events come in one body; each is stored and judged apart. Raises Unreadable."""
    found = read_json(delivery.body).get("events")
    if not isinstance(found, list) or len(found) < 2:
        return (delivery,)
    return [Delivery(orjson.dumps({"events": [event]}), delivery.headers, address=delivery.address) for event in found]


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What one event says. Raises Unreadable (not JSON) or NotUnderstood (genuine, yet not readable)."""
    found = read_json(delivery.body).get("events")
    event = found[0] if isinstance(found, list) and len(found) == 1 and isinstance(found[0], dict) else {}
    words = [text(event.get(name)) for name in ("resource_type", "action")]
    kind = ".".join(words)[:MAX_TYPE] if all(words) else ""
    about = Parsed(
        event_id=ident(event),
        type=kind,
        delivery_key=delivery_key(delivery.body, ident(event), kind, _print_of(event)),
        live=environment(settings) == LIVE if settings else None,
        occurred_at=instant(event.get("created_at")),
    )
    with understood_as(about):
        if found == []:
            return completed(about, note="no event in it")
        if not kind:
            raise NotUnderstood("the body does not hold one event with a resource and an action")
        return _judged(about, event)


def _judged(about: Parsed, event: dict[str, Any]) -> Parsed:
    if about.type == RESUBMITTED:
        retried = Flag(text=RETRIED, parent_keys=present(ident(dig(event, "links", "payment"))), only_if_booked=True)
        return completed(about, facts=(retried,), note="the payment is tried again")
    if what := ASK.get(about.type):
        return completed(about, wanted=f"{what} {path_id(dig(event, 'links', what), what)}")
    if about.type in WHY_NOT:
        return completed(about, note=WHY_NOT[about.type])
    facts = stranger(about.type, FAMILIES, present(ident(dig(event, "links", "payment"))))
    return completed(about, facts=facts, note="" if facts else "not about the money of a gift")


def _print_of(event: dict[str, Any]) -> str:
    """Public recordings show one event id on three different bodies, so the body counts too, whatever its layout."""
    return hashlib.sha256(orjson.dumps(event, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


# --- fetch ---------------------------------------------------------------------------------------------------------


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask for the payment or refund the event names; its status decides. Raises FetchFailed, NotUnderstood."""
    about = parse(delivery, settings)
    what, _, name = about.wanted.partition(" ")
    if not what:
        return about
    event = read_json(delivery.body)["events"][0]
    api = Api(settings, caller)
    with understood_as(about):
        facts, note = READERS[what](api, name, event)
    return completed(about, facts=facts, note=note)


class Api:
    """GoCardless's API, as far as it is read."""

    def __init__(self, settings: ProviderSettings, caller: Caller) -> None:
        """The access token is an option; it may be read-only."""
        self._base, self._caller = address(settings, ADDRESSES), caller
        token = settings.options.get("access_token", "")
        self._headers = {"Authorization": f"Bearer {token}", "GoCardless-Version": VERSION}

    def get(self, kind: str, name: str) -> dict[str, Any]:
        """One object. Raises FetchFailed, or NotUnderstood where the answer is about something else."""
        answer = read_answer(self._caller.get(f"{self._base}/{kind}/{name}", headers=self._headers))
        found = answer.get(kind)
        if not isinstance(found, dict) or ident(found) != name:
            raise NotUnderstood(f"GoCardless answered with something else than the {kind} asked for")
        return found

    def get_if_any(self, kind: str, name: str) -> dict[str, Any]:
        """The same, {} where it is gone: a donor may have had their data removed."""
        try:
            return self.get(kind, name) if name else {}
        except FetchFailed as error:
            if error.again:
                raise
            return {}


Reading = tuple[tuple[Fact, ...], str]


def _payment(api: Api, name: str, event: dict[str, Any]) -> Reading:
    """A payment as it stands now; an event from before does not count against it."""
    payment, action = api.get("payments", name), text(event.get("action"))
    status = text(payment.get("status"))[:40]
    if status in PAID:
        gift = _gift(payment, _donor(api, payment), event)
        return ((gift, _won(payment, event)) if action == "chargeback_cancelled" else (gift,)), ""
    if status in REVERSED:
        return _reversed(payment, status, event)
    if status in UNPAID:
        return (), UNPAID[status]
    return (Flag(text=f"A payment with the status '{status}': look at it in GoCardless.", parent_keys=(name,)),), ""


def _reversed(payment: dict[str, Any], status: str, event: dict[str, Any]) -> Reading:
    action = text(event.get("action"))
    if action in ("confirmed", "paid_out"):
        return (), f"the payment has {REVERSED[status]} since"
    if action == "chargeback_cancelled":
        raise FetchFailed("GoCardless's API still says that the payment is charged back", again=True)
    return (_taken(payment, status, event),), ""


def _gift(payment: dict[str, Any], customer: dict[str, Any], event: dict[str, Any]) -> Gift:
    words = metadata.merged(payment.get("metadata"), event.get("resource_metadata"), customer.get("metadata"))
    amount, charged = _money(payment), day(payment.get("charge_date"))
    links = payment.get("links")
    return Gift(
        keys=(ident(payment),),
        amount=amount,
        occurred_at=None if charged else instant(payment.get("created_at")),
        occurred_on=charged,
        donor=metadata.completed(_person(customer), words),
        tender=Tender(kind=TenderKind.BANK_DEBIT),
        designations=metadata.designations(words, amount.currency),
        recurring=bool(present(dig(links, "subscription"), dig(links, "instalment_schedule"))),
        sources=(payment, customer) if customer else (payment,),
        **metadata.gift_fields(words),
    )


def _money(found: dict[str, Any]) -> Money:
    """Whole hundredths, above zero. Raises NotUnderstood (or MoneyError)."""
    amount, currency = found.get("amount"), parse_currency(found.get("currency"))
    if type(amount) is not int or amount <= 0 or currency not in CURRENCIES:
        raise NotUnderstood("GoCardless told no amount above zero in a currency it collects")
    return Money(amount, currency)


def _donor(api: Api, payment: dict[str, Any]) -> dict[str, Any]:
    """The customer behind the payment's mandate."""
    mandate = api.get_if_any("mandates", _linked(payment, "mandate"))
    return api.get_if_any("customers", _linked(mandate, "customer"))


def _linked(found: dict[str, Any], what: str) -> str:
    linked = ident(dig(found, "links", what))
    return path_id(linked, what) if linked else ""


def _person(customer: dict[str, Any]) -> Donor:
    said = {name: text(customer.get(name)) for name in customer}
    company = said.get("company_name", "")
    name = Name(first=said.get("given_name", ""), last=said.get("family_name", ""))
    return Donor(
        name=name if name != Name() else Name(full=company),
        email=said.get("email", ""),
        phone=said.get("phone_number", ""),
        address=Address(
            street1=said.get("address_line1", ""),
            street2=said.get("address_line2", ""),
            street3=said.get("address_line3", ""),
            city=said.get("city", ""),
            state=said.get("region", ""),
            zip=said.get("postal_code", ""),
            country=said.get("country_code", ""),
        ),
    )


def _taken(payment: dict[str, Any], status: str, event: dict[str, Any]) -> Refund:
    """The bank took the whole payment back: a late failure (an ACH return, an ARUDD) or a chargeback."""
    return Refund(
        keys=(_reversal(payment, status),),
        parent_keys=(ident(payment),),
        amount=_money(payment),
        reason=RefundReason.CHARGEBACK,
        only_if_booked=True,
        occurred_at=instant(event.get("created_at")),
        sources=(payment,),
    )


def _won(payment: dict[str, Any], event: dict[str, Any]) -> Reinstatement:
    return Reinstatement(
        refund_keys=(_reversal(payment, "charged_back"),),
        parent_keys=(ident(payment),),
        amount=_money(payment),
        text="The chargeback was cancelled; GoCardless has the money again.",
        reason=RefundReason.CHARGEBACK,
        occurred_at=instant(event.get("created_at")),
    )


def _reversal(payment: dict[str, Any], status: str) -> str:
    """GoCardless gives a reversal no id; a payment has at most one of each kind."""
    return f"{ident(payment)}:{status}"


def _refund(api: Api, name: str, event: dict[str, Any]) -> Reading:
    """One refund, known by its id; it names its payment (or only a mandate: then a person finds the gift)."""
    refund = api.get("refunds", name)
    status, parents = text(refund.get("status"))[:40], present(ident(dig(refund, "links", "payment")))
    when = instant(event.get("created_at"))
    if status == "paid":
        amount = _money(refund)
        return (Refund(keys=(name,), parent_keys=parents, amount=amount, occurred_at=when, sources=(refund,)),), ""
    if status in REFUND_UNDONE:
        said = f"The refund did not reach the donor ({status.replace('_', ' ')}); GoCardless has the money again."
        back = Reinstatement(
            refund_keys=(name,), parent_keys=parents, amount=_money(refund), text=said, occurred_at=when
        )
        return (back,), ""
    if status in REFUND_PENDING:
        return (), "the refund is on its way"
    return (Flag(text=f"A refund with the status '{status}': look at it in GoCardless.", parent_keys=parents),), ""


READERS: Mapping[str, Callable[[Api, str, dict[str, Any]], Reading]] = {"payment": _payment, "refund": _refund}

GOCARDLESS = Provider(name="gocardless", verify=verify, parse=parse, split=split, fetch=fetch)
