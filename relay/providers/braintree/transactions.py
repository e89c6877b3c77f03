"""Money that came in through Braintree: subscriptions, bank debits, local payments, and what was paid out.

One-off gifts by card have no webhook of their own
(https://developer.paypal.com/braintree/docs/reference/general/webhooks/transaction); docs/providers/braintree.md says
what follows from it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from relay.errors import NotUnderstood
from relay.gifts import Designation, Fact, Flag, Gift, Refund, RefundReason
from relay.money import Money
from relay.providers import metadata
from relay.providers.base import dig, ident, present, text
from relay.providers.braintree.event import Event, Reading, id_of
from relay.providers.braintree.people import BANK, instrument_of, payer
from relay.providers.times import instant

# transaction.status -> whether it is money (https://developer.paypal.com/braintree/docs/reference/general/statuses).
# A charge of a subscription is announced as submitted_for_settlement; by card that is as good as paid.
MONEY = frozenset({"submitted_for_settlement", "settling", "settlement_confirmed", "settled"})
# What may have been booked and is money no more.
FELL_THROUGH = {"voided": RefundReason.REFUND, "settlement_declined": RefundReason.CHARGEBACK}
NEVER = frozenset({"failed", "gateway_rejected", "processor_declined", "authorization_expired", *FELL_THROUGH})
# On their way. A local payment is announced like that (an official sample), and the donor has paid.
OPEN = frozenset({"authorizing", "authorized", "settlement_pending"})
# Braintree repeats a notification for a day; what is older was, or should have been, announced by itself.
LATE = timedelta(days=3)
OLD = (
    "This gift is older than the notification that lists it. Was it recorded before relay came, or did its own "
    "notification get lost?"
)
PAID_OUT = (
    "Braintree announces one-off gifts by card only when they are paid out. If nothing else brings them to Luminate, "
    "set the option disbursements to gifts."
)
MAX_CODE = 255


def subscription(event: Event) -> Reading:
    """subscription_charged_successfully: it lists the transactions of all times; the ledger knows those it has."""
    charged = event.part("subscription")
    if charged is None:
        return (Flag(text=f"{event.kind} came without its subscription: look at Braintree."),)
    listed = charged.get("transactions")
    found = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    if not found:
        return (Flag(text=f"{event.kind} lists no transaction: look at Braintree."),)
    facts = tuple(fact for one in found for fact in _listed(event, one, charged))
    return facts or "none of the listed transactions is money yet"


def _listed(event: Event, paid: dict[str, Any], charged: dict[str, Any]) -> tuple[Fact, ...]:
    """One listed transaction: a gift, a refund, a gift that fell through, or nothing."""
    status = text(paid.get("status"))
    if status in FELL_THROUGH and not is_credit(paid):
        return fell_through(event, paid, FELL_THROUGH[status])
    if status in NEVER or (status != "settled" and instrument_of(paid) in BANK):
        return ()
    if status not in MONEY:
        return _odd(event, paid)
    read = _money(event, paid, hold=_why_old(event, paid), plan=text(charged.get("plan_id")), recurring=True)
    return (*read, *_refunded(paid)) if isinstance(read, tuple) else ()


def _odd(event: Event, paid: dict[str, Any]) -> tuple[Fact, ...]:
    """Neither money nor surely none, and no later notification may tell what became of it: a person looks."""
    sentence = f"{event.kind} with a transaction that is '{text(paid.get('status'))[:40]}': look at it in Braintree."
    return (Flag(text=sentence, parent_keys=present(ident(paid))),)


def _refunded(paid: dict[str, Any]) -> tuple[Fact, ...]:
    """Refunds by card have no webhook; a later charge of the subscription is the only one to name their ids."""
    listed = paid.get("refund_ids")
    if not present(*(listed if isinstance(listed, list) else ())):
        return ()
    sentence = "Braintree refunded this gift, or a part of it, without saying how much: record it in Luminate by hand."
    return (Flag(text=sentence, parent_keys=(id_of(paid),), only_if_booked=True),)


def _why_old(event: Event, paid: dict[str, Any]) -> str:
    made = instant(paid.get("created_at"))
    return OLD if made and event.created and event.created - made > LATE else ""


def is_credit(paid: dict[str, Any]) -> bool:
    """A credit is money given back, everything else a sale. Older bodies have no type. Raises NotUnderstood."""
    kind = paid.get("type")
    if kind not in ("sale", "credit", None):
        raise NotUnderstood("a transaction that is neither a sale nor a credit")
    return kind == "credit" or bool(present(ident(paid.get("refunded_transaction_id"))))


def _money(event: Event, paid: dict[str, Any], *, hold: str = "", plan: str = "", **more: Any) -> Reading:
    """A gift, or the refund of one."""
    amount = event.money(paid)
    if amount.minor <= 0:
        return "the amount is zero"
    return (_refund(event, paid, amount),) if is_credit(paid) else (_gift(event, paid, amount, hold, plan, **more),)


def _refund(event: Event, paid: dict[str, Any], amount: Money) -> Refund:
    return Refund(
        keys=(id_of(paid),),
        parent_keys=present(ident(paid.get("refunded_transaction_id"))),
        amount=amount,
        occurred_at=instant(paid.get("created_at")) or event.created,
        sources=(paid,),
    )


def _gift(event: Event, paid: dict[str, Any], amount: Money, hold: str, plan: str, name: str = "", **more: Any) -> Gift:
    words = metadata.merged(paid.get("custom_fields"))
    other_keys = more.pop("keys", ())
    return Gift(
        keys=present(id_of(paid), *other_keys),
        amount=amount,
        occurred_at=instant(paid.get("created_at")) or event.created,
        designations=_designations(event, paid, words, plan, amount.currency),
        hold=hold,
        sources=(paid,),
        **payer(paid, words, name),
        **more,
    )


def _designations(
    event: Event, paid: dict[str, Any], words: metadata.Words, plan: str, currency: str
) -> tuple[Designation, ...]:
    """The fund, from where the organization says (option fund_from)."""
    where = event.options.get("fund_from") or "custom_fields"
    if where == "custom_fields":
        return metadata.designations(words, currency)
    told = {"plan_id": plan or text(paid.get("plan_id")), "order_id": text(paid.get("order_id"))}.get(where, "")
    return (Designation(fund=told[:MAX_CODE]),) if told else ()


def fell_through(event: Event, paid: dict[str, Any], reason: RefundReason) -> tuple[Fact, ...]:
    """What was booked of a transaction that is money no more is taken back; nothing, where nothing was booked."""
    key, amount = id_of(paid), event.money_or_none(paid, "amount")
    if amount is None:
        sentence = f"A transaction is {text(paid.get('status'))[:40]}, without an amount: look at Braintree."
        return (Flag(text=sentence, parent_keys=(key,), only_if_booked=True),)
    taken = Refund(
        keys=(f"void of {key}"[:255],),
        parent_keys=(key,),
        amount=amount,
        reason=reason,
        only_if_booked=True,
        occurred_at=event.created,
        sources=(paid,),
    )
    return (taken,)


def settled(event: Event) -> Reading:
    """transaction_settled: bank debits only (ACH, SEPA), sales and refunds."""
    paid = event.part("transaction")
    if paid is None:
        return (Flag(text=f"{event.kind} came without its transaction: look at Braintree."),)
    status = text(paid.get("status"))
    if status in NEVER:
        return f"the transaction's status is {status}"
    if status not in ("settled", ""):
        return _odd(event, paid)
    return _money(event, paid, recurring=True if paid.get("subscription_id") else None)


def disbursed(event: Event) -> Reading:
    """transaction_disbursed: paid out to the organization's bank account, days after the gift."""
    paid, chosen = event.part("transaction"), event.options.get("disbursements") or "hold"
    if chosen == "ignore":
        return "a payout; the organization books its gifts by other events"
    if paid is None:
        return (Flag(text=f"{event.kind} came without its transaction: look at Braintree."),)
    if (status := text(paid.get("status"))) in NEVER:
        return f"the transaction's status is {status}"
    if status and status not in MONEY:
        return _odd(event, paid)
    recurring = True if paid.get("subscription_id") else None
    return _money(event, paid, hold="" if chosen == "gifts" else PAID_OUT, recurring=recurring)


def local_payment(event: Event) -> Reading:
    """local_payment_completed and local_payment_funded: one gift, by the transaction's and the payment's id."""
    paid = event.part("local_payment") or event.part(event.kind)
    transaction = dig(paid, "transaction")
    if not isinstance(paid, dict) or not isinstance(transaction, dict):
        return "paid, and waits for its transaction"
    if (status := text(transaction.get("status"))) in NEVER:
        return f"the transaction's status is {status}"
    if status and status not in MONEY | OPEN:
        return _odd(event, transaction)
    instrument = {"payment_instrument_type": "local_payment"}
    keys = present(ident(paid.get("payment_id")))
    return _money(event, instrument | transaction, name=text(paid.get("payer_name")), keys=keys)
