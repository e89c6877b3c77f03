"""The API: the console's use cases for programs, with the same rules."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from relay.access import operator
from relay.doctor.checks import failed
from relay.doctor.parts import parts
from relay.errors import LedgerUnavailable
from relay.ledger import connections
from relay.status import Status
from tests.builders import make_refund

WHY = {"reason": "the books say so"}


def carry_out(house):
    while house.relay.plans.advance("alder"):
        pass


def test_entries_are_found_in_the_words_of_the_search_box(house, program, gift):
    house.take(gift(1))
    house.take(gift(2, "GALA"))
    (held,) = program.get("/entries", q="status:held")["items"]
    assert (held["id"], held["amount"], held["currency"], held["reason"]) == (2, "25.00", "USD", "fund_not_mapped")
    assert [one["id"] for one in program.get("/entries", q="mary stone")["items"]] == [2, 1]
    told = program("GET", "/entries", q="colour:red", status=422)
    assert "colour" in told.json["detail"]


def test_a_donor_is_searched_for_in_a_body(house, program, gift):
    for number in range(3):
        house.take(gift(number))
    page = program.post("/entries/search", {"q": "mary stone", "limit": 2})
    assert [one["id"] for one in page["items"]] == [3, 2]
    page = program.post("/entries/search", {"q": "mary stone", "cursor": page["next"]})
    assert ([one["id"] for one in page["items"]], page["next"]) == ([1], None)
    assert program.named("reader").post("/entries/search", {"q": "nobody"})["items"] == []


def test_pages_go_on_where_they_ended_whatever_comes_in_between(house, program, gift):
    for number in range(7):
        house.take(gift(number))
    page = program.get("/entries", limit=3)
    seen = [one["id"] for one in page["items"]]
    house.take(gift(99))
    while page["next"]:
        page = program.get("/entries", limit=3, cursor=page["next"])
        seen += [one["id"] for one in page["items"]]
    assert seen == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "WyJldmVudHMiLCJlM2IwYzQ0Mjk4ZmMiLDFd", "é", "a" * 300])
def test_a_cursor_that_this_list_did_not_give_is_refused(house, program, cursor):
    told = program("GET", "/entries", cursor=cursor, status=422).json
    assert told["errors"][0]["where"] == "cursor"


def test_a_cursor_is_good_for_its_own_question_only(house, program, gift):
    for number in range(3):
        house.take(gift(number))
    cursor = program.get("/entries", limit=1, q="mary")["next"]
    assert program("GET", "/entries", cursor=cursor, q="stone", status=422)
    assert program.get("/entries", limit=1, cursor=cursor, q="mary")["items"][0]["id"] == 2


def test_an_entry_tells_its_story_and_that_it_was_read_is_written_down(house, program, gift):
    house.luminate.script = ["rejected"]
    house.take(gift(1))
    house.post()
    program.post("/entries/1/corrections", {"changes": {"donor.name.first": "Maria"}, **WHY})
    story = program.get("/entries/1")
    assert story["status"] == "queued"
    assert story["parameters"]["donor.name.first"] == "Maria"
    assert story["corrected"] == {"donor.name.first": "Maria"}
    assert [one["outcome"] for one in story["attempts"]] == ["rejected"]
    assert "Last name is missing" in story["attempts"][0]["reason_text"]
    assert [(one["who"], one["action"], one["reason"]) for one in story["corrections"]] == [
        ("token all", "correct", "the books say so")
    ]
    assert program.get("/entries/1/attempts")["items"] == story["attempts"]
    assert program.get("/entries/1/corrections")["items"] == story["corrections"]
    assert [line.who for line in house.lines("see")] == ["token all"] * 3
    assert house.lines("correct")[0].through == "api"


def test_a_wrong_correction_names_each_field(house, program, gift):
    house.take(gift(1, "GALA"))
    told = program.post("/entries/1/corrections", {"changes": {"donor.name.frst": "x"}, **WHY}, status=422)
    assert [one["where"] for one in told["errors"]] == ["donor.name.frst"]
    told = program.post("/entries/1/corrections", {"changes": {"other_amount": "1"}, **WHY}, status=422)
    assert "other_amount" in str(told)


def test_an_entry_is_closed_and_opened_again(house, program, gift):
    house.take(gift(1, "GALA"))
    assert program.post("/entries/1/close", WHY) == {"id": 1, "status": "closed", "proposal": None, "released": []}
    assert program.post("/entries/1/close", WHY, status=409)["type"] == "urn:relay:problem:refused"
    assert program.post("/entries/1/reopen", WHY)["status"] == "held"


def test_a_refund_goes_by_the_code_that_a_program_tells(house, program):
    house.take(make_refund("5.00"))
    told = {"code": "OLD-1"} | WHY
    assert "could not be checked" in program.post("/entries/1/gift-code", told, status=409)["detail"]
    for wrong in ({"code": ""}, {"code": "x" * 101}, {"code": "OLD-1", "worth": 25}, {"code": "OLD-1", "seen": "yes"}):
        program.post("/entries/1/gift-code", wrong | WHY, status=422)
    told |= {"seen": True, "worth": "25.00"}
    first = program.post("/entries/1/gift-code", told, Idempotency_Key="one")
    assert first == program.post("/entries/1/gift-code", told, Idempotency_Key="one")
    assert (first["id"], first["status"]) == (1, "queued")
    house.post()
    assert house.luminate.sent("refund")[0]["refund_user_confirm_code"] == "OLD-1"
    shown = program.get("/entries/1")
    assert shown["corrected"] == {"refund_user_confirm_code": "OLD-1", "other_amount": "25.00"}


@pytest.mark.parametrize(
    ("found", "status"), [({"found": "C77"}, "posted"), ({"absent": True, "attempt": 1}, "queued")]
)
def test_an_unknown_entry_is_resolved_both_ways(house, program, gift, found, status):
    house.luminate.script = ["lost"]
    house.take(gift(1))
    house.post()
    assert house.entry(1).status is Status.UNKNOWN
    assert [one["number"] for one in program.get("/entries/1/attempts")["items"]] == [1]
    house.database.ahead += timedelta(hours=1)
    assert program.post("/entries/1/resolve", found | WHY)["status"] == status
    assert house.bell.rings[-1] == "alder"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"found": "C1", "absent": True},
        {"absent": False},
        {"found": "  "},
        {"absent": True},
        {"found": "C1", "attempt": 1},
    ],
)
def test_a_resolution_says_one_of_the_two(house, program, gift, body):
    house.take(gift(1))
    program.post("/entries/1/resolve", body | WHY, status=422)


def test_a_replay_is_drawn_started_and_carried_out(house, program, gift):
    house.luminate.script = ["rejected", "rejected"]
    for number in (1, 2):
        house.take(gift(number))
    house.post()
    plan = program.post("/replays", {"q": "status:rejected"}, status=201)
    assert (plan["status"], plan["going"], plan["sums"][0]["amount"]) == ("drawn", 2, "50.00")
    assert program.post(f"/replays/{plan['id']}/start", WHY)["status"] == "running"
    assert program.post(f"/replays/{plan['id']}/pause")["status"] == "paused"
    assert program.post(f"/replays/{plan['id']}/resume")["status"] == "running"
    carry_out(house)
    house.post()
    assert program.get(f"/replays/{plan['id']}")["done"] == 2
    first = program.get(f"/replays/{plan['id']}/entries", limit=1)
    (second,) = program.get(f"/replays/{plan['id']}/entries", cursor=first["next"])["items"]
    assert (first["items"][0]["entry"], second["entry"], second["status"]) == (1, 2, "posted")
    assert [one["id"] for one in program.get("/replays")["items"]] == [plan["id"]]
    assert len(house.luminate.gifts) == 2


def test_a_drawn_replay_is_cancelled(house, program, gift):
    house.take(gift(1, "GALA"))
    plan = program.post("/replays", {"ids": [1]}, status=201)
    assert program.post(f"/replays/{plan['id']}/cancel")["status"] == "cancelled"
    assert program.post(f"/replays/{plan['id']}/start", WHY, status=409)


@pytest.mark.parametrize("body", [{}, {"q": "mary", "ids": [1]}, {"q": " "}, {"ids": []}])
def test_everything_at_once_is_never_replayed(program, body):
    program.post("/replays", body, status=422)


def test_a_fund_is_tried_then_saved_and_its_gifts_are_let_go(house, program, gift):
    house.take(gift(1, "GALA"))
    house.take(gift(2, "GALA", "10.50"))
    edit = {"code": "GALA", "fund": {"designee_id": 44}}
    (row, _) = program.get("/funds")["items"]
    assert (row["code"], row["waiting"], row["fund"], row["amounts"]) == (
        "GALA", 2, None, [{"amount": "35.50", "currency": "USD"}],
    )  # fmt: skip
    trial = program.post("/funds/dry-run", edit)
    assert ([one["entry"] for one in trial["goes"]], [one["entry"] for one in trial["stays"]]) == ([1], [2])
    assert trial["sums"] == [{"amount": "25.00", "currency": "USD"}]
    saved = program.put("/funds", edit | WHY | {"seen": trial["seen"]})
    assert (saved["released"], saved["mapped_again"]) == (1, 1)
    assert program.put("/funds", edit | WHY | {"seen": trial["seen"]}, status=409)
    carry_out(house)
    house.post()
    assert house.entry(1).status is Status.POSTED
    assert program.get("/funds")["items"][0]["edited_by"] == "token all"
    assert program.get("/funds/history", code="GALA")["items"][0]["fund"] == {"designee_id": 44}
    trial = program.post("/funds/dry-run", {"code": "GALA", "fund": None})
    program.put("/funds", {"code": "GALA", "fund": None, "seen": trial["seen"]} | WHY)
    assert program.get("/funds/history")["items"][0]["fund"] is None


def test_what_is_no_fund_is_said(program):
    told = program.post("/funds/dry-run", {"code": "GALA", "fund": {"form_id": 5}}, status=422)
    assert "form_id and level_id together" in told["errors"][0]["detail"]


def test_the_balance_holds(house, program, gift):
    house.take(gift(1))
    house.take(gift(2, "GALA"))
    house.post()
    (row,) = program.get("/balance")["items"]
    assert (row["received"], row["posted"], row["needs_a_person"], row["holds"]) == ("50.00", "25.00", "25.00", True)


def test_events_are_listed_without_what_they_held(house, program, gift):
    house.take(gift(1))
    house.take(gift(2))
    page = program.get("/events", limit=1, provider="acme", verdict="entry")
    assert [(one["id"], one["entries"]) for one in page["items"]] == [(2, [2])]
    page = program.get("/events", limit=1, provider="acme", verdict="entry", cursor=page["next"])
    assert ([one["id"] for one in page["items"]], page["next"]) == ([1], None)
    assert program.get("/events/1")["verdict"] == "entry"
    assert program.get("/events", verdict="flagged")["items"] == []


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic YTpi", "Bearer relay_" + "a" * 43])
def test_without_a_good_token_nothing_opens(house, header):
    told = house.app.test_client().get("/api/v1/entries", headers={"Authorization": header} if header else {})
    assert (told.status_code, told.content_type) == (401, "application/problem+json")
    assert told.headers["WWW-Authenticate"] == 'Bearer realm="relay"'
    assert told.json["status"] == 401


def test_a_token_that_ended_opens_nothing(house, program):
    assert program("GET", "/balance", status=200)
    house.relay.tokens.end(house.tokens["all"].number, actor=operator("a test"))
    program("GET", "/balance", status=401)


def test_a_token_in_the_address_is_no_token(house):
    secret = house.tokens["all"].secret
    assert house.app.test_client().get(f"/api/v1/entries?token={secret}").status_code == 401


def test_a_program_that_asks_too_often_waits(house, program, monkeypatch):
    monkeypatch.setattr("relay.web.api.door.PER_MINUTE", 3)
    told = [program("GET", "/balance") for _ in range(4)]
    assert [one.status_code for one in told] == [200, 200, 200, 429]
    assert 1 <= int(told[-1].headers["Retry-After"]) <= 61
    assert program.named("reader")("GET", "/balance", status=200)


def test_whoever_tries_tokens_waits_too(house, program, monkeypatch):
    monkeypatch.setattr("relay.web.api.door.WRONG_PER_MINUTE", 3)
    told = [program.named("")("GET", "/balance").status_code for _ in range(4)]
    assert told == [401, 401, 401, 429]
    assert program("GET", "/balance", status=200)


# --- problems -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("GET", "/entries/999", {}, 404),
        ("GET", f"/entries/{10**30}", {}, 404),
        ("GET", "/entries/-1", {}, 404),
        ("DELETE", "/entries", {}, 405),
        ("OPTIONS", "/entries", {}, 405),
        ("POST", "/replays", {"data": "{}", "content_type": "text/plain"}, 415),
        ("POST", "/replays", {"data": "{", "content_type": "application/json"}, 400),
        ("POST", "/replays", {"data": b"\xff", "content_type": "application/json"}, 400),
        ("POST", "/replays", {"data": "[]", "content_type": "application/json"}, 422),
        ("POST", "/replays", {"data": '{"q": 1}', "content_type": "application/json"}, 422),
        ("POST", "/replays", {"data": '{"q": "\\u0000"}', "content_type": "application/json"}, 422),
        ("POST", "/replays", {"data": " " * 2_000_000, "content_type": "application/json"}, 413),
        ("GET", "/entries?limit=0", {}, 422),
        ("GET", "/entries?limit=1.0", {}, 422),
        ("GET", "/entries?limit=1&limit=2", {}, 422),
        ("GET", "/entries?colour=red", {}, 422),
        ("GET", "/balance?colour=red", {}, 422),
        ("GET", "/entries?q=%00", {}, 422),
    ],
)
def test_every_refusal_is_a_problem(house, program, method, path, more, status):
    headers = {"Authorization": f"Bearer {program.secret}"}
    told = program.client.open(f"/api/v1{path}", method=method, headers=headers, **more)
    assert (told.status_code, told.content_type) == (status, "application/problem+json")
    assert told.json["status"] == status
    assert told.json["title"]
    assert told.json["detail"]
    if status == 405:
        assert told.headers["Allow"]


def test_an_address_outside_the_version_is_a_problem_too(house):
    told = house.app.test_client().get("/api/v2/entries")
    assert (told.status_code, told.content_type) == (404, "application/problem+json")


def test_a_ledger_that_is_away_is_503(house, program, monkeypatch):
    monkeypatch.setattr(house.relay.searching, "wanted", unavailable)
    told = program("GET", "/entries", status=503)
    assert (told.content_type, told.headers["Retry-After"]) == ("application/problem+json", "10")


def unavailable(*_args, **_kwargs):
    raise LedgerUnavailable("OperationalError")


def test_our_own_mistake_shows_no_trace(house, program, monkeypatch):
    def broken(*_args, **_kwargs):
        raise KeyError("mary@example.org")

    monkeypatch.setattr(house.relay.searching, "wanted", broken)
    told = program("GET", "/entries", status=500)
    assert told.content_type == "application/problem+json"
    assert "mary" not in told.get_data(as_text=True)


# --- once ---------------------------------------------------------------------------------------------------------


def test_the_same_write_under_its_key_is_done_once(house, program, gift):
    house.take(gift(1, "GALA"))
    first = program("POST", "/entries/1/close", WHY, status=200, headers={"Idempotency-Key": "k1"})
    again = program("POST", "/entries/1/close", WHY, status=200, headers={"Idempotency-Key": "k1"})
    assert again.json == first.json
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len(house.lines("close")) == 1


def test_a_refusal_is_kept_under_its_key_too(house, program, gift):
    house.take(gift(1, "GALA"))
    refused = program("POST", "/entries/1/reopen", WHY, status=409, headers={"Idempotency-Key": "k1"})
    program.post("/entries/1/close", WHY)
    again = program("POST", "/entries/1/reopen", WHY, status=409, headers={"Idempotency-Key": "k1"})
    assert (again.json, again.content_type) == (refused.json, "application/problem+json")


def test_a_key_of_another_request_is_refused(house, program, gift):
    house.take(gift(1, "GALA"))
    program.post("/entries/1/close", WHY, Idempotency_Key="k1")
    told = program.post("/entries/1/close", {"reason": "another"}, status=422, Idempotency_Key="k1")
    assert told["type"] == "urn:relay:problem:idempotency-key"
    program.post("/entries/1/reopen", WHY, status=422, Idempotency_Key="k1")


def test_a_key_belongs_to_its_token(house, program, gift):
    house.take(gift(1, "GALA"))
    program.post("/entries/1/close", WHY, Idempotency_Key="k1")
    other = program.named("actor").post("/entries/1/close", WHY, status=409, Idempotency_Key="k1")
    assert other["type"] == "urn:relay:problem:refused"


def test_a_request_under_way_is_not_done_beside_itself(house, program, gift, monkeypatch):
    house.take(gift(1, "GALA"))
    told = []
    close = house.relay.deciding.close

    def slow(*args, **kwargs):
        told.append(program("POST", "/entries/1/close", WHY, headers={"Idempotency-Key": "k1"}))
        return close(*args, **kwargs)

    monkeypatch.setattr(house.relay.deciding, "close", slow)
    program.post("/entries/1/close", WHY, Idempotency_Key="k1")
    assert (told[0].status_code, told[0].json["type"]) == (409, "urn:relay:problem:under-way")
    assert len(house.lines("close")) == 1


def test_after_a_crash_the_key_may_try_again_and_nothing_is_done_twice(house, program, gift, monkeypatch):
    house.take(gift(1, "GALA"))

    def crash(*_args, **_kwargs):
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr("relay.ledger.answers.keep", crash)
        with pytest.raises(SystemExit):
            program("POST", "/entries/1/close", WHY, headers={"Idempotency-Key": "k1"})
    assert house.entry(1).status is Status.CLOSED
    assert program.post("/entries/1/close", WHY, status=409, Idempotency_Key="k1")["type"].endswith("under-way")
    house.later(minutes=3)
    assert program.post("/entries/1/close", WHY, status=409, Idempotency_Key="k1")["type"].endswith("refused")
    assert len(house.lines("close")) == 1


def test_nothing_came_of_it_so_the_key_is_free(house, program, gift, monkeypatch):
    house.take(gift(1, "GALA"))
    with monkeypatch.context() as patched:
        patched.setattr(house.relay.deciding, "close", unavailable)
        program.post("/entries/1/close", WHY, status=503, Idempotency_Key="k1")
    program.post("/entries/1/close", WHY, Idempotency_Key="k1")
    assert house.entry(1).status is Status.CLOSED


@pytest.mark.parametrize("key", ["x" * 256, "é", "two words", ""])
def test_what_is_no_key_is_refused(house, program, gift, key):
    house.take(gift(1, "GALA"))
    program.post("/entries/1/close", WHY, status=422, Idempotency_Key=key)
    assert house.entry(1).status is Status.HELD


def test_keys_are_forgotten_after_a_week(house, program, gift):
    house.take(gift(1, "GALA"))
    program.post("/entries/1/close", WHY, Idempotency_Key="k1")
    house.later(days=8)
    assert program.post("/entries/1/close", WHY, status=409, Idempotency_Key="k1")["type"].endswith("refused")


def test_connections_as_the_page_shows_them(house, program):
    with house.database.write() as tx:
        for part in parts(house.relay.patient, "alder"):
            connections.meet(tx, "alder", part.endpoint, part.fingerprint, house.database.now(tx))
        (luminate, *_) = parts(house.relay.patient, "alder")
        found = [asdict(failed("alder: Luminate", "It is away.", "Wait."))]
        place = ("alder", "luminate")
        connections.write(tx, place, luminate.fingerprint, found, house.database.now(tx), works=False)
    told = {one["endpoint"]: one for one in program.get("/connections")["items"]}
    assert set(told) == {"luminate", "from acme", "from stripe"}
    assert (told["luminate"]["state"], told["from acme"]["state"]) == ("broken", "unchecked")
    assert told["luminate"]["checks"][0]["what_to_do"] == "Wait."
    assert told["luminate"]["checked_at"]
    assert told["luminate"]["worked_at"] is None
