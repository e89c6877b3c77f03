"""A refund whose gift relay never saw, or may not refund: a person tells the gift's confirmation code, and it goes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import pytest

from relay.access import Actor, Role, Through, allowed_by, operator
from relay.config import FormLevel, Probe
from relay.errors import MaybeSent, NotAllowed, NotChecked, ReplayRefused
from relay.inbound.refunding import Desk, recall
from relay.ledger import entries, supplied
from relay.ledger.payments import Source
from relay.luminate.client import LuminateClient
from relay.luminate.readback import RestReader
from relay.luminate.replies import read_reply
from relay.luminate.seen import Seen
from relay.office.forgetting import of_entry
from relay.outbound.probing import Probing
from relay.outbound.recovery import Recovery
from relay.status import Erased, Kind, Status
from tests.builders import (
    make_back,
    make_gift,
    make_link,
    make_luminate,
    make_organization,
    make_refund,
    make_relay,
    make_total,
    usd,
)

WHO = {"actor": operator("ann"), "reason": "found in the old books"}
SEEN = WHO | {"seen": True, "worth": "25.00"}
TODAY = {"luminate": make_luminate(login_name="today")}


def somebody(organization, role):
    return Actor("eve", Through.CONSOLE, allowed_by({organization: role}))


class Shows:
    """What Luminate shows to whoever looks, and of whom it was asked."""

    def __init__(self):
        self.rows, self.asked = [], []

    def __call__(self, _organization, entry):
        self.asked.append((entry.kind, entry.donor_email))
        return self.rows

    def row(self, code, amount="25.00"):
        self.rows.append(Seen(kind="DONATION", confirmation_code=code, amount=Decimal(amount), at=None))


@pytest.fixture
def shows():
    return Shows()


def relay_of(url, shows=None, **changes):
    return make_relay(url, make_organization(probe=Probe(settle_seconds=0), **changes), read=shows)


@pytest.fixture
def early(sqlite_url, shows):
    """A refund of a gift of before relay's time, which Luminate has as OLD-1."""
    relay = relay_of(sqlite_url, shows)
    relay.luminate.gifts["OLD-1"] = {"other_amount": "25.00"}
    relay.take(make_refund("5.00"))
    return relay


@pytest.fixture
def foreign(sqlite_url, shows):
    """A refund of a gift that yesterday's login added; today's added it once more, as NEW-1."""
    before = relay_of(sqlite_url)
    before.take(make_gift())
    before.post()
    relay = relay_of(sqlite_url, shows, **TODAY)
    relay.luminate.gifts = {"C1": {"other_amount": "25.00"}, "NEW-1": {"other_amount": "25.00"}}
    relay.take(make_refund("5.00"))
    assert (relay.entry(2).status, relay.entry(2).reason) == (Status.HELD, "other_login")
    return relay


def calls(relay):
    """What was refunded by what: never without an amount, and nothing that Luminate had not."""
    assert relay.luminate.impossible == []
    return [(one["refund_user_confirm_code"], one["refund_amount"]) for one in relay.luminate.sent("refund")]


def stands(relay, number):
    return relay.entry(number).status, relay.entry(number).reason


# --- supplying ------------------------------------------------------------------------------------------------------


def test_a_refund_of_a_gift_before_relay_goes_by_the_code_that_somebody_saw(early):
    said = early.supplying.supply(1, " OLD-1 ", **SEEN)
    assert "could not be checked" in said
    early.post()
    assert (calls(early), stands(early, 1)) == ([("OLD-1", "5.00")], (Status.POSTED, ""))
    last = early.corrections()[-1]
    assert (last["who"], last["action"], last["reason"]) == ("ann", "gift_code", "found in the old books")
    assert early.balance_holds()


def test_a_code_that_luminate_does_not_show_is_taken_only_from_who_has_seen_it(early):
    with pytest.raises(NotChecked, match="no gift of this donor"):
        early.supplying.supply(1, "OLD-1", **WHO)
    with pytest.raises(ReplayRefused, match="tell its amount"):
        early.supplying.supply(1, "OLD-1", **WHO, seen=True)
    assert stands(early, 1) == (Status.WAITING, "gift_not_seen")


def test_a_gift_that_was_added_once_more_is_looked_up_under_its_donor(foreign, shows):
    shows.row("NEW-1")
    assert foreign.supplying.supply(2, "NEW-1", **WHO).startswith("Checked")
    assert shows.asked == [(Kind.GIFT, "mary@example.org")]
    foreign.post()
    assert (calls(foreign), stands(foreign, 2)) == ([("NEW-1", "5.00")], (Status.POSTED, ""))


def test_the_own_code_of_its_gift_is_taken_where_the_account_was_only_renamed(foreign, shows):
    shows.row("C1")
    foreign.supplying.supply(2, "C1", **WHO)
    foreign.post()
    assert calls(foreign) == [("C1", "5.00")]


def test_a_refund_that_names_no_payment_goes_by_a_code(early):
    early.take(make_refund("4.00", keys=("re_2",), parents=()))
    assert stands(early, 2) == (Status.HELD, "names_no_payment")
    early.supplying.supply(2, "OLD-1", **SEEN)
    early.post()
    assert calls(early) == [("OLD-1", "4.00")]


@pytest.mark.parametrize(
    ("code", "worth", "words"),
    [
        (" ", "25.00", "is needed"),
        ("x" * 101, "25.00", "at most 100"),
        ("OLD\x00", "25.00", "at most 100"),
        ("OLD-1", "much", "cannot be read"),
        ("OLD-1", "25.001", "cannot be read"),
        ("OLD-1", "0", "above zero"),
        ("OLD-1", "4.99", "more than what is left"),
    ],
)
def test_what_cannot_be_a_code_or_an_amount_is_refused(early, code, worth, words):
    with pytest.raises(ReplayRefused, match=words):
        early.supplying.supply(1, code, **WHO, seen=True, worth=worth)
    assert stands(early, 1) == (Status.WAITING, "gift_not_seen")
    assert early.corrections() == []


def test_luminate_s_own_amount_counts_against_what_somebody_says(foreign, shows):
    shows.row("NEW-1", "4.00")
    with pytest.raises(ReplayRefused, match=r"Luminate shows 4\.00"):
        foreign.supplying.supply(2, "NEW-1", **SEEN)
    with pytest.raises(ReplayRefused, match="more than what is left"):
        foreign.supplying.supply(2, "NEW-1", **WHO)


def test_a_code_of_another_gift_of_the_ledger_is_refused_and_named(early):
    early.take(make_gift(keys=("ch_9",)))
    early.post()
    with pytest.raises(ReplayRefused, match="belongs to entry 2"):
        early.supplying.supply(1, early.entry(2).confirmation_code, **SEEN)


def test_a_code_of_a_neighbour_on_the_same_site_is_refused_without_its_number(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    relay.take(make_gift(), organization="birch")
    relay.posting(organization=relay.settings.organizations["birch"]).run()
    relay.take(make_refund(parents=("ch_8",)))
    of_alder = somebody("alder", Role.FINANCE)
    with pytest.raises(ReplayRefused, match="a gift of another organization"):
        relay.supplying.supply(2, "C1", **SEEN | {"actor": of_alder})
    with pytest.raises(ReplayRefused, match="belongs to entry 1"):
        relay.supplying.supply(2, "C1", **SEEN)


def test_a_code_that_a_neighbour_refunds_by_is_refused(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    for name in ("alder", "birch"):
        relay.take(make_refund(), organization=name)
    relay.supplying.supply(1, "OLD-1", **SEEN)
    with pytest.raises(ReplayRefused, match="was supplied for entry 1"):
        relay.supplying.supply(2, "OLD-1", **SEEN)


def test_only_a_refund_without_a_code_takes_one(early):
    early.take(make_gift(keys=("ch_9",)))
    early.take(make_refund(keys=("re_9",), parents=("ch_9",)))
    for number, words in ((2, "is a gift and queued"), (3, r"waiting \(gift_not_posted\)")):
        with pytest.raises(ReplayRefused, match=words):
            early.supplying.supply(number, "OLD-1", **SEEN)
    early.supplying.supply(1, "OLD-1", **SEEN)
    with pytest.raises(ReplayRefused, match="is a refund and queued"):
        early.supplying.supply(1, "OLD-1", **SEEN)


def test_a_refund_whose_gift_has_arrived_waits_for_it(early):
    early.take(make_gift())
    with pytest.raises(ReplayRefused, match="its gift, entry 2, is queued"):
        early.supplying.supply(1, "OLD-1", **SEEN)
    early.post()
    assert calls(early) == [("C1", "5.00")]


@pytest.mark.parametrize("actor", [somebody("alder", Role.VIEWER), somebody("birch", Role.ADMIN)])
def test_whoever_may_not_act_supplies_nothing(early, actor):
    with pytest.raises((NotAllowed, ReplayRefused)):
        early.supplying.supply(1, "OLD-1", **SEEN | {"actor": actor})
    assert stands(early, 1) == (Status.WAITING, "gift_not_seen")


def test_no_reason_no_code(early):
    with pytest.raises(ReplayRefused, match="say who asks for it and why"):
        early.supplying.supply(1, "OLD-1", **SEEN | {"reason": " "})


def test_what_changed_while_luminate_was_asked_is_refused(early):
    def meanwhile(_organization, _entry):
        early.deciding.close(1, actor=operator("bob"), reason="seen to")
        return ()

    early.looking.read = meanwhile
    with pytest.raises(ReplayRefused, match="changed by somebody else"):
        early.supplying.supply(1, "OLD-1", **SEEN)
    assert early.entry(1).status is Status.CLOSED


# --- never more than the gift ---------------------------------------------------------------------------------------


def test_refunds_by_one_code_are_together_never_more_than_the_gift(early):
    early.take(make_refund("15.00", keys=("re_2",), parents=("in_1",)))
    early.take(make_refund("5.01", keys=("re_3",)))
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.supplying.supply(2, "OLD-1", **SEEN)
    for _ in range(2):
        with pytest.raises(ReplayRefused, match=r"5\.01 USD is more than what is left of its gift \(5\.00 USD\)"):
            early.supplying.supply(3, "OLD-1", **SEEN)
        early.post()
    assert sorted(calls(early)) == [("OLD-1", "15.00"), ("OLD-1", "5.00")]


def test_what_was_closed_while_it_was_unknown_still_counts_under_its_code(early):
    early.luminate.script = ["recorded"]
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post(1)
    early.deciding.close(1, actor=operator("ann"), reason="nobody knows")
    early.take(make_refund("20.01", keys=("re_2",)))
    with pytest.raises(ReplayRefused, match="more than what is left"):
        early.supplying.supply(2, "OLD-1", **SEEN)


def test_a_gift_whose_code_somebody_tells_later_counts_what_went_under_it(early):
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post()
    early.luminate.script = ["rejected"]
    early.take(make_gift(keys=("ch_9",)))
    early.post(1)
    early.deciding.by_hand(2, "OLD-1", **WHO, seen=True)
    early.take(make_refund("20.01", keys=("re_9",), parents=("ch_9",)))
    assert stands(early, 3) == (Status.HELD, "more_than_left")
    early.take(make_refund("20.00", keys=("re_8",), parents=("ch_9",)))
    early.post()
    assert sorted(calls(early)) == [("OLD-1", "20.00"), ("OLD-1", "5.00")]


def test_a_refund_that_is_replayed_counts_what_the_gift_that_took_its_code_gave_back(early):
    early.luminate.script = ["rejected", "rejected"]
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post(1)
    early.take(make_gift(keys=("ch_9",)))
    early.post(1)
    early.deciding.by_hand(2, "OLD-1", **WHO, seen=True)
    early.take(make_refund("25.00", keys=("re_9",), parents=("ch_9",)))
    early.post()
    early.replay(1)
    assert stands(early, 1) == (Status.HELD, "more_than_left")


# --- what comes later -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sent", [False, True])
def test_a_late_gift_is_asked_about_and_its_refund_goes_once_by_the_supplied_code(early, sent):
    early.supplying.supply(1, "OLD-1", **SEEN)
    if sent:
        early.post()
    early.take(make_gift())
    early.take(make_gift(donor=replace(make_gift().donor, phone="555")))
    early.post()
    assert stands(early, 2) == (Status.HELD, "code_supplied")
    early.deciding.by_hand(2, "OLD-1", **WHO, seen=True)
    early.take(make_refund("5.00"))
    early.post()
    assert (calls(early), early.luminate.sent("add")) == ([("OLD-1", "5.00")], [])
    early.take(make_refund("20.00", keys=("re_2",)))
    early.post()
    assert calls(early)[1:] == [("OLD-1", "20.00")]
    assert early.balance_holds()


def test_a_late_gift_that_was_not_there_after_all_is_sent_by_a_replay_only(early):
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.take(make_gift())
    early.replay(2)
    early.post()
    assert len(early.luminate.sent("add")) == 1


def test_a_join_with_an_unsent_gift_asks_and_leaves_the_supplied_code(early):
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.take(make_gift(keys=("pi_1",)))
    early.take(make_link("ch_1", "pi_1"))
    early.post()
    assert stands(early, 2) == (Status.HELD, "code_supplied")
    assert (calls(early), early.luminate.sent("add")) == ([("OLD-1", "5.00")], [])


def test_a_join_with_a_posted_gift_says_that_it_may_be_there_twice(early):
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.take(make_gift(keys=("pi_1",)))
    early.posting().run()
    early.take(make_link("ch_1", "pi_1"))
    early.post()
    assert "may be there twice" in early.entry(2).flag
    assert calls(early) == [("OLD-1", "5.00")]


def test_a_later_join_of_a_gift_of_another_login_flags_nothing(foreign, shows):
    shows.row("NEW-1")
    foreign.supplying.supply(2, "NEW-1", **WHO)
    foreign.take(make_link("ch_1", "pi_1"))
    assert foreign.entry(1).flag == ""


def test_a_part_that_fails_leaves_the_rest_under_the_supplied_code(early):
    relay = early
    relay.take(make_total("12.00", before="0.00", parents=("ch_7",)))
    relay.supplying.supply(2, "OLD-1", **SEEN)
    relay.take(make_refund("7.00", keys=("re_7",), parents=("ch_7",)))
    relay.take(make_back("re_7", "7.00", parents=("ch_7",)))
    relay.post()
    in_line = [one for one in relay.refunds() if one.status is Status.POSTED]
    assert [(one.amount, supplied.code_of(one)) for one in in_line] == [(usd("5.00"), "OLD-1")]
    relay.take(make_refund("20.01", keys=("re_6",), parents=("ch_6",)))
    with pytest.raises(ReplayRefused, match="more than what is left"):
        relay.supplying.supply(relay.refunds()[-1].id, "OLD-1", **SEEN)


# --- the code is kept -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", ["rejected", "lost", "not_sent", "blocked"])
def test_whatever_happens_on_the_way_the_next_call_has_the_same_code_and_amount(early, word):
    early.luminate.script = [word]
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post(1)
    if word == "lost":
        early.deciding.absent(1, attempt=1, **WHO)
    elif word == "rejected":
        early.replay(1)
    early.later(days=1)
    with early.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM pauses")
    early.post()
    assert calls(early) == [("OLD-1", "5.00")] * 2
    assert early.entry(1).status is Status.POSTED


def test_a_code_that_luminate_refused_is_told_anew(early):
    early.luminate.script = ["rejected"]
    early.supplying.supply(1, "OLD-7", **SEEN)
    early.post(1)
    assert early.entry(1).status is Status.REJECTED
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post()
    assert early.luminate.refunds == [early.luminate.sent("refund")[-1]]
    assert early.luminate.refunds[0]["refund_user_confirm_code"] == "OLD-1"


def test_a_closed_refund_that_is_opened_and_replayed_keeps_the_code(early):
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.deciding.close(1, **WHO)
    early.deciding.reopen(1, **WHO)
    early.replay(1)
    early.post()
    assert calls(early) == [("OLD-1", "5.00")]


def test_an_unknown_refund_without_a_gift_is_a_person_s_and_never_sent_again_by_the_machine(early):
    early.luminate.script = [_lost]
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post(1)
    assert early.entry(1).status is Status.UNKNOWN
    early.deciding.found(1, "", **WHO)
    early.post()
    assert (len(calls(early)), early.entry(1).status) == (1, Status.POSTED)


@pytest.mark.parametrize(("word", "became"), [("lost", Status.UNKNOWN), ("recorded", Status.POSTED)])
def test_the_row_of_another_payment_s_refund_by_the_same_code_proves_nothing(foreign, shows, word, became):
    shows.row("NEW-1")
    foreign.take(make_refund("5.00", keys=("re_2",), parents=()))
    foreign.supplying.supply(3, "NEW-1", **SEEN)
    foreign.post()
    foreign.luminate.script = [word]
    foreign.supplying.supply(2, "NEW-1", **WHO)
    foreign.post(1)
    at = foreign.entry(3).posted_at
    row = {"kind": "REFUND", "confirmation_code": "NEW-1", "amount": Decimal("5.00"), "at": at}
    foreign.later(seconds=121)
    reader = SimpleNamespace(seen=lambda **_asked: tuple(Seen(**row) for _ in foreign.luminate.refunds))
    Probing(foreign.database, foreign.organization, reader).run()
    assert foreign.entry(2).status is became


def test_after_a_restore_it_is_looked_up_before_it_goes_by_the_supplied_code(early):
    since = datetime.now(UTC) - timedelta(hours=1)
    Recovery(early.database, early.settings.organizations).start(since, actor=operator("ann"), reason="restored")
    early.supplying.supply(1, "OLD-1", **SEEN)
    assert early.entry(1).status is Status.UNKNOWN
    with early.database.write() as tx:
        tx.exec_driver_sql("DELETE FROM pauses")
    early.post()
    assert calls(early) == []
    early.deciding.absent(1, attempt=0, **WHO)
    early.post()
    assert calls(early) == [("OLD-1", "5.00")]


@pytest.mark.parametrize("level", [Erased.AGE, Erased.DONOR])
def test_what_is_erased_keeps_the_code_and_what_the_gift_is_worth(early, level):
    early.supplying.supply(1, "OLD-1", **SEEN)
    early.post()
    gone = of_entry(early.entry(1), level, ())
    assert gone["overrides"] == {"refund_user_confirm_code": "OLD-1", "other_amount": "25.00"}


def _lost(_parameters):
    raise MaybeSent("read_timeout: No answer.")


def test_a_gift_whose_own_code_was_told_is_not_taken_back_from_its_refund(foreign, shows):
    shows.row("C1")
    foreign.supplying.supply(2, "C1", **WHO)
    with foreign.database.write() as tx:
        desk = Desk(tx, foreign.organization, Source("alder", "acme"), foreign.database.now(tx))
        assert not recall(desk, entries.get(tx, 1))
    assert foreign.entry(2).status is Status.QUEUED


def test_a_gift_that_loses_its_code_leaves_a_refund_by_another_code_in_line(foreign, shows):
    shows.row("NEW-1")
    foreign.supplying.supply(2, "NEW-1", **WHO)
    with foreign.database.write() as tx:
        desk = Desk(tx, foreign.organization, Source("alder", "acme"), foreign.database.now(tx))
        assert recall(desk, entries.get(tx, 1))
    assert foreign.entry(2).status is Status.QUEUED


# --- a Luminate over HTTP -------------------------------------------------------------------------------------------


class Site:
    """The sandbox, and relay before it under one of its two logins."""

    def __init__(self, sandbox, url):
        self.sandbox, self.url = sandbox, url

    def relay(self, login):
        site = make_luminate(
            url=f"{self.sandbox.url}/hope/site",
            api_key="demo-api-key",
            login_name=f"demo-{login}-user",
            login_password=f"demo-{login}-password",
            connect_timeout=5,
            read_timeout=5,
        )
        hope = make_organization(luminate=site, form=FormLevel(form_id=1260, level_id=1523), funds={})
        client = LuminateClient(site)
        relay = make_relay(self.url, hope, luminate=client)
        probing = Probing(relay.database, hope, RestReader(client))
        relay.looking.read = lambda _organization, entry: probing.look(entry)
        return relay

    def type_in(self, relay):
        """Somebody else adds the gift with this login; gives back its confirmation code."""
        parameters = {
            "other_amount": "25.00", "form_id": "1260", "level_id": "1523", "offline_payment_method": "cash",
            "donor.email": "mary@example.org", "donor.name.first": "Mary", "donor.name.last": "Stone",
            "billing.name.first": "Mary", "billing.name.last": "Stone",
        }  # fmt: skip
        return read_reply(relay.luminate.add_offline_donation(parameters)).confirmation_code

    def left(self, code):
        """What the gift is still worth there, in cents."""
        return self.sandbox.sandbox.organization("hope").gifts[code].current_amount


@pytest.fixture
def site(sandbox, sqlite_url):
    return Site(sandbox, sqlite_url)


def test_the_site_refunds_a_gift_of_before_relay_by_its_code(site):
    relay = site.relay("api")
    code = site.type_in(relay)
    relay.take(make_refund("5.00"))
    with pytest.raises(NotChecked, match="no e-mail address"):
        relay.supplying.supply(1, code, **WHO)
    relay.supplying.supply(1, code, **SEEN)
    relay.post()
    assert (stands(relay, 1), site.left(code)) == ((Status.POSTED, ""), 2000)


def test_the_site_refuses_another_login_s_code_and_takes_today_s(site):
    before = site.relay("other")
    before.take(make_gift())
    before.post()
    theirs = before.entry(1).confirmation_code
    relay = site.relay("api")
    relay.take(make_refund("5.00"))
    assert stands(relay, 2) == (Status.HELD, "other_login")
    assert relay.supplying.supply(2, theirs, **WHO).startswith("Checked")
    relay.post()
    assert relay.entry(2).status is Status.REJECTED
    ours = site.type_in(relay)
    assert relay.supplying.supply(2, ours, **WHO).startswith("Checked")
    relay.post()
    assert (stands(relay, 2), site.left(theirs), site.left(ours)) == ((Status.POSTED, ""), 2500, 2000)
