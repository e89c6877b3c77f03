"""One organization from environment variables alone, and variables that look like a slip of the pen."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError

from relay.config.checks import organization_in, site_url, wrong_name, wrong_site_url
from relay.config.problems import MISSING, Path, Problem, flatten, listed, sentence
from relay.config.process import PROCESS_VARIABLES
from relay.config.provider_names import OPTIONS, PROVIDERS, option_variable, secret_variable
from relay.config.schemas import organization
from relay.config.toml import Source

NAME = "RELAY_ORGANIZATION"
REQUIRED: Mapping[str, Path] = {
    "LUMINATE_URL": ("luminate", "url"),
    "LUMINATE_API_KEY": ("luminate", "api_key"),
    "LUMINATE_LOGIN_NAME": ("luminate", "login_name"),
    "LUMINATE_LOGIN_PASSWORD": ("luminate", "login_password"),
    "LUMINATE_FORM_ID": ("form_id",),
    "LUMINATE_LEVEL_ID": ("level_id",),
}
OPTIONAL: Mapping[str, Path] = {
    "LUMINATE_CENTER_ID": ("luminate", "center_id"),
    "LUMINATE_SOURCE": ("luminate", "source"),
    "LUMINATE_SUB_SOURCE": ("luminate", "sub_source"),
    "LUMINATE_RESPONSE_FORMAT": ("luminate", "response_format"),
    "LUMINATE_SUPPRESS_RESPONSE_CODES": ("luminate", "suppress_response_codes"),
    "LUMINATE_VALIDATE": ("luminate", "validate"),
    "LUMINATE_PROXY": ("luminate", "proxy"),
    "LUMINATE_CONNECT_TIMEOUT": ("luminate", "connect_timeout"),
    "LUMINATE_READ_TIMEOUT": ("luminate", "read_timeout"),
    "LUMINATE_SOAP_URL": ("luminate", "soap_url"),
    "LUMINATE_SOAP_USER": ("luminate", "soap_user"),
    "LUMINATE_SOAP_PASSWORD": ("luminate", "soap_password"),
    "RELAY_MODE": ("mode",),
    "RELAY_CURRENCY": ("currency",),
    "RELAY_TIME_ZONE": ("time_zone",),
    "RELAY_SETTLE_SECONDS": ("pace", "settle_seconds"),
    "RELAY_MAX_IN_FLIGHT": ("pace", "max_in_flight"),
    "RELAY_PER_MINUTE": ("pace", "per_minute"),
    "RELAY_RETRY_LADDER": ("pace", "retry_ladder"),
    "RELAY_CHECK_LADDER": ("pace", "check_ladder"),
    "RELAY_PROBE_LADDER": ("probe", "ladder"),
    "RELAY_PROBE_SETTLE_SECONDS": ("probe", "settle_seconds"),
    "RELAY_ALERT_EMAILS": ("alerts", "emails"),
    "RELAY_ALERT_WEBHOOKS": ("alerts", "webhooks"),
    "RELAY_ALERT_DAILY_AT": ("alerts", "daily_at"),
    "RELAY_ALERT_SILENCE_TIMES": ("alerts", "silence_times"),
    "RELAY_RETENTION_DAYS": ("retention", "payload_days"),
}
SECRETS: Mapping[str, Path] = {secret_variable(name): ("providers", name, "secrets") for name in PROVIDERS}
PROVIDER_OPTIONS: Mapping[str, Path] = {
    option_variable(name, option): ("providers", name, "options", option)
    for name, options in OPTIONS.items()
    for option in options
}
_PATHS: Mapping[str, Path] = {**REQUIRED, **OPTIONAL, **SECRETS, **PROVIDER_OPTIONS}
ORGANIZATION_VARIABLES = (*_PATHS, NAME)
VARIABLES = (*PROCESS_VARIABLES, *ORGANIZATION_VARIABLES)
_SECRET_SUFFIX = secret_variable("")


def read_environment(environ: Mapping[str, str], used: frozenset[str]) -> Source:
    """The organization the variables describe, if they do, and every mistake in them.

    ``used`` are the variables the file names as ``${NAME}``: they alone describe no organization, and may have
    any name.
    """
    given = {name: environ[name] for name in ORGANIZATION_VARIABLES if environ.get(name, "").strip()}
    source = Source(problems=list(_slips(environ, used)))
    if given.keys() & REQUIRED.keys() - used:
        source.problems += _take(source, given)
    else:
        needed = listed(REQUIRED).replace(" or ", " and ")
        text = f"is set, but describes nothing without {needed}; or name it in the file as ${{NAME}}"
        source.problems += [sentence(name, text) for name in given if name not in used]
    return source


def _take(source: Source, given: Mapping[str, str]) -> Iterator[str]:
    """Put the organization into ``source``, or tell what is wrong with it."""
    name = _name(given)
    source.names[name] = NAME if NAME in given else "LUMINATE_URL"
    if wrong := wrong_name(name):
        yield sentence(NAME, wrong)
    try:
        source.organizations[name] = organization(name, _nested(given))
    except ValidationError as error:
        yield from (_sentence(problem, given) for problem in flatten(error.messages))


def _name(given: Mapping[str, str]) -> str:
    if NAME in given:
        return given[NAME].strip()
    url = given.get("LUMINATE_URL", "")
    return "main" if wrong_site_url(url) else organization_in(site_url(url)) or "main"


def _nested(given: Mapping[str, str]) -> dict[str, Any]:
    """The variables in the shape of a TOML table."""
    tables: dict[str, Any] = {"luminate": {}}
    for name, path in _PATHS.items():
        if name in given:
            table = tables
            for step in path[:-1]:
                table = table.setdefault(str(step), {})
            table[str(path[-1])] = given[name]
    return tables


def _sentence(problem: Problem, given: Mapping[str, str]) -> str:
    """A problem under the name of the variable it comes from."""
    if problem.path == ("providers",):
        return sentence(listed(SECRETS), "one of them must be set")
    place = next((name for name, path in _PATHS.items() if problem.path[: len(path)] == path), "LUMINATE_URL")
    if problem.text == MISSING:
        return sentence(place, f"is not set, although {next(name for name in REQUIRED if name in given)} is")
    which = problem.path[len(_PATHS[place]) :]
    kind = "secret" if place in SECRETS else "number"
    return sentence(place, f"{kind} {int(which[0]) + 1} {problem.text}" if which else problem.text)


def _slips(environ: Mapping[str, str], used: frozenset[str]) -> Iterator[str]:
    """Variables that are nearly one of ours, or name a provider nobody knows."""
    for name in sorted(set(environ) - set(VARIABLES) - used):
        if name.startswith(("LUMINATE_", "RELAY_")) or name.endswith(("_WEBHOOK_SECRETS", _SECRET_SUFFIX)):
            if close := difflib.get_close_matches(name, VARIABLES, n=1, cutoff=0.85):
                yield sentence(name, f'is not known; did you mean "{close[0]}"?')
            elif name.endswith(_SECRET_SUFFIX):
                yield sentence(name, f"names no provider relay knows; they are {', '.join(PROVIDERS)}")
