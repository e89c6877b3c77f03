"""A body to facts by an organization's own mapping: the meaning of ``generic`` and of ``gofundmepro``.

The options are named and explained in docs/providers/generic.md, and checked at start by
``relay/config/mapping_options.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from relay.config.mapping_options import DONOR, RULES, is_currency
from relay.errors import MoneyError, NotUnderstood
from relay.gifts import (
    Address,
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
from relay.providers.base import MAX_ID, moment, text
from relay.providers.exact import major, minor, plain
from relay.providers.paths import found, holds
from relay.providers.times import instant
from relay.providers.told import fund_of, name_of, yes_or_no

HELD = "The mapping holds this gift for a person."
MAX_FLAG = 300
_WORDS = {"true": True, "yes": True, "1": True, "live": True, "false": False, "no": False, "0": False, "test": False}


def is_mapped(options: Mapping[str, str]) -> bool:
    """Whether any rule says what an event means."""
    return any(options.get(rule, "").strip() for rule in RULES)


@dataclass(frozen=True, slots=True)
class Mapped:
    """One body, and the options that say where everything stands in it."""

    options: Mapping[str, str]
    body: Any

    def find(self, name: str) -> Any:
        """What an option finds."""
        return found(self.options, name, self.body)

    def words(self, name: str) -> str:
        """A text or a whole number that an option finds, as a text."""
        return text(self.find(name))

    def ident(self, name: str) -> str:
        """An id; "" if it is none."""
        told = self.words(name)
        return told if len(told) <= MAX_ID else ""

    def flag(self, name: str) -> bool | None:
        """A yes or a no, also as a word; None where it is not told."""
        told = self.find(name)
        return yes_or_no(told) if isinstance(told, bool) else _WORDS.get(text(told).lower())

    def holds(self, rule: str) -> bool:
        """Whether a rule is true."""
        return holds(self.options, rule, self.body)

    def time(self, name: str) -> datetime | None:
        """A moment: ISO 8601, or unix seconds."""
        told = self.find(name)
        return moment(int(told)) if type(told) in (int, Decimal) else instant(told)

    @property
    def currency(self) -> str:
        """The currency of every amount: the option itself, or what it finds."""
        told = self.options.get("currency", "").strip()
        return told if is_currency(told) else self.words("currency")

    def money(self, name: str) -> Money:
        """An amount that an option finds, by the configured unit. Raises NotUnderstood."""
        try:
            return (minor if self.options.get("amount_unit") == "minor" else major)(self.find(name), self.currency)
        except MoneyError as error:
            raise NotUnderstood(f"{name}: {error}") from error

    def above_zero(self, name: str) -> Money:
        """The same, and something. Raises NotUnderstood."""
        amount = self.money(name)
        if amount.minor <= 0:
            raise NotUnderstood(f"{name}: the amount is not above zero")
        return amount

    @property
    def keys(self) -> tuple[str, ...]:
        """The payment's ids, its own first. Raises NotUnderstood: money without an id could be booked twice."""
        if not (own := self.ident("payment_id")):
            raise NotUnderstood("payment_id finds nothing")
        others = self.find("related_ids")
        listed = others if isinstance(others, list) else [others]
        return tuple(dict.fromkeys((own, *(one for item in listed if (one := text(item)) and len(one) <= MAX_ID))))

    @property
    def sources(self) -> tuple[Mapping[str, Any], ...]:
        """The object for field rules: what ``source`` finds, else the body."""
        told = self.find("source") if self.options.get("source", "").strip() else self.body
        return (plain(told),) if isinstance(told, dict) else ()


def facts_of(mapped: Mapped) -> tuple[Fact, ...] | str:
    """Every fact whose rule is true, or why there are none. Raises NotUnderstood."""
    made = [read(mapped) for rule, read in _READERS if mapped.holds(rule)]
    read = tuple(fact for fact in made if fact is not None)
    if read:
        return read
    return "nothing was paid or given back" if made else "no rule of the mapping is true"


def _gift(mapped: Mapped) -> Gift | None:
    amount = mapped.money("amount")
    if amount.minor == 0:
        return None
    mapped.above_zero("amount")
    kind = mapped.words("tender").lower()
    return Gift(
        keys=mapped.keys,
        amount=amount,
        occurred_at=mapped.time("occurred_at"),
        donor=_donor(mapped),
        tender=Tender(kind=TenderKind(kind) if kind in TenderKind.__members__.values() else TenderKind.OTHER),
        designations=fund_of(mapped.words("fund")),
        anonymous=mapped.flag("anonymous"),
        recurring=mapped.flag("recurring"),
        fee=_fee(mapped),
        hold=HELD if mapped.holds("is_held") else "",
        sources=mapped.sources,
    )


def _donor(mapped: Mapped) -> Donor:
    said = {part: mapped.words(f"donor_{part}") for part in DONOR}
    name = name_of(said["first_name"], said["last_name"], said["name"])
    address = Address(**{part: said[part] for part in ("street1", "street2", "city", "state", "zip", "country")})
    plain_parts = {part: said[part] for part in ("email", "phone", "employer", "occupation")}
    return Donor(name=name, address=address, email_opt_in=mapped.flag("email_opt_in"), **plain_parts)


def _fee(mapped: Mapped) -> Money | None:
    try:
        return mapped.money("fee") if mapped.find("fee") is not None else None
    except NotUnderstood:
        return None


def _refund(mapped: Mapped) -> Refund | Flag:
    """By its id and amount; where refunds have no id, by the sum refunded so far."""
    if key := mapped.ident("refund_id"):
        return _returned(mapped, key, mapped.above_zero("refund_amount"), RefundReason.REFUND)
    if mapped.find("refund_total") is None:
        return Flag(text="A refund without an id or a total: look at the payment.", parent_keys=mapped.keys)
    total = mapped.above_zero("refund_total")
    return Refund(keys=(), parent_keys=mapped.keys, amount=total, total=total, sources=mapped.sources)


def _returned(mapped: Mapped, key: str, amount: Money, reason: RefundReason) -> Refund:
    return Refund(keys=(key,), parent_keys=mapped.keys, amount=amount, reason=reason, sources=mapped.sources)


def _chargeback(mapped: Mapped) -> Refund | Flag:
    if key := mapped.ident("dispute_id"):
        return _returned(mapped, key, mapped.above_zero("dispute_amount"), RefundReason.CHARGEBACK)
    return Flag(text="A chargeback without an id: look at the payment.", parent_keys=mapped.keys)


def _reinstatement(mapped: Mapped) -> Reinstatement | Flag:
    if not (key := mapped.ident("reinstated_id")):
        return Flag(text="Money came back, of an unnamed refund: look at the payment.", parent_keys=mapped.keys)
    amount = mapped.above_zero("dispute_amount") if mapped.find("dispute_amount") is not None else None
    sentence = "The processor has the money of a refund or chargeback again."
    reason = RefundReason.CHARGEBACK if key == mapped.ident("dispute_id") else RefundReason.REFUND
    return Reinstatement(refund_keys=(key,), parent_keys=mapped.keys, amount=amount, text=sentence, reason=reason)


def _flag(mapped: Mapped) -> Flag:
    sentence = mapped.words("flag_text")[:MAX_FLAG] or "The mapping shows this event to a person."
    own = mapped.ident("payment_id")
    return Flag(text=sentence, parent_keys=(own,) if own else ())


_READERS = (
    ("is_gift", _gift),
    ("is_refund", _refund),
    ("is_chargeback", _chargeback),
    ("is_reinstatement", _reinstatement),
    ("is_flag", _flag),
)
