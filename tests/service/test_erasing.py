"""A donor is erased: all that tells of them goes, the money stays; and what waits for anybody is settled first."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote_plus

import pytest

from relay.access import Actor, Role, Through, allowed_by, operator
from relay.config import Probe, Reinstate
from relay.config import Retention as Kept
from relay.errors import ErasingRefused, NotAllowed, ReplayRefused
from relay.gifts import Billing, Designation, Donor, Name, Tender, TenderKind
from relay.inbound.reparse import Reparse
from relay.ledger import answers, audit, mentions, notes, search
from relay.ledger import events as ledger_events
from relay.ledger.models import attempts, entries, events
from relay.ledger.notes import Note
from relay.ledger.tokens import add as add_token
from relay.office import erasing
from relay.office.erasing import Erasing
from relay.office.retention import Retention
from relay.outbound.probing import Probing
from relay.status import Erased, Kind, Status
from tests.builders import (
    make_back,
    make_chargeback,
    make_gift,
    make_link,
    make_organization,
    make_refund,
    make_relay,
)
from tests.service.test_probing import FakeReader
from tests.service.test_retention import RICH, SECRET, die_in_the_second
from tests.support.sealed import NEW, everything

ANN, MARY = operator("ann"), "mary@example.org"
TELLS = (*SECRET, MARY, "Mary", "Stone", "mary", "stone")
OTHER = {
    "donor": Donor(name=Name(first="Otto", last="Other"), email="otto@example.org"),
    "billing": Billing(),
    "tender": Tender(),
    "designations": (),
    "sources": (),
}


@pytest.fixture
def relay(sqlite_url):
    return make_relay(sqlite_url)


def made(relay):
    return Erasing(relay.database, relay.settings.organizations)


def look(relay, email=MARY, organization="alder"):
    return made(relay).look(organization, email, actor=ANN)


def erase(relay, email=MARY, organization="alder", reason="case 12"):
    return made(relay).erase(look(relay, email, organization), actor=ANN, reason=reason)


def told(relay, words=TELLS):
    lying = everything(relay.database)
    return [word for word in words if word in lying]


def given(relay, **changes):
    relay.take(make_gift(**RICH | changes))
    relay.post()


def balance(relay):
    with relay.database.read() as tx:
        return {key: (sheet.received, sheet.posted, sheet.closed) for key, sheet in search.balance(tx).items()}


def whole(relay):
    with relay.database.read() as tx:
        return list(audit.faults(tx)) == []


def test_everything_that_tells_of_a_donor_goes_and_the_money_stays(relay):
    given(relay)
    relay.take(make_refund("5.00", sources=({"billing": "Mary Stone"},)))
    relay.take(make_chargeback("20.00"))
    relay.take(make_gift("7.00", keys=("ch_2",), **RICH | {"designations": (Designation(fund="ODD"),)}))
    relay.post()
    relay.deciding.close(4, actor=ANN, reason="she called: entered elsewhere")
    given(relay, keys=("ch_9",), **OTHER)
    before, kept = balance(relay), [(one.id, one.amount, one.status, one.confirmation_code) for one in relay.entries()]
    assert told(relay)
    done = erase(relay)
    assert (done.payments, done.entries, done.events) == (2, 4, 4)
    assert told(relay) == []
    assert [(one.id, one.amount, one.status, one.confirmation_code) for one in relay.entries()] == kept
    assert balance(relay) == before
    assert relay.balance_holds()
    assert whole(relay)
    (other,) = [one for one in relay.gifts() if one.donor_email == "otto@example.org"]
    assert (other.erased, other.parameters["donor.name.last"]) == (Erased.NOTHING, "Other")


def test_what_somebody_corrected_and_replayed_goes_as_well(relay):
    relay.luminate.script = ["rejected"]
    given(relay)
    changes = {"donor.address.street1": "77 Quarkington Square", "donor.phone": "555-0199"}
    relay.correcting.correct(1, changes, actor=ANN, reason="asked on the telephone")
    relay.post()
    (gift,) = relay.gifts()
    assert (gift.status, gift.overrides) == (Status.POSTED, changes)
    erase(relay)
    assert told(relay) == []
    first, second = relay.corrections()
    assert (first["who"], first["action"], first["reason"]) == ("ann", "correct", "(erased)")
    assert (second["action"], second["reason"]) == ("erase", "case 12")


def test_proposals_keep_which_fields_and_no_values(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(second_person_above=0))
    relay.luminate.script = ["rejected"]
    given(relay)
    done = relay.correcting.correct(1, {"donor.phone": "555-0199"}, actor=ANN, reason="Mary Stone said so")
    relay.proposing.agree(done.proposal, actor=operator("bob"))
    relay.post()
    erase(relay)
    (shown,) = relay.proposing.listing(None)
    assert (shown.proposal.changes, shown.proposal.reason) == ({"donor.phone": "(erased)"}, "(erased)")


def test_the_audit_has_counts_and_the_reason_and_nobody(relay):
    given(relay)
    erase(relay)
    with relay.database.read() as tx:
        (line,) = audit.lines(tx, audit.Wanted(action="erase_donor"))
    assert (line.who, line.organization, line.subject) == ("ann", "alder", "donor")
    assert line.details == {"reason": "case 12", "payments": 1, "entries": 1, "events": 1}


@pytest.mark.parametrize("reason", ["mary@example.org asked", "Ms Stone wrote to us", "for MARY STONE"])
def test_a_reason_that_names_the_donor_is_refused(relay, reason):
    given(relay)
    with pytest.raises(ErasingRefused, match="the reason names the donor"):
        erase(relay, reason=reason)
    assert relay.gifts()[0].donor_email == MARY


@pytest.mark.parametrize("reason", ["", "  "])
def test_a_reason_is_needed(relay, reason):
    given(relay)
    with pytest.raises(ReplayRefused, match="say who asks for it and why"):
        erase(relay, reason=reason)


def test_lines_of_the_audit_that_name_the_donor_are_told_and_stay(relay):
    given(relay)
    relay.deciding.note(1, actor=ANN, reason="Mary Stone called")
    donor = look(relay)
    assert donor.lines == (1,)
    erase(relay)
    assert told(relay) == ["Mary", "Stone"]
    assert whole(relay)


# --- what is not settled --------------------------------------------------------------------------------------------


def open_ones(relay):
    """A gift in each state that is not settled, by its state."""

    def queued():
        relay.take(make_gift(keys=("ch_9",), **RICH))

    def posting():
        queued()
        relay.posting()._claim()

    def scripted(word):
        def act():
            relay.luminate.script = [word]
            queued()
            relay.post(times=1)

        return act

    def held():
        relay.take(make_gift(keys=("ch_9",), **RICH | {"designations": (Designation(fund="ODD"),)}))

    def waiting():
        held()
        relay.take(make_refund("1.00", parents=("ch_9",)))

    return {
        Status.QUEUED: queued, Status.POSTING: posting, Status.RETRYING: scripted("not_sent"), Status.HELD: held,
        Status.UNKNOWN: scripted("lost"), Status.REJECTED: scripted("rejected"), Status.WAITING: waiting,
    }  # fmt: skip


@pytest.mark.parametrize("status", sorted(set(Status) - {Status.POSTED, Status.CLOSED}))
def test_nothing_is_erased_while_anything_is_open(relay, status):
    given(relay)
    open_ones(relay)[status]()
    assert status in {one.status for one in relay.entries()}
    before = everything(relay.database)
    donor = look(relay)
    assert any(sentence.startswith("entry ") and str(2) in sentence for sentence in donor.open)
    with pytest.raises(ErasingRefused, match=r"^nothing more was erased: entry \d "):
        made(relay).erase(donor, actor=ANN, reason="case 12")
    assert everything(relay.database) == before


def test_a_call_that_nobody_has_told_the_end_of_is_waited_for(relay):
    given(relay)
    with relay.database.write() as tx:
        tx.execute(attempts.update().values(finished_at=None, outcome=None))
    assert look(relay).open == ("entry 1 has a call whose outcome is not known: relay writes it down within minutes",)


def test_an_event_that_tells_of_another_s_open_gift_stays(relay):
    unmapped = {"designations": (Designation(fund="X"),)}
    relay.take(make_gift(**RICH), make_gift("9.00", keys=("ch_2",), **OTHER | unmapped))
    relay.post()
    assert look(relay).open == ("event 1 also tells of entry 2, which is held: settle that one first",)
    relay.deciding.close(2, actor=ANN, reason="not ours")
    assert erase(relay).events == 1
    assert told(relay, SECRET) == []
    assert relay.entry(2).donor_email == "otto@example.org"


def test_an_event_that_is_not_understood_and_names_the_donor_is_settled_first(relay):
    given(relay)
    relay.take(body=b'{"odd": "mary@example.org"}')
    donor = look(relay)
    with pytest.raises(ErasingRefused, match="event 2 is not understood: `flask replay --event 2` reads it again"):
        made(relay).erase(donor, actor=ANN, reason="case 12")
    assert relay.gifts()[0].donor_email == MARY
    made(relay).erase(donor, actor=ANN, reason="case 12", unread=True)
    assert told(relay) == []
    assert [str(row["verdict"]) for row in relay.events()] == ["entry", "ignored"]


def test_an_event_that_waits_for_its_provider_is_waited_for(relay):
    given(relay)
    relay.take(body=b'{"odd": "mary@example.org"}')
    with relay.database.write() as tx:
        tx.execute(events.update().where(events.c.id == 2).values(verdict="pending"))
    assert look(relay).open == ("event 2 waits for its provider's API: try again once it is booked",)


def test_a_donor_of_an_organization_that_is_configured_no_more_is_erased_too(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    given(relay)
    del relay.settings.organizations["alder"]
    assert made(relay).where(MARY, actor=ANN) == ["alder"]
    erase(relay)
    assert told(relay) == []


def test_what_comes_in_while_somebody_decides_stops_it(relay):
    given(relay)
    donor = look(relay)
    relay.take(make_gift(keys=("ch_2",), **RICH))
    relay.post()
    with pytest.raises(ErasingRefused, match="something of this donor came in meanwhile"):
        made(relay).erase(donor, actor=ANN, reason="case 12")
    assert relay.gifts()[0].donor_email == MARY


def test_an_event_that_is_booked_while_somebody_decides_stops_it(relay):
    given(relay)
    body = b'{"id": "evt_odd", "email": "mary@example.org"}'
    relay.take(body=body)
    donor = look(relay)
    relay.provider.known[body] = ((make_gift(keys=("ch_7",), **OTHER),), True)
    Reparse(relay.settings, relay.database, {"acme": relay.provider.provider}).run(2, actor=ANN, reason="again")
    with pytest.raises(ErasingRefused, match="something of this donor came in meanwhile"):
        made(relay).erase(donor, actor=ANN, reason="case 12", unread=True)
    assert relay.events()[1]["body"] == body


# --- afterwards -----------------------------------------------------------------------------------------------------


def test_a_refund_and_a_dispute_go_as_before(relay):
    given(relay)
    erase(relay)
    relay.take(make_refund("5.00"))
    relay.take(make_chargeback("20.00"))
    relay.post()
    assert [one.status for one in relay.refunds()] == [Status.POSTED, Status.POSTED]
    assert [one["refund_user_confirm_code"] for one in relay.luminate.sent("refund")] == ["C1", "C1"]
    assert (relay.luminate.net, relay.luminate.impossible) == (0, [])
    assert {one.donor_email for one in relay.refunds()} == {""}


@pytest.mark.parametrize("rule", list(Reinstate))
def test_money_that_comes_back_is_held_and_says_why(sqlite_url, rule):
    relay = make_relay(sqlite_url, make_organization(reinstate=rule))
    given(relay)
    relay.take(make_refund("5.00"))
    relay.post()
    erase(relay)
    relay.take(make_back())
    (back,) = relay.entries(Kind.REINSTATEMENT)
    assert (back.status, back.reason, back.donor_email) == (Status.HELD, "money_came_back", "")
    assert "Its donor was erased: record it in Luminate by hand" in back.reason_text
    assert relay.replay(back.id) == {}
    relay.deciding.by_hand(back.id, "C88", actor=ANN, reason="typed in", seen=True)
    assert relay.balance_holds()


def test_what_comes_in_later_goes_once_it_is_settled(relay):
    """A provider repeats name and address in the event of a refund."""
    given(relay)
    erase(relay)
    keeper = Retention(relay.database, relay.settings.organizations, sleep=lambda _seconds: None)
    relay.take(make_refund("5.00", sources=({"billing_details": {"name": "Mary Stone", "email": MARY}},)))
    assert not keeper.run("alder", actor=ANN)
    assert told(relay)
    relay.post()
    assert keeper.run("alder", actor=ANN).entries == 2
    assert told(relay) == []
    assert not keeper.run("alder", actor=ANN)
    assert [row["reason"] for row in relay.corrections()] == ["case 12"]


def test_a_repeat_brings_nothing_back(relay):
    body = relay.provider.event((make_gift(**RICH),))
    relay.take(body=body)
    relay.post()
    erase(relay)
    relay.take(body=body)
    assert relay.events()[-1]["body"] == b""


def test_a_repeat_that_is_proven_later_brings_nothing_back_either(relay):
    """Its proof had to be fetched, so it came in under a name of its own."""
    given(relay)
    erase(relay)
    relay.take(body=b'{"odd": "mary@example.org"}')
    with relay.database.write() as tx:
        assert not ledger_events.prove(tx, ledger_events.get(tx, 2), relay.events()[0]["delivery_key"])
    late = relay.events()[1]
    assert (str(late["verdict"]), late["body"], late["erased_at"] is None) == ("duplicate", b"", False)


def test_two_payments_that_turn_out_to_be_one_stay_erased(relay):
    given(relay)
    erase(relay)
    relay.take(make_gift(keys=("pi_1",), **RICH))
    relay.take(make_link("ch_1", "pi_1"))
    relay.post()
    assert [one.status for one in relay.gifts()] == [Status.POSTED]
    assert len(relay.luminate.gifts) == 1
    keeper = Retention(relay.database, relay.settings.organizations, sleep=lambda _seconds: None)
    assert keeper.run("alder", actor=ANN).entries == 2
    assert told(relay) == []


def test_a_new_gift_of_the_same_donor_is_a_new_gift(relay):
    given(relay)
    erase(relay)
    given(relay, keys=("ch_2",))
    assert [one.donor_email for one in relay.gifts()] == ["", MARY]
    assert look(relay).payments == (relay.gifts()[1].payment_id,)


def test_an_unknown_gift_beside_an_erased_one_is_never_taken_for_it(sqlite_url):
    """Luminate shows both under the donor's address, and the ledger no longer knows whose the first one is."""
    relay = make_relay(sqlite_url, make_organization(probe=Probe(ladder=(60, 120), settle_seconds=60)))
    card = {"tender": Tender(kind=TenderKind.CARD, last4="4242")}
    given(relay, **card)
    erase(relay)
    relay.luminate.script = ["lost"]
    given(relay, keys=("ch_2",), **card)
    reader = FakeReader(relay)
    relay.later(seconds=90)
    Probing(relay.database, relay.organization, reader).run()
    entry = relay.entry(2)
    assert (entry.status, entry.reason) == (Status.UNKNOWN, "look_alikes")
    assert "entry 1, whose donor was erased" in entry.reason_text
    assert relay.entry(1).flag == ""
    assert len(relay.luminate.sent("add")) == 2


def test_an_unknown_refund_is_looked_up_by_the_constituent(relay):
    given(relay)
    erase(relay)
    relay.luminate.script = ["recorded"]
    relay.take(make_refund("5.00"))
    relay.post()
    (refund,) = relay.unknown()
    asked = []

    class Reader(FakeReader):
        def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
            asked.append((email, cons_id, kind))
            return super().seen(email=email, cons_id=cons_id, begin=begin, end=end, kind=kind)

    relay.later(seconds=121)
    assert Probing(relay.database, relay.organization, Reader(relay)).run().recorded == [refund.id]
    assert asked == [("", "9", "REFUND")]


def test_after_by_age_a_donor_is_erased_still(relay):
    relay.settings.organizations["alder"] = replace(relay.organization, retention=Kept(payload_days=30))
    given(relay)
    relay.later(days=31)
    Retention(relay.database, relay.settings.organizations, sleep=lambda _s: None).run("alder", actor=ANN)
    assert relay.gifts()[0].erased is Erased.AGE
    erase(relay)
    assert relay.gifts()[0].erased is Erased.DONOR
    assert told(relay) == []


# --- elsewhere ------------------------------------------------------------------------------------------------------


def test_two_organizations_are_asked_each_for_itself(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    given(relay)
    relay.take(make_gift(**RICH), organization="birch")
    relay.posting(organization=relay.settings.organizations["birch"]).run()
    assert made(relay).where(MARY, actor=ANN) == ["alder", "birch"]
    erase(relay, organization="birch")
    assert made(relay).where(MARY, actor=ANN) == ["alder"]
    assert {one.organization: one.donor_email for one in relay.gifts()} == {"alder": MARY, "birch": ""}


def test_only_an_admin_of_the_organization_may(relay):
    given(relay)
    eve = Actor("eve@example.org", Through.CONSOLE, allowed_by({"alder": Role.FINANCE}))
    assert made(relay).where(MARY, actor=eve) == []
    with pytest.raises(NotAllowed):
        made(relay).look("alder", MARY, actor=eve)
    with pytest.raises(NotAllowed):
        made(relay).erase(look(relay), actor=eve, reason="case 12")


def test_the_address_is_found_however_it_is_typed(relay):
    given(relay)
    assert look(relay, "  MARY@Example.ORG ").payments
    erase(relay, "  MARY@Example.ORG ")
    assert told(relay) == []


FORMS = {
    "plain": f'{{"email": "{MARY}"}}',
    "capitals": '{"email": "Mary@Example.Org"}',
    "escaped": '{"email": "mary\\u0040example.org"}',
    "behind a line break": f'{{"note": "asked\\n{MARY}"}}',
    "a form": f"payer_email={quote_plus(MARY)}&x=1",
    "xml": "<email>mary&#64;example.org</email>",
    "base64": "bt_payload=" + quote_plus(base64.encodebytes(f"<a>{'x' * 80}<email>{MARY}</email></a>".encode())),
}


@pytest.mark.parametrize("form", FORMS)
def test_events_that_led_to_no_gift_are_found_by_the_address(relay, form):
    given(relay)
    body = FORMS[form].encode()
    relay.provider.known[body] = ((), True)
    relay.provider.names[body] = "evt_customer"
    relay.take(body=body)
    near = b'{"email": "rosemary@example.org", "other": "mary@example.org.uk"}'
    relay.provider.known[near], relay.provider.names[near] = ((), True), "evt_near"
    relay.take(body=near)
    assert look(relay).idle == (2,)
    assert erase(relay).idle == 1
    assert [bool(row["body"]) for row in relay.events()] == [False, False, True]


def test_a_donor_of_whom_only_an_event_is_left_is_erased(relay):
    body = b'{"email": "mary@example.org"}'
    relay.provider.known[body], relay.provider.names[body] = ((), True), "evt_customer"
    relay.take(body=body)
    assert made(relay).where(MARY, actor=ANN) == ["alder"]
    assert erase(relay).idle == 1
    assert told(relay) == []
    with relay.database.read() as tx:
        assert [line.details["events"] for line in audit.lines(tx, audit.Wanted())] == [1]


def test_texts_that_name_the_donor_and_belong_to_no_gift_go_too(relay):
    given(relay)
    now = datetime.now(UTC)
    relay.plans.draw(search.Filter(emails=("mary",)), actor=ANN, search='email:mary@example.org "Mary Stone"')
    relay.plans.draw(search.Filter(ids=(1,)), actor=ANN, search="status:held")
    with relay.database.write() as tx:
        notes.write(tx, Note("alder", "no_email", "ask Mary Stone", "ann", "ann", now))
        notes.write(tx, Note("alder", "unknown", "ask the bank", "ann", "ann", now))
        token = add_token(tx, **token_values(now))
        for key, body in (("a", b'{"donor":"Mary Stone"}'), ("b", b'{"id":1}')):
            answers.begin(tx, token, key, "x", now)
            answers.keep(tx, token, key, 200, body)
    erase(relay)
    assert told(relay) == []
    with relay.database.read() as tx:
        assert [notes.of(tx, "alder", key).note for key in ("no_email", "unknown")] == ["(erased)", "ask the bank"]
        known = [answers.begin(tx, token, key, "x", now).body for key in ("a", "b")]
    assert known == [mentions.ANSWER, b'{"id":1}']
    assert [plan.search for plan in relay.plans.listing(None)] == ["status:held", "(erased)"]


def token_values(now):
    made = {"made_by": "ann", "made_at": now, "expires_at": None}
    return {"name": "n", "organization": "alder", "digest": "d" * 64, "scopes": frozenset({"read"}), **made}


# --- crashes and keys -----------------------------------------------------------------------------------------------


def test_a_crash_between_two_parts_leaves_the_rest_to_the_next_time(relay, monkeypatch):
    for number in range(3):
        given(relay, keys=(f"ch_{number}",))
    monkeypatch.setattr(erasing, "BATCH", 1)
    die_in_the_second(monkeypatch)
    with pytest.raises(KeyboardInterrupt):
        erase(relay)
    assert [one.erased for one in relay.gifts()] == ["donor", "", ""]
    monkeypatch.undo()
    assert erase(relay).payments == 2
    assert told(relay) == []
    with relay.database.read() as tx:
        lines = list(audit.lines(tx, audit.Wanted(action="erase_donor")))
        assert [line.details["payments"] for line in lines] == [1, 2]
    assert whole(relay)


def test_a_sealed_donor_is_found_and_erased(sqlite_url):
    relay = make_relay(sqlite_url, keys=(NEW,))
    given(relay)
    assert told(relay, (MARY, "Marzipan")) == []
    assert erase(relay, MARY.upper()).payments == 1
    (gift,) = relay.gifts()
    assert (gift.donor_email, gift.donor_name, gift.erased) == ("", "", Erased.DONOR)
    with relay.database.read() as tx:
        row = tx.execute(entries.select()).one()
        assert row.donor_key == ""
        assert tx.execute(events.select()).one().body == b""
    relay.take(make_refund("5.00"))
    relay.post()
    assert relay.luminate.net == 2000
