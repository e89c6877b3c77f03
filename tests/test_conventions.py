"""The house rules that no linter knows, held against the code itself."""

import ast
import statistics
from pathlib import Path

import pytest

from relay.config import provider_names
from relay.providers import PROVIDERS
from relay.status import Outcome, Status

ROOT = Path(__file__).parent.parent
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text()) for path in sorted((ROOT / "relay").rglob("*.py"))
}
# Development only: it imports nothing of the rest, and has its own ways.
OURS = {path: tree for path, tree in TREES.items() if not path.startswith("relay/sandbox/")}
# Entry points, and what is for development only.
READS_ENVIRONMENT = ("relay/config/", "relay/app.py", "relay/cli/", "relay/demo/", "relay/sandbox/")
MONEY_WORDS = ("amount", "minor", "money", "total", "fee")
LOG_METHODS = {"debug", "info", "warning", "error", "exception", "critical"}


def found(trees, kind, is_wrong):
    """Where a node of this kind breaks the rule."""
    return [
        f"{path}:{node.lineno}"
        for path, tree in trees.items()
        for node in ast.walk(tree)
        if isinstance(node, kind) and is_wrong(node)
    ]


def name_of(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def test_no_float_comes_near_money():
    def is_wrong(call):
        inside = [node for one in call.args for node in ast.walk(one) if isinstance(node, ast.Constant)]
        literal = any(isinstance(node.value, float) for node in inside)
        made = name_of(call)
        return (made in {"Decimal", "Money", "parse"} and literal) or (
            made == "float" and any(word in ast.unparse(call) for word in MONEY_WORDS)
        )

    assert found(OURS, ast.Call, is_wrong) == []


def test_only_configuration_and_entry_points_read_the_environment():
    def is_wrong(node):
        on_os = isinstance(node.value, ast.Name) and node.value.id == "os"
        return on_os and node.attr in {"environ", "environb", "getenv"}

    others = {path: tree for path, tree in TREES.items() if not path.startswith(READS_ENVIRONMENT)}
    assert found(others, ast.Attribute, is_wrong) == []


def test_a_module_is_one_subject():
    assert [path for path in TREES if len((ROOT / path).read_text().splitlines()) >= 350] == []


def test_a_function_is_a_few_lines():
    functions = [
        node.end_lineno - node.lineno + 1
        for tree in TREES.values()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
    ]
    assert statistics.median(functions) < 12


def test_a_log_line_is_a_constant_phrase_and_ids():
    def is_wrong(call):
        on = getattr(call.func, "value", None)
        is_log = name_of(call) in LOG_METHODS and isinstance(on, ast.Name) and on.id in {"log", "logger"}
        return is_log and not isinstance(call.args[0], ast.Constant)

    assert found(OURS, ast.Call, is_wrong) == []


def test_every_match_has_a_case_for_the_rest():
    def is_wrong(node):
        # Over the members of a union, mypy sees that none is forgotten.
        is_over_classes = all(isinstance(case.pattern, ast.MatchClass) for case in node.cases)
        return not is_over_classes and ast.unparse(node.cases[-1].pattern) != "_"

    assert found(OURS, ast.Match, is_wrong) == []


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_is_handled_where_it_is_settled(outcome):
    matches = [node for node in ast.walk(TREES["relay/outbound/settling.py"]) if isinstance(node, ast.Match)]
    handled = {ast.unparse(case.pattern) for match in matches for case in match.cases}
    # Whatever is not named is unknown: the one outcome that never loses or doubles a gift.
    assert f"Outcome.{outcome.name}" in handled or (outcome is Outcome.UNKNOWN and "_" in handled)


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_provider_has_payloads_tests_and_documentation(provider):
    assert list((ROOT / "tests/payloads" / provider).glob("*")), "no payloads"
    tests = (ROOT / "tests/unit/providers").rglob("*.py")
    assert any(f'"{provider}"' in path.read_text() for path in tests), "no tests"
    assert any(provider in path.read_text().lower() for path in (ROOT / "docs").rglob("*.md")), "no documentation"


def test_the_configuration_knows_the_providers_of_the_registry():
    assert set(provider_names.PROVIDERS) == set(PROVIDERS)
    assert set(provider_names.OPTIONS) <= set(PROVIDERS)


def test_every_state_is_explained():
    told = " ".join(path.read_text() for path in (ROOT / "docs").rglob("*.md"))
    assert [status for status in Status if f"`{status}`" not in told] == []
