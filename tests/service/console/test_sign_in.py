"""Who comes in, how, and for how long."""

import time

import pyotp
import pytest
import time_machine

from relay.ledger import people
from relay.office.people import codes, passwords
from relay.web.console.door import safe
from tests.support.console import BOSS, PASSWORD, email, token

PAGE = "/console/account"


def test_the_bare_address_leads_to_the_console(house):
    answer = house.client().get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/console/")


def test_whoever_is_not_signed_in_is_sent_to_sign_in_and_back(house):
    client = house.client()
    sent = client.get("/console/account?x=1")
    assert (sent.status_code, sent.location) == (303, "/console/sign-in?next=/console/account?x%3D1")
    page = client.get(sent.location).get_data(as_text=True)
    assert 'name="next" value="/console/account?x=1"' in page
    done = house.sign_in("viewer", client=client, next="/console/account?x=1")
    assert (done.status_code, done.location) == (303, "/console/account?x=1")
    assert client.get(PAGE).status_code == 200


@pytest.mark.parametrize(("name", "password"), [("viewer", "wrong"), ("nobody", PASSWORD), ("viewer", "")])
def test_the_same_answer_whatever_was_wrong(house, name, password):
    answer = house.sign_in(name, password)
    assert answer.status_code == 401
    assert "do not belong together" in answer.get_data(as_text=True)


def test_somebody_whose_time_has_ended_cannot_come_in(house):
    house.relay.people.end(BOSS, house.numbers["viewer"])
    assert house.sign_in("viewer").status_code == 401


def test_nobody_unknown_is_named_in_the_audit(house):
    house.sign_in("a-password-in-the-wrong-field", "x")
    (line,) = house.lines("failed to sign in")
    assert (line.who, line.subject) == ("somebody unknown", "")
    assert "a-password" not in str(line.details)


def test_an_unknown_person_takes_as_long_as_a_wrong_password(house, monkeypatch):
    compared = []
    real = passwords._HASHER.verify
    monkeypatch.setattr(
        passwords, "_HASHER", type("Hasher", (), {"verify": lambda _, *a: compared.append(a) or real(*a)})()
    )
    house.sign_in("viewer", "wrong")
    house.sign_in("nobody", "wrong")
    assert len(compared) == 2


def test_coming_in_and_going_are_lines_of_the_audit(house):
    client = house.client()
    house.sign_in("viewer", client=client)
    client.post("/console/sign-out", data=token(client, PAGE))
    assert [(line.who, line.action) for line in house.lines()] == [
        (email("viewer"), "signed in"),
        (email("viewer"), "signed out"),
    ]
    assert client.get(PAGE).status_code == 303


def test_a_form_without_its_token_is_refused(house):
    answer = house.client().post("/console/sign-in", data={"email": email("viewer"), "password": PASSWORD})
    assert answer.status_code == 400
    assert "open for too long" in answer.get_data(as_text=True)


def test_a_new_session_begins_at_the_sign_in(house):
    client = house.client()
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    before = token(client, "/console/sign-in")
    house.sign_in("viewer", client=client)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session["person"] == house.numbers["viewer"]
    assert token(client, PAGE) != before


@pytest.mark.parametrize(("minutes", "still_in"), [(59, True), (61, False)])
def test_a_session_ends_after_an_hour_without_use(house, minutes, still_in):
    client = house.client("viewer")
    with time_machine.travel(time.time() + minutes * 60, tick=False):
        assert (client.get(PAGE).status_code == 200) is still_in


def test_a_session_ends_after_twelve_hours_in_any_case(house):
    client, start = house.client("viewer"), time.time()
    for half_hours in range(1, 25):
        with time_machine.travel(start + half_hours * 1800 - 60, tick=False):
            assert client.get(PAGE).status_code == 200
    with time_machine.travel(start + 12 * 3600 + 60, tick=False):
        assert client.get(PAGE).status_code == 303


def test_signing_out_everywhere_ends_the_other_sessions(house):
    here, there = house.client("viewer"), house.client("viewer")
    here.post("/console/sign-out", data={"everywhere": "1", **token(here, PAGE)})
    assert there.get(PAGE).status_code == 303


def test_signing_out_leaves_the_other_sessions(house):
    here, there = house.client("viewer"), house.client("viewer")
    here.post("/console/sign-out", data=token(here, PAGE))
    assert there.get(PAGE).status_code == 200


def test_a_new_password_ends_the_other_sessions(house):
    here, there = house.client("viewer"), house.client("viewer")
    new = {"old": PASSWORD, "password": "nine green bottles", "again": "nine green bottles"}
    assert here.post("/console/account/password", data=new | token(here, PAGE)).status_code == 303
    assert here.get(PAGE).status_code == 200
    assert there.get(PAGE).status_code == 303
    assert house.sign_in("viewer").status_code == 401
    assert house.sign_in("viewer", "nine green bottles").status_code == 303


@pytest.mark.parametrize(
    ("old", "new", "again"),
    [
        ("wrong", "nine green bottles", "nine green bottles"),
        (PASSWORD, "nine green bottles", "eight green bottles"),
        (PASSWORD, "short", "short"),
        (PASSWORD, "aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa"),
        (PASSWORD, "viewer@example.org", "viewer@example.org"),
        (PASSWORD, "x y z " * 40, "x y z " * 40),
    ],
)
def test_a_password_that_will_not_do_changes_nothing(house, old, new, again):
    client = house.client("viewer")
    data = {"old": old, "password": new, "again": again}
    assert client.post("/console/account/password", data=data | token(client, PAGE)).status_code == 400
    assert house.sign_in("viewer").status_code == 303


def test_a_password_cannot_be_tried_out_from_inside(house):
    client = house.client("viewer")
    new = {"password": "nine green bottles", "again": "nine green bottles"} | token(client, PAGE)
    for expected in [400] * 10 + [429]:
        assert client.post("/console/account/password", data=new | {"old": "wrong"}).status_code == expected
    assert client.post("/console/account/password", data=new | {"old": PASSWORD}).status_code == 429


def test_codes_cannot_be_tried_out_from_inside(house):
    client = house.client("viewer")
    data = {"code": "000000"} | token(client, "/console/account/codes")
    for expected in [400] * 10 + [429]:
        assert client.post("/console/account/codes", data=data).status_code == expected


@pytest.mark.parametrize(
    "wanted",
    ["https://evil.example", "//evil.example", "/\\evil.example", "/console/\\..", "javascript:alert(1)", "/webhooks/x",
     "/console/sign-out", "/console/\n/x", "/consolex", "///evil.example/console/", "", None],
)  # fmt: skip
def test_the_way_back_never_leads_out(wanted):
    assert safe(wanted) == "/console/"


@pytest.mark.parametrize("wanted", ["/console/gifts?q=stone&page=2", "/console/", "/console/gifts/12"])
def test_the_way_back_leads_to_where_one_was(wanted):
    assert safe(wanted) == wanted


def test_an_account_that_was_wrong_too_often_waits(house):
    for _ in range(10):
        assert house.sign_in("viewer", "wrong").status_code == 401
    answer = house.sign_in("viewer")
    assert answer.status_code == 429
    assert "Too many wrong answers" in answer.get_data(as_text=True)
    assert house.sign_in("finance").status_code == 303
    assert len(house.lines("failed to sign in")) == 10


def test_an_address_that_was_wrong_too_often_waits(house):
    throttle = house.app.extensions["relay_throttle"]
    for number in range(50):
        throttle.wrong(f"somebody {number}", "127.0.0.1")
    assert house.sign_in("viewer").status_code == 429
    elsewhere = house.client()
    elsewhere.environ_base["REMOTE_ADDR"] = "192.0.2.1"
    assert house.sign_in("viewer", client=elsewhere).status_code == 303


def test_right_answers_are_not_counted(house):
    for _ in range(12):
        assert house.sign_in("viewer").status_code == 303


class TestCodes:
    """With one-time codes."""

    @pytest.fixture
    def secret(self, house):
        secret = codes.secret()
        with house.database.write() as tx:
            people.change(tx, house.numbers["viewer"], totp_secret=secret)
        return secret

    def answer(self, client, code):
        return client.post("/console/sign-in/code", data={"code": code, **token(client, "/console/sign-in/code")})

    def test_the_password_alone_is_not_enough(self, house, secret):
        client = house.client()
        assert house.sign_in("viewer", client=client, next=PAGE).location == "/console/sign-in/code"
        assert client.get(PAGE).status_code == 303
        assert self.answer(client, now(secret)).location == PAGE
        assert client.get(PAGE).status_code == 200

    def test_a_code_is_taken_once(self, house, secret):
        code = now(secret)
        for expected in (303, 401):
            client = house.client()
            house.sign_in("viewer", client=client)
            assert self.answer(client, code).status_code == expected

    @pytest.mark.parametrize("code", ["000000", "", "abcdef", "１２３４５６"])
    def test_a_wrong_code_is_refused(self, house, secret, code):
        client = house.client()
        house.sign_in("viewer", client=client)
        assert self.answer(client, code).status_code == 401
        assert client.get(PAGE).status_code == 303

    def test_codes_cannot_be_tried_out(self, house, secret):
        client = house.client()
        house.sign_in("viewer", client=client)
        for _ in range(10):
            self.answer(client, "000000")
        assert self.answer(client, now(secret)).status_code == 429

    def test_the_second_step_must_follow_soon(self, house, secret):
        client = house.client()
        house.sign_in("viewer", client=client)
        with time_machine.travel(time.time() + 6 * 60):
            assert client.get("/console/sign-in/code").location == "/console/sign-in"

    def test_there_is_no_second_step_without_the_first(self, house, secret):
        client = house.client()
        sent = client.post("/console/sign-in/code", data={"code": now(secret), **token(client, "/console/sign-in")})
        assert sent.location == "/console/sign-in"
        assert client.get(PAGE).status_code == 303

    def test_they_can_be_switched_on_and_off(self, house):
        client = house.client("finance")
        page = client.get("/console/account/codes").get_data(as_text=True)
        assert "<svg" in page
        assert "style=" not in page
        with client.session_transaction() as session:
            secret = session["new_secret"]
        for code, expected in (("000000", 400), (now(secret), 303)):
            data = {"code": code, **token(client, "/console/account/codes")}
            assert client.post("/console/account/codes", data=data).status_code == expected
        assert house.person("finance").totp_secret == secret
        with time_machine.travel(time.time() + 30):
            data = {"code": now(secret), **token(client, PAGE)}
            assert client.post("/console/account/codes", data=data).status_code == 303
        assert house.person("finance").totp_secret == ""


def now(secret):
    return pyotp.TOTP(secret).at(int(time.time()))


class TestTheCookie:
    def test_on_this_machine_it_goes_over_plain_http(self, house):
        cookie = house.sign_in("viewer").headers["Set-Cookie"]
        assert cookie.startswith("relay=")
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie

    def test_elsewhere_it_is_bound_to_the_host_and_https(self, house):
        cookie = house.client().get("/console/sign-in", base_url="https://relay.example").headers["Set-Cookie"]
        assert cookie.startswith("__Host-relay=")
        assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie

    def test_plain_http_elsewhere_is_told(self, house):
        answer = house.client().get("/console/sign-in", base_url="http://relay.example")
        assert "plain HTTP" in answer.get_data(as_text=True)

    def test_it_holds_no_name_and_no_address(self, house):
        client = house.client("viewer")
        client.get(PAGE)
        with client.session_transaction() as session:
            assert set(session) <= {"person", "number", "began", "seen", "csrf_token"}


def test_the_pages_run_nothing_that_is_not_ours(house):
    answer = house.client().get("/console/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer.headers["Cache-Control"] == "no-store"


def test_files_are_kept_under_their_hash(house):
    client = house.client()
    page = client.get("/console/sign-in").get_data(as_text=True)
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    assert "v=" in address
    with client.get(address) as answer:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/console/there-is-none", "/console/gifts/999999"])
def test_what_is_not_there_is_a_page(house, path):
    answer = house.client("viewer").get(path)
    assert answer.status_code == 404
    assert "There is no such page" in answer.get_data(as_text=True)
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
