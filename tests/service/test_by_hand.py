"""A gift that somebody entered in Luminate by hand: its code is attached, checked where Luminate can be read."""

from decimal import Decimal

import pytest

from relay.access import operator
from relay.config import Probe
from relay.errors import MaybeSent, NotChecked, ReadRefused, ReplayRefused
from relay.ledger.claims import Claim
from relay.luminate.outcomes import Judgement
from relay.luminate.seen import Seen
from relay.outbound.settling import Settling
from relay.status import Kind, Outcome, Status
from tests.builders import make_gift, make_link, make_organization, make_refund, make_relay

WHO = {"actor": operator("ann"), "reason": "typed in"}


class Shows:
    """What Luminate shows to whoever looks."""

    def __init__(self):
        self.rows, self.refuses = [], None

    def __call__(self, _organization, _entry):
        if self.refuses:
            raise self.refuses
        return self.rows

    def row(self, code, amount="25.00", at=None):
        self.rows.append(Seen(kind="DONATION", confirmation_code=code, amount=Decimal(amount), at=at))


@pytest.fixture
def shows():
    return Shows()


@pytest.fixture
def relay(sqlite_url, shows):
    """A gift that Luminate refused, in an organization whose look-ups settle at once."""
    organization = make_organization(probe=Probe(settle_seconds=0))
    relay = make_relay(sqlite_url, organization, read=shows)
    relay.luminate.script = ["rejected"]
    relay.take(make_gift())
    relay.post(1)
    return relay


def test_a_checked_code_makes_it_posted_and_lets_its_refund_go(relay, shows):
    relay.take(make_refund())
    paid = relay.entry(1).occurred_at
    shows.row("R-77", at=paid)
    assert relay.deciding.by_hand(1, " R-77 ", **WHO).startswith("Checked: Luminate shows $25.00")
    gift = relay.entry(1)
    assert (gift.status, gift.reason, gift.confirmation_code) == (Status.POSTED, "by_hand", "R-77")
    assert (gift.posted_at, gift.late) == (paid, "")
    assert "Checked" in gift.reason_text
    relay.luminate.gifts["R-77"] = {"other_amount": "25.00"}
    relay.post()
    assert relay.luminate.sent("refund")[-1]["refund_user_confirm_code"] == "R-77"
    assert relay.statuses(Kind.REFUND) == ["posted"]
    assert relay.luminate.sent("add") == [relay.luminate.sent("add")[0]]
    assert relay.corrections()[-1]["action"] == "by_hand"
    assert relay.balance_holds()


@pytest.mark.parametrize(
    ("refuses", "words"),
    [
        (ReadRefused("no_email", "The donor has no e-mail address to look up in Luminate."), "no e-mail address"),
        (MaybeSent("read_timeout: No answer."), "did not answer"),
        (None, "no gift of this donor with that confirmation code"),
    ],
)
def test_what_cannot_be_checked_is_taken_only_from_who_has_seen_it_and_is_told_so(relay, shows, refuses, words):
    shows.refuses = refuses
    with pytest.raises(NotChecked, match=words):
        relay.deciding.by_hand(1, "R-77", **WHO)
    assert relay.entry(1).status is Status.REJECTED
    assert words in relay.deciding.by_hand(1, "R-77", seen=True, **WHO)
    assert (relay.entry(1).status, words in relay.entry(1).reason_text) == (Status.POSTED, True)


def test_another_amount_under_the_code_is_another_gift(relay, shows):
    shows.row("R-77", "20.00")
    with pytest.raises(ReplayRefused, match=r"shows 20\.00 under this code"):
        relay.deciding.by_hand(1, "R-77", seen=True, **WHO)


def test_a_code_of_another_gift_and_no_code_are_refused(relay):
    relay.take(make_gift(keys=("pi_2",)))
    relay.post(1)
    code = relay.entry(2).confirmation_code
    for wrong, words in ((code, "belongs to entry 2"), (" ", "is needed")):
        with pytest.raises(ReplayRefused, match=words):
            relay.deciding.by_hand(1, wrong, seen=True, **WHO)


@pytest.mark.parametrize("script", [["ok"], ["not_sent"], []])
def test_only_what_relay_is_surely_not_sending_is_entered_by_hand(sqlite_url, script):
    relay = make_relay(sqlite_url)
    relay.luminate.script = list(script)
    relay.take(make_gift())
    if script:
        relay.post(1)
    assert relay.entry(1).status in {Status.POSTED, Status.RETRYING, Status.QUEUED}
    with pytest.raises(ReplayRefused, match="only a held, refused or unknown gift"):
        relay.deciding.by_hand(1, "R-77", seen=True, **WHO)


def test_a_refund_and_a_folded_gift_are_not_entered_by_hand(relay):
    relay.take(make_refund())
    with pytest.raises(ReplayRefused, match="only a held"):
        relay.deciding.by_hand(2, "R-77", seen=True, **WHO)
    relay.take(make_gift(keys=("pi_9",)))
    relay.luminate.script = ["rejected"]
    relay.post(1)
    relay.take(make_link(relay.entry(1).provider_transaction_id, "pi_9"))
    folded = next(entry for entry in relay.entries(Kind.GIFT) if entry.merged_into)
    with pytest.raises(ReplayRefused, match=r"only a held|same payment"):
        relay.deciding.by_hand(folded.id, "R-78", seen=True, **WHO)


def unknown(sqlite_url, shows, **probe):
    relay = make_relay(sqlite_url, make_organization(probe=Probe(**probe)), read=shows)
    relay.luminate.script = ["recorded"]
    relay.take(make_gift())
    relay.post(1)
    assert relay.entry(1).status is Status.UNKNOWN
    return relay


def test_an_unknown_gift_waits_until_relay_s_own_call_would_be_seen(sqlite_url, shows):
    relay = unknown(sqlite_url, shows, settle_seconds=600)
    shows.row("R-77")
    with pytest.raises(ReplayRefused, match="may still appear"):
        relay.deciding.by_hand(1, "R-77", **WHO)
    relay.later(seconds=601)
    relay.deciding.by_hand(1, "R-77", **WHO)
    assert (relay.entry(1).status, relay.entry(1).flag) == (Status.POSTED, "")


def test_where_luminate_may_have_both_a_person_is_told(sqlite_url, shows):
    relay = unknown(sqlite_url, shows, settle_seconds=0)
    shows.row("C1")
    shows.row("R-77")
    relay.deciding.by_hand(1, "R-77", **WHO)
    assert "2 gifts of this amount" in relay.entry(1).flag


def test_a_late_answer_of_an_earlier_call_is_told_not_lost(sqlite_url, shows):
    relay = unknown(sqlite_url, shows, settle_seconds=0)
    shows.row("R-77")
    relay.deciding.by_hand(1, "R-77", **WHO)
    judgement = Judgement(Outcome.POSTED, "recorded", "Luminate recorded it.", confirmation_code="C1")
    with relay.database.write() as tx:
        claim = Claim(relay.entry(1), relay.attempts()[-1]["id"], relay.entry(1).fence)
        Settling(tx, relay.organization, relay.database.now(tx)).settle(claim, judgement, None, 1.0)
    assert (relay.entry(1).confirmation_code, "C1" in relay.entry(1).flag) == ("R-77", True)


def test_a_note_changes_nothing_and_is_kept(relay):
    before = relay.entry(1)
    relay.deciding.note(1, actor=operator("ann"), reason="I have asked the donor")
    assert relay.entry(1) == before
    assert relay.corrections()[-1]["reason"] == "I have asked the donor"


def test_a_look_shows_whose_codes_are_taken(relay, shows):
    relay.take(make_gift(keys=("pi_2",)))
    relay.post(1)
    shows.row(relay.entry(2).confirmation_code)
    looked = relay.looking.look(1, actor=operator("ann"))
    assert (len(looked.rows), list(looked.owners.values()), looked.problem) == (1, [2], "")
