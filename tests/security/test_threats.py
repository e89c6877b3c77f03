"""The threat model names tests: each is there, and each test file is in use."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/security.md").read_text()
NAMED = sorted(set(re.findall(r"`((?:tests/[\w/]+\.py::)?test_\w+)`", PAGE)))


def names_of(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)}


HERE = {name for path in Path(__file__).parent.glob("test_*.py") for name in names_of(path)}


@pytest.mark.parametrize("named", NAMED)
def test_a_test_that_the_threat_model_names_is_there(named):
    place, _, name = named.rpartition("::")
    assert name in (names_of(ROOT / place) if place else HERE)


def test_every_threat_has_its_test_or_is_said_to_have_none():
    rows = re.findall(
        r"^\| (.+?) \| (.+?) \|(.*)\|$", PAGE.split("## Threats")[1].split("## Dependencies")[0], re.MULTILINE
    )
    bare = [threat for threat, _, tests in rows if "`test" not in tests and threat not in {"threat", "---"}]
    assert bare == []
    assert len(NAMED) >= 60


def test_the_page_says_what_is_not_there():
    assert "What a sealed ledger still tells" in PAGE.split("## Not there yet")[1]
