"""The front door: every row of the HTTP contract, and that a 2xx is only said over a committed event."""

import json
import time

import pytest
from sqlalchemy import event as engine_event
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from relay.app import create_app
from relay.bootstrap import build
from relay.config import Mode
from relay.demo.signing import stripe_headers
from relay.errors import CouldNotStore, LedgerUnavailable, Unreadable
from relay.gifts import Donor, Name
from relay.ledger.models import attempts, entries, events
from relay.providers import Delivery
from relay.status import Status, Verdict
from tests.builders import DONOR, SIGNED, make_gift, make_organization, make_relay, make_settings
from tests.provider_cases import payloads

PAN = "4242424242424242"


@pytest.fixture
def client(relay):
    return client_of(relay)


def client_of(bench, **settings):
    """A Flask test client in front of the bench's own intake."""
    whole = build(make_settings(bench.organization, database_url=bench.settings.database_url, **settings))
    whole.database, whole.bell = bench.database, bench.bell
    whole.intake, whole.providers = bench.intake, {"acme": bench.provider.provider}
    if settings:
        whole.intake.settings = whole.settings
    return create_app(whole).test_client()


def post(client, body, where="alder/acme", headers=None):
    return client.post(f"/webhooks/{where}", data=body, headers=SIGNED if headers is None else headers)


# --- the contract ------------------------------------------------------------------------------------------------


def test_200_stored_with_its_verdict_and_number(relay, client):
    answer = post(client, relay.provider.event((make_gift(),)))
    assert (answer.status_code, answer.json["status"], answer.json["verdict"]) == (200, "stored", "entry")
    assert relay.events()[0]["id"] == answer.json["event"]


def test_200_for_a_duplicate_and_it_is_counted(relay, client):
    body = relay.provider.event((make_gift(),))
    post(client, body)
    answer = post(client, body)
    assert (answer.status_code, answer.json["verdict"]) == (200, "duplicate")
    first, second = relay.events()
    assert (second["duplicate_of"], second["body"], second["verdict"]) == (first["id"], b"", "duplicate")
    assert len(relay.entries()) == 1


def test_200_for_what_is_not_ours_to_use(relay, client):
    answer = post(client, relay.provider.event(()))
    assert (answer.status_code, answer.json["verdict"]) == (200, "ignored")
    assert relay.events()[0]["body"]


def test_200_for_what_nobody_understands_and_its_bytes_are_kept(relay, client):
    answer = post(client, b"\x00\xff odd")
    assert (answer.status_code, answer.json["verdict"]) == (200, "not_understood")
    assert relay.events()[0]["body"] == b"\x00\xff odd"
    assert relay.events()[0]["note"] == "never seen such an event"


def test_400_for_what_this_provider_does_not_send(relay, client):
    relay.provider.fails_with = Unreadable("the body is not JSON")
    answer = post(client, b"<xml/>")
    assert (answer.status_code, answer.json["reason"]) == (400, "unreadable")
    assert relay.events() == []


@pytest.mark.parametrize("headers", [{}, {"sign": "bad"}])
def test_401_for_a_bad_signature(relay, client, headers):
    answer = post(client, relay.provider.event((make_gift(),)), headers=headers)
    assert (answer.status_code, answer.json["reason"]) == (401, "bad_signature")
    assert relay.events() == []


@pytest.mark.parametrize(
    ("mode", "live", "status"),
    [("live", False, 403), ("test", True, 403), ("live", True, 200), ("test", False, 200), ("both", False, 200)],
)
def test_403_for_an_event_of_the_other_mode(sqlite_url, mode, live, status):
    relay = make_relay(sqlite_url, make_organization(mode=Mode(mode)))
    answer = post(client_of(relay), relay.provider.event((make_gift(),), live=live))
    assert answer.status_code == status
    assert len(relay.events()) == (status == 200)


def test_an_event_that_does_not_tell_its_mode_is_taken(relay, client):
    assert post(client, relay.provider.event((make_gift(),), live=None)).status_code == 200


@pytest.mark.parametrize("where", ["birch/acme", "alder/unknown", "alder/stripe"])
def test_404_for_an_unknown_organization_or_provider(relay, client, where):
    answer = post(client, b"{}", where=where)
    assert (answer.status_code, answer.json["reason"]) == (404, "unknown_source")
    assert relay.events() == []


def test_404_elsewhere_is_json_too(client):
    assert client.post("/webhooks/alder").json["reason"] == "not_found"


@pytest.mark.parametrize("size", [1_001, 1_002, 10_000_000])
def test_413_for_a_body_over_the_limit(relay, size):
    client = client_of(relay, max_body_bytes=1_000)
    answer = post(client, b"x" * size)
    assert (answer.status_code, answer.json["reason"]) == (413, "too_large")
    assert relay.events() == []


def test_a_body_of_exactly_the_limit_is_taken(relay):
    assert post(client_of(relay, max_body_bytes=1_000), b"x" * 1_000).status_code == 200


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_405_for_any_other_method(client, method):
    assert getattr(client, method)("/webhooks/alder/acme").status_code == 405


def test_a_form_body_arrives_as_its_raw_bytes(relay, client):
    client.post("/webhooks/alder/acme", data={"a": "b"}, headers=SIGNED)
    assert relay.events()[0]["body"] == b"a=b"


# --- stored, then answered -----------------------------------------------------------------------------------------


def test_503_when_the_ledger_is_away_and_nothing_is_stored(relay, client):
    def away():
        raise LedgerUnavailable("gone")

    relay.database.on_now = away
    answer = post(client, relay.provider.event((make_gift(),)))
    assert (answer.status_code, answer.json["reason"]) == (503, "could_not_store")
    relay.database.on_now = lambda: None
    assert relay.events() == relay.entries() == []


def test_503_when_the_commit_fails_and_the_repeat_is_no_duplicate(relay, client):
    failing = [True]

    @engine_event.listens_for(relay.database.engine, "commit")
    def fail(_connection):
        if failing and failing.pop():
            raise OperationalError("COMMIT", {}, Exception("disk full"))

    body = relay.provider.event((make_gift(),))
    assert post(client, body).status_code == 503
    assert relay.bell.rings == []
    assert relay.events() == relay.entries() == []
    answer = post(client, body)
    assert (answer.status_code, answer.json["verdict"]) == (200, "entry")


def test_at_the_moment_of_the_ring_the_event_is_committed(relay):
    seen = []
    relay.bell.ring = lambda _organization: seen.append(len(relay.entries()))
    relay.take(make_gift())
    assert seen == [1]


@pytest.mark.parametrize(
    "error", [KeyError("x"), TypeError("x"), ValueError("x"), RecursionError(), ZeroDivisionError()]
)
def test_a_parser_that_breaks_costs_no_event(relay, client, error):
    relay.provider.fails_with = error
    answer = post(client, b'{"id": 1}')
    assert (answer.status_code, answer.json["verdict"]) == (200, "not_understood")
    assert type(error).__name__ in relay.events()[0]["note"]
    assert post(client, b'{"id": 1}').json["verdict"] == "duplicate"


def test_booking_that_breaks_costs_no_event_and_leaves_no_half_of_it(relay, client):
    body = relay.provider.event((make_gift(), make_gift(keys=())))
    answer = post(client, body)
    assert (answer.status_code, answer.json["verdict"]) == (200, "not_understood")
    assert [row["note"] for row in relay.events()] == ["relay could not book it: see the log"]
    assert relay.entries() == []
    assert post(client, body).json["verdict"] == "duplicate"


def test_booking_that_breaks_on_a_ledger_that_goes_away_is_a_503(relay):
    body = relay.provider.event((make_gift(keys=()),))
    statements = []

    @engine_event.listens_for(relay.database.engine, "before_cursor_execute")
    def fail_later(_connection, _cursor, statement, *_):
        statements.append(statement)
        if statement.startswith("INSERT INTO events") and len([one for one in statements if one == statement]) > 1:
            raise OperationalError(statement, {}, Exception("gone"))

    with pytest.raises(CouldNotStore):
        relay.take(body=body)
    assert relay.events() == []


# --- nothing that does not belong ------------------------------------------------------------------------------------


def test_a_card_number_is_nowhere_in_the_ledger(relay, client):
    donor = Donor(name=Name(first=f"Mary {PAN}", last="Stone"), email=DONOR.email)
    gift = make_gift(donor=donor, sources=({"note": f"my card is {PAN}", "number": int(PAN)},))
    body = json.dumps({"note": PAN, "number": int(PAN)}).encode()
    relay.provider.known[body] = ((gift,), True)
    relay.provider.names[body] = "evt_card"
    assert post(client, body).status_code == 200
    relay.post()
    assert relay.statuses() == ["posted"]
    with relay.database.read() as tx:
        dump = [str(tx.execute(select(table)).all()) for table in (events, entries, attempts)]
    assert PAN not in "".join(dump)
    assert "************4242" in dump[0]
    assert PAN not in str(relay.luminate.calls)


@pytest.mark.parametrize("headers", [SIGNED, {"sign": "bad"}])
@pytest.mark.parametrize("body", [b'{"email": "mary@example.org"}', b"mary@example.org"])
def test_no_donor_data_in_any_answer(relay, client, body, headers):
    assert b"mary" not in post(client, body, headers=headers).data


def test_every_answer_forbids_caching_and_framing(client):
    answer = post(client, b"x")
    assert (answer.headers["Cache-Control"], answer.headers["X-Frame-Options"]) == ("no-store", "DENY")


def test_no_signature_is_kept(relay, client):
    post(client, b"x", headers=SIGNED | {"User-Agent": "acme/1"})
    kept = relay.events()[0]["headers"]
    assert (kept["user-agent"], "sign" in kept) == ("acme/1", False)


# --- odd bodies through a real provider ------------------------------------------------------------------------------


@pytest.fixture
def stripe(sqlite_url):
    """What becomes of a body sent by Stripe."""
    bench = make_relay(sqlite_url)
    whole = build(make_settings(make_organization(), database_url=sqlite_url, max_body_bytes=20_000_000))

    def take(body):
        return whole.intake.take("alder", "stripe", Delivery(body, stripe_headers(body, "whsec_1", int(time.time()))))

    yield take, bench
    whole.database.engine.dispose()


def test_nul_characters_are_left_out(stripe):
    take, bench = stripe
    event = json.loads(payloads("stripe")["charge_succeeded"]) | {"livemode": True, "id": "evt_\u0000x"}
    event["data"]["object"]["billing_details"]["name"] = "Anna\u0000 Berg"
    assert take(json.dumps(event).encode()).verdict is Verdict.ENTRY
    assert "\x00" not in bench.entry(1).donor_name


@pytest.mark.parametrize("depth", [41, 500, 100_000])
def test_a_body_that_nests_without_end_is_kept_for_a_person_or_refused(stripe, depth):
    take, bench = stripe
    body = b'{"id":"evt_1","object":"event","data":' + b'{"a":' * depth + b"1" + b"}" * depth + b"}"
    try:
        assert take(body).verdict is Verdict.NOT_UNDERSTOOD
    except Unreadable:
        assert depth > 500
    assert bench.entries() == []


def test_ten_megabytes_within_the_limit_are_taken(stripe):
    take, bench = stripe
    event = json.loads(payloads("stripe")["charge_succeeded"]) | {"livemode": True}
    event["data"]["object"]["metadata"] = {"long": "x" * 10_000_000}
    assert take(json.dumps(event).encode()).verdict is Verdict.ENTRY
    assert bench.entry(1).status in {Status.QUEUED, Status.HELD}
