"""Any history, a backup at any moment, a restore, all since told again: Luminate has each gift and refund once."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from relay.errors import ReplayRefused
from relay.gifts import Donor, Name
from relay.outbound.pausing import resume
from relay.status import Kind, Status
from tests.builders import make_gift, make_refund, make_relay
from tests.service.test_recovery import ADA, look_up, recover
from tests.support.vault import Remembering, Vault

# Faults that leave an entry unknown, and those that leave it for a person.
WORDS = ("ok", "ok", "ok", "recorded", "lost", "not_sent", "rejected")


@dataclass
class World:
    """A provider that remembers what it told, and a relay that is told it."""

    relay: object
    random: Random
    told: list = field(default_factory=list)
    gifts: dict = field(default_factory=dict)

    def now(self):
        return datetime.now(UTC) + self.relay.database.ahead

    def tell(self, fact):
        self.told.append((self.now(), fact))
        if self.random.random() < 0.9:  # else the provider retries it, after the restore at the latest
            self.relay.take(fact)

    def step(self):
        match self.random.choice(("gift", "gift", "refund", "post", "post", "look up", "wait", "held", "replay")):
            case "gift":
                self.give()
            case "held":
                self.give(hold="Not paid yet, perhaps.")
            case "refund":
                self.refund()
            case "post":
                self.relay.luminate.script = [self.random.choice(WORDS) for _ in range(4)]
                self.relay.post()
                self.relay.luminate.script = []
            case "look up":
                look_up(self.relay)
            case "replay":
                self.replay()
            case _:
                self.relay.later(minutes=self.random.choice((1, 15, 90)))

    def give(self, **more):
        number = len(self.gifts) + 1
        self.gifts[number] = 2000 + 100 * number
        donor = Donor(name=Name(first="Mary", last=f"No{number}"), email=f"mary{number}@example.org")
        when = self.random.choice((None, self.now(), self.now() - timedelta(hours=5)))
        known = {"keys": (f"ch_{number}",), "donor": donor, "occurred_at": when} | more
        self.tell(make_gift(str(Decimal(self.gifts[number]) / 100), **known))

    def refund(self):
        """At most one of each gift, a part of it."""
        open_ones = [number for number in self.gifts if not self.is_refunded(number)]
        if open_ones:
            number = self.random.choice(open_ones)
            known = {"keys": (f"re_{number}",), "parents": (f"ch_{number}",)}
            self.tell(make_refund("5.00", occurred_at=self.random.choice((None, self.now())), **known))

    def is_refunded(self, number):
        return any(f"re_{number}" in getattr(fact, "keys", ()) for _, fact in self.told)

    def replay(self):
        held = [entry.id for entry in self.relay.entries() if entry.status in {Status.HELD, Status.REJECTED}]
        if held:
            self.relay.replay(self.random.choice(held))

    def tell_again(self, since):
        """All since the backup, in any order, some twice; what was never received too."""
        again = [fact for at, fact in self.told if at >= since - timedelta(days=1)]
        self.random.shuffle(again)
        for fact in (*again, *self.random.sample(again, len(again) // 3)):
            self.relay.take(fact)

    def settle(self):
        """Time goes by, workers work, people say what the machine leaves to them; they look in Luminate first."""
        for _ in range(8):
            for _ in range(6):
                self.relay.later(hours=5)
                look_up(self.relay)
            with suppress(ReplayRefused):  # it is not paused any more
                resume(self.relay.database, "alder", actor=ADA, reason="all looked up")
            self.decide()
            self.replay()
            self.relay.post()

    def decide(self):
        for entry in self.relay.unknown():
            code = self.recorded_as(entry)
            if entry.kind is Kind.REFUND:
                rows = [
                    row
                    for row in self.relay.luminate.rows
                    if (row["kind"], row["email"]) == ("REFUND", entry.donor_email)
                ]
                code = rows[0]["code"] if rows else ""
            if code:
                self.relay.deciding.found(entry.id, code, actor=ADA, reason="it is there")
            else:
                self.relay.deciding.absent(entry.id, attempt=entry.fence, actor=ADA, reason="it is not there")

    def recorded_as(self, entry):
        rows = self.relay.luminate.rows
        return next((row["code"] for row in rows if (row["kind"], row["email"]) == ("DONATION", entry.donor_email)), "")


@pytest.mark.parametrize("seed", range(12))
def test_luminate_has_everything_once_after_a_restore(database_url, seed):
    relay = make_relay(database_url)
    world = World(relay, Random(seed))
    relay.luminate = Remembering(lambda: world.now())  # noqa: PLW0108  # the world changes its relay
    vault = Vault(relay)
    try:
        for _ in range(world.random.randrange(2, 14)):
            world.step()
        since = vault.back_up()
        for _ in range(world.random.randrange(2, 16)):
            world.step()
        relay.later(minutes=30)
        world.relay = vault.restored()
        recover(world.relay, since)
        world.tell_again(since)
        world.settle()
        world.tell_again(since)
        world.settle()
        check(world)
    finally:
        vault.close()


def check(world):
    luminate = world.relay.luminate
    given = {number: [one for one in luminate.gifts.values() if one["donor.email"] == f"mary{number}@example.org"]
             for number in world.gifts}  # fmt: skip
    assert {number: len(found) for number, found in given.items()} == dict.fromkeys(world.gifts, 1)
    refunded = [number for number in world.gifts if world.is_refunded(number)]
    assert len(luminate.refunds) == len(refunded)
    assert luminate.net == sum(world.gifts.values()) - 500 * len(refunded)
    assert {str(status) for status in world.relay.statuses()} <= {"posted"}
    assert world.relay.balance_holds()
    assert luminate.impossible == []
