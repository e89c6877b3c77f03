"""The document, attacked with itself: no 5xx, no answer that it does not tell of; and the examples of docs/api.md."""

import os
import re
import shlex
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from relay.web.api.document import document
from relay.web.api.operations import OPERATIONS

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text(encoding="utf-8")
CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
)
# `make prove` says more.
EXAMPLES = int(os.environ.get("RELAY_API_EXAMPLES", "25"))
NAMES = [one.name for one in OPERATIONS]


@pytest.fixture
def stocked(house, gift):
    """A ledger in which most numbers lead somewhere."""
    house.luminate.script = ["rejected", "lost", "ok"]
    for number, fund in enumerate(["", "", "", "GALA", "GALA"], 1):
        house.take(gift(number, fund))
    house.post()
    return house


def attacked(app):
    """The document without its tokens: whose token a request bears is ours to say."""
    told = {key: value for key, value in document().items() if key != "security"}
    schema = schemathesis.openapi.from_dict(told)
    schema.app = app
    return schema


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_no_request_meets_an_answer_that_is_not_documented(stocked, name, monkeypatch):
    monkeypatch.setattr("relay.web.api.door.PER_MINUTE", 10**6)
    monkeypatch.setattr("relay.web.api.door.WRONG_PER_MINUTE", 10**6)
    operation = attacked(stocked.app).find_operation_by_id(name)
    modes = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE
    cases = st.one_of(*(operation.as_strategy(generation_mode=mode) for mode in modes))
    secrets = {name: token.secret for name, token in stocked.tokens.items()} | {"": ""}

    @settings(
        max_examples=EXAMPLES,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(case=cases, who=st.sampled_from(["", "reader", "actor", "mapper", "all", "all", "all"]))
    def attack(case, who):
        headers = {"Authorization": f"Bearer {secrets[who]}"} if who else {}
        response = case.call(headers=headers)
        case.validate_response(response, checks=list(CHECKS), headers=headers)
        assert who or response.status_code in (401, 404)

    attack()


def test_the_document_tells_of_every_operation():
    told = {
        (method, path)
        for path, methods in document()["paths"].items()
        for method, one in methods.items()
        if one["operationId"] in NAMES
    }
    assert told == {(one.method, one.path) for one in OPERATIONS}


def test_every_rule_of_the_api_is_in_the_document(house):
    rules = {rule.rule for rule in house.app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")}
    told = {"/api/v1" + one.path.replace("{number}", "<int:number>") for one in OPERATIONS}
    assert rules - told == {"/api/v1/openapi.json"}


def test_the_document_is_for_everybody(house):
    told = house.app.test_client().get("/api/v1/openapi.json")
    assert (told.status_code, told.json["openapi"]) == (200, "3.1.0")


# --- docs/api.md --------------------------------------------------------------------------------------------------


def examples():
    blocks = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    return [block.replace("\\\n", " ").strip() for block in blocks]


def curl(house, line, variables):
    """What curl would send, through the test client."""
    words = shlex.split(line.replace("'\"$SEEN\"'", "$SEEN"))
    for name, value in variables.items():
        words = [word.replace(f"${name}", value) for word in words]
    method, headers, data, query, url = "", {}, None, [], ""
    rest = iter(words[1:])
    for word in rest:
        match word:
            case "-sS" | "-G":
                continue
            case "-X":
                method = next(rest)
            case "-H":
                header, _, value = next(rest).partition(": ")
                headers[header] = value
            case "-d":
                data = next(rest)
            case "--data-urlencode":
                query.append(tuple(next(rest).split("=", 1)))
            case _:
                url = word
    parts = urlsplit(url)
    query += parse_qsl(parts.query)
    return house.app.test_client().open(
        parts.path, method=method or "GET", headers=headers, data=data, query_string=query
    )


def test_every_example_of_the_page_works(house, program, gift):
    house.luminate.script = ["rejected"]
    house.take(gift(1))
    house.post()
    house.take(gift(2, "GALA"))
    house.luminate.script = ["rejected"]
    house.take(gift(3))
    house.post()
    variables = {"TOKEN": program.secret, "RELAY": "http://relay.test", "SEEN": ""}
    lines = examples()
    assert len(lines) == 9
    for line in lines:
        told = curl(house, line, variables)
        assert told.status_code in (200, 201), (line, told.get_data(as_text=True))
        variables["SEEN"] = told.json.get("seen", variables["SEEN"])


def test_the_page_tells_of_every_status():
    told = {int(number) for row in re.findall(r"^\| ([0-9, ]+) \|", PAGE, re.MULTILINE) for number in row.split(",")}
    documented = {int(name.removeprefix("Problem")) for name in document()["components"]["responses"]}
    assert told == documented | {405}
