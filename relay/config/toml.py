"""The organizations of the TOML file that RELAY_CONFIG names, with ``${NAME}`` replaced from the environment."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path as FilePath
from typing import Any

from marshmallow import ValidationError

from relay.config.checks import wrong_name
from relay.config.organization import Organization
from relay.config.problems import Path, Problem, did_you_mean, dotted, flatten, sentence
from relay.config.schemas import organization

# ``$${`` stands for ``${`` itself; ``${`` without its end is a mistake.
_MARK = re.compile(r"\$\$\{|\$\{(?P<name>[^{}]*)\}|\$\{")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@dataclass(slots=True)
class Source:
    """What one source told: organizations, the names it takes, sentences about mistakes, variables it uses."""

    organizations: dict[str, Organization] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)  # name -> its place in words
    problems: list[str] = field(default_factory=list)
    used: frozenset[str] = frozenset()


def read_file(path: str, environ: Mapping[str, str]) -> Source:
    """Everything in the file at ``path``; nothing raises, all mistakes are in ``problems``."""
    file = FilePath(path)
    try:
        document = tomllib.loads(file.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        return Source(problems=[sentence(f"RELAY_CONFIG: {file.name}", _unreadable(error))])
    return _read_document(document, file.name, environ)


def _unreadable(error: OSError | ValueError) -> str:
    if isinstance(error, tomllib.TOMLDecodeError):
        return f"is not TOML: {error}"
    if isinstance(error, OSError):
        return f"cannot be read: {error.strerror or 'no reason given'}"
    return "is not a text file in UTF-8"


def _read_document(document: dict[str, Any], file: str, environ: Mapping[str, str]) -> Source:
    filling = _Filling(environ)
    document = filling.fill(document, ())
    tables = document.pop("organizations", {})
    found = [Problem((key,), "is not known" + did_you_mean(key, ["organizations"])) for key in document]
    if not isinstance(tables, Mapping):
        found.append(Problem(("organizations",), "must be a table"))
        tables = {}
    source = Source(used=frozenset(filling.used))
    for name, raw in tables.items():
        source.names[name] = f"{file}: {dotted(('organizations', name))}"
        found += [problem.under("organizations", name) for problem in _take(source, name, raw)]
    problems = [*filling.problems, *(problem for problem in found if not filling.explains(problem))]
    source.problems = [sentence(f"{file}: {dotted(problem.path)}", problem.text) for problem in problems]
    return source


def _take(source: Source, name: str, raw: Any) -> Iterator[Problem]:
    """Put the organization into ``source``, or tell what is wrong with it."""
    if wrong := wrong_name(name):
        yield Problem((), wrong)
    try:
        source.organizations[name] = organization(name, raw)
    except ValidationError as error:
        yield from flatten(error.messages)


class _Filling:
    """Replaces ``${NAME}`` in every text of a document; remembers names, and places it could not fill."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self.used: set[str] = set()
        self.problems: list[Problem] = []

    def fill(self, value: Any, path: Path) -> Any:
        """The value with every text inside it filled."""
        if isinstance(value, str):
            return _MARK.sub(lambda mark: self._replacement(mark, path), value)
        if isinstance(value, dict):
            return {key: self.fill(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item, (*path, place)) for place, item in enumerate(value)]
        return value

    def _replacement(self, mark: re.Match[str], path: Path) -> str:
        if mark[0] == "$${":
            return "${"
        name = mark["name"] or ""
        if not _VARIABLE.fullmatch(name):
            self.problems.append(Problem(path, "has a ${ that names no variable; write $${ for the signs themselves"))
            return ""
        self.used.add(name)
        if not (value := self.environ.get(name, "")).strip():
            self.problems.append(Problem(path, f"the variable {name} is not set"))
        return value

    def explains(self, problem: Problem) -> bool:
        """Whether a problem only comes from a place that could not be filled."""
        return any(problem.path in (hole.path, hole.path[:-1]) for hole in self.problems)
