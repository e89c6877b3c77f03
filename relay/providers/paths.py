"""JMESPath over exact numbers: what an organization's mapping finds in a body, without code and without floats."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError

from relay.errors import NotUnderstood

_PLAIN = re.compile(r"-?\d{1,16}(\.\d{1,8})?", re.ASCII)


class _Exact(functions.Functions):
    """The functions of JMESPath, with ``to_number`` that never makes a float, and never cuts one off."""

    @functions.signature({"types": []})
    def _func_to_number(self, arg: Any) -> int | Decimal | None:
        if isinstance(arg, bool) or not isinstance(arg, int | Decimal | str):
            return None
        if isinstance(arg, str):
            return Decimal(arg) if _PLAIN.fullmatch(arg) else None
        return arg


_OPTIONS = jmespath.Options(custom_functions=_Exact())


@lru_cache(maxsize=1024)
def _compiled(expression: str) -> Any:
    return jmespath.compile(expression)


def found(options: Mapping[str, str], name: str, body: Any) -> Any:
    """What the expression of an option finds; None for nothing, or where the option is not set.

    Raises NotUnderstood where the expression does not fit the body.
    """
    if not (expression := options.get(name, "").strip()):
        return None
    try:
        return _compiled(expression).search(body, _OPTIONS)
    except (JMESPathError, ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        raise NotUnderstood(f"the mapping of {name} does not fit this body") from None


def holds(options: Mapping[str, str], rule: str, body: Any) -> bool:
    """Whether a rule is true. Nothing is false; raises NotUnderstood for anything that is neither."""
    answer = found(options, rule, body)
    if answer is None or isinstance(answer, bool):
        return answer is True
    raise NotUnderstood(f"the rule {rule} gives neither true nor false: compare with something (status == 'paid')")
