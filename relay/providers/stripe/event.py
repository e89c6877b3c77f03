"""One Stripe event, opened: what the handlers are given, and what they may answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from relay.errors import NotUnderstood
from relay.gifts import Fact, Flag
from relay.providers.base import ident, present


@dataclass(frozen=True, slots=True)
class Event:
    """``data.object`` and ``data.previous_attributes`` of a snapshot event, with its type and time."""

    type: str
    object: dict[str, Any]
    previous: dict[str, Any]
    created: datetime | None

    def id_of(self, name: str) -> str:
        """The id in a field of the object, plain or expanded; "" if there is none."""
        return ident(self.object.get(name))

    @property
    def own_id(self) -> str:
        """The object's own id. Raises NotUnderstood: money without an id could be booked twice."""
        if found := ident(self.object):
            return found
        raise NotUnderstood(f"{self.type} carries an object without an id")

    def odd(self, what: str, told: Any) -> tuple[Fact, ...]:
        """A word that relay does not know may be money: a person looks. Never a success, and never passed over."""
        sentence = f"{self.type} with the {what} '{str(told)[:40]}': look at it in Stripe."
        return (Flag(text=sentence, parent_keys=present(ident(self.object), *self.payment_ids)),)

    @property
    def payment_ids(self) -> tuple[str, ...]:
        """The charge and the payment intent that a refund or dispute is about."""
        return present(self.id_of("charge"), self.id_of("payment_intent"))


# The facts, or a sentence that says why there are none.
Reading = tuple[Fact, ...] | str
Handler = Callable[[Event], Reading]
