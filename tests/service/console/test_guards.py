"""Every route of the console, also the ones of tomorrow: behind the sign-in, behind its token, within the rights.

Addresses are filled in with something of alder. A route for which these tables have nothing fails until they do.
"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from sqlalchemy import insert

from relay.ledger.work_tables import plans, proposals, tokens
from relay.reports.causes import cause_of
from tests.builders import DONOR, make_gift
from tests.support.console import House, token

# Whoever is not signed in may ask for these.
OPEN = {"static", "sign_in", "sign_in_post", "sign_in_code", "sign_in_code_post", "invitation", "invitation_post",
        "oidc_begin", "oidc_end"}  # fmt: skip
# Everybody may post these: they concern nobody but whoever posts.
OWN = {"sign_out", "account_password", "account_codes_post"}
# Only an admin may look at these.
MANAGED = ("/console/people", "/console/audit", "/console/tokens")
NAMES = {"organization": "alder", "code": "WATER", "event": 1, "version": 1}
# What a form may hold, so that no field is missing before the rights are asked.
FORM = {"reason": "because", "organization": "alder", "role": "viewer", "email": "x@example.org", "q": "status:held",
        "confirmation_code": "C1", "code": "C1"}  # fmt: skip


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """One house for all routes, since none of these requests may change anything."""
    made = House(f"sqlite:///{tmp_path_factory.mktemp('guards') / 'ledger.db'}")
    entry, now = made.take(make_gift(donor=replace(DONOR, email=""))), datetime.now(UTC)
    by, asked = {"made_by": "x", "made_at": now}, {"proposed_by": "x", "proposed_at": now}
    rows = {
        "replays": (plans, {"search": "", "status": "drawn", "changed_by": "x", "changed_at": now, **by}),
        "proposals": (proposals, {"entry_id": entry.id, "changes": {}, "reason": "x", **asked}),
        "tokens": (tokens, {"name": "x", "digest": "x", "scopes": [], **by}),
    }
    made.cause = cause_of(entry.status, entry.reason, entry.reason_text).key
    made.places = {"gifts": entry.id, "unknown": entry.id, "people": made.numbers["viewer"]}
    with made.database.write() as tx:
        for place, (table, values) in rows.items():
            added = insert(table).values(organization="alder", **values).returning(table.c.id)
            made.places[place] = tx.execute(added).scalar_one()
    yield made
    made.database.engine.dispose()


def routes(house, method):
    """(endpoint, address, whether it names something) of every route that takes this method."""
    for rule in house.app.url_map.iter_rules():
        if rule.endpoint.startswith("console.") and method in rule.methods:
            endpoint = rule.endpoint.removeprefix("console.")
            if endpoint not in OPEN:
                yield endpoint, address(house, rule, method), bool(rule.arguments)


def address(house, rule, method):
    place = rule.rule.split("/")[2]
    known = NAMES | {"number": house.places.get(place), "cause": house.cause}
    values = {name: known[name] for name in rule.arguments}
    return house.app.url_map.bind("localhost").build(rule.endpoint, values, method=method)


def post(client, path):
    return client.post(path, data=FORM | token(client, "/console/account"))


def test_every_page_wants_somebody_who_signed_in(house):
    client, wrong = house.client(), []
    for _endpoint, path, _ in routes(house, "GET"):
        answer = client.get(path)
        if answer.status_code != 303 or not answer.location.startswith("/console/sign-in?next=/console/"):
            wrong.append((path, answer.status_code))
    assert wrong == []


def test_every_change_wants_somebody_who_signed_in(house):
    client, wrong = house.client(), []
    for _endpoint, path, _ in routes(house, "POST"):
        answer = client.post(path, data=FORM | token(client, "/console/sign-in"))
        if (answer.status_code, answer.location) != (303, "/console/sign-in"):
            wrong.append((path, answer.status_code))
    assert wrong == []


def test_every_change_wants_its_token(house):
    client = house.client("root")
    answers = {path: client.post(path, data=FORM) for _endpoint, path, _ in routes(house, "POST")}
    assert {path for path, answer in answers.items() if b"open for too long" not in answer.data} == set()


def test_no_page_changes_anything(house):
    """GET and POST are never one route: a link in a mail must not be a change."""
    both = [rule.rule for rule in house.app.url_map.iter_rules() if {"GET", "POST"} <= rule.methods]
    assert both == []


def test_a_viewer_may_change_nothing(house):
    client = house.client("viewer")
    answers = {path: post(client, path) for endpoint, path, _ in routes(house, "POST") if endpoint not in OWN}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 403} == {}


def test_a_viewer_sees_no_page_of_admins(house):
    client = house.client("viewer")
    answers = {path: client.get(path) for _endpoint, path, _ in routes(house, "GET") if path.startswith(MANAGED)}
    assert {path: answer.status_code for path, answer in answers.items() if answer.status_code != 403} == {}
    assert len(answers) >= 4


def test_to_an_outsider_nothing_of_another_organization_exists(house):
    client, wrong = house.client("outsider"), {}
    for method, ask in (("GET", client.get), ("POST", lambda path: post(client, path))):
        for _endpoint, path, names_something in routes(house, method):
            if names_something and (status := ask(path).status_code) != 404:
                wrong[method, path] = status
    assert wrong == {}


def test_an_organization_out_of_reach_is_none_on_every_page(house):
    client = house.client("outsider")
    answers = {path: client.get(f"{path}?in=alder").status_code for _endpoint, path, _ in routes(house, "GET")}
    assert {path for path, status in answers.items() if status != 404} == set()


def test_none_of_it_changed_anything(house):
    """Nor leaves a line: what was refused was not done."""
    refused = house.entry(house.places["gifts"])
    for name in ("viewer", "outsider"):
        client = house.client(name)
        for endpoint, path, names_something in routes(house, "POST"):
            if endpoint not in OWN and (names_something or name == "viewer"):
                post(client, path)
    assert house.entry(house.places["gifts"]) == refused
    assert {line.action for line in house.lines()} <= {"signed in", "saw"}
