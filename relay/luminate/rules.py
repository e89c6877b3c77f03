"""Field rules: parameters taken from the provider's own object by JMESPath, as an organization configured them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jmespath
from jmespath.exceptions import JMESPathError

from relay.config import FieldRule
from relay.luminate.problems import Problem, invalid, missing

# Amounts, shares, credentials, transport, mails and the card's mask are relay's own business, whatever the
# configuration says: a rule for one of these has no effect.
LOCKED = frozenset(
    {
        "method", "api_key", "v", "login_name", "login_password", "response_format", "suppress_response_codes",
        "other_amount", "additional_amount", "single_designated_id", "send_receipt", "send_registration_email",
        "send_auto_responder", "refund_amount", "refund_user_confirm_code", "validate", "card_number",
    }
)  # fmt: skip
_LOCKED_FAMILY = re.compile(r"designated(_write_in)?\.")


def is_locked(parameter: str) -> bool:
    """Whether no rule may set this parameter."""
    return parameter in LOCKED or _LOCKED_FAMILY.match(parameter) is not None


def open_rules(rules: Iterable[FieldRule]) -> tuple[FieldRule, ...]:
    """The rules that may have an effect."""
    return tuple(rule for rule in rules if not is_locked(rule.parameter))


def found_by(
    rules: Iterable[FieldRule], sources: Iterable[Mapping[str, Any]]
) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """What the expressions find, each in the first source that has it; a rule without a path is a constant."""
    found: dict[str, str] = {}
    problems: list[Problem] = []
    for rule in rules:
        try:
            value = _first(rule, sources) if rule.path else rule.default
        except ValueError as error:
            problems.append(invalid(rule.parameter, str(error)))
        else:
            found |= {rule.parameter: value} if value else {}
    return found, tuple(problems)


def defaults(rules: Iterable[FieldRule], parameters: Mapping[str, str]) -> dict[str, str]:
    """The defaults of what neither an expression nor relay's own mapping has found."""
    return {rule.parameter: rule.default for rule in rules if rule.default and not parameters.get(rule.parameter)}


def still_missing(rules: Iterable[FieldRule], parameters: Mapping[str, str]) -> tuple[Problem, ...]:
    """One problem for each required parameter that is not there."""
    return tuple(missing(rule.parameter) for rule in rules if rule.required and not parameters.get(rule.parameter))


def _first(rule: FieldRule, sources: Iterable[Mapping[str, Any]]) -> str:
    """The first value that is there. Raises ValueError for one that is not a single text, number or boolean."""
    for source in sources:
        value = _searched(rule.path, source)
        text = _as_text(value)
        if text:
            return text
    return ""


def _searched(path: str, source: Mapping[str, Any]) -> Any:
    """What one expression finds. JMESPath functions raise where the data has another shape than expected."""
    try:
        return _compiled(path).search(source)
    except (JMESPathError, TypeError, ValueError, AttributeError) as error:
        raise ValueError("cannot be taken from the provider's data by its rule") from error


@lru_cache(maxsize=512)
def _compiled(path: str) -> Any:
    return jmespath.compile(path)


def _as_text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return " ".join(value.split())
    if isinstance(value, int | Decimal):
        return format(value, "f" if isinstance(value, Decimal) else "d")
    # A float has lost its exact text already, so it is written as Python reads it back; amounts never come this way.
    if isinstance(value, float):
        return repr(value)
    raise ValueError("is not a single value in the provider's data")
