"""Each line says to which request or call it belongs."""

import json

import pytest
import structlog

from relay import jobs
from relay.app import create_app
from relay.bootstrap import build
from tests.builders import SIGNED, make_gift, make_relay


@pytest.fixture
def bench(sqlite_url):
    return make_relay(sqlite_url)


@pytest.fixture
def relay(bench):
    relay = build(bench.settings, database=bench.database)
    relay.providers = {"acme": bench.provider.provider}
    relay.intake = bench.intake
    return relay


@pytest.fixture
def client(relay):
    return create_app(relay).test_client()


def lines_of(capsys):
    said = "".join(capsys.readouterr())
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def test_a_webhook_s_lines_and_answer_bear_one_number(bench, client, capsys):
    body = bench.provider.event([make_gift()])
    answer = client.post("/webhooks/alder/acme", data=body, headers=SIGNED)
    number = answer.headers["X-Request-ID"]
    assert answer.status_code == 200
    assert len(number) == 32
    told = lines_of(capsys)
    assert [line["event"] for line in told] == ["event_stored"]
    assert {line["request"] for line in told} == {number}
    refused = client.post("/webhooks/alder/acme", data=body, headers={"sign": "bad"})
    (line,) = lines_of(capsys)
    assert line["event"] == "signature_refused"
    assert line["request"] == refused.headers["X-Request-ID"] != number


@pytest.mark.parametrize("given", ["0b9c6f6e-8d0a-4f5e-9a50-2f7c1c9f3a11", "router.42-abc_DEF", "a" * 64])
def test_a_router_s_number_is_kept(client, given):
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize(
    "given",
    ["short", "a" * 65, "4242424242424242", "mary@example.org", "two words", "<script>alert", "a{}bcdefgh", "ümlaut-1"],
)  # fmt: skip
def test_what_is_no_plain_token_is_not_taken(client, given):
    assert client.get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"] != given


def test_even_a_failure_answers_with_its_number_and_tells_no_more(client, capsys):
    client.application.config["PROPAGATE_EXCEPTIONS"] = False

    @client.application.get("/breaks")
    def breaks():
        raise KeyError("mary@example.org")

    answer = client.get("/breaks?email=mary@example.org")
    (line,) = lines_of(capsys)
    assert (line["event"], line["request"], line["rule"]) == (
        "request_failed", answer.headers["X-Request-ID"], "/breaks"
    )  # fmt: skip
    assert "mary" not in json.dumps(line)
    assert "KeyError" in line["exception"]


def test_nothing_of_a_request_is_left_for_the_next_line(client, capsys):
    client.get("/livez")
    structlog.get_logger("test").info("later")
    (line,) = lines_of(capsys)
    assert "request" not in line


def test_a_worker_s_lines_name_organization_entry_and_attempt(bench, relay, capsys):
    create_app(relay)
    bench.take(make_gift())
    relay._clients["alder"] = bench.luminate
    lines_of(capsys)
    jobs.use(relay)
    assert jobs.post_due("alder") == "sent 1"
    (line,) = [line for line in lines_of(capsys) if line["event"] == "attempt_ended"]
    assert (line["organization"], line["entry"], line["attempt"]) == ("alder", 1, 1)
    assert structlog.contextvars.get_contextvars() == {}


def test_a_line_from_deep_inside_a_job_names_its_organization(bench, relay, capsys, monkeypatch):
    create_app(relay)

    def breaks(_organization):
        structlog.get_logger("deep").warning("something")
        raise KeyError("mary@example.org")

    monkeypatch.setattr(type(relay), "fetching_for", lambda *_: breaks(""))
    jobs.use(relay)
    lines_of(capsys)
    jobs.post_due("alder")
    told = [line for line in lines_of(capsys) if line["event"] in {"something", "job_failed"}]
    assert [line["organization"] for line in told] == ["alder", "alder"]
