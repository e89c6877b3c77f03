"""A console with people in it, on a ledger of its own: for the test client and for a browser."""

import re
import time
from datetime import UTC, datetime, timedelta

from relay.access import Role, operator
from relay.app import create_app
from relay.bootstrap import build
from relay.ledger import audit, entries, migrate, people, search
from relay.luminate.designees import DesigneeLists
from relay.office.people import passwords
from relay.office.people.entering import actor_of
from relay.outbound.posting import Posting
from relay.providers import Delivery
from tests.builders import SIGNED, ClockedDatabase, make_organization, make_settings
from tests.fakes import FakeBell, FakeLuminate, FakeProvider
from tests.support.engines import make_tables

PASSWORD = "correct horse battery staple"
_KEPT = passwords.hashed(PASSWORD)
# Who works here: the name tests use -> (role, organization); the address is NAME@example.org.
STAFF = {
    "viewer": (Role.VIEWER, "alder"),
    "finance": (Role.FINANCE, "alder"),
    "second": (Role.FINANCE, "alder"),
    "admin": (Role.ADMIN, "alder"),
    "outsider": (Role.ADMIN, "birch"),
    "root": (Role.ADMIN, "*"),
}
BOSS = operator("a test")


def email(name):
    return f"{name}@example.org"


class House:
    """The application, its parts, and what tests ask for things."""

    def __init__(self, url, *organizations, keys=None, **settings):
        known = organizations or (make_organization("alder"), make_organization("birch"))
        self.database = ClockedDatabase(url, keys)
        make_tables(self.database.engine)
        self.settings = make_settings(*known, database_url=url, **settings)
        self.relay = build(self.settings, database=self.database)
        self.bell, self.provider, self.luminate = FakeBell(), FakeProvider(), FakeLuminate()
        self.relay.bell = self.bell
        self.source = "acme"
        self.relay.providers = {**self.relay.providers, "acme": self.provider.provider}
        self.relay.intake.providers = self.relay.providers
        self.relay.intake.bell = self.bell
        self.relay.designees = DesigneeLists(lambda _organization: self.luminate)
        self.app = create_app(self.relay)
        self.app.config["TESTING"] = True
        self.numbers = {name: self.add(name, *place) for name, place in STAFF.items()}

    def add(self, name, role, organization):
        """Somebody with PASSWORD and one role; gives back their number."""
        with self.database.write() as tx:
            number = people.add(tx, email(name), name.title(), datetime.now(UTC))
            people.change(tx, number, password_hash=_KEPT)
            people.set_role(tx, number, organization, role)
        return number

    def client(self, name="", **kwargs):
        """A browser in which this person has just signed in; "" for nobody."""
        client = self.app.test_client(**kwargs)
        if name:
            now = int(time.time())
            with client.session_transaction() as session:
                person = self.person(name)
                session.update(person=person.id, number=person.session_number, began=now, seen=now)
        return client

    def sign_in(self, name, password=PASSWORD, client=None, **more):
        """Go through the sign-in page; gives back the answer."""
        client = client or self.client()
        data = {"email": email(name), "password": password, **more}
        return client.post("/console/sign-in", data=data | token(client, "/console/sign-in"))

    def take(self, *facts, organization="alder"):
        """One event with these facts through the front door; gives back the newest entry."""
        self.relay.intake.take(organization, self.source, Delivery(self.provider.event(facts, live=True), SIGNED))
        with self.database.read() as tx:
            return next(search.listing(tx, search.Filter(), limit=1, newest_first=True))

    def post(self, organization="alder", times=12):
        """Post, as a worker does, until nothing moves any more; ``luminate.script`` says what Luminate answers."""
        for _ in range(times):
            charity = self.settings.organizations[organization]
            if not Posting(self.database, charity, self.luminate, worker="w").run().sent:
                return

    def stamp(self):
        """Say that the tables are the newest, as a migration does."""
        with self.database.write() as tx:
            tx.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
            tx.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (migrate.head(),))

    def later(self, **some):
        """Put the ledger's clock forward."""
        self.database.ahead += timedelta(**some)

    def entry(self, number):
        with self.database.read() as tx:
            return entries.get(tx, number)

    def person(self, name):
        with self.database.read() as tx:
            return people.find(tx, email(name))

    def lines(self, action=""):
        """The audit, oldest first."""
        with self.database.read() as tx:
            return list(audit.lines(tx, audit.Wanted(action=action)))


def actor_named(house, name):
    """The person as one who asks."""
    return actor_of(house.person(name))


def session_cookie(house, name, address):
    """The cookie of somebody who has just signed in, for a real browser."""
    person, now = house.person(name), int(time.time())
    session = {"person": person.id, "number": person.session_number, "began": now, "seen": now}
    value = house.app.session_interface.get_signing_serializer(house.app).dumps(session)
    return {"name": "relay", "value": value, "url": address, "httpOnly": True, "sameSite": "Lax"}


def token(client, page):
    """The hidden field that a form of this page carries."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(page).get_data(as_text=True))
    return {"csrf_token": found[1]}
