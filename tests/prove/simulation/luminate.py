"""The model Luminate: it has no duplicate protection, and what it recorded is the truth.

Its promise, on which relay's rules rest (docs/proof.md): what it records of a call it records and shows within
``settle_seconds`` after the caller gave up, and its clock is never more than a minute and a half off. What relay calls
is in client.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from relay.config import Organization
from tests.prove.simulation.world import World

# A call that was given up may still be recorded this much later, and be shown this much later still.
LATEST, SHOWN = 300.0, 200.0
# What makes two gifts one and the same to everybody. A row of the look-up does not say to which fund it was given.
TWIN = ("donor.email", "other_amount", "offline_payment_method", "card_number", "form_id", "designated.1.id")


@dataclass(eq=False)
class Refunded:
    """Money that Luminate took off a gift."""

    amount: int
    entry: int
    at: float
    shown_from: float


@dataclass(eq=False)
class Recorded:
    """A gift in Luminate. ``about`` is the sub-source: relay's own mark, which the look-up over REST does not show."""

    code: str
    organization: str
    about: str
    entry: int
    parameters: Mapping[str, str]
    amount: int
    asked: int
    at: float
    shown_from: float
    login: str
    by_others: bool = False
    kind: str = "gift"
    refunds: list[Refunded] = field(default_factory=list)

    @property
    def twin(self) -> tuple[str, ...]:
        """What nobody can tell two gifts apart by."""
        return twin_of(self.organization, self.parameters)

    @property
    def left(self) -> int:
        return self.amount - sum(refund.amount for refund in self.refunds)


@dataclass(eq=False)
class Call:
    """One call of relay. ``verdict`` is what its caller can know: posted, rejected, blocked, not_sent, unknown."""

    attempt: int
    entry: int
    kind: str
    about: str
    worker: str
    started: float
    # Whose gift it is, and where; of a refund nobody's.
    donor: tuple[str, str] | None
    verdict: str = ""
    pending: bool = False
    recorded: bool = False
    mails: bool = False


@dataclass(eq=False)
class Site:
    """One organization's Luminate."""

    organization: Organization
    gifts: dict[str, Recorded] = field(default_factory=dict)
    login_refused_until: float = 0.0
    code: str = "3"
    fields_refused_until: float = 0.0
    skew: float = 0.0
    # What this site says of a refund that succeeded; not documented, so relay takes any of them.
    refund_reply: str = ""


class ModelLuminate:
    """All sites of a seed."""

    def __init__(self, world: World, organizations: Mapping[str, Organization]) -> None:
        self.world = world
        self.calls: list[Call] = []
        self.sites = {name: self._site(one) for name, one in organizations.items()}
        # E-mail addresses that several constituents have.
        self.shared_addresses: set[str] = set()
        self.refused_zips: set[str] = {"00000"}
        # Organizations of which a look-up came to nothing.
        self.refused_look_ups: set[str] = set()
        self._codes = 0
        # Which payment an id of the provider's is one of, and a plain look into the ledger; both set by the play.
        self.payment_of: Callable[[str, str], Any] = lambda organization, key: (organization, key)
        self.ledger_rows: Callable[[str], list[Any]] = lambda statement: []
        self.has_twins: Callable[[Recorded], bool] = lambda gift: False

    def _site(self, organization: Organization) -> Site:
        chance = self.world.chance
        reply = chance.choice(("refund_response", "bare_200", "donation"))
        return Site(organization, skew=chance.uniform(-90, 90), refund_reply=reply)

    def code(self, site: Site) -> str:
        self._codes += 1
        return f"{site.organization.form.form_id}-{self._codes}-1-{self.world.seed}"

    def recorded(self) -> list[Recorded]:
        return [gift for site in self.sites.values() for gift in site.gifts.values()]

    def known_codes(self) -> set[str]:
        found = self.ledger_rows("SELECT confirmation_code FROM entries WHERE kind <> 'refund'")
        return {row[0] for row in found if row[0]}


def twin_of(organization: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    return (organization, *(parameters.get(name, "") for name in TWIN))


def constituent(email: str) -> str:
    """The one constituent of an address, or the one that a person picked where it has several."""
    return str(1_000_000 + int("".join(letter for letter in email if letter.isdigit())))
