"""``flask alerts``: what is wrong, and one real message."""

import pytest

from relay.alerting import Alerting
from relay.alerting.sending import Sender
from relay.config import Alerts
from tests.support.receivers import Mailbox


@pytest.fixture
def mailbox():
    box = Mailbox().up()
    yield box
    box.down()


@pytest.fixture
def told(house, mailbox):
    """Somebody hears of hope's alerts; nobody of care's."""
    house.configure(alerts=Alerts(emails=("finance@hope.org",)))
    relay = house.relay
    relay.alerting = Alerting(relay.database, relay.settings.organizations, Sender(mailbox.server))
    return house


def test_the_list_says_what_is_wrong_and_whom_nobody_tells(told):
    told.give(fund="NEW")
    told.relay.alerting.run()
    shown = told.run("alerts", "list").output
    assert "1 gift needs a person: $25.00" in shown
    assert "Nobody hears of care's alerts" in shown
    (row,) = told.lines("alerts", "list", "--organization", "hope")
    assert (row["kind"], row["organization"], row["ended_at"]) == ("needs_person", "hope", None)
    assert row["told_at"]


def test_the_test_sends_one_real_message(told, mailbox):
    assert told.run("alerts", "test", "hope").output == "finance@hope.org: sent, the mail server took it.\n"
    assert mailbox.subjects == ["hope: a test"]


def test_the_test_says_so_when_nobody_answers(told, mailbox):
    mailbox.down()
    result = told.run("alerts", "test", "hope", code=1)
    assert "NOT SENT, the mail server did not answer (ConnectionRefusedError)." in result.stdout
    assert result.stderr == "Not everybody was reached.\n"


def test_the_test_without_anybody_to_tell_is_refused(told):
    assert "nobody hears of care" in told.run("alerts", "test", "care", code=1).stderr.lower()


def test_an_organization_nobody_knows_is_a_wrong_way_of_asking(told):
    told.run("alerts", "test", "hop", code=2)
    told.run("alerts", "list", "--organization", "hop", code=2)
