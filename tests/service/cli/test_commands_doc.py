"""docs/commands.md and the commands agree: each command, each option, each exit code."""

import re
from pathlib import Path

import click
import pytest

from relay.cli import COMMANDS
from relay.cli.commands import FAILED, NO_DATABASE, WRONG_USAGE

PAGE = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")


def commands():
    for command in COMMANDS:
        if isinstance(command, click.Group):
            yield from ((f"{command.name} {name}", inner) for name, inner in command.commands.items())
        else:
            yield command.name, command


def section(name):
    """The part of the page under the heading that names the command."""
    for part in re.split(r"^### ", PAGE, flags=re.MULTILINE)[1:]:
        heading, _, text = part.partition("\n")
        if re.search(rf"`flask {re.escape(name)}[ `]", heading):
            return heading + text
    return ""


@pytest.mark.parametrize(
    ("name", "command"), list(commands()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_every_command_and_option_is_documented(name, command):
    text = section(name)
    assert text, f"docs/commands.md has no heading for `flask {name}`"
    assert command.help
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            for option in parameter.opts:
                assert re.search(rf"`{option}[ `]", text), f"{option} of `flask {name}` is not documented"
                assert parameter.help


@pytest.mark.parametrize("code", [0, FAILED, WRONG_USAGE, NO_DATABASE])
def test_every_exit_code_is_documented(code):
    assert f"\n| {code} | " in PAGE


def test_every_option_on_the_page_exists():
    known = {option for _, command in commands() for parameter in command.params for option in parameter.opts}
    assert set(re.findall(r"`(--[a-z-]+)", PAGE)) - known == {"--help"}
