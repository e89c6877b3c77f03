"""Money that went back through Adyen, or came back after all: refunds, cancellations, failed captures, disputes.

https://docs.adyen.com/online-payments/refund, https://docs.adyen.com/risk-management/disputes-api/dispute-notifications
"""

from __future__ import annotations

from relay.gifts import Refund, RefundReason, Reinstatement
from relay.providers.adyen.item import Item, Reading
from relay.providers.base import MAX_ID, ident, present, text

NEVER_TAKEN = "an authorisation was released; with manual capture it was no gift yet"
# CHARGEBACK comes again when a dispute ends. Won is no new debit; what else it says is one, by the same id.
WON = "Won"
# The bank debits again what CHARGEBACK_REVERSED had given back. These have the dispute's id, too.
DEBITED_AGAIN = ("SECOND_CHARGEBACK", "PREARBITRATION_LOST")


def refund(item: Item) -> Reading:
    """REFUND and REFUND_WITH_DATA, with the amount of this refund. False: refused, nothing happened."""
    if not item.happened:
        return "the refund was refused; nothing happened"
    return _given_back(item, "The refund")


def cancellation(item: Item) -> Reading:
    """CANCELLATION and TECHNICAL_CANCEL: the money was never taken, yet with automatic capture it was booked."""
    if not item.happened:
        return "the cancellation was refused; nothing happened"
    return NEVER_TAKEN if item.manual else _given_back(item, "The cancellation")


def cancel_or_refund(item: Item) -> Reading:
    """CANCEL_OR_REFUND: ``modification.action`` tells which (not signed, and only where it is switched on)."""
    action = text(item.additional.get("modification.action"))
    if action == "cancel":
        return cancellation(item)
    if not item.happened:
        return "the refund was refused; nothing happened"
    return _given_back(item, "The refund", only_if_booked=item.manual and action != "refund")


def capture_failed(item: Item) -> Reading:
    """CAPTURE_FAILED: "true" says that it failed, days after the capture was accepted: the bank did not pay."""
    if not item.happened:
        return "the capture did not fail"
    return _given_back(item, "The failed capture", RefundReason.CHARGEBACK)


def settled_reversed(item: Item) -> Reading:
    """SETTLED_REVERSED: Adyen had paid out, and after 30 days has not had the money itself.

    Whether it may still come is not documented (https://docs.adyen.com/api-explorer/Webhooks/1/post/SETTLED_REVERSED).
    """
    sentence = f"Adyen took back {item.amount_or_none or 'a gift'} that it had paid out, for it never got the money."
    return item.flag(sentence) if item.happened else "the settlement was not reversed"


def expire(item: Item) -> Reading:
    """EXPIRE: what was authorised was not captured in time. With automatic capture that should never be."""
    if item.manual or not item.happened:
        return "an authorisation expired; no money moved"
    sentence = "An authorisation expired uncaptured, yet it was booked as a gift: does Adyen capture by hand?"
    return item.flag(sentence, *present(item.payment_id, ident(item.raw.get("pspReference"))), only_if_booked=True)


def _given_back(
    item: Item, what: str, reason: RefundReason = RefundReason.REFUND, *, only_if_booked: bool = False
) -> Reading:
    if (amount := item.amount).minor <= 0:
        return item.flag(f"{what} tells no amount: look at the payment in Adyen.")
    found = Refund(
        keys=(item.own_id,),
        parent_keys=present(item.payment_id),
        amount=amount,
        reason=reason,
        only_if_booked=only_if_booked,
        occurred_at=item.at,
        sources=(item.raw,),
    )
    return (found,)


def refund_failed(item: Item) -> Reading:
    """REFUND_FAILED and REFUNDED_REVERSED, days after REFUND: the money did not reach the donor."""
    if not item.happened:
        return "the refund did not fail"
    return _back(item, (item.own_id,), "The refund failed", present(item.payment_id))


def notice(item: Item) -> Reading:
    """The bank asks or warns; no money moved."""
    about = text(item.raw.get("reason"))[:80]
    word = item.code.replace("_", " ").lower()
    sentence = f"A bank's {word} about {item.amount_or_none or 'a gift'}{f': {about}' if about else ''}."
    return item.flag(sentence, *item.dispute_keys)


def chargeback(item: Item) -> Reading:
    """CHARGEBACK: the bank took the money. Returned ACH and SEPA debits come as chargebacks, too."""
    if item.additional.get("disputeStatus") == WON:
        return item.flag("The dispute was won; CHARGEBACK_REVERSED tells of the money.", *item.dispute_keys)
    return _debit(item, item.own_id)


def debited_again(item: Item) -> Reading:
    """SECOND_CHARGEBACK and PREARBITRATION_LOST: a new debit after the first was reversed."""
    return _debit(item, _again(item, item.code))


def _again(item: Item, code: str) -> str:
    return f"{item.own_id}:{code}"[:MAX_ID]


def _debit(item: Item, key: str) -> Reading:
    amount = item.amount
    if not item.happened or amount.minor <= 0:
        return notice(item)
    taken = Refund(
        keys=(key,),
        parent_keys=item.dispute_keys,
        amount=amount,
        reason=RefundReason.CHARGEBACK,
        occurred_at=item.at,
        sources=(item.raw,),
    )
    return (taken,)


def chargeback_reversed(item: Item) -> Reading:
    """CHARGEBACK_REVERSED: the bank gave it back, for now."""
    if not item.happened:
        return notice(item)
    return _back(item, (item.own_id,), "The chargeback was reversed", item.dispute_keys, RefundReason.CHARGEBACK)


def prearbitration_won(item: Item) -> Reading:
    """PREARBITRATION_WON: what was debited again came back; the first debit had been reversed before."""
    if not item.happened:
        return notice(item)
    keys = tuple(_again(item, code) for code in DEBITED_AGAIN)
    return _back(item, keys, "The dispute was won before arbitration", item.dispute_keys, RefundReason.CHARGEBACK)


def _back(
    item: Item,
    refund_keys: tuple[str, ...],
    how: str,
    parents: tuple[str, ...],
    reason: RefundReason = RefundReason.REFUND,
) -> Reading:
    found = Reinstatement(
        refund_keys=refund_keys,
        parent_keys=parents,
        amount=item.amount_or_none,
        text=f"{how}; Adyen has the money again.",
        reason=reason,
        occurred_at=item.at,
    )
    return (found,)
