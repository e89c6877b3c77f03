"""What the documents list is what there is: commands, states, rooms, tables, and files that links point at."""

import re
import tomllib
from pathlib import Path

import pytest

from relay.cli import COMMANDS
from relay.ledger.models import metadata
from relay.status import Status

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


def first_cells(text):
    """The names in the first column of every table."""
    return {
        name for line in re.findall(r"^\| (`[^|]+) \|", text, re.MULTILINE) for name in re.findall(r"`([\w-]+)`", line)
    }


def section(text, title):
    return text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def test_the_readme_lists_every_command():
    assert first_cells(section(README, "Commands")) == {command.name for command in COMMANDS}


def test_the_readme_lists_every_state():
    assert first_cells(section(README, "How a gift flows")) == set(Status)


def test_the_architecture_names_every_table():
    assert set(metadata.tables) <= first_cells(section(ARCHITECTURE, "The tables"))


def test_the_architecture_draws_the_rooms_that_are_guarded():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    drawn = re.search(r"```\n(app\n.+?)```", ARCHITECTURE, re.DOTALL)[1].splitlines()
    assert [set(line.split(" | ")) for line in drawn] == [existing(layer) for layer in layers]


def existing(layer):
    """The modules of a layer that there are; a layer may name some that are still to come."""
    names = re.findall(r"\w+", layer)
    return {name for name in names if list((ROOT / "relay").glob(f"{name}.py")) or (ROOT / "relay" / name).is_dir()}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_point_at_files(document):
    targets = [target for target in re.findall(r"\]\(([^)#\s]+)", document.read_text()) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


@pytest.mark.parametrize("room", ["inbound", "outbound", "office", "reports"])
def test_the_architecture_names_the_floors_of_each_room(room):
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one.get("containers") == [f"relay.{room}"]]
    (row,) = [line for line in ARCHITECTURE.splitlines() if line.startswith(f"| `{room}` |")]
    floors = [set(re.findall(r"`(\w+)`", floor)) for floor in row.split("|")[3].split(";")]
    assert floors == [set(re.findall(r"\w+", layer)) for layer in layers]
