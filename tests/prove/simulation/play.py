"""One seed from beginning to end: faults and events, then rest, then people, then the last account."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import Any, NoReturn

import structlog

from relay.config import Organization, Settings
from relay.config.organization import (
    FormLevel,
    Fund,
    LuminateSettings,
    Mail,
    Pace,
    Probe,
    ProviderSettings,
    RefundedUnposted,
    Reinstate,
    WholeUnits,
)
from relay.errors import LedgerUnavailable
from tests.prove.simulation.book import Book, make
from tests.prove.simulation.checks import Checks
from tests.prove.simulation.ledger import Ledger, Watch
from tests.prove.simulation.luminate import ModelLuminate
from tests.prove.simulation.machine import simulated
from tests.prove.simulation.payments import STANDARD_SECRET, STRIPE_SECRET
from tests.prove.simulation.people import People
from tests.prove.simulation.processes import House
from tests.prove.simulation.world import HOUR, Violation, World

GIFTS = 20
# Rounds in which people decide; each may bring up something new.
ROUNDS = 12


@dataclass(slots=True)
class Played:
    """What a seed came to."""

    seed: int
    problem: str = ""
    history: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    persons: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    payments: list[str] = field(default_factory=list)


_ledger: list[Ledger] = []


def ledger() -> Ledger:
    """One for all seeds of this process."""
    if not _ledger:
        _ledger.append(Ledger())
    return _ledger[0]


@contextmanager
def _listening() -> Iterator[None]:
    """relay logs what it caught and did not expect: that is a failure here, but for a ledger that is away."""
    before = structlog.get_config()
    structlog.configure(processors=[_heard])
    try:
        yield
    finally:
        structlog.configure(**before)


def _heard(_logger: object, _method: str, told: Mapping[str, Any]) -> NoReturn:
    error = sys.exc_info()[1]
    if told.get("exc_info") and error is not None and not isinstance(error, LedgerUnavailable):
        raise Violation(f"relay itself failed ({told['event']}): {type(error).__name__}: {error}")
    raise structlog.DropEvent


def play(seed: int, without: Iterable[str] = (), *, gifts: int = GIFTS, remember: bool = False) -> Played:
    """Play a seed, leaving out what ``without`` names ("payment 3", "freeze#1"). ``remember``: its history too."""
    world = World(seed, without=frozenset(without))
    played = Played(seed)
    with simulated(world), _listening():
        try:
            _play(world, played, gifts)
        except Violation as violation:
            played.problem = str(violation)
        except Exception as error:  # noqa: BLE001  # whatever breaks is a failure of this seed
            played.problem = f"{type(error).__name__}: {error}".splitlines()[0]
        finally:
            world.scheduler.kill_all()
    played.history = list(world.history()) if played.problem or remember else []
    played.counts += world.counts
    played.faults = world.faults.names
    return played


def _play(world: World, played: Played, gifts: int) -> None:
    chance = Random(f"{world.seed}:place")
    settings = _settings(chance)
    span = chance.choice((60.0, 600.0, 2 * HOUR))
    names = sorted(settings.organizations)
    payments = [
        payment
        for payment in (make(world.seed, number, names, span) for number in range(gifts))
        if payment.name not in world.faults.without
    ]
    played.payments = [payment.name for payment in payments]
    book = Book(payments)
    database = ledger()
    rungs = len(settings.organizations[names[0]].pace.retry_ladder)
    watch = Watch(world, database.raw, book.expected, rungs)
    database.begin(world, lambda: _committed(world, book, watch))
    luminate = ModelLuminate(world, settings.organizations)
    luminate.payment_of = lambda organization, key: book.payment_of(organization, key) or key
    luminate.has_twins = lambda gift: book.has_twins(gift.organization, gift.about)
    luminate.ledger_rows = lambda statement: database.raw.execute(statement).fetchall()
    luminate.shared_addresses = {payment.email for payment in payments if chance.random() < 0.04}
    house = House(world, settings, database, luminate, book, workers=chance.choice((1, 2, 3)))
    people = People(house)
    world.next_due, world.overdue = watch.due, watch.overdue
    world.next_release = lambda: _earliest(
        watch.release(), house.redis.next_expiry(), _after(world, database.away_until)
    )
    for event in book.events():
        house.announce(event)
    _plan_disturbances(world, house, people)
    try:
        _to_the_end(world, house, people)
    finally:
        _count(world, house, watch)
        played.persons = people.decided


def _to_the_end(world: World, house: House, people: People) -> None:
    checks = Checks(world, house, people)
    house.start()
    world.run(until=_end_of_faults(house.book))
    _rest(world, people, checks)
    checks.at_rest()
    world.counts["waiting for a person at rest"] += sum(people.is_for_a_person(entry) for entry in checks.entries)
    for _ in range(ROUNDS):
        decided = people.decide_everything()
        world.run()
        checks.pauses_end_by_themselves()
        people.resume_everything()
        world.run()
        if not decided:
            break
    checks.at_the_end()


def _committed(world: World, book: Book, watch: Watch) -> None:
    fiber = world.scheduler.current
    if fiber is not None and fiber.delivery is not None:
        book.committed(fiber.delivery)
    watch.look()


def _earliest(*moments: float | None) -> float | None:
    found = [moment for moment in moments if moment is not None]
    return min(found) if found else None


def _after(world: World, moment: float) -> float | None:
    return moment if moment > world.now else None


def _end_of_faults(book: Book) -> float:
    return max((event.at for event in book.events()), default=0.0) + HOUR


def _plan_disturbances(world: World, house: House, people: People) -> None:
    """What happens to the whole: once a while somebody acts, Redis is emptied or goes away."""
    last = _end_of_faults(house.book)
    for place in range(40):
        # Denser at the beginning, where most happens.
        moment = last * (place / 40) ** 3
        world.at(moment, lambda: _disturb(world, house, people))


def _disturb(world: World, house: House, people: People) -> None:
    if world.strikes("flushall"):
        house.redis.flushall()
    if world.strikes("redis away"):
        house.redis.away_until = world.now + world.faults.chance("redis away").uniform(1, 120)
    if world.strikes("a person acts"):
        people.somebody_acts()
    if world.strikes("a person pauses"):
        people.somebody_pauses()


def _rest(world: World, people: People, checks: Checks) -> None:
    """Faults end, whoever sleeps wakes, and time runs until nothing is left that happens by itself."""
    world.end_faults()
    world.run()
    checks.pauses_end_by_themselves()
    people.resume_everything()
    world.sweeps += 1
    world.run()


def _count(world: World, house: House, watch: Watch) -> None:
    """What the seed came to, whether it failed or not."""
    counts, raw = world.counts, house.ledger.raw
    counts["gifts"] += len(house.book.payments)
    counts["calls"] += len(house.luminate.calls)
    counts["events"] += raw.execute("SELECT count(*) FROM events").fetchone()[0]
    counts["refunds"] += raw.execute("SELECT count(*) FROM entries WHERE kind = 'refund'").fetchone()[0]
    counts["entries once unknown"] += len(watch.once_unknown)


# --- organizations ------------------------------------------------------------------------------------------------


def _settings(chance: Random) -> Settings:
    names = ("acme", "beta", "gamma")[: chance.choice((1, 2, 2, 3))]
    retries = chance.choice((Pace().retry_ladder, (10, 60)))
    return Settings(
        database_url="sqlite://",
        redis_url="redis://nowhere",
        secret_key="only-for-a-simulation",
        organizations={name: _organization(name, number, chance, retries) for number, name in enumerate(names)},
    )


def _organization(name: str, number: int, chance: Random, retries: tuple[int, ...]) -> Organization:
    form = FormLevel(form_id=1000 + number, level_id=1)
    ladder = chance.choice(((120, 600, 3600, 21600, 86400), (120, 600, 3600, 21600, 86400), (60, 900, 7200)))
    return Organization(
        name=name,
        luminate=LuminateSettings(
            url=f"https://{name}.luminate.invalid", api_key="key", login_name=f"{name}-api", login_password="password"
        ),
        form=form,
        funds={"WATER": Fund(code="WATER", designee_id=1)},
        refunded_unposted=chance.choice(list(RefundedUnposted)),
        reinstate=chance.choice(list(Reinstate)),
        whole_units=WholeUnits.SEND_CENTS,
        mail=Mail(receipt=chance.random() < 0.5, registration=chance.random() < 0.3, refund=chance.random() < 0.5),
        pace=Pace(
            max_in_flight=chance.choice((1, 2, 4)),
            per_minute=chance.choice((0, 0, 0, 6)),
            settle_seconds=chance.choice((0, 0.2, 5.0)),
            retry_ladder=retries,
        ),
        probe=Probe(ladder=ladder),
        providers={
            "stripe": ProviderSettings(secrets=(STRIPE_SECRET,)),
            "standard": ProviderSettings(secrets=(STANDARD_SECRET,)),
        },
    )
