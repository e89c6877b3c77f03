"""Thirty days of an invented charity, the same each time: for screenshots, and for looking at every page."""

from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

import time_machine

from relay.access import EVERYWHERE
from relay.config import Alerts, Fund, MailServer, ProviderSettings
from relay.doctor import Level, credentials
from relay.doctor.checks import Check, failed, ok, worst
from relay.doctor.parts import parts, scopes
from relay.gifts import Designation, Name
from relay.ledger import claims, connections
from relay.ledger.search import Filter
from relay.status import Status
from tests.builders import DONOR, make_gift, make_luminate, make_organization, make_refund
from tests.fakes import QuietRedis, as_answer
from tests.support.console import House, actor_named

NOW = datetime(2026, 3, 17, 15, 30, tzinfo=UTC)
FIRST = ("Mary", "James", "Aisha", "Peter", "Lucia", "Tom", "Ingrid", "Samuel", "Hannah", "Victor", "Grace", "Owen")
LAST = ("Stone", "Rivera", "Okafor", "Lindqvist", "Marsh", "Delgado", "Hughes", "Tanaka", "Novak", "Bell", "Ferris")
AMOUNTS = ("10.00", "25.00", "25.00", "50.00", "50.00", "75.00", "100.00", "250.00", "40.00", "1200.00")
FUNDS = {code: Fund(code=code, designee_id=number) for number, code in enumerate(("WATER", "LIBRARY", "GENERAL"), 1011)}


def let_in(name):
    return (
        ok(f"{name}: Luminate", "secure2.convio.net answers in 0.4 s and accepts key, login and this "
           "machine's address."),
        ok(f"{name}: own address", "Luminate sees calls from 203.0.113.7. For its allow-list (Setup > Site Options > "
           "Open API Configuration): 203.0.113.7/32."),
        ok(f"{name}: form 1260", "It is there, and its level 1523 takes any amount."),
        ok(f"{name}: designees", "Luminate offers those of 3 funds."),
        ok(f"{name}: look-up", "The account may read transactions, so relay can find out by itself whether a gift "
           "arrived."),
        Check(f"{name}: permission", Level.WARNING, "Whether the account may refund offline gifts cannot be proven by "
              "reading.", 'See that its group has "Add and Refund Offline Donations via API"; the first one will show.',
              {"proven": False}),
    )  # fmt: skip


CONNECTIONS = {
    ("alder", credentials.LUMINATE): let_in("alder"),
    ("alder", credentials.SOAP): (
        failed("alder: SOAP", "Luminate keeps its web services closed to relay (HTTP 403).",
               "Add this machine's address to the list of the web services; it is another list than the REST API's."),
    ),
    ("alder", credentials.HOOKS): (
        ok("alder: alert webhook 1", "hooks.slack.com can be reached. Nothing was posted, so its path is not proven."),
    ),
    ("birch", credentials.LUMINATE): let_in("birch"),
    (EVERYWHERE, credentials.MAIL): (
        ok("mail", "smtp.example.org takes mail from relay, encrypted and logged in. None was sent."),
    ),
}  # fmt: skip


def organizations():
    zone, stripe = ZoneInfo("America/New_York"), {"stripe": ProviderSettings(secrets=("whsec_1",))}
    soap = {"soap_url": "https://webservices.lo.invalid/1.0/alder", "soap_user": "soap", "soap_password": "word"}
    alder = make_organization(
        "alder",
        title="Alder River Trust",
        time_zone=zone,
        funds=FUNDS,
        providers=stripe,
        luminate=make_luminate(**soap),
        alerts=Alerts(webhooks=("https://hooks.slack.com/services/T0/B0/x",)),
    )
    return alder, make_organization("birch", title="Birch Library Fund", time_zone=zone, funds=FUNDS, providers=stripe)


def no_such_level(_parameters):
    problem = {"code": "105", "reason": "FIELD_VALIDATION", "message": "Form 1260 has no level 1523."}
    return as_answer({"donationResponse": {"errors": problem}})


class Days:
    """Fills a house."""

    def __init__(self, house):
        self.house, self.random, self.count = house, Random(17), 0

    def give(self, amount="", *, fund="WATER", organization="alder", **donor):
        """One gift of somebody."""
        self.count += 1
        first, last = self.random.choice(FIRST), self.random.choice(LAST)
        amount = amount or self.random.choice(AMOUNTS)
        known = {"name": Name(first=first, last=last), "email": f"{first}.{last}@example.org".lower()}
        gift = make_gift(
            amount,
            keys=(f"ch_{self.count:06}",),
            donor=replace(DONOR, **known | donor),
            designations=(Designation(fund=fund),),
            occurred_at=datetime.now(UTC) - timedelta(minutes=1),
        )
        return self.house.take(gift, organization=organization)

    def month(self):
        """What went well."""
        for days in range(30, 0, -1):
            for hour in sorted(self.random.sample(range(12), self.random.randint(3, 9))):
                with time_machine.travel(NOW - timedelta(days=days) + timedelta(hours=hour - 9), tick=False):
                    self.give(fund=self.random.choice(tuple(FUNDS)))
                    if hour % 4 == 0:
                        self.give(organization="birch", fund="LIBRARY")
                    self.house.post()
                    self.house.post("birch")

    def troubles(self):
        """What needs a person, and what is on its way, today and of the last days."""
        house = self.house
        with time_machine.travel(NOW - timedelta(days=3, hours=2), tick=False):
            for amount in ("100.00", "25.00", "250.00", "40.00"):
                self.give(amount, fund="WATER-24")
            self.give("60.00", email="")
            self.give("35.00", email="", organization="birch")
        with time_machine.travel(NOW - timedelta(days=1, hours=5), tick=False):
            house.luminate.script = [no_such_level, no_such_level, "rejected"]
            for amount in ("75.00", "50.00", "25.00"):
                self.give(amount)
            house.post()
        with time_machine.travel(NOW - timedelta(hours=6), tick=False):
            house.luminate.script = ["recorded", "lost"]
            self.give("250.00", name=Name(first="Mary", last="Stone"), email="mary.stone@example.org")
            self.give("120.00")
            house.post(times=1)
            house.take(make_refund("10.00", keys=("re_1",), parents=("ch_000009",)))
            house.post(times=1)
        with time_machine.travel(NOW - timedelta(minutes=4), tick=False):
            house.luminate.script = ["not_sent"]
            self.give("20.00")
            house.post(times=1)
            self.give("30.00")
            self.give("45.00", fund="LIBRARY", organization="birch")

    def connections(self):
        """What the last checks of the connections found: nothing here is asked."""
        self.house.stamp()
        with time_machine.travel(NOW - timedelta(days=9), tick=False):
            self.meet()
        with time_machine.travel(NOW - timedelta(hours=2, minutes=12), tick=False):
            for place, checks in CONNECTIONS.items():
                self.write(place, checks)
        with self.house.database.write() as tx:
            # A worker that goes on looking while somebody looks at the pages.
            claims.take_lease(tx, "sweep", "worker-1", NOW + timedelta(minutes=2), seconds=10)

    def meet(self):
        with self.house.database.write() as tx:
            for scope in scopes(self.house.relay.patient):
                for part in parts(self.house.relay.patient, scope):
                    connections.meet(tx, scope, part.endpoint, part.fingerprint, datetime.now(UTC))

    def write(self, place, checks):
        works = worst(checks) is not Level.FAILED
        with self.house.database.write() as tx:
            known = connections.known(tx, [place[0]])[place]
            told, now = [asdict(check) for check in checks], datetime.now(UTC)
            connections.write(tx, place, known.fingerprint, told, now, works=works)
            connections.ask(tx, place[0], "relay", now, rest=timedelta())
            connections.end(tx, place[0], now)

    def work(self):
        """What the team did about it: a plan that waits to be started, and some lines of the audit."""
        house, finance = self.house, actor_named(self.house, "finance")
        with time_machine.travel(NOW - timedelta(minutes=40), tick=False):
            house.sign_in("finance")
            house.sign_in("admin")
            wanted = Filter(organization="alder", statuses=(Status.REJECTED,))
            return house.relay.plans.draw(wanted, actor=finance, search="status:rejected")


def thirty_days(url):
    """A house with thirty days in it, and the number of a plan."""
    mail = MailServer(host="smtp.example.org", port=587, security="starttls", user="u", password="p", sender="r@x.org")
    house = House(url, *organizations(), log_level="ERROR", mail=mail)
    house.relay.redis = QuietRedis()
    house.source = "stripe"
    house.relay.intake.providers = {**house.relay.providers, "stripe": replace(house.provider.provider, name="stripe")}
    days = Days(house)
    days.month()
    days.troubles()
    days.connections()
    return house, days.work()[0]
