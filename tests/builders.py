"""Builders: small things with small defaults, and one relay wired around fakes."""

import itertools
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import event, select

from relay.access import operator
from relay.bootstrap import worker_name
from relay.config import FormLevel, Fund, LuminateSettings, Mode, Organization, Pace, ProviderSettings, Settings
from relay.gifts import Address, Designation, Donor, Gift, Link, Name, Refund, RefundReason, Reinstatement, Tender
from relay.inbound.intake import Intake
from relay.ledger import entries, search
from relay.ledger.db import Database
from relay.ledger.models import attempts, corrections, events
from relay.ledger.sealing import Keyring
from relay.money import Money
from relay.office.correcting import Correcting
from relay.office.deciding import Deciding
from relay.office.looking import Looking
from relay.office.plans import Plans
from relay.office.proposing import Proposing
from relay.office.supplying import Supplying
from relay.outbound.posting import Posting
from relay.outbound.sweep import Sweep
from relay.providers import Delivery
from relay.status import Kind, Status
from tests.fakes import FakeBell, FakeLuminate, FakeProvider
from tests.support.engines import make_tables, share_statements

DONOR = Donor(
    name=Name(first="Mary", last="Stone"),
    email="mary@example.org",
    address=Address(street1="1 Road", city="Bay", state="NY", zip="10001", country="US"),
)
SIGNED = {"sign": "good"}
_numbers = itertools.count(1)


def usd(text):
    return Money.parse(str(text), "USD")


def make_luminate(**changes):
    site = LuminateSettings(url="https://lo.invalid/site", api_key="key", login_name="api", login_password="pass")
    return replace(site, **changes)


def make_organization(name="alder", **changes):
    pace = Pace(settle_seconds=0, max_in_flight=changes.pop("max_in_flight", 1), **changes.pop("pace", {}))
    known = {
        "luminate": make_luminate(),
        "form": FormLevel(form_id=1, level_id=2),
        "mode": Mode.LIVE,
        "funds": {"WATER": Fund(code="WATER", designee_id=7)},
        "pace": pace,
        "providers": {"acme": ProviderSettings(secrets=("s",)), "stripe": ProviderSettings(secrets=("whsec_1",))},
    }
    return Organization(name=name, **known | changes)


def make_settings(*organizations, database_url="", **changes):
    known = {one.name: one for one in organizations or (make_organization(),)}
    return Settings(
        database_url=database_url, redis_url="redis://127.0.0.1:1/0", secret_key="k", organizations=known, **changes
    )


def make_gift(amount="25.00", *, keys=("ch_1",), **changes):
    known = {"donor": DONOR, "tender": Tender(last4="4242"), "occurred_at": datetime.now(UTC)}
    money = amount if isinstance(amount, Money) else usd(amount)
    return Gift(keys=tuple(keys), amount=money, **known | changes)


def make_refund(amount="5.00", *, keys=("re_1",), parents=("ch_1",), **changes):
    money = amount if isinstance(amount, Money) else usd(amount)
    return Refund(keys=tuple(keys), parent_keys=tuple(parents), amount=money, **changes)


def make_total(total, *, before=None, parents=("ch_1",)):
    """A refund known from a running total only."""
    whole, start = usd(total), None if before is None else usd(before)
    added = whole - start if start else whole
    return Refund(keys=(), parent_keys=tuple(parents), amount=added, total=whole, before=start)


def make_chargeback(amount="25.00", *, key="dp_1", parents=("ch_1",)):
    return make_refund(amount, keys=(key,), parents=parents, reason=RefundReason.CHARGEBACK)


def make_back(key="re_1", amount="5.00", *, parents=("ch_1",), text="The refund failed."):
    """Money that came back: of a refund, or of a dispute where the key says so."""
    reason = RefundReason.CHARGEBACK if key.startswith("dp") else RefundReason.REFUND
    return Reinstatement(refund_keys=(key,), parent_keys=tuple(parents), amount=usd(amount), text=text, reason=reason)


def make_link(*keys):
    return Link(keys=keys)


def water(amount=None):
    return (Designation(fund="WATER", amount=amount and usd(amount)),)


class ClockedDatabase(Database):
    """A ledger whose clock can be put forward, and which does not wait for the disk."""

    # What ledgers of tests are sealed with, where a test does not say: see tests/service/sealed.
    keys = ()

    def __init__(self, url, keys=None):
        keys = self.keys if keys is None else keys
        super().__init__(url, Keyring(keys))
        share_statements(self.engine, *keys)
        self.ahead = timedelta()
        self.on_now = lambda: None
        if not self.is_postgresql:
            event.listen(self.engine, "connect", _hurry)

    def now(self, connection):
        self.on_now()
        return super().now(connection) + self.ahead


def _hurry(connection, _record):
    connection.execute("PRAGMA synchronous=OFF")


@dataclass
class Bench:
    """A whole relay on one ledger: real use cases, fake Luminate, fake bell, fake provider."""

    settings: Settings
    organization: Organization
    database: Database
    provider: FakeProvider
    luminate: FakeLuminate
    bell: FakeBell
    intake: Intake
    plans: Plans
    correcting: Correcting
    proposing: Proposing
    looking: Looking
    deciding: Deciding
    supplying: Supplying

    def posting(self, *, worker=None, luminate=None, organization=None, **more):
        parts = (self.database, organization or self.organization, luminate or self.luminate)
        return Posting(*parts, worker=worker or worker_name(), **more)

    def sweep(self, worker="sweeper"):
        return Sweep(
            self.database, self.settings.organizations, self.bell, lambda _organization: self.luminate, worker=worker
        )

    def take(self, *facts, live=True, organization="alder", body=None):
        """Send one event with these facts through the front door."""
        body = self.provider.event(facts, live=live) if body is None else body
        return self.intake.take(organization, "acme", Delivery(body, SIGNED))

    def post(self, times=12):
        """Post until nothing moves any more."""
        for _ in range(times):
            if self.posting().run().sent == 0:
                return

    def draw(self, *ids, who="ann", **wanted):
        """The plan of one replay, drawn."""
        (number,) = self.plans.draw(search.Filter(ids=ids, **wanted), actor=operator(who), search="chosen")
        return number

    def replay(self, *ids, who="ann", mail=False):
        """Replay these entries as a person does, and let a worker carry it out. Gives back what became of each."""
        number, actor = self.draw(*ids, who=who), operator(who)
        if not self.plans.show(number, actor=actor).progress.going:
            return {}
        self.plans.start(number, actor=actor, reason="again", mail=mail)
        assert not self.plans.advance(self.organization.name)
        return {item.entry.id: item.result for item in self.plans.items(number, actor=actor)}

    def later(self, **time):
        self.database.ahead += timedelta(**time)

    def entry(self, number):
        with self.database.read() as tx:
            return entries.get(tx, number)

    def entries(self, *kinds):
        with self.database.read() as tx:
            return list(search.listing(tx, search.Filter(kinds=kinds)))

    def gifts(self):
        """The gifts that were not folded into another."""
        return [entry for entry in self.entries(Kind.GIFT) if entry.merged_into is None]

    def refunds(self):
        return self.entries(Kind.REFUND)

    def statuses(self, *kinds):
        return [str(entry.status) for entry in self.entries(*kinds)]

    def rows(self, table):
        with self.database.read() as tx:
            return tx.execute(select(table).order_by(table.c.id)).mappings().all()

    def events(self):
        return self.rows(events)

    def attempts(self):
        return self.rows(attempts)

    def corrections(self):
        return self.rows(corrections)

    def balance_holds(self):
        with self.database.read() as tx:
            return all(sheet.holds for sheet in search.balance(tx).values())

    def unknown(self):
        return [entry for entry in self.entries() if entry.status is Status.UNKNOWN]


def make_relay(database_url, *organizations, luminate=None, clock=None, read=None, keys=None, **settings):
    """A relay on an empty ledger. ``read``: what Luminate shows to a person who looks; ``keys``: what seals it."""
    database = ClockedDatabase(database_url, keys)
    make_tables(database.engine)
    known = make_settings(*organizations, database_url=database_url, **settings)
    provider, bell = FakeProvider(), FakeBell()
    organization = next(iter(known.organizations.values()))
    looking = Looking(database, known.organizations, read or (lambda *_: ()))
    extra = {"clock": clock} if clock else {}
    return Bench(
        settings=known,
        organization=organization,
        database=database,
        provider=provider,
        luminate=luminate or FakeLuminate(),
        bell=bell,
        intake=Intake(known, database, {"acme": provider.provider}, bell, **extra),
        plans=Plans(database, known.organizations),
        correcting=Correcting(database, known.organizations),
        proposing=Proposing(database, known.organizations),
        looking=looking,
        deciding=Deciding(database, known.organizations, looking),
        supplying=Supplying(database, known.organizations, looking),
    )
