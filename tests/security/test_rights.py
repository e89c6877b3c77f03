"""Somebody with a right role in one organization reaches for another's things, for more rights, for others' money."""

import base64
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from relay.gifts import Name
from relay.ledger.models import corrections
from relay.ledger.work_tables import plans, proposals
from relay.web.api.operations import OPERATIONS
from tests.builders import DONOR, make_gift
from tests.support.console import STAFF, email, token
from tests.support.fortress import Fortress

ACCOUNT = "/console/account"
NOWHERE = 999_999
FORM = {
    "reason": "because", "organization": "alder", "role": "admin", "email": "x@example.org", "code": "C1",
    "how": "password", "donor.name.first": "Eve", "q": "status:held",
}  # fmt: skip
# What nobody of birch may ever be told.
OURS = ("mary@example.org", "Quillfeather", "ch_1")


@pytest.fixture(scope="module")
def stocked(tmp_path_factory):
    """Alder has gifts in several states, a plan, a proposal; birch has nothing but people and a token."""
    made = Fortress(f"sqlite:///{tmp_path_factory.mktemp('rights') / 'ledger.db'}")
    made.luminate.script = ["ok", "lost", "rejected"]
    mary = replace(DONOR, name=Name(first="Mary", last="Quillfeather"))
    first = made.take(make_gift(keys=("ch_1",), donor=mary))
    for place in (2, 3):
        made.take(make_gift(keys=(f"ch_{place}",)))
    made.post()
    made.take(make_gift(keys=("ch_4",), donor=replace(DONOR, email="")))
    now = datetime.now(UTC)
    by, asked = {"made_by": "x", "made_at": now}, {"proposed_by": "x", "proposed_at": now}
    rows = {
        "replays": (plans, {"search": "", "status": "drawn", "changed_by": "x", "changed_at": now, **by}),
        "proposals": (proposals, {"entry_id": first.id, "changes": {}, "reason": "x", **asked}),
    }
    made.places = {"gifts": first.id, "unknown": 2, "people": made.numbers["viewer"], "tokens": 1}
    with made.database.write() as tx:
        for place, (table, values) in rows.items():
            added = insert(table).values(organization="alder", **values).returning(table.c.id)
            made.places[place] = tx.execute(added).scalar_one()
    yield made
    made.database.engine.dispose()


def numbered(house):
    """(method, address of what is there, of what is not) for each route of the console that names a number."""
    for rule in house.app.url_map.iter_rules():
        if rule.endpoint.startswith("console.") and "number" in rule.arguments:
            place = rule.rule.split("/")[2]
            for method in sorted(rule.methods & {"GET", "POST"}):
                urls = [address(house, rule, number, method) for number in (house.places[place], NOWHERE)]
                yield method, *urls


def address(house, rule, number, method):
    values = {"number": number} | ({"event": 1} if "event" in rule.arguments else {})
    return house.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


def ask(client, method, path):
    return client.open(path, method=method, data=FORM | token(client, ACCOUNT) if method == "POST" else None)


def plain(answer):
    """What an answer says, without what is different each time."""
    return answer.status_code, re.sub(r'value="[^"]{40,}"|content="[^"]{40,}"', "", answer.get_data(as_text=True))


def test_what_is_of_another_organization_looks_in_the_console_like_what_is_not_there(stocked):
    client, wrong = stocked.client("outsider"), []
    lines = len(stocked.lines())
    asked = list(numbered(stocked))
    for method, there, nowhere in asked:
        theirs, missing = ask(client, method, there), ask(client, method, nowhere)
        if theirs.status_code != 404 or plain(theirs) != plain(missing):
            wrong.append((method, there, theirs.status_code, missing.status_code))
    assert wrong == []
    assert len(asked) > 25
    assert len(stocked.lines()) == lines


def test_numbers_that_no_database_has_are_not_there_either(stocked):
    """2**63 and beyond, which an integer of a database cannot hold."""
    client, wrong = stocked.client("root"), []
    for method, there, nowhere in numbered(stocked):
        for number in (2**63 - 1, 2**63, 10**30):
            path = nowhere.replace(str(NOWHERE), str(number))
            if (status := ask(client, method, path).status_code) != 404:
                wrong.append((method, there, number, status))
    assert wrong == []


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if "{number}" in one.path], ids=lambda one: one.name)
def test_what_is_of_another_organization_looks_in_the_api_like_what_is_not_there(stocked, operation):
    body = {"reason": "x"} | {
        "correct_entry": {"changes": {"donor.name.first": "Eve"}},
        "resolve_entry": {"absent": True, "attempt": 1},
        "supply_gift_code": {"code": "1-2-3"},
    }.get(operation.name, {})
    told = []
    for number in (1, NOWHERE):
        path = operation.path.replace("{number}", str(number))
        sent = {"json": body} if operation.body else {}
        answer = stocked.api("birch", operation.method.upper(), path, **sent)
        told.append((answer.status_code, answer.get_data(as_text=True).replace(str(number), "N")))
    assert told[0] == told[1]
    assert told[0][0] == 404


@pytest.mark.parametrize(
    "path",
    [
        "gifts.csv",
        "gifts.xlsx",
        "audit.csv",
        "gifts",
        "",
        "attention",
        "unknown",
        "audit",
        "people",
        "replays",
        "proposals",
        "sources",
        "settings",
        "funds",
        "tokens",
    ],
)
def test_no_page_and_no_file_of_an_outsider_holds_anything_of_alder(stocked, path):
    client = stocked.client("outsider")
    answer = client.get(f"/console/{path}")
    assert answer.status_code == 200
    assert [word for word in (*OURS, email("viewer"), email("admin")) if word.encode() in answer.data] == []


@pytest.mark.parametrize("name", ["in", "organization"])
@pytest.mark.parametrize(
    "value", ["alder", "ALDER", "*", "alder,birch", "%", "birch\x00", "../alder", "birch' OR '1'='1"]
)
def test_no_choice_of_organization_leads_into_another(stocked, name, value):
    client = stocked.client("outsider")
    for path in ("gifts", "gifts.csv", "", "attention", "unknown", "settings", "funds"):
        answer = client.get(f"/console/{path}", query_string={name: value})
        assert answer.status_code in (200, 400, 404)
        assert [word for word in OURS if word.encode() in answer.data] == []


@pytest.mark.parametrize(
    "text",
    [
        "%",
        "_",
        "\\",
        "%%",
        "__________",
        "'",
        '" OR 1=1 --',
        "'; DROP TABLE entries; --",
        "mary%",
        "ch\\_1",
        "*",
        "id:1 OR id:2",
        "organization:alder",
        "status:held\x00",
        "\ud800",
        "(" * 5000,
        "a " * 2000,
    ],
)
def test_a_search_finds_no_more_than_its_words(stocked, text):
    """To the outsider nothing at all; to a viewer of alder nothing by signs that a database takes for any word."""
    for name in ("outsider", "viewer"):
        answer = stocked.client(name).get("/console/gifts", query_string={"q": text.encode("utf-8", "surrogatepass")})
        assert answer.status_code in (200, 400)
        found = re.findall(rb'href="/console/gifts/(\d+)"', answer.data)
        assert found == [] or (name == "viewer" and re.search("[a-z]", text))
    assert stocked.counts()[1] == 4


def test_the_search_above_finds_where_its_words_are_right(stocked):
    answer = stocked.client("viewer").get("/console/gifts", query_string={"q": "ch_1"})
    assert set(re.findall(rb'href="/console/gifts/(\d+)"', answer.data)) == {b"1"}


# --- more rights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "place", "role"),
    [
        ("viewer", "alder", "admin"), ("finance", "alder", "admin"), ("finance", "*", "admin"), ("admin", "*", "admin"),
        ("admin", "birch", "viewer"), ("admin", "birch", "admin"), ("outsider", "alder", "viewer"),
        ("admin", "", "admin"), ("admin", "cedar", "admin"), ("admin", "alder ", "admin"), ("admin", "ALDER", "admin"),
    ],
)  # fmt: skip
def test_nobody_gives_what_they_have_not(fortress, who, place, role):
    client = fortress.client(who)
    sent = {"organization": place, "role": role, "email": "eve@example.org", "name": "Eve"} | token(client, ACCOUNT)
    for path in ("/console/people", f"/console/people/{fortress.numbers[who]}/role"):
        assert client.post(path, data=sent).status_code in (400, 403, 404)
    assert fortress.person("eve") is None
    home = "birch" if who == "outsider" else "alder"
    assert fortress.person(who).roles == {home: STAFF[who][0]}


@pytest.mark.parametrize("act", ["role", "password", "codes", "end"])
def test_an_admin_does_nothing_to_an_admin_of_everything(fortress, act):
    client, before = fortress.client("admin"), fortress.person("root")
    sent = {"organization": "alder", "role": "viewer", "how": "password"} | token(client, ACCOUNT)
    answer = client.post(f"/console/people/{fortress.numbers['root']}/{act}", data=sent)
    assert answer.status_code in (400, 403, 404)
    assert fortress.person("root") == before


def test_an_admin_does_not_take_over_whoever_also_works_elsewhere(fortress):
    """A role given to somebody of birch must not open their account, and with it birch."""
    client = fortress.client("admin")
    sent = {"organization": "alder", "role": "viewer", "email": email("outsider")} | token(client, ACCOUNT)
    client.post("/console/people", data=sent)
    for act in ("password", "codes", "end"):
        answer = client.post(f"/console/people/{fortress.numbers['outsider']}/{act}", data={"how": "password", **sent})
        assert answer.status_code == 400
    assert fortress.sign_in("outsider").status_code == 303


@pytest.mark.parametrize(
    "extra", ["role", "is_admin", "session_number", "roles", "roles[*]", "person", "ended_at", "totp_secret"]
)
def test_fields_that_a_form_does_not_have_do_nothing(fortress, extra):
    client = fortress.client("viewer")
    before = fortress.person("viewer")
    sent = {extra: "admin", "old": "wrong", "password": "nine green bottles", "again": "nine green bottles"}
    assert client.post("/console/account/password", data=sent | token(client, ACCOUNT)).status_code == 400
    assert fortress.person("viewer") == before


@pytest.mark.parametrize(
    "field",
    [
        "amount",
        "amount_minor",
        "other_amount",
        "status",
        "organization",
        "card_number",
        "confirmation_code",
        "send_receipt",
        "refund_amount",
        "api_key",
        "login_password",
        "method",
    ],
)
def test_a_correction_reaches_no_field_that_is_not_its_own(stocked, field):
    before = stocked.entry(4)
    told = stocked.api("alder", "POST", "/entries/4/corrections", json={"changes": {field: "1"}, "reason": "x"})
    assert told.status_code == 422
    client = stocked.client("finance")
    client.post("/console/gifts/4/correct", data={field: "1", "reason": "x"} | token(client, ACCOUNT))
    assert stocked.entry(4) == before
    with stocked.database.read() as tx:
        assert tx.execute(select(corrections)).all() == []


@pytest.mark.parametrize(
    "body",
    [
        {"reason": "x", "status": "posted"},
        {"reason": "x", "actor": "root"},
        {"reason": ["x"]},
        {"reason": {"$ne": ""}},
        {"reason": "x" * 501},
        {"reason": "a\nb"},
        ["reason"],
        "reason",
        None,
        1,
    ],
)
def test_a_body_with_more_or_other_than_is_asked_for_is_refused(stocked, body):
    before = stocked.entry(4)
    told = stocked.api("alder", "POST", "/entries/4/close", data=json.dumps(body), content_type="application/json")
    assert told.status_code == 422
    assert stocked.entry(4) == before


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]
)
def test_the_api_takes_no_form_that_another_site_could_send(stocked, kind):
    told = stocked.api("alder", "POST", "/entries/4/close", data=b'{"reason": "x"}', headers={"Content-Type": kind})
    assert told.status_code == 415


def test_the_api_allows_no_other_site_to_read(stocked):
    for method in ("GET", "OPTIONS"):
        headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        answer = stocked.api("alder", method, "/entries", headers=headers)
        assert [name for name, _ in answer.headers if name.lower().startswith("access-control")] == []


def test_a_session_is_no_token_and_a_token_no_session(stocked):
    assert stocked.client("root").get("/api/v1/entries").status_code == 401
    headers = {"Authorization": f"Bearer {stocked.tokens['alder']}"}
    assert stocked.client().get("/console/gifts", headers=headers).status_code == 303
    assert stocked.client().get("/metrics", headers=headers).status_code == 404


# --- cursors and keys -----------------------------------------------------------------------------------------------


def coded(*parts):
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode().rstrip("=")


MARK = "e3b0c44298fc"  # of the empty question
CURSORS = [
    coded("entries", MARK, -1),
    coded("entries", MARK, 2**70),
    coded("entries", MARK, "1; DROP"),
    coded("events", MARK, 1),
    coded("entries", MARK, True),
    coded("entries", MARK, None),
    coded("entries", MARK, 1.5),
    coded("entries", "*", 1),
    coded("entries", MARK, 1, 1),
    coded(),
    "!",
    "e30",
    "bnVsbA",
    "=" * 300,
    "\u00e9",
]


@pytest.mark.parametrize("cursor", CURSORS, ids=range(len(CURSORS)))
def test_a_cursor_that_was_made_up_is_refused(stocked, cursor):
    assert stocked.api("alder", "GET", "/entries", query_string={"cursor": cursor}).status_code == 422


def test_a_cursor_moves_within_one_s_own_list_only(stocked):
    made = coded("entries", MARK, 10**6)
    told = [stocked.api(whose, "GET", "/entries", query_string={"cursor": made}) for whose in ("alder", "birch")]
    assert [answer.status_code for answer in told] == [200, 200]
    assert [len(answer.json["items"]) for answer in told] == [4, 0]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "0"},
        {"limit": "-1"},
        {"limit": "99999"},
        {"limit": "1e2"},
        {"limit": "\u0663"},
        {"unknown": "1"},
        {"q": "x" * 601},
        {"token": "x"},
        {"q": "a\nb"},
    ],
)
def test_a_query_with_more_than_there_is_is_refused(stocked, query):
    assert stocked.api("alder", "GET", "/entries", query_string=query).status_code == 422


def test_an_idempotency_key_gives_no_one_another_s_answer(fortress):
    entry = fortress.take(make_gift(donor=replace(DONOR, email="")))
    path, sent = f"/entries/{entry.id}/close", {"json": {"reason": "x"}, "headers": {"Idempotency-Key": "k"}}
    assert fortress.api("alder", "POST", path, **sent).status_code == 200
    theirs = fortress.api("birch", "POST", path, **sent)
    assert theirs.status_code == 404
    assert "Idempotency-Replayed" not in theirs.headers


@pytest.mark.parametrize("change", [{"json": {"reason": "y"}}, {"query_string": {"x": "1"}}])
def test_an_idempotency_key_covers_one_request_and_no_other(fortress, change):
    entry = fortress.take(make_gift(donor=replace(DONOR, email="")))
    path, sent = f"/entries/{entry.id}/close", {"json": {"reason": "x"}, "headers": {"Idempotency-Key": "k"}}
    fortress.api("alder", "POST", path, **sent)
    assert fortress.api("alder", "POST", path, **sent | change).status_code == 422


@pytest.mark.parametrize("key", ["k" * 256, "\u00e9", "a\tb"])
def test_an_idempotency_key_that_is_none_is_refused(stocked, key):
    headers = {"Idempotency-Key": key.encode().decode("latin-1")}
    told = stocked.api("alder", "POST", "/entries/4/close", json={"reason": "x"}, headers=headers)
    assert told.status_code == 422


def test_two_people_are_two_even_where_one_has_both_browsers(fortress):
    """A correction above the limit that its own author would agree to; then another agrees, and it counts."""
    entry = fortress.take(make_gift("90000.00", donor=replace(DONOR, email="")))
    client = fortress.client("finance")
    form = {"donor.email": "eve@example.org", "reason": "x"} | token(client, ACCOUNT)
    assert client.post(f"/console/gifts/{entry.id}/correct", data=form).status_code == 303
    overrides = []
    for name in ("finance", "second"):
        browser = fortress.client(name)
        browser.post("/console/proposals/1/agree", data={"reason": "x"} | token(browser, ACCOUNT))
        overrides.append(dict(fortress.entry(entry.id).overrides))
    assert overrides == [{}, {"donor.email": "eve@example.org"}]


@pytest.mark.parametrize("number", [2**63, 10**30, -1, "1e3"])
def test_a_number_that_no_row_has_does_no_harm_where_it_is_typed(stocked, number):
    client = stocked.client("root")
    assert client.get("/console/audit", query_string={"page": number}).status_code == 200
    assert client.get("/console/gifts", query_string={"page": number}).status_code == 200
    assert client.get("/console/gifts", query_string={"q": f"id:{number}"}).status_code in (200, 400)
    drawn = client.post("/console/replays", data={"ids": number} | token(client, ACCOUNT))
    assert (drawn.status_code, drawn.location.partition("?")[0]) == (303, "/console/replays")
