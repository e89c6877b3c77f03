"""The page of funds: a look before every change, and the gifts let go that were shown; without JavaScript."""

import re

import pytest

from relay.access import operator
from relay.gifts import Designation
from relay.status import Status
from tests.builders import make_gift
from tests.support.console import token


@pytest.fixture
def give(house):
    def made(number, fund="GALA", amount="25.00", organization="alder"):
        gift = make_gift(amount, keys=(f"{organization}_{number}",), designations=(Designation(fund=fund),))
        return house.take(gift, organization=organization)

    return made


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def hidden(text):
    """The form that saves, as the page carries it."""
    form = text.rpartition('action="/console/funds/save')[2]
    return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))


def look(client, data, organization="alder", **more):
    data = data | token(client, f"/console/funds/edit?in={organization}&code=X")
    return client.post(f"/console/funds/edit?in={organization}", data=data, **more)


def test_what_nobody_has_mapped_comes_first_with_what_waits(house, give):
    give(1)
    give(2, amount="40.00")
    text = page(house.client("viewer"), "/console/funds?in=alder")
    assert text.index("GALA") < text.index("WATER")
    assert "$65.00" in text
    assert "not mapped" in text
    assert "Water (7)" in text
    assert "the file" in text
    assert "Map it" not in text  # a viewer only looks


def test_an_edit_is_shown_then_saved_and_the_gifts_go(house, give):
    for number in range(3):
        give(number)
    give(9, amount="10.50")
    finance = house.client("finance")
    answer = look(finance, {"code": "GALA", "kind": "designee", "designee_id": "44"})
    text = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert "nowhere yet" in text
    assert "Gala (44)" in text
    assert "3 gifts" in text
    assert "$75.00" in text
    assert "whole units" in text
    assert "designation 1: designee: nothing becomes 44" in text
    saved = finance.post("/console/funds/save?in=alder", data=hidden(text) | {"reason": "the new appeal"})
    assert (saved.status_code, saved.location) == (303, "/console/replays/1")
    assert house.bell.rings[-1] == "alder"
    while house.relay.plans.advance("alder"):
        pass
    house.post()
    assert [house.entry(number).status for number in (1, 2, 3, 4)] == [*[Status.POSTED] * 3, Status.HELD]
    assert "edited here" in page(finance, "/console/funds?in=alder")
    assert "the new appeal" in page(finance, "/console/funds/history?in=alder&code=GALA")
    (line,) = house.lines("map_fund")
    assert (line.who, line.through, line.subject) == ("finance@example.org", "console", "fund GALA")


@pytest.mark.parametrize(
    ("kind", "name", "sentence"),
    [("designee", "designee_id", "Choose the designee"), ("write_in", "write_in", "Write the name")],
)
def test_a_way_without_its_designee_or_name_is_never_no_designation(house, give, kind, name, sentence):
    give(1)
    finance = house.client("finance")
    answer = look(finance, {"code": "GALA", "kind": kind, name: " "})
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert "What saving does" not in answer.get_data(as_text=True)
    none = look(finance, {"code": "GALA", "kind": "none"}).get_data(as_text=True)
    finance.post("/console/funds/save?in=alder", data=hidden(none) | {"kind": kind, "reason": "x"})
    assert house.relay.plans.listing(None) == []
    assert f"Not saved. {sentence}" in page(finance, "/console/funds/edit?in=alder&code=GALA")


def test_an_edit_is_taken_back(house):
    finance = house.client("finance")
    text = look(finance, {"code": "WATER", "kind": "write_in", "write_in": "Wells"}).get_data(as_text=True)
    finance.post("/console/funds/save?in=alder", data=hidden(text) | {"reason": "x"})
    assert "Wells" in page(finance, "/console/funds?in=alder")
    assert "As the configuration file says" in page(finance, "/console/funds/edit?in=alder&code=WATER")
    text = look(finance, {"code": "WATER", "kind": "file"}).get_data(as_text=True)
    finance.post("/console/funds/save?in=alder", data=hidden(text) | {"reason": "a mistake"})
    assert "Wells" not in page(finance, "/console/funds?in=alder")
    assert "taken back" in page(finance, "/console/funds/history?in=alder")


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"kind": "designee", "designee_id": "44", "form_id": "5"}, "form_id and level_id together"),
        ({"kind": "designee", "designee_id": "x"}, "designee_id"),
        ({"kind": "file"}, "nothing to take back"),
    ],
)
def test_what_is_no_fund_is_said_on_the_form(house, data, sentence):
    finance = house.client("finance")
    answer = look(finance, {"code": "GALA"} | data)
    assert answer.status_code == 422
    assert sentence in answer.get_data(as_text=True)
    assert look(finance, {"code": "GALA"} | data, headers={"HX-Request": "true"}).status_code == 200


def test_a_designee_that_luminate_does_not_list_is_warned_of(house):
    text = look(house.client("finance"), {"code": "GALA", "kind": "designee", "designee_id": "99"}).get_data(
        as_text=True
    )
    assert "no designee 99" in text


def test_without_luminate_the_page_says_so_and_a_number_is_typed(house):
    house.luminate.healthy = False
    finance = house.client("finance")
    assert "Nobody listens." in page(finance, "/console/funds?in=alder")
    assert "designee 7" in page(finance, "/console/funds?in=alder")
    text = look(finance, {"code": "GALA", "kind": "designee", "designee_id": "44"}).get_data(as_text=True)
    assert 'id="designee_id" name="designee_id" type="text"' in text
    assert "not in Luminate" not in text


def test_what_changed_since_the_look_is_looked_at_again(house, give):
    give(1)
    finance = house.client("finance")
    text = look(finance, {"code": "GALA", "kind": "designee", "designee_id": "44"}).get_data(as_text=True)
    house.relay.deciding.close(1, actor=operator("a test"), reason="x")
    answer = finance.post("/console/funds/save?in=alder", data=hidden(text) | {"reason": "x"}, follow_redirects=True)
    assert "look again" in answer.get_data(as_text=True)
    assert house.lines("map_fund") == []


@pytest.mark.parametrize("path", ["/console/funds/edit", "/console/funds/save"])
def test_a_viewer_changes_nothing_by_hand_made_requests(house, path):
    viewer = house.client("viewer")
    data = {"code": "GALA", "kind": "none", "seen": "0-", "reason": "x"} | token(viewer, "/console/account")
    assert viewer.post(f"{path}?in=alder", data=data).status_code == 403
    assert viewer.get("/console/funds/edit?in=alder&code=GALA").status_code == 403
    assert house.lines("map_fund") == []


@pytest.mark.parametrize("name", ["birch", "nowhere"])
def test_another_organizations_map_does_not_exist(house, name):
    finance = house.client("finance")
    for path in ("/console/funds", "/console/funds/edit", "/console/funds/history"):
        assert finance.get(f"{path}?in={name}").status_code == 404
    data = {"code": "GALA", "kind": "none", "seen": "0-", "reason": "x"} | token(finance, "/console/account")
    for path in ("/console/funds/edit", "/console/funds/save"):
        assert finance.post(f"{path}?in={name}", data=data).status_code == 404


def test_several_maps_stand_under_their_names(house, give):
    give(1)
    give(1, fund="ZOO", organization="birch")
    text = page(house.client("root"), "/console/funds")
    assert text.index("GALA") < text.index("ZOO")
    assert house.client("root").get("/console/funds/edit?code=GALA").status_code == 404  # whose?


def test_a_token_is_made_shown_once_and_ended(house):
    admin = house.client("admin")
    data = {"name": "the books", "organization": "alder", "scope": ["read", "act"], "days": "90"}
    answer = admin.post("/console/tokens", data=data | token(admin, "/console/tokens"))
    secret = re.search(r"relay_[\w-]{43}", answer.get_data(as_text=True))[0]
    assert house.relay.tokens.whose(secret)[1].allowed.keys() == {"alder"}
    text = page(admin, "/console/tokens")
    assert "the books" in text
    assert secret not in text
    ended = admin.post("/console/tokens/1/end", data=token(admin, "/console/tokens"))
    assert ended.status_code == 303
    assert house.relay.tokens.whose(secret) is None


def test_tokens_are_an_admins(house):
    for name in ("viewer", "finance"):
        client = house.client(name)
        assert client.get("/console/tokens").status_code in (403, 404)
        data = {"name": "x", "organization": "alder", "scope": "read"} | token(client, "/console/account")
        assert client.post("/console/tokens", data=data).status_code in (403, 404)
    admin = house.client("admin")
    data = {"name": "x", "organization": "birch", "scope": "read"} | token(admin, "/console/tokens")
    assert admin.post("/console/tokens", data=data).status_code == 404
    assert house.lines("add_token") == []
