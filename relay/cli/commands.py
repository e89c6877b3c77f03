"""What every command shares: the parts, errors as one sentence, exit codes, JSON lines, who asks and for which reason.

Exit codes: 0 done; 1 refused, or something failed, in one sentence on standard error; 2 a wrong way of asking;
3 the database does not answer. docs/commands.md has them for people.
"""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from enum import StrEnum
from functools import partial
from typing import Any

import click
import orjson
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy.exc import SQLAlchemyError

from relay import telemetry
from relay.bootstrap import Relay
from relay.errors import KeyMissing, LedgerUnavailable, RelayError

FAILED, WRONG_USAGE, NO_DATABASE = 1, 2, 3


class Failure(click.ClickException):
    """Ends a command with one sentence on standard error."""

    exit_code = FAILED

    def __init__(self, sentence: str) -> None:
        """Take the sentence; capital and full stop may be left out."""
        super().__init__(sentence[:1].upper() + sentence[1:] + ("" if sentence.endswith((".", "?", "!")) else "."))

    def show(self, file: Any = None) -> None:
        """The sentence alone, without click's "Error:"."""
        click.echo(self.message, file=file or sys.stderr)


class WrongUsage(Failure):
    """The command was asked in a wrong way."""

    exit_code = WRONG_USAGE


class NoDatabase(Failure):
    """The database does not answer."""

    exit_code = NO_DATABASE


class Command(click.Command):
    """A command whose own output is all that goes to standard output, and whose refusals are sentences."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run it; an error of ours becomes an exit code."""
        telemetry.to_standard_error()
        try:
            return super().invoke(ctx)
        except KeyMissing as error:
            raise Failure(str(error)) from error
        except LedgerUnavailable as error:
            raise NoDatabase(f"The database does not answer ({error}); `flask doctor` says more") from error
        except SQLAlchemyError as error:
            # PostgreSQL without tables; SQLite calls the same unavailable.
            raise NoDatabase(f"The database refuses this ({type(error).__name__}); see `flask doctor`") from error
        except RelayError as error:
            raise Failure(str(error)) from error


class Group(click.Group):
    """A group of such commands."""

    command_class = Command


def command(name: str) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a ``flask`` command of this name, with the application around it."""

    def made(function: Callable[..., Any]) -> click.Command:
        return click.command(name, cls=Command)(with_appcontext(function))

    return made


def parts() -> Relay:
    """The wired relay of this process."""
    relay: Relay = current_app.extensions["relay"]
    return relay


def say(text: str = "") -> None:
    """A line for a person, or a line of JSON."""
    click.echo(text)


def say_json(value: Any) -> None:
    """One object on one line."""
    click.echo(orjson.dumps(value, option=orjson.OPT_UTC_Z).decode())


def zone_of(organization: str) -> tzinfo:
    """The organization's time zone; UTC for one that is not configured."""
    found = parts().settings.organizations.get(organization)
    return found.time_zone if found else UTC


def now() -> datetime:
    """Aware UTC."""
    return datetime.now(UTC)


def is_interactive() -> bool:
    """Whether a person can answer a question."""
    return sys.stdin.isatty()


def agreed(question: str, *, yes: bool) -> bool:
    """Ask, unless ``--yes`` was given. Without a person to ask it is a wrong way of asking."""
    if yes:
        return True
    if not is_interactive():
        raise WrongUsage("nobody is here to confirm this: look at the list above, then say --yes")
    return click.confirm(question)


def operator() -> str:
    """The name of whoever runs this command, "" where the system has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return ""


def one_of(words: type[StrEnum]) -> click.Choice[str]:
    """A choice among the words themselves; click would take the names of the members."""
    return click.Choice([word.value for word in words])


_OPTION = partial(click.option, required=True)
why = _OPTION("--reason", metavar="TEXT", help="Why, in your own words; kept with the entry.")
who = _OPTION("--who", metavar="NAME", default=operator, show_default="your user name", help="Who asks for it.")
as_json = click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
yes = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
entry_id = click.argument("entry", metavar="ID", type=click.IntRange(1))
