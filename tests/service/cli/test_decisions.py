"""`flask correct`, `close`, `reopen`, `resolve`, `pause`, `resume`: what a named person decides, and why."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from relay.ledger import pauses
from relay.ledger.models import attempts
from relay.luminate.client import Answer
from relay.status import Outcome

ASKED = ("--reason", "asked the donor", "--who", "Ann")


@pytest.mark.parametrize("name", ["donor.email", "email", "donor e-mail address", "The donor's e-mail address"])
def test_a_correction_by_any_name_sends_the_gift(house, name):
    house.give("ch_1", email="")
    result = house.run("correct", 1, f"{name}=mary@example.org", *ASKED)
    assert "Donor's e-mail address: nothing -> mary@example.org" in result.stdout
    assert "Entry 1 is now queued." in result.stdout
    assert house.relay.bell.rung[-1] == "hope"
    house.post()
    assert house.luminate.calls[0]["donor.email"] == "mary@example.org"


def test_a_correction_is_kept_with_who_and_why(house):
    house.give("ch_1", email="")
    house.run("correct", 1, "email=mary@example.org", *ASKED)
    shown = " ".join(house.run("show", 1).stdout.split())
    assert "Ann corrected it: asked the donor (held -> queued; donor's e-mail address: nothing -> mary@" in shown
    assert "mary@example.org (corrected by hand)" in shown


def test_a_correction_can_be_taken_back(house):
    house.give("ch_1", email="")
    house.run("correct", 1, "email=mary@example.org", *ASKED)
    result = house.run("correct", 1, "email=", *ASKED)
    assert "mary@example.org -> nothing" in result.stdout
    assert house.status(1) == "held"


@pytest.mark.parametrize("name", ["other_amount", "amount", "login_password", "send_receipt", "designated.1.id"])
def test_what_is_locked_is_refused_with_a_sentence(house, name):
    house.give("ch_1", email="")
    result = house.run("correct", 1, f"{name}=1", *ASKED, code=1)
    assert "cannot be corrected: " in result.stderr
    assert house.status(1) == "held"


@pytest.mark.parametrize(
    ("name", "meant"), [("donor.emial", "donor.email"), ("biling city", "billing city"), ("fnud", "fund")]
)
def test_a_slip_of_the_pen_is_answered_with_the_nearest_name(house, name, meant):
    house.give("ch_1")
    assert f'did you mean "{meant}"?' in house.run("correct", 1, f"{name}=x", *ASKED, code=1).stderr


def test_another_fund_by_its_code(house):
    house.give("ch_1", fund="AIR")
    assert 'there is no fund "WATERS"; did you mean "WATER"?' in (
        house.run("correct", 1, "fund=WATERS", *ASKED, code=1).stderr.replace("There", "there")
    )
    assert "Fund: AIR -> WATER" in house.run("correct", 1, "fund=WATER", *ASKED).stdout
    house.post()
    assert house.luminate.calls[0]["designated.1.id"] == "1003"


def test_a_correction_does_not_stand_for_the_proof_a_gift_waits_for(house):
    house.take(house.gift("ch_1", hold="The bank has not confirmed it."))
    result = house.run("correct", 1, "donor.phone=5551234", *ASKED)
    assert "The bank has not confirmed it." in result.stdout
    assert house.status(1) == "held"
    house.run("replay", 1, "--yes", *ASKED)
    assert house.status(1) == "queued"


def test_a_change_without_a_sign_is_a_wrong_way_of_asking(house):
    house.give("ch_1")
    assert "FIELD=VALUE" in house.run("correct", 1, "email", *ASKED, code=2).stderr
    assert "given twice" in house.run("correct", 1, "email=a", "donor.email=b", *ASKED, code=2).stderr
    assert "no entry 9" in house.run("correct", 9, "email=a@b.org", *ASKED, code=1).stderr.lower()


def test_a_posted_gift_cannot_be_corrected(house):
    house.give("ch_1")
    house.post()
    assert "only an unsent gift" in house.run("correct", 1, "email=a@b.org", *ASKED, code=1).stderr


# --- close, reopen, resolve -----------------------------------------------------------------------------------------


def test_closing_a_gift_ends_the_refunds_that_wait_for_it(house):
    house.give("ch_1", email="")
    house.refund("re_1", "ch_1")
    result = house.run("close", 1, *ASKED)
    assert "Entry 1 is closed." in result.stdout
    assert "Ended with it: 2." in result.stdout
    assert house.run("gifts").stdout.count("closed 25.00") == 1


def test_reopening_holds_it_until_it_is_replayed(house):
    house.give("ch_1")
    house.run("close", 1, *ASKED)
    assert "is held" in house.run("reopen", 1, *ASKED).stdout
    house.run("replay", 1, "--yes", *ASKED)
    assert house.status(1) == "queued"


def test_a_correction_does_not_release_what_a_person_holds(house):
    house.give("ch_1")
    house.run("close", 1, *ASKED)
    house.run("reopen", 1, *ASKED)
    house.run("correct", 1, "donor.phone=5551234", *ASKED)
    assert house.status(1) == "held"
    house.run("replay", 1, "--yes", *ASKED)
    house.post()
    assert house.luminate.calls[0]["donor.phone"] == "5551234"


def test_a_posted_gift_cannot_be_closed(house):
    house.give("ch_1")
    house.post()
    assert "cannot go from posted to closed" in house.run("close", 1, *ASKED, code=1).stderr


@pytest.fixture
def unknown(house):
    house.give("ch_1")
    house.post(Answer(500, b""))
    house.refund("re_1", "ch_1")
    return house


def test_found_in_luminate_is_posted_and_its_refund_may_go(unknown):
    result = unknown.run("resolve", 1, "--found", " 0-77 ", *ASKED)
    assert "confirmation code 0-77." in result.stdout
    assert "Refunds that waited for it: 2." in result.stdout
    assert unknown.status(1) == "posted"
    assert unknown.relay.bell.rung[-1] == "hope"


def test_absent_is_sent_again_once_it_cannot_appear_late(unknown):
    absent = ("resolve", 1, "--absent", "--attempt", 1, *ASKED)
    assert "may still appear in Luminate until" in unknown.run(*absent, code=1).stderr
    with unknown.relay.database.write() as tx:
        hour_ago = datetime.now(UTC) - timedelta(hours=1)
        tx.execute(update(attempts).values(started_at=hour_ago, finished_at=hour_ago))
    assert "in line again" in unknown.run(*absent).stdout
    unknown.post()
    assert unknown.status(1) == "posted"


def test_absent_of_what_luminate_is_known_to_have_sends_nothing_and_says_so(unknown):
    with unknown.relay.database.write() as tx:
        tx.execute(update(attempts).values(outcome=Outcome.POSTED))
    said = unknown.run("resolve", 1, "--absent", "--attempt", 1, *ASKED).stdout
    assert said.startswith("Entry 1 is held, and not sent: Luminate answered an earlier call")
    assert "by-hand 1 CODE" in unknown.run("show", 1).stdout


def test_resolving_wants_one_answer(unknown):
    assert "either --found CODE or --absent" in unknown.run("resolve", 1, *ASKED, code=2).stderr
    assert "either" in unknown.run("resolve", 1, "--absent", "--found", "0-1", *ASKED, code=2).stderr
    assert "which attempt" in unknown.run("resolve", 1, "--absent", *ASKED, code=2).stderr
    assert "which attempt" in unknown.run("resolve", 1, "--found", "0-1", "--attempt", 1, *ASKED, code=2).stderr
    assert "look once more" in unknown.run("resolve", 1, "--absent", "--attempt", 2, *ASKED, code=1).stderr
    assert "a confirmation code is needed" in unknown.run("resolve", 1, "--found", "", *ASKED, code=1).stderr.lower()


def test_only_what_is_unknown_is_resolved(house):
    house.give("ch_1")
    assert "is queued, not unknown" in house.run("resolve", 1, "--absent", "--attempt", 0, *ASKED, code=1).stderr


# --- pause and resume -----------------------------------------------------------------------------------------------


def test_a_pause_by_a_person_lasts_until_a_person_ends_it(house):
    house.give("ch_1")
    house.run("pause", "hope", *ASKED)
    assert house.post().sent == 0
    assert "paused already, by Ann" in house.run("pause", "hope", *ASKED, code=1).stderr
    assert "goes on" in house.run("resume", "hope", *ASKED).stdout
    assert house.relay.bell.rung[-1] == "hope"
    assert house.post().sent == 1
    assert "is not paused" in house.run("resume", "hope", *ASKED, code=1).stderr


def test_a_person_takes_over_the_machine_s_pause(house):
    house.give("ch_1")
    house.post(Answer(403, b"<errorResponse><code>2</code><message>Incorrect API key.</message></errorResponse>"))
    house.run("pause", "hope", *ASKED)
    with house.relay.database.read() as tx:
        assert pauses.of(tx, "hope").check_at is None
    assert house.status(1) == "queued"


def test_only_a_configured_organization_is_paused(house):
    assert 'did you mean "hope"?' in house.run("pause", "hoep", *ASKED, code=2).stderr


# --- sweep ----------------------------------------------------------------------------------------------------------


def test_a_sweep_by_hand_rings_for_what_is_due(house):
    house.give("ch_1")
    result = house.run("sweep", code=1)  # nobody listens on the Redis of this house
    assert "Rung for: hope." in result.stdout
    assert "Redis does not answer" in result.stderr


def test_a_sweep_tells_what_it_did_as_json(house, redis_db):
    house.relay.redis = redis_db
    house.give("ch_1")
    (told,) = house.lines("sweep")
    assert told == {"swept": True, "rung": ["hope"], "expired": [], "released": [], "resumed": []}
    assert "Rung for: hope." in house.run("sweep").stdout


def test_who_asks_is_the_user_of_the_system_by_default(house, monkeypatch):
    monkeypatch.setenv("LOGNAME", "finance-ann")
    house.give("ch_1")
    house.run("close", 1, "--reason", "test")
    assert "finance-ann closed it: test" in house.run("show", 1).stdout
