"""Tokens: shown once, kept as digests, good for one organization and no longer than they should be."""

import hashlib
from datetime import timedelta

import pytest

from relay.access import Actor, Permission, Role, Through, allowed_by, operator
from relay.errors import NotAllowed, ReplayRefused
from relay.ledger import audit
from relay.ledger.work_tables import tokens as table
from relay.office.tokens import Tokens
from tests.builders import make_organization, make_relay

ANN = operator("ann")


@pytest.fixture
def relay(sqlite_url):
    return make_relay(sqlite_url, make_organization("alder"), make_organization("birch"))


@pytest.fixture
def tokens(relay):
    return Tokens(relay.database, relay.settings.organizations)


def test_a_token_opens_one_organization_with_its_scopes(relay, tokens):
    made = tokens.add("the book-keeping", "alder", ["act"], actor=ANN)
    token, actor = tokens.whose(made.secret)
    assert (token.id, actor.name, actor.through) == (made.number, "token the book-keeping", Through.API)
    assert actor.allowed == {"alder": frozenset({Permission.READ, Permission.ACT})}
    assert not actor.may(Permission.READ, "birch")


def test_it_is_kept_as_a_digest_and_stands_nowhere_else(relay, tokens):
    made = tokens.add("x", "alder", ["read"], actor=ANN)
    (row,) = relay.rows(table)
    assert row["digest"] == hashlib.sha256(made.secret.encode()).hexdigest()
    with relay.database.read() as tx:
        written = [str(line) for line in audit.lines(tx, audit.Wanted())]
    assert made.secret not in str(dict(row)) + "".join(written)
    assert len(made.secret) == len("relay_") + 43


def test_two_are_never_the_same(tokens):
    assert len({tokens.add("x", "alder", ["read"], actor=ANN).secret for _ in range(20)}) == 20


@pytest.mark.parametrize(
    "secret", ["", "relay_", "relay_" + "a" * 43, "Bearer x", "relay_" + "a" * 42 + "é", "x" * 9999]
)
def test_what_is_no_token_opens_nothing(tokens, secret):
    tokens.add("x", "alder", ["read"], actor=ANN)
    assert tokens.whose(secret) is None


def test_it_ends_by_itself_and_by_hand(relay, tokens):
    short = tokens.add("short", "alder", ["read"], actor=ANN, days=1)
    ended = tokens.add("ended", "alder", ["read"], actor=ANN)
    assert tokens.whose(short.secret)
    tokens.end(ended.number, actor=ANN)
    assert tokens.whose(ended.secret) is None
    with pytest.raises(ReplayRefused, match="ended already"):
        tokens.end(ended.number, actor=ANN)
    relay.later(days=1)
    assert tokens.whose(short.secret) is None


def test_last_used_is_written_once_a_minute(relay, tokens):
    made = tokens.add("x", "alder", ["read"], actor=ANN)
    tokens.whose(made.secret)
    first = relay.rows(table)[0]["used_at"]
    tokens.whose(made.secret)
    assert relay.rows(table)[0]["used_at"] == first
    relay.later(minutes=2)
    tokens.whose(made.secret)
    assert relay.rows(table)[0]["used_at"] - first >= timedelta(minutes=2)


def test_a_token_of_an_organization_that_is_gone_opens_nothing(relay, tokens):
    made = tokens.add("x", "birch", ["read"], actor=ANN)
    left = Tokens(relay.database, {"alder": relay.settings.organizations["alder"]})
    assert left.whose(made.secret) is None


@pytest.mark.parametrize("scopes", [[], ["manage"], ["agree"], ["read", "everything"]])
def test_people_and_the_audit_are_for_people(tokens, scopes):
    with pytest.raises(ReplayRefused, match="read, act, map"):
        tokens.add("x", "alder", scopes, actor=ANN)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\x00b"])
def test_a_token_has_a_name(tokens, name):
    with pytest.raises(ReplayRefused, match="name"):
        tokens.add(name, "alder", ["read"], actor=ANN)


@pytest.mark.parametrize("days", [0, -1, 4000])
def test_days_within_reason(tokens, days):
    with pytest.raises(ReplayRefused, match="days"):
        tokens.add("x", "alder", ["read"], actor=ANN, days=days)


def person(role, name):
    return Actor("eve@example.org", Through.CONSOLE, allowed_by({name: role}))


def test_only_an_admin_makes_ends_and_lists(tokens):
    made = tokens.add("x", "alder", ["read"], actor=ANN)
    for role in (Role.VIEWER, Role.FINANCE):
        with pytest.raises(NotAllowed):
            tokens.add("y", "alder", ["read"], actor=person(role, "alder"))
        with pytest.raises(NotAllowed):
            tokens.end(made.number, actor=person(role, "alder"))
        assert tokens.listing(actor=person(role, "alder")) == []
    assert [token.id for token in tokens.listing(actor=person(Role.ADMIN, "alder"))] == [made.number]


def test_another_organizations_token_does_not_exist(tokens):
    made = tokens.add("x", "alder", ["read"], actor=ANN)
    outsider = person(Role.ADMIN, "birch")
    assert tokens.listing(actor=outsider) == []
    for number in (made.number, made.number + 1):
        with pytest.raises(NotAllowed, match=f"there is no token {number}"):
            tokens.end(number, actor=outsider)
    with pytest.raises(NotAllowed):
        tokens.add("y", "alder", ["read"], actor=outsider)


def test_the_audit_has_a_line_for_each(relay, tokens):
    made = tokens.add("the books", "alder", ["act"], actor=ANN, days=30)
    tokens.end(made.number, actor=ANN)
    with relay.database.read() as tx:
        lines = list(audit.lines(tx, audit.Wanted(organizations=("alder",))))
    told = [(line.action, line.subject, line.who, line.details["name"]) for line in lines]
    assert told == [("add_token", "token 1", "ann", "the books"), ("end_token", "token 1", "ann", "the books")]
