"""The list of scenarios, and how one is played."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.prove.processes import breaking
from tests.prove.processes.breaking import Breaking
from tests.prove.processes.house import AWAY, POSTGRESQL, SQLITE, House
from tests.prove.processes.sending import Provider
from tests.prove.processes.truth import Count, all_final, count, read_ledger
from tests.support.faults import FAULTS

# The longest that the truth may take to come out after the last gift was accepted (seconds).
TRUTH_SECONDS = 120.0
# Answers mixed up on the other side: nothing is lost or doubled, but a person may have to say which code is whose, and
# where answers went round in a circle and each gift got one, wrong codes may stay unseen (docs/proof.md).
MIXED_UP = {"answer_of_another", "answer_of_another_unsent"}
MIXED = tuple(name for name in FAULTS if not name.startswith(("refused", "answer_of_another", "reset_on_connect")))

ANSWER_LOST = (
    "reset_after_recording", "close_after", "black_hole_after", "slow_answer", "late_answer", "half_answer", "garbage",
    "html_502_after", "answer_of_a_read",
)  # fmt: skip
SWALLOWED = ("reset_after_body", "close_before", "black_hole", "html_502", "html_200")


@dataclass(frozen=True, slots=True)
class Scenario:
    """``wire``: faults of the line; ``breaking``: what happens to the processes; ``persons``: some may need one.

    ``refunds``: half of the gifts come back in part.
    """

    name: str
    words: str
    wire: tuple[str, ...] = ()
    breaking: Breaking = breaking.nothing
    kind: str = POSTGRESQL
    share: float = 0.4
    servlets: tuple[str, ...] = ("SRDonationAPI",)
    gifts: int | None = None
    per_second: float = 25.0
    persons: bool = False
    refunds: bool = False
    disk: bool = False
    check: Callable[[House, Count], list[str]] = lambda _house, _count: []

    @property
    def shares_a_house(self) -> bool:
        """A fault of the line alone needs no house of its own."""
        return bool(self.wire) and self.breaking is breaking.nothing


@dataclass(slots=True)
class Played:
    """One scenario, played."""

    scenario: Scenario
    count: Count
    injected: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def good(self) -> bool:
        silent = self.count.mistaken and self.scenario.name not in MIXED_UP
        waiting = self.count.person + self.count.refunds_person
        return self.count.good and not silent and (self.scenario.persons or not waiting)


def play(scenario: Scenario, house: House, numbers: range) -> Played:
    """Send these gifts while everything breaks, wait until nothing moves any more, count."""
    started = time.monotonic()
    names = {f"ch_{number}" for number in numbers}
    before = house.proxy.struck()
    if scenario.wire:
        house.proxy.strike(*scenario.wire, share=scenario.share, servlets=scenario.servlets)
    provider = Provider(house.relay, numbers, per_second=scenario.per_second, refunds=scenario.refunds)
    injected = scenario.breaking(house, provider)
    provider.join()
    _wait(house, names)
    struck = house.proxy.struck() - before
    house.proxy.calm()
    found = count(read_ledger(house.database, names), house.relay.recorded(), provider.accepted, provider.refunded)
    found.wrong += scenario.check(house, found)
    return Played(scenario, found, injected + struck, provider.refused, time.monotonic() - started)


def _wait(house: House, names: set[str]) -> None:
    """Until every gift is in its final state. After half the time the line gets well, so that it must end."""
    end = time.monotonic() + TRUTH_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(*AWAY):
            if all_final(house.database, names):
                return
        if time.monotonic() > end - TRUTH_SECONDS / 2:
            house.proxy.calm()
        time.sleep(0.3)


def paused_once(house: House, found: Count) -> list[str]:
    """Shows it 4: nothing was used up, one alert was mailed, and only the calls already under way were refused."""
    wrong = []
    if (pauses := house.logged("posting_paused")) != 1:
        wrong.append(f"{pauses} pauses instead of one")
    if (alerts := house.mailed("posting to Luminate is paused")) != 1:
        wrong.append(f"{alerts} alerts in the mailbox instead of one")
    if found.used_up or found.unknown:
        wrong.append(f"{found.used_up} attempts used up, {found.unknown} unknown")
    if not 1 <= found.blocked <= 16:
        wrong.append(f"{found.blocked} calls were refused; only those under way when it began should be")
    return wrong


def ran_out(house: House, _found: Count) -> list[str]:
    """A worker that stood still has lost calls to its lease; else nothing was shown."""
    return [] if house.logged("lease_expired") else ["no lease ran out while a worker stood still"]


WIRE = tuple(
    Scenario(fault.name, fault.words, wire=(fault.name,), persons=fault.name in MIXED_UP) for fault in FAULTS.values()
)
READS_TOO = Scenario(
    "reads_too", "all faults of the line, on look-ups as well", wire=MIXED, servlets=("SRDonationAPI", "SRConsAPI"),
    share=0.3, persons=True,
)  # fmt: skip


def in_flight(*given: object, **more: object) -> Scenario:
    """With calls that take 0.3 s each, so that whatever strikes finds some under way."""
    return Scenario(*given, **({"wire": ("slow_in_time",), "share": 1.0, "per_second": 12} | more))


PROCESSES = (
    in_flight("kill_web", "kill -9 of gunicorn", breaking=breaking.killing("web")),
    in_flight("kill_worker", "kill -9 of the worker", breaking=breaking.killing("worker", seconds=4), per_second=8),
    in_flight("kill_worker_sqlite", "kill -9 of the worker",
             breaking=breaking.killing("worker", seconds=4), per_second=8, kind=SQLITE),
    in_flight("kill_web_sqlite", "kill -9 of gunicorn", breaking=breaking.killing("web"), kind=SQLITE),
    in_flight("kill_sandbox", "kill -9 of Luminate's stand-in", breaking=breaking.killing("sandbox")),
    in_flight("two_workers", "two workers, kill -9 of either",
             breaking=breaking.second_worker(breaking.killing("worker", "worker2", seconds=3))),
    in_flight("two_workers_sqlite", "two workers on one SQLite file",
             breaking=breaking.second_worker(breaking.killing("worker", "worker2", seconds=3)), kind=SQLITE),
    in_flight("frozen_worker", "two workers, one stands still beyond its lease and wakes",
             breaking=breaking.second_worker(breaking.freezing), gifts=400, per_second=10, check=ran_out),
    Scenario("older_worker", "a worker of this code beside one of the commit before", breaking=breaking.older_worker,
             per_second=6),
    in_flight("sigterm", "SIGTERM under load, as a new release sends it", breaking=breaking.terminating),
    Scenario("refunds_lost_answers", "gifts and refunds: recorded, the answer lost in nine ways", wire=ANSWER_LOST,
             refunds=True),
    Scenario("refunds_swallowed", "gifts and refunds: swallowed in five ways; no refund is sent again by the machine",
             wire=SWALLOWED, refunds=True, persons=True),
    in_flight("refunds_kill", "gifts and refunds: kill -9 of gunicorn and the worker", per_second=8, refunds=True,
             breaking=breaking.killing("web", "worker", seconds=3), persons=True),
    in_flight("flushall", "FLUSHALL twice a second", breaking=breaking.flushing),
    in_flight("kill_redis", "kill -9 of Redis", breaking=breaking.killing_redis),
    Scenario("redis_away", "Redis gone for a minute", breaking=breaking.redis_away(60)),
    in_flight("kill_postgres", "kill -9 of PostgreSQL", breaking=breaking.killing_postgres),
    in_flight("restart_postgres", "PostgreSQL restarted", breaking=breaking.restarting_postgres),
    in_flight("disk_full", "the ledger's disk full, twice", breaking=breaking.filling_the_disk, kind=SQLITE, disk=True),
    Scenario("login_refused", "the login refused for a minute", breaking=breaking.refusing_login(60), gifts=500,
             per_second=10, check=paused_once),
    Scenario("everything", "every process killed, behind a line with all faults", wire=MIXED, share=0.2,
             breaking=breaking.second_worker(breaking.everything), per_second=12),
)  # fmt: skip
ALL = {scenario.name: scenario for scenario in (*WIRE, READS_TOO, *PROCESSES)}
