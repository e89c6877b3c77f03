"""Every provider's genuine event, in its own way of sending, through the real front door over HTTP.

With every socket shut but those of the database and Redis: the ack path calls nobody, whatever is configured.
"""

import socket
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from redis import Redis
from sqlalchemy import select

from relay.app import create_app
from relay.bootstrap import build
from relay.config import Mode
from relay.config.provider_names import OPTIONS
from relay.ledger import migrate
from relay.ledger.models import events, metadata
from relay.providers import PROVIDERS
from tests.builders import make_settings
from tests.fakes import FakeBell
from tests.provider_cases import payloads
from tests.support import genuine, paypal
from tests.support.front_door import charity

EVERY = sorted(PROVIDERS)
# What ends as an entry at the door, and what waits for a worker because its event only names an object, or PayPal's
# word is wanted first. Square and Stripe ask for some events only, and not for these.
WAITS = {"authorizenet", "gocardless", "mollie", "paypal", "paypal_ipn"}


@pytest.fixture
def door(postgres_database, redis_db, monkeypatch):
    """A function that opens one provider's front door on PostgreSQL and Redis, with every other socket shut."""
    opened, shut = [], []
    connect = socket.socket.connect

    def guarded(self, address):
        if self.family != socket.AF_UNIX and address[0] not in ("127.0.0.1", "localhost", "::1"):
            shut.append(address)
            raise AssertionError(f"the front door called {address}")
        ours = redis_db.connection_pool.connection_kwargs
        place = address if self.family == socket.AF_UNIX else address[1]
        if place not in (ours.get("path"), ours.get("port")):
            shut.append(address)
            raise AssertionError(f"the front door called {address}")
        return connect(self, address)

    def nobody(*args, **_kwargs):
        shut.append(args)
        raise AssertionError(f"the front door looked up {args}")

    def open_for(provider):
        whose = charity(provider, genuine.SETTINGS[provider])
        client = Redis(connection_pool=redis_db.connection_pool)
        relay = build(make_settings(whose, database_url=postgres_database), redis=client)
        migrate.upgrade(relay.database)
        if provider == "paypal":
            relay.intake.providers = {**relay.providers, "paypal": paypal.make_provider()}
        opened.append(relay)
        monkeypatch.setattr(socket.socket, "connect", guarded)
        monkeypatch.setattr(socket, "create_connection", nobody)
        monkeypatch.setattr(socket, "getaddrinfo", nobody)
        return create_app(relay).test_client(), relay

    yield open_for
    assert shut == []
    for relay in opened:
        relay.database.engine.dispose()


def body_of(provider):
    return genuine.form_of(provider) or payloads(provider)[genuine.GIFT[provider]]


def post(client, provider):
    delivery = genuine.sent(provider, body_of(provider), datetime.now(UTC))
    path = f"/webhooks/alder/{provider}" + (f"/{delivery.token}" if delivery.token else "")
    return client.post(path, data=delivery.body, headers=dict(delivery.headers))


def test_a_new_provider_brings_its_own_case():
    assert sorted(genuine.SETTINGS) == sorted(genuine.GIFT) == EVERY


@pytest.mark.parametrize("provider", EVERY)
def test_the_front_door_of_every_provider_calls_nobody(door, provider):
    client, relay = door(provider)
    for verdict in ("entry", "duplicate"):
        answer = post(client, provider)
        assert answer.status_code == 200, answer.text
        with relay.database.read() as tx:
            stored = tx.execute(select(events.c.verdict).order_by(events.c.id)).scalars().all()
        if provider in WAITS:
            assert set(stored) <= {"pending", "duplicate"}
        elif provider != "gofundmepro":  # nothing is known of it before an organization maps it
            assert stored[-1] == verdict
        # The bell rings at Redis: a real connection, through the one door that is open.
        relay.bell.ring("alder")


@pytest.mark.parametrize("provider", EVERY)
def test_whoever_could_ask_an_api_is_configured_to(provider):
    """Else the test above would prove nothing of it."""
    can = {"access_token", "api_key", "client_id", "login_id"} & set(OPTIONS.get(provider, {}))
    assert can <= set(genuine.SETTINGS[provider].options)
    if PROVIDERS[provider].fetch and provider != "paypal_ipn":
        assert can


# --- live and test ------------------------------------------------------------------------------------------------


def test_every_provider_says_how_it_tells_live_from_test():
    assert sorted([*genuine.IN_TEST, *genuine.BY_ENVIRONMENT, *genuine.BY_MAPPING, *genuine.UNTOLD]) == EVERY


@pytest.fixture
def taking(sqlite_url):
    """A function that opens one provider's front door for one kind of events, and says what is answered."""
    opened = []

    def answer_to(provider, mode, body, environment=""):
        settings = genuine.SETTINGS[provider]
        if environment:
            settings = replace(settings, options={**settings.options, "environment": environment})
        whose = replace(charity(provider, settings), mode=mode)
        relay = build(make_settings(whose, database_url=sqlite_url))
        metadata.create_all(relay.database.engine)
        relay.bell = relay.intake.bell = FakeBell()
        if provider == "paypal":
            relay.intake.providers = {**relay.providers, "paypal": paypal.make_provider()}
        opened.append(relay)
        delivery = genuine.sent(provider, body, datetime.now(UTC))
        path = f"/webhooks/alder/{provider}" + (f"/{delivery.token}" if delivery.token else "")
        answer = create_app(relay).test_client().post(path, data=delivery.body, headers=dict(delivery.headers))
        with relay.database.read() as tx:
            return answer.status_code, len(tx.execute(select(events.c.id)).all())

    yield answer_to
    for relay in opened:
        relay.database.engine.dispose()


@pytest.mark.parametrize("provider", sorted(genuine.IN_TEST))
def test_a_test_event_is_not_taken_by_a_live_organization_nor_the_reverse(taking, provider):
    live = body_of(provider)
    test = genuine.IN_TEST[provider](live)
    assert taking(provider, Mode.LIVE, test) == (403, 0)
    assert taking(provider, Mode.TEST, live) == (403, 0)
    assert taking(provider, Mode.TEST, test) == (200, 1)
    assert taking(provider, Mode.LIVE, live) == (200, 2)


@pytest.mark.parametrize("provider", sorted(genuine.BY_ENVIRONMENT - {"paypal"}))
def test_the_environment_of_an_account_says_it_for_all_its_events(taking, provider):
    body = body_of(provider)
    assert taking(provider, Mode.LIVE, body, "sandbox") == (403, 0)
    assert taking(provider, Mode.TEST, body, "live") == (403, 0)
    assert taking(provider, Mode.LIVE, body, "live") == (200, 1)
