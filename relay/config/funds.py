"""The shape of one fund, wherever it is written: in the file, in the console, through the API."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marshmallow import ValidationError, validates_schema

from relay.config.fields import StrictSchema, Text, WholeNumber
from relay.config.organization import FormLevel, Fund
from relay.config.problems import dotted, flatten, sentence
from relay.errors import ConfigurationError


class FundSchema(StrictSchema):
    """``funds.<code>``: where the money of this code goes."""

    designee_id = WholeNumber(least=1)
    write_in = Text(blank=False)
    form_id = WholeNumber(least=1)
    level_id = WholeNumber(least=1)

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _fits_together(self, _data: dict[str, Any], original: Any, **_kwargs: Any) -> None:
        given = set(original) if isinstance(original, Mapping) else set()
        wrong = []
        if {"designee_id", "write_in"} <= given:
            wrong.append("has a designee_id and a write_in; only one of them can be sent")
        if len({"form_id", "level_id"} & given) == 1:
            wrong.append("needs form_id and level_id together, or neither")
        if wrong:
            raise ValidationError(wrong)


def wrong_code(code: str) -> str:
    """What is wrong with the code of a fund; "" if nothing is."""
    if not code or code != code.strip():
        return "the code of a fund must not be empty or have blanks around it"
    return "" if code.isprintable() else "the code of a fund must not hold control characters"


def fund_of(code: str, data: Mapping[str, Any]) -> Fund:
    """The fund from its four values, which were checked when they were written."""
    form_id, level_id = data.get("form_id"), data.get("level_id")
    form = FormLevel(form_id=form_id, level_id=level_id) if form_id and level_id else None
    return Fund(code=code, designee_id=data.get("designee_id"), write_in=data.get("write_in", ""), form=form)


def as_told(fund: Fund) -> dict[str, Any]:
    """The four values of a fund, blanks left out: what ``fund_of`` reads."""
    form = fund.form
    told = {
        "designee_id": fund.designee_id,
        "write_in": fund.write_in,
        "form_id": form and form.form_id,
        "level_id": form and form.level_id,
    }
    return {name: value for name, value in told.items() if value}


def read_fund(code: str, raw: object) -> Fund:
    """A fund that somebody typed. Raises ConfigurationError with everything that is wrong, by the file's rules."""
    wrong = [sentence("code", text)] if (text := wrong_code(code)) else []
    try:
        data = FundSchema().load(raw)  # type: ignore[arg-type]  # anything may stand there; the schema says so
    except ValidationError as error:
        found = flatten(error.messages)
        wrong += [sentence(dotted(one.path) or "the fund", one.text) for one in found]
        data = {}
    if wrong:
        raise ConfigurationError(wrong)
    return fund_of(code, data)
