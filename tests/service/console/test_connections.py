"""The page Connections: whose connections, in whose words, who may ask for a check, and what it never shows."""

import re
from dataclasses import asdict, replace
from datetime import timedelta

import pytest

from relay.access import EVERYWHERE
from relay.config import Alerts, MailServer, ProviderSettings
from relay.doctor import credentials
from relay.doctor.checks import failed, ok, warning
from relay.doctor.parts import parts, scopes
from relay.ledger import alerts, claims, connections, pauses
from relay.ledger.alerts import Said
from relay.queue import connect
from tests.builders import make_gift, make_luminate, make_organization
from tests.fakes import QuietRedis
from tests.support.console import House, token

MAIL = MailServer(host="smtp.x.org", port=587, security="starttls", user="u", password="pa55word", sender="r@x.org")
HOOK = "https://hooks.example.org/xyzzy-secret"
WELL = ok("alder: Luminate", "lo.invalid answers in 0.4 s and accepts key, login and this machine's address.")
BAD = failed("alder: Luminate", "Luminate does not accept the API key.", "Compare it with `Open API`.")
SECRETS = ("pa55word", "xyzzy-secret", 'key"', "whsec_1")


@pytest.fixture
def house(sqlite_url):
    alder = make_organization(
        "alder", title="Alder River Trust", alerts=Alerts(emails=("f@alder.org",), webhooks=(HOOK,))
    )
    birch = make_organization("birch", title="Birch Fund", alerts=Alerts(emails=("f@birch.org",)))
    made = House(sqlite_url, alder, birch, mail=MAIL)
    made.stamp()
    made.relay.redis = QuietRedis()
    with made.database.write() as tx:
        for scope in scopes(made.relay.patient):
            for part in parts(made.relay.patient, scope):
                connections.meet(tx, scope, part.endpoint, part.fingerprint, made.database.now(tx))
        claims.take_lease(tx, "sweep", "w", made.database.now(tx), seconds=10)
    return made


def found(house, *checks, organization="alder", endpoint=credentials.LUMINATE):
    """A check of the worker's has found this."""
    place, works = (organization, endpoint), all(check.level != "failed" for check in checks)
    with house.database.write() as tx:
        known, now = connections.known(tx, [organization])[place], house.database.now(tx)
        connections.write(tx, place, known.fingerprint, [asdict(check) for check in checks], now, works=works)


def configure(house, **changes):
    """A process with another configuration of alder."""
    known = house.relay.settings.organizations
    organizations = {**known, "alder": replace(known["alder"], **changes)}
    house.relay.settings = replace(house.relay.settings, organizations=organizations)


def page(house, who="finance", query=""):
    return house.client(who).get(f"/console/connections{query}").get_data(as_text=True)


def cards(text):
    """Title -> badge and text of each card."""
    shown = {}
    for card in re.findall(r"<article.*?</article>", text, re.DOTALL):
        title, badge = re.search(r"<h3>(.*?) <span[^>]*>(.*?)</span></h3>", card, re.DOTALL).groups()
        shown[title.replace("&#39;", "'")] = (badge, " ".join(re.sub(r"<[^>]+>", " ", card).split()))
    return shown


def ask(house, who="finance", organization="alder"):
    client = house.client(who)
    path = f"/console/connections/{organization}/check"
    return client.post(path, data=token(client, "/console/account"))


def test_each_connection_is_a_card(house):
    assert list(cards(page(house))) == [
        "Luminate Online", "Events from acme", "Events from stripe", "Alert webhooks",
        "Database", "Redis", "Workers", "Mail server",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("checks", "badge", "words"),
    [
        ([WELL], "Works", "What was looked at lo.invalid answers in 0.4 s"),
        ([BAD], "Broken", "Luminate does not accept the API key. What to do: Compare it with Open API ."),
        ([WELL, warning("alder: form 1", "It is odd.", "Look.")], "Needs a look", "It is odd. What to do: Look."),
        ([WELL, replace(warning("alder: permission", "Who knows.", "See."), details={"proven": False})], "Works",
         "Not proven yet: Who knows. See."),
        ([], "Works", "Last read less than a minute ago"),
    ],
)  # fmt: skip
def test_the_doctor_s_words_stand_on_the_card(house, checks, badge, words):
    found(house, *checks)
    shown, text = cards(page(house))["Luminate Online"]
    assert (shown, words in text) == (badge, True), text


def test_what_was_never_checked_says_so(house):
    assert cards(page(house))["Luminate Online"][0] == "Not checked yet"
    assert cards(page(house))["Events from stripe"][0] == "No event yet"


def test_a_card_tells_when_it_last_worked_and_was_looked_at(house):
    house.take(make_gift())
    house.post()
    found(house, WELL)
    house.later(hours=1)
    found(house, BAD)
    text = cards(page(house))["Luminate Online"][1]
    assert "Last recorded less than a minute ago, a gift" in text
    assert "Last read less than a minute ago, by a check" in text
    assert cards(page(house))["Events from acme"][1].count("Last event less than a minute ago") == 1


def test_the_page_says_in_one_sentence_how_it_stands(house):
    for organization in ("alder", "birch"):
        found(house, WELL, organization=organization)
    found(house, ok("mail", "x"), organization=EVERYWHERE, endpoint=credentials.MAIL)
    assert "Nothing is known to be broken; not everything is proven to work." in page(house)
    found(house, BAD)
    assert "Broken: Luminate Online of Alder River Trust." in page(house)


def test_a_paused_organization_is_told_with_its_reason(house):
    found(house, WELL)
    with house.database.write() as tx:
        now = house.database.now(tx)
        pauses.start(tx, "alder", now, who="relay", reason="bad_login", text="Refused.", check_at=now)
    badge, text = cards(page(house))["Luminate Online"]
    assert badge == "Paused"
    assert "Posting is paused since" in text
    assert "by relay: Refused. relay tries by itself" in text


def test_changed_credentials_are_told_until_they_are_proven(house):
    found(house, WELL)
    configure(house, luminate=make_luminate(login_password="other"))
    badge, text = cards(page(house))["Luminate Online"]
    assert badge == "Changed, being checked"
    assert "not proven to work yet" in text
    assert "answers in 0.4 s" not in text
    with house.database.write() as tx:
        (luminate, *_) = parts(house.relay.patient, "alder")
        connections.meet(tx, "alder", luminate.endpoint, luminate.fingerprint, house.database.now(tx))
    found(house, WELL)
    badge, text = cards(page(house))["Luminate Online"]
    assert badge == "Works"
    assert re.search(r"Credentials Changed less than a minute ago; first worked \d", text)


def test_a_changed_webhook_secret_is_proven_by_the_next_event(house):
    house.take(make_gift())
    configure(house, providers={"acme": ProviderSettings(secrets=("new",))})
    house.relay.intake.organizations = house.relay.settings.organizations
    badge, text = cards(page(house))["Events from acme"]
    assert badge == "Changed, not proven yet"
    assert "The next event will show whether they are right" in text
    with house.database.write() as tx:
        (_, acme, *_) = parts(house.relay.patient, "alder")
        connections.meet(tx, "alder", acme.endpoint, acme.fingerprint, house.database.now(tx) - timedelta(seconds=1))
    house.take(make_gift(keys=("ch_2",)))
    badge, text = cards(page(house))["Events from acme"]
    assert badge == "Works", text
    assert "first worked" in text


def test_no_secret_and_no_donor_is_on_the_page(house):
    house.take(make_gift())
    house.post()
    found(house, BAD)
    shown = page(house, "root")
    assert not [word for word in (*SECRETS, "mary@", "Stone") if word in shown]


# --- the relay's own parts ------------------------------------------------------------------------------------------


def test_a_dead_worker_and_a_redis_that_is_away_are_seen_at_once(house):
    assert cards(page(house))["Workers"][0] == "Works"
    house.later(minutes=5)
    badge, text = cards(page(house))["Workers"]
    assert badge == "Needs a look"
    assert "No worker has looked at the ledger since" in text
    house.relay.redis = connect("redis://127.0.0.1:9/0")
    shown = cards(page(house))
    assert shown["Redis"][0] == "Broken"
    assert "webhooks are taken and kept" in shown["Redis"][1]


def test_the_last_alert_told_is_one_to_an_organization_that_one_may_see(house):
    def sent(organization, address):
        with house.database.write() as tx:
            now = house.database.now(tx)
            number = alerts.begin(tx, organization, ("paused", ""), now, now)
            said = Said(subject="s", text="t", facts={})
            alerts.put(tx, number, "raised", {alerts.channel("email", address)}, said, now)
            message = alerts.claim(tx, next(iter(alerts.due(tx, now))), now, seconds=60)
            alerts.sent(tx, message, now)

    sent("birch", "f@birch.org")
    assert "Last alert sent Never yet" in cards(page(house))["Mail server"][1]
    assert "Last alert sent less than a minute ago" in cards(page(house, "outsider"))["Mail server"][1]
    sent("alder", "f@alder.org")
    assert "Last alert sent less than a minute ago" in cards(page(house))["Mail server"][1]


def told_after(house):
    """What the page says to whoever has just asked."""
    client = house.client("finance")
    path, sent = "/console/connections/alder/check", token(client, "/console/account")
    return client.post(path, data=sent, follow_redirects=True).get_data(as_text=True)


# --- asking ---------------------------------------------------------------------------------------------------------


def test_asking_is_kept_and_written_down_and_throttled(house):
    assert ask(house).location == "/console/connections#group-of-alder"
    assert "A check is asked for" in page(house)
    assert "Nothing new was asked for" in told_after(house)
    (line,) = house.lines("asked for a check")
    assert (line.who, line.organization, line.subject) == ("finance@example.org", "alder", "connections")


def test_while_a_check_is_asked_for_the_page_looks_again_by_itself(house):
    ask(house)
    shown = page(house)
    assert 'hx-get="/console/connections/alder" hx-trigger="every 2s"' in shown
    assert shown.count("Check now") == 0
    part = house.client("finance").get("/console/connections/alder").get_data(as_text=True)
    assert part.startswith('<section id="group-of-alder"')
    assert 'id="headline" hx-swap-oob="true"' in part
    assert "<html" not in part
    house.later(seconds=40)
    assert "No worker has taken up the check" in page(house)
    assert 'hx-trigger="every 10s"' in page(house)


def test_a_page_that_nothing_is_asked_for_asks_nothing(house):
    assert "hx-get" not in page(house)


@pytest.mark.parametrize(("who", "organization", "status"), [
    ("viewer", "alder", 403), ("finance", "alder", 303), ("admin", "alder", 303), ("finance", "birch", 404),
    ("outsider", "alder", 404), ("finance", "nobody", 404), ("finance", EVERYWHERE, 403), ("root", EVERYWHERE, 303),
])  # fmt: skip
def test_who_may_ask(house, who, organization, status):
    assert ask(house, who, organization).status_code == status
    with house.database.read() as tx:
        assert connections.waiting(tx) == ([organization] if status == 303 else [])


@pytest.mark.parametrize(("who", "buttons"), [("viewer", 0), ("finance", 1), ("root", 3)])
def test_the_button_is_there_for_whoever_may(house, who, buttons):
    assert page(house, who).count("Check now") == buttons


def test_another_organization_s_connections_do_not_exist(house):
    found(house, replace(BAD, name="birch: Luminate", text="Birch is broken."), organization="birch")
    for name in ("viewer", "finance", "admin"):
        shown = page(house, name)
        assert not [word for word in ("birch", "Birch", "Broken:") if word in shown]
        assert house.client(name).get("/console/connections/birch").status_code == 404
    assert "Birch is broken." in page(house, "outsider")


def test_one_organization_in_view_is_shown_alone_with_relay_itself(house):
    shown = page(house, "root", "?in=birch")
    assert re.findall(r'<section id="([^"]+)"', shown) == ["group-of-birch", "group-relay"]
    part = house.client("root").get("/console/connections/alder?in=birch")
    assert part.status_code == 404
