"""Coming in as somebody else: planted, kept, forged and guessed sessions, forms from elsewhere, tried keys."""

import time
from urllib.parse import urljoin, urlsplit

import pyotp
import pytest
import time_machine
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from relay.access import Role
from relay.ledger import people
from relay.office.people import codes
from tests.support.console import PASSWORD, House, actor_named, email, token
from tests.support.fortress import Fortress

PAGE = "/console/account"
NEW = "nine green bottles"


def is_in(client):
    return client.get(PAGE).status_code == 200


def cookie_of(client):
    return client.get_cookie("relay").value


def with_cookie(fortress, value):
    client = fortress.client()
    client.set_cookie("relay", value)
    return client


# --- forms from elsewhere -------------------------------------------------------------------------------------------

CHANGES = (
    "/console/people",
    "/console/tokens",
    "/console/sign-out",
    "/console/account/password",
    "/console/gifts/1/close",
)


@pytest.mark.parametrize("path", CHANGES)
@pytest.mark.parametrize(
    "sent", ["missing", "made up", "empty", "of another session", "of another person", "in the address"]
)
def test_a_form_without_this_session_s_token_changes_nothing(standing, path, sent):
    client, before = standing.client("admin"), standing.lines()
    forms = {
        "made up": {"csrf_token": "x" * 90},
        "empty": {"csrf_token": ""},
        "of another session": token(standing.client("admin"), PAGE),
        "of another person": token(standing.client("outsider"), PAGE),
    }
    query = token(client, PAGE) if sent == "in the address" else {}
    answer = client.post(path, data={"reason": "x"} | forms.get(sent, {}), query_string=query)
    assert answer.status_code == 400
    assert is_in(client)
    assert standing.lines() == before


@pytest.mark.parametrize(
    "referrer", ["https://evil.example/", "https://relay.example.evil.example/", "http://relay.example/", None]
)
def test_a_form_from_another_site_is_refused_even_with_its_token(fortress, referrer):
    """Over HTTPS the form must say that it comes from here."""
    client, base = fortress.client(), "https://relay.example"
    page = client.get("/console/sign-in", base_url=base).get_data(as_text=True)
    found = page.split('name="csrf_token" value="')[1].split('"')[0]
    data = {"email": email("viewer"), "password": PASSWORD, "csrf_token": found}
    headers = {"Referer": referrer} if referrer else {}
    assert client.post("/console/sign-in", data=data, base_url=base, headers=headers).status_code == 400


def test_a_form_as_json_is_no_form(fortress):
    client = fortress.client("admin")
    data = {"email": "eve@example.org", "role": "admin", "organization": "alder"} | token(client, PAGE)
    assert client.post("/console/people", json=data).status_code == 400
    assert fortress.person("eve") is None


# --- sessions -------------------------------------------------------------------------------------------------------


def test_a_planted_session_does_not_become_the_victim_s(fortress):
    """The attacker's cookie in the victim's browser: after the sign-in it is worth nothing."""
    attacker = fortress.client()
    attacker.get("/console/sign-in")
    victim = with_cookie(fortress, cookie_of(attacker))
    fortress.sign_in("viewer", client=victim)
    assert is_in(victim)
    assert not is_in(attacker)
    assert cookie_of(victim) != cookie_of(attacker)


@pytest.mark.parametrize("end", ["everywhere", "role", "password", "ended", "generated", "role taken"])
def test_a_copied_session_ends_with_what_ended_it(fortress, end):
    client = fortress.client("viewer")
    assert is_in(client)
    stolen = with_cookie(fortress, cookie_of(client))
    assert is_in(stolen)
    number, everybody, boss = fortress.numbers["viewer"], fortress.relay.people, actor_named(fortress, "admin")
    if end == "everywhere":
        client.post("/console/sign-out", data={"everywhere": "1", **token(client, PAGE)})
    elif end == "password":
        new = {"old": PASSWORD, "password": NEW, "again": NEW}
        client.post("/console/account/password", data=new | token(client, PAGE))
    else:
        {
            "role": lambda: everybody.give(boss, number, "alder", Role.FINANCE),
            "role taken": lambda: everybody.give(boss, number, "alder", None),
            "ended": lambda: everybody.end(boss, number),
            "generated": lambda: everybody.generate(boss, number),
        }[end]()
    assert not is_in(stolen)


@pytest.mark.parametrize("key", ["k2", "", "secret", "None"])
def test_a_cookie_signed_with_another_key_is_none(fortress, key):
    now = int(time.time())
    told = {"person": fortress.numbers["root"], "number": 0, "began": now, "seen": now}
    real = SecureCookieSessionInterface().get_signing_serializer(fortress.app)
    forged = URLSafeTimedSerializer(
        key, salt="cookie-session", serializer=real.serializer, signer_kwargs=real.signer_kwargs
    )
    assert not is_in(with_cookie(fortress, forged.dumps(told)))


@pytest.mark.parametrize(
    "value", ["", ".", "e30", "e30.x.y", "null", "eyJwZXJzb24iOjF9", "gASVAAAAAAAAAA==", "A" * 4000]
)
def test_a_cookie_of_nothing_is_none(standing, value):
    assert not is_in(with_cookie(standing, value))


def test_a_changed_cookie_is_none(fortress):
    client = fortress.client("viewer")
    client.get(PAGE)
    value = cookie_of(client)
    assert is_in(with_cookie(fortress, value))
    assert not is_in(with_cookie(fortress, value[:-2] + ("AA" if value[-2:] != "AA" else "BB")))
    assert not is_in(with_cookie(fortress, "x" + value))


def test_a_link_to_choose_a_password_is_no_session_and_a_session_no_link(fortress):
    client = fortress.client("viewer")
    client.get(PAGE)
    link = fortress.relay.people.invite(actor_named(fortress, "admin"), fortress.numbers["viewer"])
    assert not is_in(with_cookie(fortress, link))
    assert b"no longer good" in fortress.client().get(f"/console/invitation/{cookie_of(client)}").data


def test_the_half_way_in_is_no_way_in(fortress):
    with fortress.database.write() as tx:
        people.change(tx, fortress.numbers["viewer"], totp_secret=codes.secret())
    client = fortress.client()
    fortress.sign_in("viewer", client=client)
    answers = [client.get(path).status_code for path in (PAGE, "/console/", "/console/gifts", "/console/gifts.csv")]
    assert answers == [303] * 4


def test_a_code_counts_once_also_in_two_browsers_at_the_same_step(fortress):
    secret = codes.secret()
    with fortress.database.write() as tx:
        people.change(tx, fortress.numbers["viewer"], totp_secret=secret)
    code, answers = pyotp.TOTP(secret).at(int(time.time())), []
    browsers = [fortress.client(), fortress.client()]
    for browser in browsers:
        fortress.sign_in("viewer", client=browser)
    for browser in browsers:
        sent = {"code": code, **token(browser, "/console/sign-in/code")}
        answers.append(browser.post("/console/sign-in/code", data=sent).status_code)
    assert answers == [303, 401]


@pytest.mark.parametrize("steps", [-3, -2, 2, 3])
def test_a_code_of_another_minute_is_refused(fortress, steps):
    secret = codes.secret()
    with fortress.database.write() as tx:
        people.change(tx, fortress.numbers["viewer"], totp_secret=secret)
    with time_machine.travel(1_900_000_010, tick=False):
        client = fortress.client()
        fortress.sign_in("viewer", client=client)
        sent = {"code": pyotp.TOTP(secret).at(1_900_000_010 + steps * 30), **token(client, "/console/sign-in/code")}
        assert client.post("/console/sign-in/code", data=sent).status_code == 401


# --- cookies --------------------------------------------------------------------------------------------------------


def test_the_cookie_is_out_of_reach_of_scripts_other_sites_and_plain_http(fortress):
    answer = fortress.client().get("/console/sign-in", base_url="https://relay.example")
    flags = set(answer.headers["Set-Cookie"].split("; "))
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= flags
    assert answer.headers["Set-Cookie"].startswith("__Host-relay=")


def test_no_answer_but_the_console_s_sets_a_cookie(fortress):
    client = fortress.client()
    paths = ("/livez", "/readyz", "/metrics", "/api/v1/openapi.json", "/api/v1/entries", "/nowhere")
    assert [path for path in paths if "Set-Cookie" in client.get(path).headers] == []
    assert "Set-Cookie" not in client.post("/webhooks/alder/stripe", data=b"{}").headers


# --- guessing -------------------------------------------------------------------------------------------------------


def test_passwords_are_tried_ten_times_and_no_more(fortress):
    answers = [fortress.sign_in("viewer", f"guess {number}").status_code for number in range(12)]
    assert answers == [401] * 10 + [429] * 2
    assert fortress.sign_in("viewer").status_code == 429


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Real-IP", "Forwarded", "CF-Connecting-IP", "True-Client-IP"])
def test_an_address_made_up_in_a_header_is_not_believed(fortress, header):
    """Fifty wrong answers from one address, each of which says to come from another."""
    throttle, statuses = fortress.app.extensions["relay_throttle"], set()
    for number in range(50):
        throttle.wrong(f"somebody {number}", "127.0.0.1")
    for number in range(3):
        client = fortress.client()
        client.environ_base[f"HTTP_{header.upper().replace('-', '_')}"] = (
            f"for=198.51.100.{number}, 198.51.100.{number}"
        )
        statuses.add(fortress.sign_in("viewer", client=client).status_code)
    assert statuses == {429}


def test_behind_one_proxy_what_stands_before_its_word_is_not_believed(tmp_path):
    fortress, statuses = Fortress(f"sqlite:///{tmp_path / 'ledger.db'}", proxies=1), []
    throttle = fortress.app.extensions["relay_throttle"]
    for number in range(50):
        throttle.wrong(f"somebody {number}", "203.0.113.9")
    for number in range(3):
        client = fortress.client()
        client.environ_base["HTTP_X_FORWARDED_FOR"] = f"198.51.100.{number}, 203.0.113.9"
        statuses.append(fortress.sign_in("viewer", client=client).status_code)
    fortress.database.engine.dispose()
    assert statuses == [429] * 3


@pytest.mark.parametrize("name", [" VIEWER@example.org ", "viewer@EXAMPLE.org", "viewer@example.org\t"])
def test_the_same_account_written_otherwise_is_counted_as_the_same(fortress, name):
    for number in range(10):
        fortress.sign_in("viewer", f"guess {number}")
    client = fortress.client()
    data = {"email": name, "password": PASSWORD} | token(client, "/console/sign-in")
    assert client.post("/console/sign-in", data=data).status_code == 429


def test_tokens_of_the_api_are_not_tried_out(fortress):
    answers = [
        fortress.client().get("/api/v1/entries", headers={"Authorization": f"Bearer relay_{number:043}"}).status_code
        for number in range(70)
    ]
    assert set(answers[:50]) == {401}
    assert answers[-1] == 429


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic cm9vdDpyb290",
        "bearer null",
        "Bearer relay_",
        "Bearer %",
        "Token x",
        "Bearer \u00e9",
        "Bearer " + "x" * 20_000,
    ],
)
def test_what_is_no_token_opens_nothing(standing, header):
    sent = header.encode().decode("latin-1")
    assert standing.client().get("/api/v1/entries", headers={"Authorization": sent}).status_code in (401, 429)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer metrics-token-of-this-rela",
        "Basic x",
        "metrics-token-of-this-relay",
        "Bearer \u00e9",
        "bearer metrics-token-of-this-relay",
    ],
)
def test_metrics_are_for_whoever_has_their_token(standing, header):
    assert (
        standing.client().get("/metrics", headers={"Authorization": header.encode().decode("latin-1")}).status_code
        == 404
    )


def test_metrics_do_not_exist_where_no_token_is_configured(sqlite_house):
    for header in ({}, {"Authorization": "Bearer "}, {"Authorization": "Bearer None"}):
        assert sqlite_house.client().get("/metrics", headers=header).status_code == 404


@pytest.fixture
def sqlite_house(tmp_path):
    made = House(f"sqlite:///{tmp_path / 'bare.db'}")
    yield made
    made.database.engine.dispose()


# --- the way back ---------------------------------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/console/",
    "/\\evil.example",
    "///evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/console/\r\nSet-Cookie: relay=x",
    "\thttps://evil.example",
    "/console/..//evil.example",
    "/console/../../evil",
    "http:///evil.example",
    "/%09/evil.example",
    "/console\\@evil.example",
]


@pytest.mark.parametrize("place", ELSEWHERE)
def test_no_sign_in_leads_out_of_the_console(fortress, place):
    answer = fortress.sign_in("viewer", next=place)
    assert answer.status_code == 303
    assert urlsplit(urljoin("http://localhost/console/sign-in", answer.location)).netloc == "localhost"
    assert len(answer.headers.getlist("Set-Cookie")) == 1


@pytest.mark.parametrize("place", ELSEWHERE)
def test_whoever_is_in_is_led_out_by_no_link_either(standing, place):
    answer = standing.client("viewer").get("/console/sign-in", query_string={"next": place})
    assert answer.status_code == 303
    assert urlsplit(urljoin("http://localhost/console/sign-in", answer.location)).netloc == "localhost"
