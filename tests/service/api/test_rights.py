"""One organization's token against everything of the other's: nothing is seen, counted, guessed or changed."""

import pytest

from relay.web.api.operations import OPERATIONS

WHY = {"reason": "curious"}
# What a program would send where a body is wanted.
BODIES = {
    "search_entries": {"q": "mary"},
    "correct_entry": {"changes": {"donor.name.first": "Eve"}} | WHY,
    "close_entry": WHY,
    "reopen_entry": WHY,
    "resolve_entry": {"absent": True, "attempt": 1} | WHY,
    "supply_gift_code": {"code": "OLD-1", "worth": "25.00", "seen": True} | WHY,
    "draw_replay": {"ids": [1, 2, 3]},
    "start_replay": WHY,
    "try_fund": {"code": "GALA", "fund": {"designee_id": 44}},
    "save_fund": {"code": "GALA", "fund": {"designee_id": 44}, "seen": "3-" + "0" * 32} | WHY,
}
NUMBERED = [one for one in OPERATIONS if "{number}" in one.path]
WHOLE = [one for one in OPERATIONS if "{number}" not in one.path]
OURS = ("alder", "mary@example.org", "Stone", "GALA", "25.00", "ch_1")


@pytest.fixture
def stocked(house, program, gift):
    """Alder has a gift in every state, a plan and an edited fund; birch has nothing."""
    house.luminate.script = ["rejected", "lost"]
    house.take(gift(1))
    house.take(gift(2))
    house.post()
    house.take(gift(3, "GALA"))
    program.post("/replays", {"ids": [1]}, status=201)
    trial = program.post("/funds/dry-run", {"code": "WELLS", "fund": {"designee_id": 9}})
    program.put("/funds", {"code": "WELLS", "fund": {"designee_id": 9}, "seen": trial["seen"]} | WHY)
    return house


def everything(house):
    entries = [house.entry(number) for number in (1, 2, 3)]
    return entries, len(house.lines()), house.relay.plans.listing(None)


def named(operations):
    return pytest.mark.parametrize("asked", operations, ids=lambda one: one.name)


@named(NUMBERED)
def test_what_is_of_another_organization_looks_like_what_is_not_there(stocked, program, asked):
    birch, body = program.named("birch"), BODIES.get(asked.name)
    before = everything(stocked)
    theirs = birch(asked.method.upper(), asked.path.replace("{number}", "1"), body, status=404)
    nowhere = birch(asked.method.upper(), asked.path.replace("{number}", "999"), body, status=404)
    assert theirs.get_data(as_text=True) == nowhere.get_data(as_text=True).replace("999", "1")
    assert everything(stocked) == before


@named(WHOLE)
def test_nothing_of_another_organization_is_listed_counted_or_changed(stocked, program, asked):
    before = everything(stocked)
    told = program.named("birch")(asked.method.upper(), asked.path, BODIES.get(asked.name))
    text = told.get_data(as_text=True)
    if asked.name not in {"try_fund", "save_fund"}:  # these say back what they were asked
        assert [word for word in OURS if word in text] == []
    assert told.status_code in (200, 409)
    assert everything(stocked) == before


@pytest.mark.parametrize(
    "search", ["organization:alder", "mary", "id:1", "ch_1", "fund:GALA", "25.00", "reason:fund_not_mapped"]
)
def test_a_search_finds_and_betrays_nothing_of_another_organization(stocked, program, search):
    told = program.named("birch")("GET", "/entries", q=search)
    if told.status_code == 200:
        assert told.json == {"items": [], "next": None}
    else:  # as for a word that stands nowhere
        field, _, word = search.partition(":")
        nowhere = program.named("birch")("GET", "/entries", q=f"{field}:nowhere", status=422)
        assert told.get_data(as_text=True) == nowhere.get_data(as_text=True).replace("nowhere", word)


def test_a_cursor_of_another_organization_leads_into_ones_own(stocked, program):
    cursor = program.get("/entries", limit=1)["next"]
    assert program.named("birch").get("/entries", limit=1, cursor=cursor)["items"] == []


@named([one for one in OPERATIONS if one.scope != "read"])
@pytest.mark.parametrize("name", ["reader", "actor", "mapper"])
def test_a_scope_opens_what_it_says_and_no_more(stocked, program, asked, name):
    before = everything(stocked)
    allowed = {"actor": "act", "mapper": "map"}.get(name)
    told = program.named(name)(asked.method.upper(), asked.path.replace("{number}", "999"), BODIES.get(asked.name))
    if asked.scope == allowed:
        assert told.status_code != 403
    else:
        assert (told.status_code, told.json["type"]) == (403, "urn:relay:problem:scope")
        assert everything(stocked) == before


def test_a_session_of_the_console_opens_nothing_here(stocked):
    assert stocked.client("admin").get("/api/v1/entries").status_code == 401


def test_no_address_and_no_log_holds_a_donor_or_a_token(stocked, program, capsys):
    capsys.readouterr()
    program.post("/entries/search", {"q": "mary stone"})
    program.post("/entries/3/corrections", {"changes": {"donor.email": "new@example.org"}} | WHY)
    written = "".join(capsys.readouterr())
    assert [word for word in ("mary", "Stone", "example.org", "relay_") if word in written] == []
