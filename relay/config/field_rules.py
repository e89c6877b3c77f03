"""The ``fields`` of an organization: addOfflineDonation parameters taken from the provider's object, without code.

Written as a table, ``"donor.employer" = "metadata.employer"`` (the quotes may be left out), or with more to
say ``{path = "...", default = "...", required = true}``; or as an array of tables with ``parameter`` added.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import ValidationError, fields, post_load, validates_schema

from relay.config.checks import wrong_default, wrong_parameter, wrong_path
from relay.config.fields import Data, Flag, StrictSchema, Text
from relay.config.organization import FieldRule
from relay.config.parameters import PARAMETERS

_PAIR = ("form_id", "level_id")


class FieldRuleSchema(StrictSchema):
    """One rule, as it is written in an array."""

    parameter = Text(required=True, check=wrong_parameter)
    path = Text(check=wrong_path)
    default = Text()
    required = Flag()

    @validates_schema(skip_on_field_errors=False)
    def _says_something(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if wrong := wrong_default(data.get("parameter", ""), data.get("default", "")):
            raise ValidationError(wrong, "default")

    @validates_schema
    def _has_a_source(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if not data.get("path") and not data.get("default"):
            raise ValidationError("needs a path, a default, or both")

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> FieldRule:
        return FieldRule(**data)


class FieldRules(fields.Field[tuple[FieldRule, ...]]):
    """All rules of an organization; a parameter has one rule."""

    def _deserialize(
        self,
        value: Any,
        attr: str | None,  # noqa: ARG002
        data: Data,  # noqa: ARG002
        **kwargs: Any,  # noqa: ARG002
    ) -> tuple[FieldRule, ...]:
        rules: dict[str, FieldRule] = {}
        wrong: dict[str | int, Any] = {}
        for place, raw in _written(value):
            try:
                rule = FieldRuleSchema().load(raw)
            except ValidationError as error:
                wrong[place] = _without_parameter(error.messages_dict) if isinstance(place, str) else error.messages
                continue
            if rule.parameter in rules:
                wrong[place] = ["has a rule already"]
            rules[rule.parameter] = rule
        if not wrong and len(alone := [rule.parameter for rule in rules.values() if rule.parameter in _PAIR]) == 1:
            raise ValidationError(
                f"maps {alone[0]} alone; form_id and level_id belong together, so map both or neither"
            )
        if wrong:
            raise ValidationError(wrong)
        return tuple(rules.values())


def _without_parameter(messages: dict[str, Any]) -> dict[str, Any]:
    """In a table the parameter is the key, so what is wrong with it is wrong with the whole rule."""
    about_key = messages.pop("parameter", [])
    return {"_schema": [*about_key, *messages.pop("_schema", [])], **messages}


def _written(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, Mapping):
        yield from _from_table(value, "")
    elif isinstance(value, list):
        yield from enumerate(value)
    else:
        raise ValidationError("must be a table or an array of tables")


def _from_table(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    """The rules of a table. TOML reads an unquoted ``donor.employer`` as a table in a table, so go inside."""
    for key, value in table.items():
        name = prefix + key
        if isinstance(value, Mapping) and name not in PARAMETERS and not _is_rule(value):
            yield from _from_table(value, name + ".")
        elif isinstance(value, Mapping):
            yield name, {**value, "parameter": name}
        else:
            yield name, {"parameter": name, "path": value}


def _is_rule(table: Mapping[str, Any]) -> bool:
    return not table.keys().isdisjoint(("path", "default", "required"))
