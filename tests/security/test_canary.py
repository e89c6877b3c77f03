"""Canaries: what must not get out is planted everywhere it could come in, and looked for everywhere it could get out.

A donor's data may stand on the pages, files and API of whoever may read it, and in the ledger. A card number, its code
and secrets stand nowhere at all, not in a row either.
"""

import json
import threading
import time
from dataclasses import replace

import pytest
import requests

from relay import jobs, telemetry
from relay.app import create_app
from relay.config import FormLevel
from relay.crashes import scrubbed, told
from relay.demo import signing
from relay.ledger import migrate
from relay.providers import Delivery
from relay.queue import Bell
from relay.worker import RelayWorker
from tests.builders import make_luminate
from tests.provider_cases import payloads
from tests.support import genuine
from tests.support.braintree_xml import xml_of
from tests.support.console import PASSWORD, token
from tests.support.fortress import METRICS, Fortress

NUMBER, CODE = "4000056655665556", "9137"
GROUPED = ("4000 0566 5566 5556", "4000-0566-5566-5556")
DONOR = ("zebulon.quarkington@example.net", "Zebulon", "Quarkington", "77 Marzipan Parade")
# What nobody is ever told and no row holds.
SECRETS = (
    "demo-api-password", "demo-api-key", METRICS, PASSWORD, "whsec_alder", genuine.SECRET, genuine.TOKEN,
    genuine.HEX,     "AB" * 64, genuine.WHSEC, "rk_live_alder", "EAAAalder", "live_alder",
    "bearer-of-a-stranger", "cookie-of-a-stranger",
)  # fmt: skip
CHARGE = json.loads(payloads("stripe")["charge_succeeded"])
GIFTS = 500


class Held:
    """Everything that got out, by where."""

    def __init__(self):
        self.places = {}

    def add(self, place, text):
        text = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        self.places.setdefault(place, []).append(text)

    def found(self, words, *, but=()):
        """(place, word) of each canary."""
        whole = {place: "\n".join(texts) for place, texts in self.places.items() if not place.startswith(but)}
        return sorted({(place, word) for place, text in whole.items() for word in words if word in text})


def never(fortress):
    """Card numbers however they are written, and every secret; the code only where it stands as one."""
    return (NUMBER, *GROUPED, f'"{CODE}"', f": {CODE}", f"={CODE}", f">{CODE}", *SECRETS, *fortress.tokens.values())


def charge(number):
    """A charge in which the donor, or whoever made the form, wrote all that does not belong there."""
    event = json.loads(json.dumps(CHARGE))
    event["id"] = f"evt_canary{number:05}"
    body = event["data"]["object"]
    body["id"], body["payment_intent"] = f"ch_canary{number:05}", f"pi_canary{number:05}"
    first, last = DONOR[1:3]
    address = {"line1": DONOR[3], "city": "Bay", "state": "NY", "postal_code": "10001", "country": "US"}
    body["billing_details"] = {"name": f"{first} {last}", "email": DONOR[0], "address": address, "phone": None}
    body["receipt_email"], body["description"] = DONOR[0], f"card {GROUPED[number % 2]} code, {NUMBER}"
    body["metadata"] = {
        "note": NUMBER,
        "cvc": CODE,
        "security_code": CODE,
        "form": json.dumps({"cvv": CODE, "n": NUMBER}),
    }
    return json.dumps(event).encode()


@pytest.fixture
def fortress(tmp_path, redis_url, redis_db, sandbox):
    """The fortress with a real Redis, and with the sandbox for a Luminate."""
    made = Fortress(f"sqlite:///{tmp_path / 'ledger.db'}")
    with made.database.write() as tx:
        tx.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        tx.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (migrate.head(),))
    told = {"api_key": "demo-api-key", "login_name": "demo-api-user", "login_password": "demo-api-password"}
    for name, charity in made.settings.organizations.items():
        luminate = make_luminate(url=f"{sandbox.url}/hope/site", **told)
        form = FormLevel(form_id=1260, level_id=1523)
        made.settings.organizations[name] = replace(charity, luminate=luminate, form=form)
    made.relay.settings = replace(made.settings, redis_url=redis_url)
    made.relay.redis, made.relay.bell = redis_db, Bell(redis_db)
    made.relay.intake.bell = made.relay.bell
    made.app = create_app(made.relay)
    made.app.config["PROPAGATE_EXCEPTIONS"] = False
    made.app.add_url_rule("/breaks/<token>", "breaks", breaks)
    yield made
    telemetry.report_to(None)
    telemetry.to_standard_output()
    for client in made.relay._clients.values():
        client.close()
    made.database.engine.dispose()


def breaks(token):
    """A view with a mistake, in the middle of everything that is secret."""
    raise KeyError(f"{token} {NUMBER} {SECRETS[0]}") from ValueError(" ".join(DONOR))


STRANGER = {
    "Authorization": "Bearer bearer-of-a-stranger",
    "Cookie": "relay=cookie-of-a-stranger",
    "User-Agent": f"{DONOR[0]} {NUMBER}",
    "X-Request-ID": NUMBER,
    "X-Forwarded-For": DONOR[0],
}


def through_the_front_doors(fortress, held):
    """Gifts of all kinds, what is refused, what is unreadable."""
    for number in range(GIFTS):
        body = charge(number)
        headers = signing.stripe_headers(body, "whsec_alder", int(time.time())) | STRANGER
        held.add("answer", fortress.send("stripe", Delivery(body, headers)).data)
        forged = {**STRANGER, "Stripe-Signature": f"t={int(time.time())},v1={NUMBER}"}
        held.add("answer", fortress.send("stripe", Delivery(body, forged)).data)
    for provider in genuine.GIFT:
        held.add("answer", fortress.send(provider, fortress.genuine(provider)).data)
        held.add("answer", fortress.send(provider, Delivery(charge(1), STRANGER), token=DONOR[1]).data)
    told = json.loads(payloads("braintree")["subscription_charged"])
    told["subject"]["subscription"]["transactions"][0] |= {"cvv": CODE, "note": f"{NUMBER} {DONOR[2]}"}
    body = signing.braintree_body(xml_of(json.dumps(told).encode()), "private", "public")
    held.add("answer", fortress.send("braintree", Delivery(body)).data)
    for body in (NUMBER.encode(), f'"{DONOR[0]}"'.encode(), b"{" + charge(2), b"x" * 1_000_001):
        headers = signing.stripe_headers(body, "whsec_alder", int(time.time()))
        held.add("answer", fortress.send("stripe", Delivery(body, headers)).data)
    held.add("answer", fortress.client().post(f"/webhooks/{DONOR[1]}/{NUMBER}/{DONOR[2]}", data=charge(1)).data)
    held.add("answer", fortress.client().get(f"/breaks/{DONOR[1]}?email={DONOR[0]}", headers=STRANGER).data)


def posting(fortress, sandbox, held, redis_db):
    """Jobs as the worker does them, while the site misbehaves, and with a mistake of ours in one call."""
    faults = [
        {"fault": fault, "times": 3} for fault in ("html", "reset_after", "status_500", "status_503", "break_off_after")
    ]
    requests.post(f"{sandbox.url}/sandbox/faults", json={"faults": faults}, timeout=5).raise_for_status()
    jobs.use(fortress.relay)
    fortress.later(minutes=1)
    client = fortress.relay.client_for(fortress.settings.organizations["alder"])
    real, calls = client.add_offline_donation, []

    def broken(parameters):
        calls.append(parameters)
        if len(calls) == 5:
            raise KeyError(f"{parameters} {NUMBER} {SECRETS[0]}")
        return real(parameters)

    client.add_offline_donation = broken
    for _ in range(4):
        fortress.relay.redis.delete("relay:bell:alder")
        fortress.relay.bell.ring("alder")
        look_into_redis(held, redis_db)
        worker = RelayWorker(threading.Event(), [fortress.relay.bell.queue], connection=redis_db, serializer="json")
        worker.work(burst=True, logging_level="ERROR")
        look_into_redis(held, redis_db)
        fortress.relay.sweep_for("a test").run()
        fortress.later(minutes=20)
        requests.post(f"{sandbox.url}/sandbox/faults", json={"faults": []}, timeout=5).raise_for_status()
    assert len(calls) > GIFTS


def look_into_redis(held, redis_db):
    """Every key and whatever it holds."""
    for key in redis_db.scan_iter():
        held.add("redis", key)
        kind = redis_db.type(key).decode()
        read = {"string": redis_db.get, "hash": redis_db.hgetall, "set": redis_db.smembers}.get(kind)
        lists = {"list": lambda one: redis_db.lrange(one, 0, -1), "zset": lambda one: redis_db.zrange(one, 0, -1)}
        held.add("redis", (read or lists.get(kind, redis_db.dump))(key))


def people_at_work(fortress, held):
    """Pages, files, the API, metrics, commands, each by whoever may and whoever may not."""
    pages = (
        "", "gifts", "attention", "unknown", "replays", "audit", "people", "sources", "settings", "funds", "tokens",
        "account", "connections", "gifts.csv", "audit.csv", "gifts/1", "gifts/1/correct", "gifts/5", "gifts/1/events/1",
        "unknown/1", "nowhere",
    )  # fmt: skip
    for name in ("root", "outsider", ""):
        client, place = fortress.client(name), "page" if name == "root" else "page of an outsider"
        for path in pages:
            held.add(place, client.get(f"/console/{path}").data)
        form = {"reason": "", "donor.email": DONOR[0]} | token(
            client, "/console/sign-in" if not name else "/console/account"
        )
        held.add("error" if name == "outsider" else place, client.post("/console/gifts/1/close", data=form).data)
    held.add("error", fortress.sign_in("viewer", "bearer-of-a-stranger").data)
    for path in ("/entries", "/entries/1", "/events", "/balance", "/funds", "/entries/1/attempts"):
        held.add("api", fortress.api("alder", "GET", path).data)
        held.add("problem", fortress.api("birch", "GET", path).data)
    held.add("problem", fortress.client().get("/api/v1/entries", headers=STRANGER).data)
    held.add("problem", fortress.api("alder", "POST", "/entries/1/close", json={"reason": [NUMBER, *DONOR]}).data)
    held.add("metrics", fortress.client().get("/metrics", headers={"Authorization": f"Bearer {METRICS}"}).data)
    for args in (["doctor"], ["doctor", "--json"]):
        ran = fortress.app.test_cli_runner().invoke(args=args)
        held.add("doctor", ran.output)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_no_canary_gets_out(fortress, sandbox, redis_db, tmp_path, capfd):
    held = Held()
    telemetry.report_to(lambda line, error: held.add("report", json.dumps(scrubbed(told(line, error)))))
    through_the_front_doors(fortress, held)
    posting(fortress, sandbox, held, redis_db)
    people_at_work(fortress, held)
    look_into_redis(held, redis_db)
    held.add("log", "".join(capfd.readouterr()))
    for file in tmp_path.glob("ledger.db*"):
        held.add("ledger", file.read_bytes())

    # Enough was said, and it was said of what was planted.
    lines = [line for line in held.places["log"][0].splitlines() if line.startswith("{")]
    assert len(lines) > 1000
    assert {json.loads(line)["event"] for line in lines} >= {
        "event_stored",
        "signature_refused",
        "request_failed",
        "sending_failed",
    }
    assert {"log", "redis", "metrics", "answer", "problem", "error", "doctor", "report", "ledger", "api"} <= set(
        held.places
    )
    for place in ("page", "api", "ledger"):
        assert held.found(DONOR[:1], but=tuple(set(held.places) - {place})) == [(place, DONOR[0])]

    assert held.found(never(fortress)) == []
    # Whoever may read sees donors: on pages and files of their own organization, over its API, and the ledger has them.
    assert [one for one in held.found(DONOR) if one[0] not in {"page", "api", "ledger"}] == []
