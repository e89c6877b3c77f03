"""`flask doctor`: each broken installation gets its own right sentence, and no line tells a secret."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from redis.exceptions import AuthenticationError
from sqlalchemy import make_url

from relay.config import FormLevel, Fund, Mode
from relay.doctor import house as house_checks
from relay.errors import NotSent
from relay.ledger import funds, migrate
from relay.ledger.db import Database
from relay.luminate.client import Answer
from relay.queue import connect


@pytest.fixture
def well(house, sandbox, redis_db):
    """An installation in which nothing is wrong: migrated ledger, Redis, one organization, its sandbox."""
    with house.relay.database.write() as tx:
        for (name,) in tx.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            tx.exec_driver_sql(f'DROP TABLE "{name}"')
    migrate.upgrade(house.relay.database)
    house.relay.redis = redis_db
    organizations = house.relay.settings.organizations
    house.relay.settings = replace(house.relay.settings, organizations={"hope": organizations["hope"]})
    house.sandbox = sandbox
    told = {"api_key": "demo-api-key", "login_name": "demo-api-user", "login_password": "demo-api-password"}
    luminate(house, url=f"{sandbox.url}/hope/site", **told)
    house.configure(mode=Mode.LIVE)
    yield house
    for client in house.relay._clients.values():
        client.close()


def luminate(house, **changes):
    charity = house.relay.settings.organizations["hope"]
    house.configure(luminate=replace(charity.luminate, **changes))
    house.relay._clients.clear()


def site(house, **posted):
    house.sandbox.sandbox.change("hope", posted)


def found(house, level, code=None):
    """The checks of a level, as name: text -> what to do."""
    code = {"failed": 1}.get(level, 0) if code is None else code
    return [f"{one['name']}: {one['text']} -> {one['what_to_do']}" for one in house.lines("doctor", code=code)
            if one["level"] == level]  # fmt: skip


def test_a_healthy_installation_has_nothing_failed(well):
    checks = well.lines("doctor")
    assert {check["level"] for check in checks} == {"ok", "warning"}
    names = [check["name"] for check in checks if check["level"] == "ok"]
    assert names == [
        "database", "migrations", "redis", "encryption", "mail", "configuration", "hope: configuration",
        "hope: Luminate", "hope: form 1260", "hope: designees", "hope: look-up",
    ]  # fmt: skip
    assert set(checks[0]) == {"name", "level", "text", "what_to_do", "details"}


def test_no_line_tells_a_secret_or_a_password(well):
    shown = well.run("doctor").output
    for secret in ("demo-api-password", "demo-api-key", "whsec_one", "k" * 40):
        assert secret not in shown
    assert "stripe with 2 secrets" in shown


def test_the_permission_is_not_claimed_before_it_is_proven(well):
    assert any("may add and refund offline gifts cannot be proven by reading" in one for one in found(well, "warning"))
    well.give("ch_1")
    well.post()
    assert any("may refund offline gifts cannot be proven" in one for one in found(well, "warning"))
    well.refund("re_1", "ch_1")
    well.post()
    assert not any("proven" in one for one in found(well, "warning"))


# --- Luminate: what is broken left, what the doctor says right ----------------------------------------------------

FORM = FormLevel(form_id=1260, level_id=1523)
NOTHING_LISTENS = "http://127.0.0.1:9/hope/site"
HTML = b"<!DOCTYPE html><html><head><title>Not found</title></head></html>"


class Scripted:
    """A client whose door call answers as told."""

    def __init__(self, answer):
        self.answer = answer

    def is_email_valid(self):
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def close(self):
        pass


def answering(house, answer):
    house.relay._clients["hope"] = Scripted(answer)


def no_form(house):
    house.configure(form=replace(FORM, form_id=9999))


def form_of_offline_gifts(house):
    site(house, switches={"form_info_offline_only": "error"})
    house.configure(form=FormLevel(form_id=1261, level_id=1530))


def archived_designee(house):
    house.configure(funds={"OLD": Fund(code="OLD", designee_id=1004), "WATER": Fund(code="WATER", designee_id=1003)})


def archived_designee_edited_here(house):
    with house.relay.database.write() as tx:
        at = house.relay.database.now(tx)
        funds.add(tx, "hope", "NEW", Fund(code="NEW", designee_id=1004), who="ann", at=at, reason="x")


BROKEN = {
    "wrong key": (
        lambda h: luminate(h, api_key="wrong"),
        "does not accept the API key. Luminate says: Incorrect API key.", "Open API Configuration"),
    "wrong password": (
        lambda h: luminate(h, login_password="wrong"),
        "does not accept the API account", "Compare name and password"),
    "wrong login": (
        lambda h: luminate(h, login_name="nobody"),
        "does not accept the API account", "Compare name and password"),
    "address not on the list": (
        lambda h: site(h, ip_allow=["10.0.0.0/8"]),
        "does not let this machine's address in", "allow-list of Open API Configuration"),
    "nothing listens": (
        lambda h: luminate(h, url=NOTHING_LISTENS),
        "did not take the connection", "host and port"),
    "name not known": (
        lambda h: luminate(h, url="http://luminate.invalid/hope/site"),
        "name of Luminate's server could not be found", "right host"),
    "a web page": (
        lambda h: answering(h, Answer(200, HTML)),
        "A web page answers instead of Luminate's API", "https://secure2.convio.net/<organization>/site"),
    "no api here": (
        lambda h: luminate(h, url=h.relay.settings.organizations["hope"].luminate.url + "/more"),
        "HTTP 404", "https://secure2.convio.net/<organization>/site"),
    "moved": (
        lambda h: answering(h, Answer(302, b"", {"location": "https://secure3.convio.net/hope/site"})),
        "leads somewhere else", "It leads to secure3.convio.net."),
    "out of order": (
        lambda h: answering(h, Answer(503, b"")),
        "out of order (HTTP 503)", "Try again later"),
    "empty": (
        lambda h: answering(h, Answer(200, b"")),
        "The answer is empty", "Try again later"),
    "another program": (
        lambda h: answering(h, Answer(200, b'{"hello": "world"}')),
        "does not speak Luminate's language", "https://secure2"),
    "wrong verb": (
        lambda h: answering(h, Answer(405, b"")),
        "does not accept POST", "address is right"),
    "unable": (
        lambda h: answering(h, Answer(403, b"<errorResponse><code>1</code><message>x</message></errorResponse>")),
        "unable to process a harmless call", "Try again later"),
    "a code of tomorrow": (
        lambda h: answering(h, Answer(403, b"<errorResponse><code>77</code></errorResponse>")),
        "Luminate refuses (code 77).", "Try again later"),
    "certificate": (
        lambda h: answering(h, NotSent("certificate_refused: The certificate of Luminate's server is not valid.")),
        "certificate of Luminate's server is not valid", "clock"),
    "no such level": (
        lambda h: h.configure(form=replace(FORM, level_id=7)),
        "form 1260: It has no level 7.", "Its levels are: 1521, 1522, 1523."),
    "a level with a fixed amount": (
        lambda h: h.configure(form=replace(FORM, level_id=1521)),
        "level 1521 has a fixed amount", "whose amount the donor enters"),
    "an archived designee, edited here": (
        archived_designee_edited_here,
        "does not offer the designee of these funds: NEW -> 1004.", "archived"),
    "an archived designee": (
        archived_designee,
        "does not offer the designee of these funds: OLD -> 1004.", "archived"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_each_broken_site_gets_its_own_sentence(well, case):
    break_it, sentence, what_to_do = BROKEN[case]
    break_it(well)
    (told,) = found(well, "failed")
    assert sentence in told
    assert what_to_do in told
    assert told.startswith("hope: ")


DOUBTFUL = {
    "no such form": (no_form, "does not tell about this form"),
    "a form for offline gifts only": (form_of_offline_gifts, "offline gifts only may not show"),
    "no write-ins": (
        lambda h: h.configure(funds={"OTHER": Fund(code="OTHER", write_in="Bench")}), "takes no write-in designations"),
    "a designee not on the form": (
        lambda h: site(h, forms={"1260": {"designees": ["1001"]}}), "these funds: WATER on form 1260"),
    "no permission to read": (
        lambda h: site(h, switches={"read_permission": "separate"}), "cannot read transactions"),
    "test events only": (lambda h: h.configure(mode=Mode.TEST), "takes test events only"),
    "paused": (lambda h: h.run("pause", "hope", "--reason", "audit", "--who", "Ann"), "by Ann: audit"),
    "no worker": (lambda _: None, "No worker is at work"),
}  # fmt: skip


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_is_doubtful_is_a_warning_and_not_a_failure(well, case):
    doubt, sentence = DOUBTFUL[case]
    doubt(well)
    assert any(sentence in one for one in found(well, "warning")), found(well, "warning")


def test_what_is_due_and_lies_about_is_a_backlog(well):
    well.give("ch_1")
    long_ago = (datetime.now(UTC) - timedelta(hours=1)).replace(tzinfo=None)
    with well.relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE entries SET next_attempt_at = ?", (str(long_ago),))
    assert any("backlog: Something has been due since" in one for one in found(well, "warning"))


def test_a_provider_this_relay_does_not_know(well):
    well.relay.providers = {}
    assert "does not know the providers stripe" in found(well, "failed")[0]


def test_each_provider_is_told_of_in_text_and_in_json(well):
    assert any(one.startswith("hope: stripe: No event has come yet.") for one in found(well, "warning"))
    well.give("ch_1")
    assert "hope: stripe: Last event: " in well.run("doctor").stdout
    (line,) = [one for one in well.lines("doctor") if one["name"] == "hope: stripe"]
    assert line["details"]["last_secret"] == 1


# --- our own house --------------------------------------------------------------------------------------------------


def test_a_ledger_without_tables(well):
    migrate.downgrade(well.relay.database, "base")
    (told,) = found(well, "failed")
    assert told == "migrations: The ledger has no tables yet. -> Run `flask db upgrade`."


@pytest.mark.parametrize(("number", "sentence"), [("0000", "this relay needs"), ("9999", "newer than this relay")])
def test_a_ledger_of_another_version(well, number, sentence):
    with well.relay.database.write() as tx:
        tx.exec_driver_sql("UPDATE alembic_version SET version_num = ?", (number,))
    assert sentence in found(well, "failed")[0]


def test_a_ledger_that_cannot_be_opened(well, tmp_path):
    (tmp_path / "file").write_text("in the way")
    well.relay.database = Database(f"sqlite:///{tmp_path}/file/ledger.sqlite3")
    assert "file of the ledger cannot be opened" in found(well, "failed")[0]
    (tmp_path / "no.sqlite3").write_bytes(b"this is not a database, by any means" * 30)
    well.relay.database = Database(f"sqlite:///{tmp_path}/no.sqlite3")
    assert "is no SQLite database" in found(well, "failed")[0]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('FATAL: password authentication failed for user "relay"', "does not accept user and password"),
        ('FATAL: database "relay" does not exist', "no such database"),
        ('could not translate host name "db" to address', "name of the database server is not known"),
        ("connection to server at 10.0.0.1 failed: Connection refused", "Nothing answers where the database"),
        ("FATAL: no pg_hba.conf entry for host 10.0.0.9, no encryption", "wants an encrypted connection"),
        ("FATAL: sorry, too many clients already", "no free connection"),
        ("connection timeout expired", "does not answer in time"),
        ("something nobody has met", "The database does not answer (RuntimeError)"),
    ],
)
def test_what_postgresql_says_becomes_a_sentence_without_its_names(said, sentence):
    error = house_checks.LedgerUnavailable("OperationalError")
    error.__cause__ = RuntimeError(said)
    check = house_checks._unreachable(error)
    assert sentence in check.text
    assert "10.0.0" not in check.text + check.what_to_do
    assert check.what_to_do


def test_a_real_postgresql_is_well_and_a_wrong_name_is_told(well, postgres_database):
    well.relay.database = Database(postgres_database)
    migrate.upgrade(well.relay.database)
    assert [one["name"] for one in well.lines("doctor")][:3] == ["database", "clock", "migrations"]
    well.relay.database.engine.dispose()
    wrong = make_url(postgres_database).set(database="not_there").render_as_string(hide_password=False)
    well.relay.database = Database(wrong)
    assert "no such database" in found(well, "failed")[0]


def test_redis_that_is_away(well):
    well.relay.redis = connect("redis://127.0.0.1:9/0")
    (told,) = found(well, "failed")
    assert "Redis does not answer" in told
    assert "webhooks are taken and kept" in told


class Odd:
    """A Redis that answers oddly."""

    def __init__(self, **info):
        self.told = {"redis_version": "7.2.4", "maxmemory_policy": "noeviction"} | info

    def ping(self):
        return True

    def info(self):
        return self.told

    def scard(self, _name):
        return 2


@pytest.mark.parametrize(
    ("info", "level", "sentence"),
    [
        ({}, "ok", "Redis 7.2.4 answers (noeviction)."),
        ({"maxmemory_policy": "volatile-lru"}, "ok", "answers (volatile-lru)."),
        ({"maxmemory_policy": "allkeys-lru"}, "warning", "may throw away bells"),
        ({"role": "slave"}, "failed", "a replica that only reads"),
        ({"valkey_version": "8.0.1"}, "ok", "Valkey 8.0.1 answers"),
    ],
)
def test_what_redis_tells_about_itself(info, level, sentence):
    check = next(house_checks.redis_server(Odd(**info)))
    assert (check.level, sentence in check.text) == (level, True)


def test_redis_with_another_password():
    class Locked(Odd):
        def ping(self):
            raise AuthenticationError("invalid username-password pair or user is disabled.")

    (check,) = house_checks.redis_server(Locked())
    assert "does not accept user and password" in check.text


@pytest.mark.parametrize(("seconds", "level"), [(0, "ok"), (-4, "ok"), (30, "warning"), (-3600, "failed")])
def test_clocks_that_differ(seconds, level):
    now = datetime.now(UTC)
    assert house_checks.clock("clock", "the database's", now, now + timedelta(seconds=seconds)).level == level


def test_a_person_reads_lines_and_a_verdict(well):
    shown = well.run("doctor").stdout
    assert "ok       database: SQLite" in shown
    assert shown.splitlines()[-1].startswith("Nothing failed; ")
    luminate(well, api_key="wrong")
    shown = well.run("doctor", code=1).stdout
    assert "FAILED   hope: Luminate: " in shown
    assert "1 failed" in shown.splitlines()[-1]
    assert json.dumps("wrong") not in shown
