"""What an announcement is: a gift, the account it comes from, and the delivery that tells of it.

Ids never change, so that a second run announces the same gifts, and nothing is recorded twice. All gifts are in US
dollars for the fund WATER. The secrets are published on purpose: they open a sandbox.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa

from relay.demo.samples import Recorded
from relay.status import Status

FUND, DESIGNEE = "WATER", "1003"


@dataclass(frozen=True, slots=True)
class Sent:
    """A delivery: raw bytes, headers, and the secret that ends the address where that is the proof."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str = ""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What only the moment of sending knows: the time, and the key that stands for PayPal's in this demo."""

    now: int
    key: rsa.RSAPrivateKey
    certificate: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that reached a provider's API: what it carries, and who says he asks."""

    body: bytes
    authorization: str


# The answer to a question: JSON, bytes as they are, or None for "no" (HTTP 401).
Answer = Callable[[Asked], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """One gift from one provider.

    ``key`` is the provider's id of the payment. ``answers``: what its API tells, by the path (and query) behind the
    address in the option ``api_url``, which ``api_path`` ends; a provider without answers is never asked.
    """

    provider: str
    donor: str
    amount: str
    key: str
    secret: str
    send: Callable[[Stamp], Sent]
    options: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Answer] = field(default_factory=dict)
    api_path: str = ""

    @property
    def arrives(self) -> str:
        """What happens, in a clause."""
        return f"{self.donor} gives ${self.amount} by {self.provider}"

    @property
    def ends(self) -> Status:
        """Every announcement is a gift that nothing is wrong with."""
        return Status.POSTED

    @property
    def recorded(self) -> Recorded:
        """The gift as Luminate should hold it."""
        return Recorded(key=self.key, amount=self.amount, designations={DESIGNEE: self.amount})


def always(value: Any) -> Answer:
    """The same answer, whoever asks."""
    return lambda _asked: value


def known(authorization: str, value: Any) -> Answer:
    """An answer only for whoever carries the right credential."""
    return lambda asked: value if asked.authorization == authorization else None
