"""``flask funds`` and ``flask tokens``."""

from relay.status import Status

WHY = ("--reason", "a new appeal", "--who", "ann", "--organization", "hope")


def give(house, key, fund="GALA", amount="25.00"):
    house.take(house.gift(key, amount, fund=fund))


def test_a_fund_is_mapped_and_its_gifts_are_let_go(house):
    give(house, "ch_1")
    give(house, "ch_2", amount="10.50")
    shown = house.run("funds", "set", "GALA", "--designee", 44, *WHY, "--yes").stdout
    assert "GALA: not mapped -> designee 44" in shown
    assert "Go: 1 gift, $25.00." in shown
    assert "Stay: 1 gift, $10.50." in shown
    assert "whole units" in shown
    assert "Replay plan 1 lets 1 gift go." in shown
    assert house.relay.bell.rung[-1] == "hope"
    while house.relay.plans.advance("hope"):
        pass
    assert [house.status(number) for number in (1, 2)] == [Status.QUEUED, Status.HELD]


def test_nothing_is_saved_without_a_yes(house):
    give(house, "ch_1")
    told = house.run("funds", "set", "GALA", "--designee", 44, *WHY, code=2).stderr
    assert "--yes" in told
    assert house.lines("funds", "history", "--organization", "hope") == []


def test_the_list_begins_with_what_nobody_has_mapped(house):
    give(house, "ch_1")
    rows = house.lines("funds", "list", "--organization", "hope")
    assert [(row["code"], row["waiting"], row["fund"]) for row in rows] == [
        ("GALA", 1, None),
        ("WATER", 0, {"designee_id": 1003}),
    ]
    assert rows[0]["amounts"] == [{"amount": "25.00", "currency": "USD"}]
    shown = house.run("funds", "list", "--organization", "hope").stdout
    assert "nobody yet" in shown
    assert "the file" in shown


def test_every_version_is_listed_and_an_edit_taken_back(house):
    house.run("funds", "set", "WATER", "--write-in", "Wells", *WHY, "--yes")
    house.run("funds", "unset", "WATER", *WHY, "--yes")
    found = house.lines("funds", "history", "WATER", "--organization", "hope")
    assert [(one["fund"], one["who"]) for one in found] == [(None, "ann"), ({"write_in": "Wells"}, "ann")]
    assert "taken back: the file counts" in house.run("funds", "history", "--organization", "hope").stdout


def test_the_organization_must_be_said_where_there_are_several(house):
    assert "--organization" in house.run("funds", "list", code=2).stderr
    assert "no organization" in house.run("funds", "list", "--organization", "hop", code=2).stderr


def test_what_is_no_fund_is_refused_in_a_sentence(house):
    told = house.run("funds", "set", "GALA", "--form", 5, *WHY, "--yes", code=1).stderr
    assert "form_id and level_id together" in told


def test_a_correction_may_name_a_fund_that_was_mapped_here(house):
    give(house, "ch_1", "LOST")
    house.run("funds", "set", "GALA", "--designee", 44, *WHY, "--yes")
    house.run("correct", 1, "fund=GALA", "--reason", "the donor said so", "--who", "ann")
    assert house.status(1) == Status.QUEUED


def test_a_token_is_shown_once_and_ends(house):
    shown = house.run("tokens", "add", "the books", "--organization", "hope", "--scope", "act", "--days", 30).stdout
    secret = shown.splitlines()[-1]
    assert house.relay.tokens.whose(secret)
    listed = house.run("tokens", "list").stdout
    assert "the books" in listed
    assert "good until" in listed
    assert secret not in listed + house.run("tokens", "list", "--json").stdout
    assert [row["scopes"] for row in house.lines("tokens", "list")] == [["act", "read"]]
    house.run("tokens", "end", 1)
    assert house.relay.tokens.whose(secret) is None
    assert "ended" in house.run("tokens", "list").stdout
