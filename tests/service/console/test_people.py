"""Who may give which role to whom, and what it costs to make a mistake."""

import re

import pytest

from relay.access import Role
from relay.errors import NotAllowed, PersonRefused
from relay.ledger import people
from relay.office.people.entering import actor_of
from tests.support.console import BOSS, PASSWORD, email, token

PEOPLE = "/console/people"


@pytest.fixture
def act(house):
    """Post a form as somebody; gives back the answer."""

    def acting(name, path, /, **form):
        client = house.client(name)
        return client.post(path, data=form | token(client, "/console/account"))

    return acting


def actor(house, name):
    return actor_of(house.person(name))


def page(house, name, path=PEOPLE):
    return house.client(name).get(path).get_data(as_text=True)


def without_tokens(answer):
    return re.sub(rb'name="csrf_token" value="[^"]+"', b"", answer.data)


def test_an_admin_sees_those_with_a_role_where_they_are_admin(house):
    seen = set(re.findall(r"(\w+)@example\.org", page(house, "admin"))) - {"admin"}
    assert seen == {"viewer", "finance", "second"}
    assert set(re.findall(r"(\w+)@example\.org", page(house, "root"))) == set(house.numbers)


def test_an_admin_sees_no_role_in_another_organization(house):
    house.relay.people.give(BOSS, house.numbers["viewer"], "birch", Role.FINANCE)
    assert "birch" not in page(house, "admin")
    assert "birch" not in page(house, "admin", f"{PEOPLE}/{house.numbers['viewer']}")


@pytest.mark.parametrize("name", ["viewer", "finance"])
def test_only_admins_see_people(house, name):
    assert house.client(name).get(PEOPLE).status_code == 403


def test_somebody_added_gets_a_link_that_works_once(house, act):
    added = act("admin", PEOPLE, email="New@Example.org", name="New", organization="alder", role="finance")
    assert added.status_code == 200
    link = re.search(r"http://localhost(/console/invitation/[^<\s]+)", added.get_data(as_text=True))[1]
    assert house.person("new").roles == {"alder": Role.FINANCE}
    for expected in (303, 400):
        client = house.client()
        form = {"password": PASSWORD, "again": PASSWORD} | token(client, "/console/sign-in")
        assert client.post(link, data=form).status_code == expected
    assert house.client().get(link).status_code == 400
    assert house.sign_in("new").status_code == 303


def test_looking_at_a_link_does_not_use_it_up(house):
    link = house.relay.people.invite(BOSS, house.numbers["viewer"])
    for _ in range(2):
        assert house.client().get(f"/console/invitation/{link}").status_code == 200


def test_a_link_is_good_for_two_days(house, monkeypatch):
    link = house.relay.people.invite(BOSS, house.numbers["viewer"])
    monkeypatch.setattr("relay.office.people.managing.LINK_HOURS", -1)
    with pytest.raises(PersonRefused, match="no longer good"):
        house.relay.people.invited(link)


@pytest.mark.parametrize("link", ["x", "x.y.z", ""])
def test_a_made_up_link_opens_nothing(house, link):
    with pytest.raises(PersonRefused):
        house.relay.people.invited(link)


def test_a_link_makes_the_old_password_useless(house):
    house.relay.people.invite(BOSS, house.numbers["viewer"])
    assert house.sign_in("viewer").status_code == 401


def test_a_made_up_password_is_shown_once_and_works(house, act):
    answer = act("admin", f"{PEOPLE}/{house.numbers['viewer']}/password", how="password").get_data(as_text=True)
    made = re.search(r'class="code">([\w-]+)<', answer)[1]
    assert re.fullmatch(r"\w{4}(-\w{4}){3}", made)
    assert made not in page(house, "admin", f"{PEOPLE}/{house.numbers['viewer']}")
    assert house.sign_in("viewer", made).status_code == 303
    assert house.sign_in("viewer").status_code == 401


def test_a_role_changes_what_one_may_do_and_ends_the_sessions(house, act):
    before = house.client("viewer")
    act("admin", f"{PEOPLE}/{house.numbers['viewer']}/role", organization="alder", role="admin")
    assert before.get("/console/account").status_code == 303
    assert house.client("viewer").get(PEOPLE).status_code == 200


def test_somebody_without_a_role_sees_nothing_but_their_account(house):
    house.relay.people.give(BOSS, house.numbers["viewer"], "alder", None)
    client = house.client("viewer")
    assert client.get("/console/").status_code == 403
    assert client.get("/console/account").status_code == 200


def test_codes_can_be_switched_off_for_whoever_lost_the_telephone(house, act):
    with house.database.write() as tx:
        people.change(tx, house.numbers["viewer"], totp_secret="A" * 32)
    assert act("admin", f"{PEOPLE}/{house.numbers['viewer']}/codes").status_code == 303
    assert house.sign_in("viewer").location == "/console/"


def test_somebody_who_ended_is_out_at_once_and_can_come_back_with_nothing(house, act):
    before = house.client("viewer")
    assert act("admin", f"{PEOPLE}/{house.numbers['viewer']}/end").status_code == 303
    assert before.get("/console/account").status_code == 303
    assert house.sign_in("viewer").status_code == 401
    house.relay.people.add(BOSS, email("viewer"), name="", role=Role.VIEWER, organization="birch")
    again = house.person("viewer")
    assert (dict(again.roles), again.password_hash, again.has_ended) == ({"birch": Role.VIEWER}, "", False)


class TestWhatAnAdminOfOneOrganizationMayNot:
    @pytest.mark.parametrize("organization", ["*", "birch"])
    def test_give_a_role_elsewhere(self, house, organization):
        admin = actor(house, "admin")
        with pytest.raises(NotAllowed):
            house.relay.people.add(admin, "x@example.org", name="", role=Role.VIEWER, organization=organization)
        with pytest.raises(NotAllowed):
            house.relay.people.give(admin, house.numbers["admin"], organization, Role.ADMIN)

    @pytest.mark.parametrize("what", ["role", "password", "codes", "end"])
    def test_touch_somebody_who_is_not_there(self, house, act, what):
        for other in ("outsider", "root"):
            number = house.numbers[other]
            answer = act("admin", f"{PEOPLE}/{number}/{what}", organization="alder", role="viewer")
            assert answer.status_code == 404
            assert without_tokens(answer) == without_tokens(house.client("admin").get(f"{PEOPLE}/999999"))
        assert house.sign_in("outsider").status_code == 303

    @pytest.mark.parametrize("act_of", ["invite", "generate", "end", "reset_codes"])
    def test_become_somebody_who_may_more(self, house, act_of):
        """A role here for somebody who is admin elsewhere is no way into their account."""
        admin = actor(house, "admin")
        house.relay.people.add(admin, email("root"), name="", role=Role.VIEWER, organization="alder")
        with pytest.raises(PersonRefused, match="where you are no admin"):
            getattr(house.relay.people, act_of)(admin, house.numbers["root"])
        assert house.sign_in("root").status_code == 303

    def test_get_a_link_for_somebody_added_who_works_elsewhere(self, house, act):
        with house.database.write() as tx:
            people.change(tx, house.numbers["outsider"], password_hash="")
        answer = act("admin", PEOPLE, email=email("outsider"), organization="alder", role="viewer")
        assert answer.status_code == 303


def test_the_last_admin_of_everything_stays(house, act):
    root = house.numbers["root"]
    for change in (
        lambda: house.relay.people.give(BOSS, root, "*", Role.FINANCE),
        lambda: house.relay.people.give(BOSS, root, "*", None),
        lambda: house.relay.people.end(BOSS, root),
    ):
        with pytest.raises(PersonRefused, match="only admin of everything"):
            change()
    assert act("root", f"{PEOPLE}/{root}/end").status_code == 400
    assert house.person("root").roles == {"*": Role.ADMIN}
    assert house.sign_in("root").status_code == 303


def test_an_admin_of_everything_who_is_not_the_last_may_go(house):
    house.add("another", Role.ADMIN, "*")
    house.relay.people.end(BOSS, house.numbers["root"])
    assert house.person("root").has_ended


@pytest.mark.parametrize(
    "wrong", ["", "x", "@x", "x@", "a b@x.org", "x@y@z", "ä@x.org", "x" * 250 + "@x.org", "x\n@x.org"]
)
def test_what_is_no_address_is_refused(house, wrong):
    with pytest.raises(PersonRefused, match="not an e-mail address"):
        house.relay.people.add(BOSS, wrong, name="", role=Role.VIEWER, organization="alder")


def test_an_organization_that_is_not_configured_is_refused(house):
    with pytest.raises(PersonRefused, match="no organization"):
        house.relay.people.add(BOSS, "x@example.org", name="", role=Role.VIEWER, organization="aldre")


def test_every_change_is_a_line_of_the_audit(house):
    parts, number = house.relay.people, house.numbers["viewer"]
    parts.add(BOSS, "new@example.org", name="", role=Role.VIEWER, organization="alder")
    parts.give(BOSS, number, "alder", Role.FINANCE)
    parts.give(BOSS, number, "alder", Role.FINANCE)  # nothing changes: no line
    parts.generate(BOSS, number)
    parts.reset_codes(BOSS, number)
    parts.end(BOSS, number)
    told = [(line.who, line.action, line.organization, line.subject, dict(line.details)) for line in house.lines()]
    viewer = "person viewer@example.org"
    assert told == [
        ("a test", "added person", "alder", "person new@example.org", {"role": "viewer"}),
        ("a test", "changed role", "alder", viewer, {"before": "viewer", "after": "finance"}),
        ("a test", "reset password", "", viewer, {}),
        ("a test", "reset codes", "", viewer, {}),
        ("a test", "ended person", "", viewer, {}),
    ]


class TestTheCommand:
    @pytest.fixture
    def run(self, house):
        def running(*args, code=0):
            result = house.app.test_cli_runner().invoke(args=["users", *args])
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        return running

    def test_the_first_admin(self, house, run):
        told = run("add", "boss@example.org", "--role", "admin")
        made = told.split("shown this once: ")[1].strip()
        assert house.sign_in("boss", made).status_code == 303
        assert house.person("boss").roles == {"*": Role.ADMIN}

    def test_a_link_instead_of_a_password(self, house, run):
        told = run(
            "add", "boss@example.org", "--role", "viewer", "--organization", "alder", "--link", "https://r.example/"
        )
        path = told.split("https://r.example")[1].strip()
        assert house.client().get(path).status_code == 200

    def test_a_list(self, house, run):
        told = run("list")
        assert "admin in every organization" in told
        assert PASSWORD not in run("list", "--json")
        assert "argon2" not in run("list", "--json")

    def test_roles_passwords_and_an_end(self, house, run):
        run("role", email("viewer"), "--role", "finance", "--organization", "alder")
        assert house.person("viewer").roles == {"alder": Role.FINANCE}
        run("role", email("viewer"), "--role", "none", "--organization", "alder")
        assert house.person("viewer").roles == {}
        made = run("password", email("finance"), "--codes-off").split("shown this once: ")[1].strip()
        assert house.sign_in("finance", made).status_code == 303
        run("end", email("finance"), "--yes")
        assert house.sign_in("finance", made).status_code == 401

    def test_a_slip_changes_nothing(self, house, run):
        assert "Nobody signs in as" in run("end", "nobody@example.org", "--yes", code=1)
        assert "only admin of everything" in run("end", email("root"), "--yes", code=1)
        run("end", email("viewer"), code=2)
        assert house.lines() == []
