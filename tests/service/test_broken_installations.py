"""Every broken installation gets its own right sentence from the doctor: a table, one line a case.

Real servers: the sandbox over HTTP, Redis, SQLite, PostgreSQL where it matters. What a case must hold: its words stand
in one line of the doctor's that is not ok, no other case's words do, the level is right, and there is something to do
about it. What is wrong in the configuration itself comes first: with that the doctor does not start, and says why.
"""

import contextlib
import http.client
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from redis import Redis
from rq import Worker
from sqlalchemy import make_url

from relay.app import create_app
from relay.bootstrap import build
from relay.config import (
    Alerts,
    FormLevel,
    Fund,
    LuminateSettings,
    MailServer,
    Mode,
    Organization,
    Pace,
    ProviderSettings,
    Settings,
    load_settings,
)
from relay.doctor import Level, Patient, examine
from relay.errors import BadSignature, ConfigurationError
from relay.ledger import claims, migrate
from relay.ledger.db import Database
from relay.providers import Delivery
from relay.queue import connect
from relay.sandbox.fault_shapes import faults
from tests.support.databases import fresh_database, run
from tests.support.processes import charge, stripe_signature
from tests.unit.luminate.sockets import Server, answering, over_tls, reply

TLS = Path(__file__).parents[1] / "unit" / "luminate"
CERTIFICATE = (TLS / "self_signed.pem", TLS / "self_signed.key.pem")
NOBODY = "127.0.0.1:9"
SECRET = "whsec_right"
FORM = FormLevel(form_id=1260, level_id=1523)


class Installation:
    """A relay with one organization on its sandbox, in which nothing is wrong, and the ways to break it."""

    def __init__(self, relay, sandbox, stack, ask):
        self.relay, self.sandbox, self.stack, self.ask = relay, sandbox, stack, ask

    @property
    def hope(self):
        return self.relay.settings.organizations["hope"]

    def told(self):
        relay = self.relay
        readers = (relay.client_for, relay.soap_for)
        return list(examine(Patient(relay.settings, relay.database, relay.redis, relay.providers, *readers)))

    def configure(self, **changes):
        self.relay.settings = replace(self.relay.settings, organizations={"hope": replace(self.hope, **changes)})
        for known in (*self.relay._clients.values(), *self.relay._soap.values()):
            known.close()
        self.relay._clients.clear()
        self.relay._soap.clear()

    def luminate(self, **changes):
        self.configure(luminate=replace(self.hope.luminate, **changes))

    def site(self, **posted):
        self.sandbox.sandbox.change("hope", posted)

    def fault(self, name, method, **more):
        self.sandbox.sandbox.faults.replace(*faults({"faults": [{"fault": name, "method": method, **more}]}))

    def server(self, behave):
        server = Server(behave)
        self.stack.callback(server.close)
        return server

    def database(self, url):
        self.stack.callback(self.relay.database.engine.dispose)
        self.relay.database = Database(url)
        self.stack.callback(self.relay.database.engine.dispose)

    def redis(self, redis):
        self.stack.callback(redis.close)
        self.relay.redis = redis

    def take(self, secret):
        body = json.dumps(charge(1)).encode()
        delivery = Delivery(body, {"stripe-signature": stripe_signature(body, secret)})
        return self.relay.intake.take("hope", "stripe", delivery)


@pytest.fixture
def well(sandbox, redis_db, redis_url, tmp_path, request):
    luminate = LuminateSettings(
        url=f"{sandbox.url}/hope/site",
        api_key="demo-api-key",
        login_name="demo-api-user",
        login_password="demo-api-password",
        connect_timeout=2,
        read_timeout=2,
        soap_url=f"{sandbox.url}/1.0/hope",
        soap_user="demo-soap-user",
        soap_password="demo-soap-password",
    )
    hope = Organization(
        name="hope",
        luminate=luminate,
        form=FORM,
        mode=Mode.BOTH,
        funds={"WATER": Fund(code="WATER", designee_id=1003)},
        pace=Pace(settle_seconds=0),
        providers={"stripe": ProviderSettings(secrets=(SECRET,))},
    )
    url = f"sqlite:///{tmp_path / 'ledger.db'}"
    relay = build(Settings(database_url=url, redis_url=redis_url, secret_key="k" * 40, organizations={"hope": hope}))
    migrate.upgrade(relay.database)
    Worker(["posting"], connection=redis_db).register_birth()
    with contextlib.ExitStack() as stack:
        stack.callback(relay.redis.close)
        stack.callback(relay.database.engine.dispose)
        installation = Installation(relay, sandbox, stack, request.getfixturevalue)
        yield installation
        installation.configure()


# --- ways to break it that take more than a line --------------------------------------------------------------------


def postgres(h, **changed):
    """The address of a PostgreSQL that is there, with another name in it."""
    return make_url(h.ask("postgres_url")).set(**changed).render_as_string(hide_password=False)


def postgres_that_says(text):
    """A server that refuses every login as PostgreSQL does."""
    fields = b"SFATAL\0VFATAL\0C28000\0M" + text.encode() + b"\0\0"

    def behave(_server, connection):
        while len(asked := connection.recv(4096)) == 8:  # asks for encryption
            connection.sendall(b"N")
        if asked:
            connection.sendall(b"E" + (len(fields) + 4).to_bytes(4, "big") + fields)

    return behave


def refused_by_postgres(text):
    def break_it(h):
        server = h.server(postgres_that_says(text))
        h.database(f"postgresql+psycopg://relay:wrong@127.0.0.1:{server.port}/relay")

    return break_it


def database_an_hour_ahead(h):
    url = h.stack.enter_context(fresh_database(h.ask("postgres_url")))
    ahead = "SELECT pg_catalog.clock_timestamp() + interval '1 hour'"
    run(
        url,
        f"CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $${ahead}$$",
        f'ALTER DATABASE "{make_url(url).database}" SET search_path = public, pg_catalog',
    )
    h.database(url)
    migrate.upgrade(h.relay.database)


def tables_at(number):
    def break_it(h):
        with h.relay.database.write() as tx:
            tx.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (number,))

    return break_it


def redis_set(h, option, value):
    was = h.relay.redis.config_get(option)[option]
    h.stack.callback(h.ask("redis_db").config_set, option, was)
    h.relay.redis.config_set(option, value)


def redis_replica(h):
    h.stack.callback(h.ask("redis_db").replicaof, "NO", "ONE")
    h.relay.redis.replicaof("127.0.0.1", 9)


def redis_that_loads(h):
    def behave(_server, connection):
        while connection.recv(4096):
            connection.sendall(b"-LOADING Redis is loading the dataset in memory\r\n")

    h.redis(connect(f"redis://127.0.0.1:{h.server(behave).port}/0"))


def luminate_an_hour_behind(h):
    """A front before the sandbox that tells another time."""
    then = format_datetime(datetime.now(UTC) - timedelta(hours=1), usegmt=True)

    def behave(server, connection):
        while request := server.read(connection):
            head, body = request
            lines = head.split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines[1:])
            with contextlib.closing(http.client.HTTPConnection(h.sandbox.url.removeprefix("http://"))) as behind:
                behind.request("POST", lines[0].split()[1], body, headers)
                answer = behind.getresponse()
                connection.sendall(reply(answer.read(), headers=[f"Date: {then}"]))

    h.luminate(url=h.server(behave).url.replace("/demo/", "/hope/"))


def self_signed(h):
    server = h.server(over_tls(CERTIFICATE, answering(reply())))
    h.luminate(url=server.url.replace("http:", "https:"))


def posted_by_another(h):
    h.take(SECRET)
    assert h.relay.posting_for(h.hope).run()
    h.luminate(login_name="demo-other-user", login_password="demo-other-password")


def secret_that_matches_nothing(h):
    with pytest.raises(BadSignature):
        h.take("whsec_of_another_endpoint")
    h.relay.intake.refusals.write()


def worker_killed(h):
    """It is still registered in Redis, and its lease has ended."""
    with h.relay.database.write() as tx:
        claims.take_lease(tx, "sweep", "w", datetime.now(UTC) - timedelta(minutes=9), seconds=10)


def mail_server_away(h):
    mail = MailServer(host="127.0.0.1", port=9, security="plain", sender="relay@example.org")
    h.relay.settings = replace(h.relay.settings, mail=mail)


def one_account_for_both(h):
    h.luminate(soap_user="demo-api-user", soap_password="demo-api-password")


# --- the table ------------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """How it is broken, how bad that is, whose line it is, the distinctive words, and words of what to do."""

    break_it: object
    level: Level
    name: str
    words: str
    what_to_do: str


F, W = Level.FAILED, Level.WARNING
SITE = "https://secure2.convio.net/<organization>/site"
SOAP = "https://webservices.cluster2.convio.net/1.0/<shortname>"

CASES = {
    # the database
    "database away": Case(
        lambda h: h.database(f"postgresql+psycopg://relay@{NOBODY}/relay"),
        F, "database", "Nothing answers where the database should be", "Start the database"),
    "database host unknown": Case(
        lambda h: h.database("postgresql+psycopg://relay@db.invalid/relay"),
        F, "database", "name of the database server is not known", "right host into DATABASE_URL"),
    "wrong database password": Case(
        refused_by_postgres('password authentication failed for user "relay"'),
        F, "database", "The database does not accept user and password", "DATABASE_URL"),
    "database wants encryption": Case(
        refused_by_postgres('no pg_hba.conf entry for host "127.0.0.1", no encryption'),
        F, "database", "wants an encrypted connection", "?sslmode=require"),
    "database full of connections": Case(
        refused_by_postgres("sorry, too many clients already"),
        F, "database", "The database has no free connection", "raise the database's limit"),
    "no such database": Case(
        lambda h: h.database(postgres(h, database="not_there")),
        F, "database", "has no such database", "Create it"),
    "no tables": Case(
        lambda h: migrate.downgrade(h.relay.database, "base"),
        F, "migrations", "The ledger has no tables yet", "flask db upgrade"),
    "older tables": Case(
        tables_at("0000"), F, "migrations", "tables are at 0000; this relay needs", "flask db upgrade"),
    "newer tables": Case(
        tables_at("9999"), F, "migrations", "newer than this relay knows", "Run the relay that made them"),
    "our clock and the database's": Case(
        database_an_hour_ahead, F, "clock", "This machine's clock and the database's differ by 3,600", "NTP"),
    # Redis
    "Redis away": Case(
        lambda h: h.redis(connect(f"redis://{NOBODY}/0")),
        F, "redis", "Redis does not answer", "right address into REDIS_URL"),
    "Redis password": Case(
        lambda h: h.redis(Redis.from_url(h.ask("redis_url"), username="nobody", password="wrong")),
        F, "redis", "Redis does not accept user and password", "REDIS_URL"),
    "Redis evicts": Case(
        lambda h: redis_set(h, "maxmemory-policy", "allkeys-lru"),
        W, "redis", "may throw away bells when its memory is full (allkeys-lru)", "noeviction"),
    "Redis replica": Case(redis_replica, F, "redis", "a replica that only reads", "name the primary"),
    "Redis loads": Case(redis_that_loads, W, "redis", "Redis is still loading its data", "in a minute"),
    "no worker": Case(
        lambda h: h.relay.redis.flushdb(), W, "workers", "No worker is at work", "Start `flask work`"),
    "a worker that was killed": Case(
        worker_killed, W, "workers", "No worker has looked at the ledger since", "see its log"),
    # whom relay tells
    "mail server away": Case(
        mail_server_away, F, "mail", "Nothing answers where the mail server should be", "RELAY_SMTP_URL"),
    "alert webhook away": Case(
        lambda h: h.configure(alerts=Alerts(webhooks=("https://hooks.invalid/x",))),
        F, "hope: alert webhook 1", "The name of webhook 1 is not known", "alerts.webhooks"),
    # the way to Luminate
    "Luminate's host unknown": Case(
        lambda h: h.luminate(url="https://luminate.invalid/hope/site"),
        F, "hope: Luminate", "The name of Luminate's server could not be found", "right host"),
    "port closed": Case(
        lambda h: h.luminate(url=f"http://{NOBODY}/hope/site"),
        F, "hope: Luminate", "did not take the connection.", "host and port"),
    "certificate": Case(
        self_signed, F, "hope: Luminate", "certificate of Luminate's server", "this machine's clock"),
    "proxy": Case(
        lambda h: h.luminate(proxy=f"http://user:word@{NOBODY}", soap_url=""),
        F, "hope: Luminate", "The proxy in front of Luminate did not let the call through", "LUMINATE_PROXY"),
    "no answer in time": Case(
        lambda h: (h.luminate(read_timeout=0.3), h.fault("hang", "isEmailValid", seconds=1)),
        F, "hope: Luminate", "did not answer completely in time", "maintenance"),
    "wrong path": Case(
        lambda h: h.luminate(url=f"{h.hope.luminate.url}/more"),
        F, "hope: Luminate", "no Luminate API at this address (HTTP 404)", SITE),
    "a web page": Case(
        lambda h: h.fault("html", "isEmailValid"),
        F, "hope: Luminate", "A web page answers instead of Luminate's API", SITE),
    "a redirect": Case(
        lambda h: h.fault("status_302", "isEmailValid"),
        F, "hope: Luminate", "leads somewhere else (a redirect)", SITE),
    "Luminate out of order": Case(
        lambda h: h.fault("status_503", "isEmailValid"),
        F, "hope: Luminate", "Luminate is out of order (HTTP 503)", "Try again later"),
    "Luminate's clock": Case(
        luminate_an_hour_behind, F, "hope: clock", "This machine's clock and Luminate's differ by 3,60", "NTP"),
    # key, account, address
    "wrong API key": Case(
        lambda h: h.luminate(api_key="wrong"),
        F, "hope: Luminate", "does not accept the API key", "Open API Configuration"),
    "wrong login": Case(
        lambda h: h.luminate(login_password="wrong"),
        F, "hope: Luminate", "does not accept the API account", "Compare name and password"),
    "address not on the list": Case(
        lambda h: h.site(ip_allow=["203.0.113.0/24"]),
        F, "hope: Luminate", "does not let this machine's address in", "Add 127.0.0.1/32 to the allow-list"),
    "no right to read": Case(
        lambda h: h.site(switches={"read_permission": "separate"}),
        W, "hope: look-up", "cannot read transactions", "Give it the permission"),
    "gifts of another account": Case(
        posted_by_another, W, "hope: account", "Another API account recorded 1 gift", "Keep to one account"),
    # forms, levels, designees
    "wrong form": Case(
        lambda h: h.configure(form=replace(FORM, form_id=9999)),
        W, "hope: form 9999", "Luminate does not tell about this form", "whether it is published"),
    "wrong level": Case(
        lambda h: h.configure(form=replace(FORM, level_id=7)),
        F, "hope: form 1260", "It has no level 7", "Its levels are: 1521, 1522, 1523"),
    "a level with a fixed amount": Case(
        lambda h: h.configure(form=replace(FORM, level_id=1521)),
        F, "hope: form 1260", "level 1521 has a fixed amount", "whose amount the donor enters"),
    "an archived designee": Case(
        lambda h: h.configure(funds={"OLD": Fund(code="OLD", designee_id=1004)}),
        F, "hope: designees", "does not offer the designee of these funds: OLD -> 1004", "archived"),
    "a designee not on the form": Case(
        lambda h: h.site(forms={"1260": {"designees": ["1001"]}}),
        W, "hope: designees", "The form does not offer the designee of these funds: WATER", "Offer them on the form"),
    "no write-ins": Case(
        lambda h: h.configure(funds={"BENCH": Fund(code="BENCH", write_in="Bench")}),
        W, "hope: form 1260", "takes no write-in designations", "Allow them on the form"),
    # what comes in
    "a provider's secret": Case(
        secret_that_matches_nothing,
        W, "hope: stripe", "Last refused with a bad signature", "Compare the secret with the provider's"),
    "no provider": Case(
        lambda h: h.configure(providers={}),
        F, "hope: configuration", "No provider is configured", "Set the secret of a provider"),
    "test events only": Case(
        lambda h: h.configure(mode=Mode.TEST), W, "hope: mode", "takes test events only", "Set the mode to live"),
    # the SOAP web services
    "SOAP host unknown": Case(
        lambda h: h.luminate(soap_url="https://webservices.invalid/1.0/hope"),
        F, "hope: SOAP", "The web services cannot be reached", SOAP),
    "SOAP address": Case(
        lambda h: h.luminate(soap_url=f"{h.sandbox.url}/2.0/hope"),
        F, "hope: SOAP", "did not hand out the description of its web services (HTTP 404)", SOAP),
    "SOAP address of a page": Case(
        lambda h: h.luminate(soap_url=f"http://127.0.0.1:{h.server(a_page).port}/1.0/hope"),
        F, "hope: SOAP", "description of Luminate's web services cannot be used", SOAP),
    "address not on the SOAP list": Case(
        lambda h: h.site(soap_ip_allow=["203.0.113.0/24"]),
        F, "hope: SOAP", "keeps its web services closed to relay", "another list than the REST API's"),
    "SOAP login": Case(
        lambda h: h.luminate(soap_password="wrong"),
        F, "hope: SOAP", "web services do not accept the account: wrong login", "LUMINATE_SOAP_PASSWORD"),
    "SOAP right to query": Case(
        lambda h: h.fault("soap_permission", "Query"),
        F, "hope: SOAP", "accept the account, but not its query for gifts", "see donations"),
    "SOAP session conflict": Case(
        lambda h: h.fault("soap_conflict", "Login"),
        W, "hope: SOAP", "Another session of the same account is open", "serves nothing but relay's SOAP"),
    "one account for REST and SOAP": Case(
        one_account_for_both,
        F, "hope: SOAP", "refuse the account, and it is the one that posts gifts", "serves nothing but relay's SOAP"),
}  # fmt: skip


def a_page(_server, connection):
    connection.recv(65536)
    connection.sendall(reply(b"<!DOCTYPE html><html><body>Welcome</body></html>", headers=["Connection: close"]))


def test_a_healthy_installation_is_told_only_what_cannot_be_proven(well):
    doubts = {check.name for check in well.told() if check.level is not Level.OK}
    assert doubts == {"hope: address", "hope: stripe", "hope: permission"}  # a sandbox, no event yet, no gift yet
    assert "hope: SOAP" in {check.name for check in well.told() if check.level is Level.OK}


def test_the_table_has_at_least_25_cases_whose_words_differ():
    words = [case.words for case in CASES.values()]
    assert len(words) >= 25
    assert not [(one, other) for one in words for other in words if one != other and one in other]
    assert len(set(words)) == len(words)


def tells(check, case):
    return check.name == case.name and case.words in check.text


@pytest.mark.parametrize("broken", CASES)
def test_each_broken_installation_gets_its_own_sentence(well, broken):
    case = CASES[broken]
    case.break_it(well)
    checks = [check for check in well.told() if check.level is not Level.OK]
    assert {name for name, one in CASES.items() if any(tells(check, one) for check in checks)} == {broken}
    (mine,) = [check for check in checks if tells(check, case)]
    assert mine.level is case.level
    assert case.what_to_do in mine.what_to_do
    shown = json.dumps([(check.text, check.what_to_do) for check in checks])
    assert not [
        secret for secret in ("demo-api-password", "demo-soap-password", SECRET, "user:word") if secret in shown
    ]


@pytest.mark.parametrize(("broken", "code"), [("wrong API key", 1), ("no worker", 0)])
def test_a_program_reads_the_same_and_the_exit_code(well, broken, code):
    case = CASES[broken]
    case.break_it(well)
    result = create_app(well.relay).test_cli_runner().invoke(args=["doctor", "--json"])
    assert result.exit_code == code
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    (mine,) = [line for line in lines if case.words in line["text"]]
    assert (mine["name"], mine["level"]) == (case.name, case.level.value)
    assert case.what_to_do in mine["what_to_do"]


# --- the configuration: with a mistake nothing starts, the doctor neither ---------------------------------------------

TOLD = {
    "DATABASE_URL": "postgresql://relay@127.0.0.1/relay",
    "REDIS_URL": "redis://127.0.0.1:9/0",
    "SECRET_KEY": "0123456789abcdef" * 4,
    "LUMINATE_URL": "https://secure2.convio.net/acme/site",
    "LUMINATE_API_KEY": "k",
    "LUMINATE_LOGIN_NAME": "acme_api",
    "LUMINATE_LOGIN_PASSWORD": "p",
    "LUMINATE_FORM_ID": "1",
    "LUMINATE_LEVEL_ID": "2",
    "LUMINATE_SOAP_URL": "https://webservices.cluster2.convio.net/1.0/acme",
    "LUMINATE_SOAP_USER": "acme_soap",
    "LUMINATE_SOAP_PASSWORD": "p",
    "STRIPE_WEBHOOK_SECRET": "whsec_a",
    "DYNO": "web.1",  # on a platform
}
# Variable, what it is set to (None: it is missing), the distinctive words of the sentence.
MISTAKES = {
    "/site missing": ("LUMINATE_URL", "https://secure2.convio.net/acme", f"must end with /site; the shape is {SITE}"),
    "the servlet behind it": ("LUMINATE_URL", f"{TOLD['LUMINATE_URL']}/SRDonationAPI", "without the servlet behind it"),
    "not encrypted": ("LUMINATE_URL", "http://secure2.convio.net/acme/site", "must begin with https"),
    "no scheme": ("LUMINATE_URL", "secure2.convio.net/acme/site", "is not an https address"),
    "no key": ("LUMINATE_API_KEY", None, "is not set, although LUMINATE_URL is"),
    "a level's name": ("LUMINATE_LEVEL_ID", "other", "must be a whole number"),
    "an API key as the secret": ("STRIPE_WEBHOOK_SECRET", "sk_live_1", "is an API key; a signing secret"),
    "doubled /wsdl": ("LUMINATE_SOAP_URL", f"{TOLD['LUMINATE_SOAP_URL']}/wsdl", "must not end with /wsdl"),
    "SOAP without 1.0": ("LUMINATE_SOAP_URL", "https://webservices.cluster2.convio.net/acme", "exactly two parts"),
    "SOAP without its user": ("LUMINATE_SOAP_USER", None, "belong together"),
    "SQLite on a platform": ("DATABASE_URL", "sqlite:///relay.db", "share no disk; add a PostgreSQL database"),
    "no Redis on a platform": ("REDIS_URL", None, "has no Redis on this machine; add one"),
    "a default secret": ("SECRET_KEY", "changeme", "is a word that anybody would try; make one with"),
}


def test_the_configuration_of_the_table_has_no_mistake():
    assert load_settings(TOLD).organizations["acme"].luminate.soap_user == "acme_soap"


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_in_the_configuration_gets_its_own_sentence(mistake):
    variable, value, _ = MISTAKES[mistake]
    told = {**TOLD, variable: value or ""}
    with pytest.raises(ConfigurationError) as wrong:
        load_settings(told)
    (sentence,) = wrong.value.problems
    assert sentence.startswith(f"{variable}: ")
    assert {name for name, (_, _, other) in MISTAKES.items() if other in sentence} == {mistake}
