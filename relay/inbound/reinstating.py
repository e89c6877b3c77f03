"""Money that comes back after a refund: the refund failed, the dispute was won.

Luminate has no call that undoes a refund. What was never sent is simply ended; for what Luminate has, a new gift
linked to the first is held for a person, or made by itself, as the organization chose. It mails nobody.
"""

from __future__ import annotations

from dataclasses import dataclass

from relay.config import Reinstate
from relay.gifts import RefundReason, Reinstatement
from relay.inbound import totals
from relay.inbound.giving import given_again
from relay.inbound.refunding import FORGONE, Desk, end, in_doubt, never_sent, reopen
from relay.ledger import entries, payments
from relay.ledger.entries import Entry
from relay.ledger.funds import with_funds
from relay.money import Money
from relay.status import Erased, Kind, Status


def undo(desk: Desk, payment: int, back: Reinstatement) -> list[int]:
    """Money came back: end the refund if it was never sent, else reinstate the gift, by the organization's rule.

    A refund comes back whole. Either way its ids become void, so that a late "succeeded" books nothing. Gives back
    the entries touched.
    """
    tx, source = desk.tx, desk.source
    known = payments.known_refunds(tx, source, back.refund_keys)
    payment = known[0].payment_id if known else payment
    owner = next((entry for key in known if key.entry_id and (entry := entries.get(tx, key.entry_id))), None)
    is_apart = RefundReason.CHARGEBACK in {back.reason, owner.refund_reason if owner else ""}
    amount = back.amount.minor if back.amount else None
    before = payments.refunded(tx, payment)
    payments.name_refund(tx, source, payment, back.refund_keys, 0 if is_apart else amount, void=True)
    if any(key.void for key in known) or not (known or amount):
        return []
    taking = _Taking(desk, back, payment, owner, is_named=bool(known), is_apart=is_apart)
    if is_apart:
        return taking.take(min(owner.amount.minor, amount or owner.amount.minor)) if owner else []
    return taking.take(totals.surely(before) - totals.surely(payments.refunded(tx, payment)))


@dataclass(frozen=True, slots=True)
class _Taking:
    """A refund that came back, being taken out of the entries that hold it."""

    desk: Desk
    back: Reinstatement
    payment: int
    # What its name is booked as, if its name was told.
    owner: Entry | None
    is_named: bool
    is_apart: bool

    def take(self, minor: int) -> list[int]:
        """Take so much out of what was never sent; the rest is reinstated."""
        touched: list[int] = []
        forgone = False
        for entry in self._never_sent(minor):
            part = min(minor, entry.amount.minor)
            if part and (ended := end(self.desk, entry, part, totals.TAKEN_BACK, self.back.text)):
                touched += ended if self.is_named else [*ended, in_doubt(self.desk, entry, part)]
                minor, forgone = minor - part, forgone or entry.reason == totals.GIFT_CLOSED
        if minor:
            touched.append(self._reinstate(minor))
        return [*touched, *(_give_after_all(self.desk, self.payment, self.back) if forgone else [])]

    def _never_sent(self, minor: int) -> list[Entry]:
        """What may hold it and Luminate does not have: its own entry first, then what totals have booked."""
        own = [self.owner] if self.owner and self.owner.reason not in {totals.TAKEN_BACK, totals.SAME} else []
        if self.is_apart or (own and not never_sent(own[0])):
            return [entry for entry in own if never_sent(entry)]
        others = totals.unnamed(totals.booked_refunds(self.desk.tx, self.payment))
        fitting = sorted(others, key=lambda entry: entry.amount.minor != minor)
        return own + [entry for entry in fitting if never_sent(entry) and entry not in own]

    def _reinstate(self, minor: int) -> int:
        """A new gift for the money that came back, linked by its payment.

        Held, unless the organization chose otherwise, Luminate surely has the refund, and the provider told how much
        came back.
        """
        desk, back, refund = self.desk, self.back, self._sent()
        gift, amount = entries.gift_of(desk.tx, self.payment), Money(minor, refund.amount.currency)
        columns = given_again(gift, amount, with_funds(desk.tx, desk.organization)) if gift else {}
        is_sure = self.is_named and refund.status is Status.POSTED and back.amount is not None
        is_sure = is_sure and gift is not None and not gift.erased
        if desk.organization.reinstate is not Reinstate.AUTOMATIC or not columns or not is_sure:
            text = f"{back.text} Luminate cannot undo the refund of entry {refund.id}: a person decides.{_lost(gift)}"
            columns |= {"status": Status.HELD, "reason": "money_came_back", "reason_text": text}
        known = {"donor_name": refund.donor_name, "donor_email": refund.donor_email}
        return entries.create(
            desk.tx,
            organization=refund.organization,
            provider=refund.provider,
            payment_id=self.payment,
            kind=Kind.REINSTATEMENT,
            amount=amount,
            refund_reason=refund.refund_reason,
            provider_transaction_id=back.refund_keys[0] if back.refund_keys else refund.provider_transaction_id,
            parent_transaction_id=refund.parent_transaction_id,
            received_at=desk.now,
            next_attempt_at=desk.now,
            mail=False,
            **known | columns | {"occurred_at": back.occurred_at},
        )

    def _sent(self) -> Entry:
        """The refund that Luminate has, or may have: its own entry, or one made from a total."""
        booked = totals.booked_refunds(self.desk.tx, self.payment)
        known = [*([self.owner] if self.owner else []), *reversed(booked)]
        return next((entry for entry in known if not never_sent(entry)), known[0])


def _lost(gift: Entry | None) -> str:
    """What a person must know who gives a gift again of which the payload is erased."""
    match gift.erased if gift else Erased.NOTHING:
        case Erased.AGE:
            return " Of its gift only the donor's name, e-mail address and fund are kept."
        case Erased.DONOR:
            return " Its donor was erased: record it in Luminate by hand and say so with its code."
        case _:
            return ""


def _give_after_all(desk: Desk, payment: int, back: Reinstatement) -> list[int]:
    """The refund for whose sake a gift was not posted came back: the gift is due after all, and a person says so."""
    gift = entries.gift_of(desk.tx, payment)
    if gift is None or gift.status is not Status.CLOSED or gift.reason != FORGONE:
        return []
    words = {"reason": "money_came_back", "reason_text": f"{back.text} The gift was not posted because of its refund."}
    if not entries.move(desk.tx, gift, Status.HELD, desk.now, **words):
        return []
    reopen(desk, gift.payment_id)
    return [gift.id]
