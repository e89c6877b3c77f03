"""Facts to JSON and back: what an entry's ``fact`` column holds, so that a replay maps them again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, TypeVar

import orjson
from cattrs import Converter

from relay.gifts import Fact, Gift, Refund
from relay.telemetry import mask_cards

_Told = TypeVar("_Told", bound=Fact)
# The provider's own ids are never masked: siblings meet by them.
_IDS = ("keys", "parent_keys", "refund_keys")

_converter = Converter()
_converter.register_unstructure_hook(datetime, lambda value: value.isoformat())
_converter.register_unstructure_hook(date, lambda value: value.isoformat())
_converter.register_structure_hook(date, lambda value, _: date.fromisoformat(value))
_converter.register_structure_hook(datetime, lambda value, _: datetime.fromisoformat(value))
# The provider's own objects pass through as they are.
_converter.register_structure_hook_func(lambda kind: kind == Mapping[str, Any], lambda value, _: value)
_converter.register_unstructure_hook_func(lambda kind: kind == Mapping[str, Any], dict)


def to_json(fact: Gift | Refund) -> dict[str, Any]:
    """The fact as plain JSON values."""
    encoded: dict[str, Any] = _converter.unstructure(fact)
    return encoded


def gift_from_json(data: Mapping[str, Any]) -> Gift:
    """The gift that ``to_json`` wrote."""
    return _converter.structure(data, Gift)


def refund_from_json(data: Mapping[str, Any]) -> Refund:
    """The refund that ``to_json`` wrote."""
    return _converter.structure(data, Refund)


def without_cards(fact: _Told) -> _Told:
    """The fact with every card number in its texts and objects masked: somebody typed it where it does not belong."""
    told: dict[str, Any] = _converter.unstructure(fact)
    raw = orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS)
    masked = mask_cards(raw)
    if masked == raw:
        return fact
    ids = {name: told[name] for name in _IDS if name in told}
    return _converter.structure(orjson.loads(masked) | ids, type(fact))
