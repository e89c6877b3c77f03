"""The fund map edited here: in force at once and everywhere, tried before it is saved, gifts let go exactly once."""

import threading
from dataclasses import replace

import pytest
from sqlalchemy import event

from relay.access import Actor, Permission, Role, Through, allowed_by, operator
from relay.config import FormLevel, Fund, Mail
from relay.errors import ConfigurationError, NotAllowed, ReplayRefused
from relay.gifts import Designation
from relay.ledger import audit, funds
from relay.ledger.search import Filter
from relay.money import Money
from relay.office.funding import Funding
from relay.status import Status
from tests.builders import make_gift, make_organization, make_relay

ANN = operator("ann")
WHY = {"actor": ANN, "reason": "the new appeal"}


def of(*codes, **given):
    return make_gift(designations=tuple(Designation(fund=code) for code in codes), **given)


def key(number):
    return {"keys": (f"ch_{number}",)}


@pytest.fixture
def funding(relay):
    return Funding(relay.database, relay.settings.organizations)


def put(relay, code, told, organization="alder", **given):
    """Try an edit and save it, as a person would."""
    funding = Funding(relay.database, relay.settings.organizations)
    trial = funding.trial(organization, code, told, actor=ANN)
    saved = funding.save(organization, code, told, seen=trial.seen, **WHY | given)
    return trial, saved


def carry_out(relay):
    while relay.plans.advance("alder"):
        pass


def parameter(relay, number, name="designated.1.id"):
    return relay.entry(number).parameters.get(name)


# --- in force -----------------------------------------------------------------------------------------------------


def test_an_edit_wins_over_the_file_and_taken_back_lets_the_file_count_again(relay):
    assert relay.organization.funds["WATER"].designee_id == 7
    relay.take(of("WATER", **key(1)))
    put(relay, "WATER", {"designee_id": 8})
    relay.take(of("WATER", **key(2)))
    put(relay, "WATER", None)
    relay.take(of("WATER", **key(3)))
    # The first was in line and unsent at the time of both edits.
    assert [parameter(relay, number) for number in (1, 2, 3)] == ["7", "7", "7"]
    put(relay, "WATER", {"designee_id": 9})
    assert [parameter(relay, number) for number in (1, 2, 3)] == ["9", "9", "9"]


def test_another_process_maps_by_the_edit_at_once(relay, sqlite_url):
    other = make_relay(sqlite_url)
    other.take(of("WATER", **key(1)))  # its map is read and kept now
    put(relay, "WATER", {"designee_id": 8})
    other.take(of("WATER", **key(2)))
    put(relay, "WATER", {"write_in": "Wells"})
    other.take(of("WATER", **key(3)))
    assert parameter(relay, 2, "designated_write_in.1.name") == "Wells"
    assert parameter(relay, 3, "designated_write_in.1.name") == "Wells"


def test_a_map_of_a_transaction_that_was_rolled_back_is_not_kept(relay):
    put(relay, "GALA", {"designee_id": 1})
    with relay.database.engine.connect() as tx, tx.begin() as transaction:
        added = funds.add(tx, "alder", "GALA", other(2), who="x", at=relay.database.now(tx), reason="x")
        assert funds.with_funds(tx, relay.organization).funds["GALA"].designee_id == 2
        transaction.rollback()
    with relay.database.write() as tx:
        assert funds.add(tx, "alder", "GALA", other(3), who="x", at=relay.database.now(tx), reason="x") == added
        assert funds.with_funds(tx, relay.organization).funds["GALA"].designee_id == 3


def other(designee):
    return Fund(code="GALA", designee_id=designee)


def test_the_ack_path_asks_for_the_map_once_and_reads_it_only_when_it_changed(relay):
    put(relay, "GALA", {"designee_id": 1})
    relay.take(of("WATER", **key(1)))
    asked = []
    event.listen(
        relay.database.engine,
        "before_cursor_execute",
        lambda _c, _cur, statement, *_: asked.append(statement) if "fund_versions" in statement else None,
    )
    relay.take(of("WATER", **key(2)))
    assert len(asked) == 1
    assert "LIMIT" in asked[0]


def test_one_organization_never_maps_by_the_edits_of_another(sqlite_url):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    put(relay, "WATER", {"designee_id": 8}, organization="birch")
    relay.take(of("WATER", **key(1)))
    relay.take(of("WATER", **key(2)), organization="birch")
    assert [parameter(relay, number) for number in (1, 2)] == ["7", "8"]


def test_a_refused_gift_is_sent_again_by_the_edit(relay):
    relay.luminate.script = ["rejected"]
    relay.take(of("WATER", **key(1)))
    relay.post()
    put(relay, "WATER", {"designee_id": 8})
    carry_out(relay)
    relay.post()
    assert relay.luminate.sent("add")[-1]["designated.1.id"] == "8"
    assert relay.entry(1).status is Status.POSTED


# --- trying -------------------------------------------------------------------------------------------------------


def test_a_trial_shows_what_goes_what_stays_and_why_and_changes_nothing(relay, funding):
    relay.take(of("GALA", **key(1)))
    relay.take(of("GALA", "OTHER", **key(2)))
    relay.take(of("GALA", amount="10.50", **key(3)))
    relay.take(of("WATER", **key(4)))
    before = [(entry.status, entry.parameters, entry.changed_at) for entry in relay.entries()]
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    assert [tried.entry.id for tried in trial.goes] == [1]
    assert trial.goes[0].parameters["designated.1.id"] == "44"
    assert {tried.entry.id: tried.why for tried in trial.stays} == {
        2: "Fund 'OTHER' is not mapped to a designee.",
        3: "A designation takes whole units only; 10.50 USD cannot be given so.",
    }
    assert (trial.before, trial.after) == (None, Fund(code="GALA", designee_id=44))
    assert [(entry.status, entry.parameters, entry.changed_at) for entry in relay.entries()] == before


def test_a_code_inside_another_code_is_another_fund(relay, funding):
    relay.take(of("GALA-2026", **key(1)))
    relay.take(of("GALA", **key(2)))
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    assert [tried.entry.id for tried in trial.goes] == [2]


def test_a_write_in_that_sounds_like_a_code_is_not_of_the_fund(relay, funding):
    relay.take(make_gift(designations=(Designation(write_in="GALA", fund="GALA"),), amount="10.50"))
    assert relay.statuses() == ["held"]
    assert funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN).stays == ()


def test_an_example_is_made_up_where_no_gift_waits(relay, funding):
    trial = funding.trial("alder", "NEW", {"designee_id": 44, "form_id": 5, "level_id": 6}, actor=ANN)
    assert trial.example.entry is None
    assert trial.example.parameters["designated.1.id"] == "44"
    assert (trial.example.parameters["form_id"], trial.example.parameters["level_id"]) == ("5", "6")


def test_the_gifts_that_name_no_fund_belong_to_the_default_fund(sqlite_url):
    relay = make_relay(sqlite_url, make_organization(default_fund="WATER"))
    relay.luminate.script = ["rejected", "rejected"]
    relay.take(make_gift(keys=("ch_1",)))
    relay.take(of("WATER", **key(2)))
    relay.post()
    trial, saved = put(relay, "WATER", {"designee_id": 8})
    assert ([tried.entry.id for tried in trial.goes], saved.released) == ([1, 2], 2)


def test_a_refused_gift_that_would_be_told_the_same_stays(relay, funding):
    relay.luminate.script = ["rejected"]
    relay.take(of("WATER", **key(1)))
    relay.post()
    trial = funding.trial("alder", "WATER", {"designee_id": 7, "form_id": 1, "level_id": 2}, actor=ANN)
    assert (trial.goes, [tried.entry.id for tried in trial.stays]) == ((), [1])
    assert "the same again" in trial.stays[0].why
    assert "Last name is missing" in trial.stays[0].why


@pytest.mark.parametrize(
    ("code", "told", "sentence"),
    [
        ("", {"designee_id": 1}, "must not be empty"),
        (" X", {"designee_id": 1}, "blanks around"),
        ("X\n", {"designee_id": 1}, "blanks around"),
        ("X\x00Y", {"designee_id": 1}, "control characters"),
        ("X", {"designee_id": 0}, "designee_id"),
        ("X", {"designee_id": 1, "write_in": "Wells"}, "only one of them"),
        ("X", {"form_id": 1}, "form_id and level_id together"),
        ("X", {"write_in": ""}, "write_in"),
        ("X", {"desinee_id": 1}, "designee_id"),
        ("X", [], "table"),
    ],
)
def test_the_rules_of_the_file_hold_here_too(funding, code, told, sentence):
    with pytest.raises(ConfigurationError, match=sentence):
        funding.trial("alder", code, told, actor=ANN)


def test_an_edit_that_changes_nothing_is_refused(relay, funding):
    with pytest.raises(ReplayRefused, match="mapped so already"):
        funding.trial("alder", "WATER", {"designee_id": 7}, actor=ANN)
    with pytest.raises(ReplayRefused, match="nothing to take back"):
        funding.trial("alder", "WATER", None, actor=ANN)
    put(relay, "WATER", {"designee_id": 8})
    put(relay, "WATER", None)
    with pytest.raises(ReplayRefused, match="nothing to take back"):
        funding.trial("alder", "WATER", None, actor=ANN)


# --- saving -------------------------------------------------------------------------------------------------------


def test_forty_gifts_are_let_go_once(relay):
    for number in range(40):
        relay.take(of("GALA", **key(number)))
    trial, saved = put(relay, "GALA", {"designee_id": 44})
    assert (len(trial.goes), saved.released) == (40, 40)
    assert set(relay.statuses()) == {"held"}  # the workers carry the plan out
    carry_out(relay)
    relay.post(80)
    assert set(relay.statuses()) == {"posted"}
    assert len(relay.luminate.gifts) == 40
    assert {one["designated.1.id"] for one in relay.luminate.gifts.values()} == {"44"}
    assert relay.balance_holds()


def test_a_crash_between_two_gifts_leaves_the_rest_for_the_next_worker(relay):
    for number in range(6):
        relay.take(of("GALA", **key(number)))
    put(relay, "GALA", {"designee_id": 44})
    turns = iter([False, False, True])
    relay.plans.advance("alder", stopping=lambda: next(turns))  # the worker ends after two
    assert sorted(relay.statuses()) == ["held"] * 4 + ["queued"] * 2
    carry_out(relay)
    relay.post()
    assert len(relay.luminate.gifts) == 6


def test_exactly_what_was_shown_is_let_go(relay, funding):
    relay.take(of("GALA", **key(1)))
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    relay.take(of("GALA", **key(2)))  # came after the look: it is not refused for that, and not let go either
    saved = funding.save("alder", "GALA", {"designee_id": 44}, seen=trial.seen, **WHY)
    carry_out(relay)
    assert (saved.released, relay.statuses()) == (1, ["queued", "held"])
    trial, saved = put(relay, "GALA", {"designee_id": 44})  # once more for the one that is left
    carry_out(relay)
    assert (saved.released, relay.statuses()) == (1, ["queued", "queued"])


@pytest.mark.parametrize("change", ["correct", "close", "edit"])
def test_what_changed_since_the_look_must_be_looked_at_again(relay, funding, change):
    relay.take(of("GALA", **key(1)))
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    if change == "correct":
        relay.correcting.correct(1, {"donor.name.first": "Maria"}, **WHY)
    elif change == "close":
        relay.deciding.close(1, **WHY)
    else:
        put(relay, "OTHER", {"designee_id": 3})
    with pytest.raises(ReplayRefused, match="look again"):
        funding.save("alder", "GALA", {"designee_id": 44}, seen=trial.seen, **WHY)
    assert relay.organization.funds.keys() == {"WATER"}
    with relay.database.read() as tx:
        assert "GALA" not in funds.with_funds(tx, relay.organization).funds


@pytest.mark.parametrize("seen", ["", "x", "1-", "-1-aa", "99999999999999999999-aa", "1-" + "0" * 32])
def test_nothing_is_saved_unseen(relay, funding, seen):
    relay.take(of("GALA", **key(1)))
    with pytest.raises(ReplayRefused, match="look again"):
        funding.save("alder", "GALA", {"designee_id": 44}, seen=seen, **WHY)


def test_a_look_at_another_edit_is_no_look_at_this_one(relay, funding):
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    with pytest.raises(ReplayRefused, match="look again"):
        funding.save("alder", "GALA", {"designee_id": 45}, seen=trial.seen, **WHY)


def test_two_people_save_the_same_edit_and_one_is_let_in(relay, funding):
    for number in range(5):
        relay.take(of("GALA", **key(number)))
    seen = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN).seen
    done = []

    def save():
        try:
            done.append(funding.save("alder", "GALA", {"designee_id": 44}, seen=seen, **WHY).released)
        except ReplayRefused:
            done.append(0)

    people = [threading.Thread(target=save) for _ in range(2)]
    for person in people:
        person.start()
    for person in people:
        person.join()
    carry_out(relay)
    relay.post()
    assert (sorted(done), len(relay.luminate.gifts)) == ([0, 5], 5)


def test_posted_gifts_are_never_touched(relay):
    relay.take(of("WATER", **key(1)))
    relay.post()
    posted = relay.entry(1)
    trial, saved = put(relay, "WATER", {"designee_id": 8})
    carry_out(relay)
    relay.post()
    assert (trial.goes, trial.stays, trial.in_line, saved.plan) == ((), (), (), None)
    assert relay.entry(1) == posted
    assert len(relay.luminate.gifts) == 1


def test_what_stays_says_why_by_the_new_map(relay):
    relay.take(of("GALA", amount="10.50", **key(1)))
    put(relay, "GALA", {"designee_id": 44})
    assert (relay.entry(1).status, relay.entry(1).reason) == (Status.HELD, "cents_in_designation")
    assert relay.corrections()[-1]["action"] == "map"


def test_taking_an_edit_back_holds_what_is_in_line_for_it(relay):
    put(relay, "GALA", {"designee_id": 44})
    relay.take(of("GALA", **key(1)))
    assert relay.statuses() == ["queued"]
    trial, _ = put(relay, "GALA", None)
    assert [tried.status for tried in trial.in_line] == [Status.HELD]
    assert (relay.statuses(), relay.entry(1).reason) == (["held"], "fund_not_mapped")


MAILING = make_organization(mail=Mail(receipt=True))


@pytest.mark.parametrize("mail", [False, True])
def test_letting_go_mails_nobody_unless_someone_chose_it(sqlite_url, mail):
    relay = make_relay(sqlite_url, MAILING)
    relay.take(of("GALA", **key(1)))
    put(relay, "GALA", {"designee_id": 44}, mail=mail)
    carry_out(relay)
    relay.post()
    assert (len(relay.luminate.gifts), relay.luminate.mails) == (1, int(mail))


def test_a_gift_in_line_keeps_its_mail(sqlite_url):
    relay = make_relay(sqlite_url, MAILING)
    relay.take(of("WATER", **key(1)))
    put(relay, "WATER", {"designee_id": 8})
    relay.post()
    assert (relay.luminate.sent("add")[0]["designated.1.id"], relay.luminate.mails) == ("8", 1)


def test_every_version_is_kept_and_the_audit_says_who_and_why(relay, funding):
    relay.take(of("GALA", **key(1)))
    put(relay, "GALA", {"designee_id": 44})
    put(relay, "GALA", {"write_in": "Gala"}, reason="a write-in after all")
    put(relay, "GALA", None, reason="a mistake")
    found = funding.history("alder", "GALA", actor=ANN)
    assert [(one.fund, one.who, one.reason) for one in found] == [
        (None, "ann", "a mistake"),
        (Fund(code="GALA", write_in="Gala"), "ann", "a write-in after all"),
        (Fund(code="GALA", designee_id=44), "ann", "the new appeal"),
    ]
    with relay.database.read() as tx:
        lines = [line for line in audit.lines(tx, audit.Wanted()) if line.action == "map_fund"]
        assert list(audit.faults(tx)) == []
    assert [(line.who, line.subject, line.details["after"]) for line in lines] == [
        ("ann", "fund GALA", {"designee_id": 44}),
        ("ann", "fund GALA", {"write_in": "Gala"}),
        ("ann", "fund GALA", None),
    ]
    assert (lines[0].details["gifts"], lines[0].details["plan"]) == (1, 1)


def test_a_reason_is_needed(funding):
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    with pytest.raises(ReplayRefused, match="why"):
        funding.save("alder", "GALA", {"designee_id": 44}, seen=trial.seen, actor=ANN, reason=" ")


# --- the grid -----------------------------------------------------------------------------------------------------


def test_the_rows_begin_with_what_nobody_has_mapped(relay, funding):
    relay.take(of("GALA", **key(1)))
    relay.take(of("GALA", amount=Money.parse("30", "USD"), **key(2)))
    relay.take(of("ZOO", "GALA", amount="10.00", **key(3)))
    put(relay, "BOOKS", {"designee_id": 3, "form_id": 5, "level_id": 6})
    rows = funding.rows("alder", actor=ANN)
    assert [(row.code, row.gifts, [one.minor for one in row.amounts]) for row in rows] == [
        ("GALA", 3, [6500]),
        ("ZOO", 1, [1000]),
        ("BOOKS", 0, []),
        ("WATER", 0, []),
    ]
    assert [row.is_edited for row in rows] == [False, False, True, False]
    assert rows[2].fund.form == FormLevel(form_id=5, level_id=6)
    assert (rows[3].in_file, rows[3].version) == (Fund(code="WATER", designee_id=7), None)


# --- rights -------------------------------------------------------------------------------------------------------


def person(role, *organizations):
    return Actor("eve@example.org", Through.CONSOLE, allowed_by(dict.fromkeys(organizations, role)))


def test_a_viewer_looks_and_changes_nothing(relay, funding):
    viewer = person(Role.VIEWER, "alder")
    assert [row.code for row in funding.rows("alder", actor=viewer)] == ["WATER"]
    assert funding.history("alder", actor=viewer) == []
    with pytest.raises(NotAllowed):
        funding.trial("alder", "GALA", {"designee_id": 44}, actor=viewer)
    with pytest.raises(NotAllowed):
        funding.save("alder", "GALA", {"designee_id": 44}, seen="0-", actor=viewer, reason="x")


@pytest.mark.parametrize("name", ["birch", "nowhere"])
def test_another_organization_looks_like_one_that_is_not_there(sqlite_url, name):
    relay = make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))
    funding = Funding(relay.database, relay.settings.organizations)
    outsider = person(Role.ADMIN, "alder")
    for ask in (funding.rows, funding.history):
        with pytest.raises(NotAllowed, match=f"may not read in '{name}'"):
            ask(name, actor=outsider)
    with pytest.raises(NotAllowed, match=f"may not read in '{name}'"):
        funding.trial(name, "GALA", {"designee_id": 44}, actor=outsider)


def test_map_is_enough_to_map(relay, funding):
    mapper = Actor("token maps", Through.API, {"alder": frozenset({Permission.READ, Permission.MAP})})
    relay.take(of("GALA", **key(1)))
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=mapper)
    saved = funding.save("alder", "GALA", {"designee_id": 44}, seen=trial.seen, actor=mapper, reason="x")
    assert saved.released == 1


def test_a_replay_planned_after_an_edit_sees_it(relay):
    relay.take(of("GALA", **key(1)))
    funding = Funding(relay.database, relay.settings.organizations)
    trial = funding.trial("alder", "GALA", {"designee_id": 44}, actor=ANN)
    relay.take(of("GALA", **key(2)))
    funding.save("alder", "GALA", {"designee_id": 44}, seen=trial.seen, **WHY)
    (number,) = relay.plans.draw(Filter(ids=(2,)), actor=ANN, search="#2")
    (item,) = relay.plans.items(number, actor=ANN)
    assert item.skipped == ""
    relay.plans.start(number, actor=ANN, reason="it is mapped now")
    carry_out(relay)
    assert parameter(relay, 2) == "44"


def test_a_changed_file_counts_beneath_the_edits(relay):
    put(relay, "GALA", {"designee_id": 44})
    mapped = replace(relay.organization, funds={"WATER": Fund(code="WATER", designee_id=70)})
    with relay.database.read() as tx:
        found = funds.with_funds(tx, mapped).funds
        again = funds.with_funds(tx, relay.organization).funds
    assert {code: fund.designee_id for code, fund in found.items()} == {"WATER": 70, "GALA": 44}
    assert again["WATER"].designee_id == 7
