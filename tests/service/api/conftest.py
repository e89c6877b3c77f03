"""The API over the real application: two organizations, a token of each scope, a fake Luminate."""

import pytest

from relay.access import operator
from relay.gifts import Designation
from tests.builders import DONOR, make_gift
from tests.support.console import House

BOSS = operator("a test")
SCOPES = {"reader": ["read"], "actor": ["act"], "mapper": ["map"], "all": ["read", "act", "map"]}


class Program:
    """A program with a token, or without."""

    def __init__(self, house, secret=""):
        self.client = house.app.test_client()
        self.secret = secret

    def __call__(self, method, path, body=None, *, status=None, headers=None, **query):
        headers = dict(headers or {})
        if self.secret:
            headers["Authorization"] = f"Bearer {self.secret}"
        given = {} if body is None else {"json": body}
        answer = self.client.open(f"/api/v1{path}", method=method, headers=headers, query_string=query, **given)
        assert status is None or answer.status_code == status, (answer.status_code, answer.get_data(as_text=True))
        return answer

    def get(self, path, **query):
        return self("GET", path, status=200, **query).json

    def post(self, path, body=None, status=200, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("POST", path, body, status=status, headers=named).json

    def put(self, path, body, status=200, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self("PUT", path, body, status=status, headers=named).json


@pytest.fixture
def house(tmp_path):
    made = House(f"sqlite:///{tmp_path / 'ledger.db'}")
    made.tokens = {name: made.relay.tokens.add(name, "alder", scopes, actor=BOSS) for name, scopes in SCOPES.items()}
    made.tokens["birch"] = made.relay.tokens.add("birch", "birch", ["read", "act", "map"], actor=BOSS)
    yield made
    made.database.engine.dispose()


@pytest.fixture
def program(house):
    """A program with all scopes in alder; ``program.named("birch")`` is another."""

    def named(name):
        return Program(house, house.tokens[name].secret if name else "")

    made = named("all")
    made.named = named
    return made


@pytest.fixture
def gift():
    """A gift of alder's for the fund of this code."""

    def made(number, fund="", amount="25.00", donor=DONOR):
        designations = (Designation(fund=fund),) if fund else ()
        return make_gift(amount, keys=(f"ch_{number}",), designations=designations, donor=donor)

    return made
