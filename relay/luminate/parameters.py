"""Every parameter of addOfflineDonation, with its documented type, in one marshmallow schema.

Names and types: http://open.convio.com/api/apidoc/reference/methods/addOfflineDonation_method.html, and for
``center_id``, ``source`` and ``sub_source`` http://open.convio.com/api/apidoc/general/common_parameters.html.
No length limit is documented for any of them except the 255 characters at which the vendor's own library cuts
``source`` and ``sub_source`` (convio/luminateExtend: src/luminateExtend.js). ``single_designated_id`` is documented
for a sister method only (https://developer.blackbaud.com/lo-api/loapi/donations/donate) and sent by opt-in.

Credentials, ``method`` and the other transport parameters are not declared, so they are unknown here, and refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any, cast

from marshmallow import RAISE, Schema, ValidationError, fields, post_dump, pre_load, validate

from relay.luminate.problems import Problem, invalid, missing

_FAMILY = re.compile(r"(designated|designated_write_in)\.(0|[1-9]\d{0,8})\.([a-z]+)", re.ASCII)
_WHOLE = re.compile(r"\d{1,18}", re.ASCII)
_AMOUNT = re.compile(r"\d{1,16}(\.\d{1,4})?", re.ASCII)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
_Messages = dict[str, str | list[Any] | dict[Any, Any]]
_MISSING = "is missing"
_UNKNOWN = "is not a parameter of addOfflineDonation"


def _text(value: object) -> str:
    """A text that can be sent and come back in XML. marshmallow's String also takes bytes; this does not."""
    if not isinstance(value, str):
        raise ValidationError("is not a text")
    if not value or value != value.strip():
        raise ValidationError("is empty or begins or ends with a blank")
    if _CONTROLS.search(value):
        raise ValidationError("has characters that cannot be sent")
    return value


class _Told(fields.Field[Any]):
    """A field that is left out rather than sent empty; every clause goes on after its label."""

    default_error_messages: _Messages = {"required": _MISSING, "null": _MISSING}  # noqa: RUF012 - marshmallow's own


class Words(_Told):
    """Luminate's string."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        return _text(value)


class Whole(_Told):
    """Luminate's nonNegativeInteger. marshmallow's Integer would turn "5.7" into 5 in silence."""

    def _deserialize(self, value: object, *_: object, **__: object) -> int:
        if not _WHOLE.fullmatch(_text(value)):
            raise ValidationError("is not a whole number")
        return int(str(value))

    def _serialize(self, value: int | None, *_: object, **__: object) -> str:
        return str(value)


class Flag(_Told):
    """Luminate's boolean: ``true`` or ``false`` and nothing else, unlike marshmallow's Boolean."""

    def _deserialize(self, value: object, *_: object, **__: object) -> bool:
        if value not in ("true", "false"):
            raise ValidationError("is neither true nor false")
        return value == "true"

    def _serialize(self, value: bool | None, *_: object, **__: object) -> str:  # noqa: FBT001 - marshmallow's signature
        return "true" if value else "false"


class Amount(_Told):
    """Currency units with a dot and no thousands mark. Exact: the text keeps its decimals, nothing is rounded."""

    def _deserialize(self, value: object, *_: object, **__: object) -> Decimal:
        if not _AMOUNT.fullmatch(_text(value)):
            raise ValidationError("is not an amount such as 1234.56")
        return Decimal(str(value))

    def _serialize(self, value: Decimal | None, *_: object, **__: object) -> str:
        return format(value, "f")


class Email(_Told):
    """An address that passes marshmallow's check; Luminate may still refuse it."""

    def _deserialize(self, value: object, *_: object, **__: object) -> str:
        return str(validate.Email(error="is not valid")(_text(value)))


class Designee(Schema):
    """One ``designated.X`` pair. The documented type of the amount is an integer; cents are the organization's rule."""

    class Meta:
        unknown = RAISE

    id = Whole(required=True)
    amount = Amount(required=True)


class WriteIn(Schema):
    """One ``designated_write_in.X`` group."""

    class Meta:
        unknown = RAISE

    name = Words(required=True)
    contact = Words()
    amount = Amount(required=True)


def _one_of(*choices: str) -> validate.OneOf:
    return validate.OneOf(choices, error=f"is none of {', '.join(choices)}")


def _matches(pattern: str, clause: str) -> validate.Regexp:
    return validate.Regexp(pattern + r"\Z", re.ASCII, error=clause)


_SHORT = validate.Length(max=255, error="is longer than 255 characters")


class DonationParameters(Schema):
    """All of addOfflineDonation except credentials and transport. Loads form texts, dumps form texts."""

    class Meta:
        unknown = RAISE

    error_messages: dict[str, str] = {"unknown": _UNKNOWN}  # noqa: RUF012 - marshmallow's own

    # required
    billing_name_first = Words(data_key="billing.name.first", required=True)
    billing_name_last = Words(data_key="billing.name.last", required=True)
    donor_email = Email(data_key="donor.email", required=True)
    form_id = Whole(required=True)
    level_id = Whole(required=True)
    offline_payment_method = Words(required=True, validate=_one_of("cash", "check", "credit"))

    # money and method
    other_amount = Amount()
    additional_amount = Amount()
    check_number = Words()
    card_number = Words(validate=_matches(r"\*{12}\d{4}", "is not masked to its last four digits"))
    card_type = Words()
    card_exp_date = Words(validate=_matches(r"(0[1-9]|1[0-2])/\d{4}", "is not a month and year such as 04/2030"))
    card_exp_date_month = Whole(validate=validate.Range(1, 12, error="is not a month from 1 to 12"))
    card_exp_date_year = Whole()
    designated = fields.Dict(data_key="designated.*", values=fields.Nested(Designee))
    designated_write_in = fields.Dict(data_key="designated_write_in.*", values=fields.Nested(WriteIn))
    single_designated_id = Whole()
    premium_id = Whole()
    gift_aid = Words()
    matching_eligible = Flag()
    anonymous = Flag()

    # donor
    donor_cons_id = Whole(data_key="donor.cons_id")
    donor_email_opt_in = Words(data_key="donor.email_opt_in")
    donor_employer = Words(data_key="donor.employer")
    donor_occupation = Words(data_key="donor.occupation")
    donor_phone = Words(data_key="donor.phone")
    donor_phone_type = Words(data_key="donor.phone_type", validate=_one_of("home", "work", "other"))
    donor_name_first = Words(data_key="donor.name.first")
    donor_name_middle = Words(data_key="donor.name.middle")
    donor_name_last = Words(data_key="donor.name.last")
    donor_name_title = Words(data_key="donor.name.title")
    donor_name_suffix = Words(data_key="donor.name.suffix")
    donor_name_prof_suffix = Words(data_key="donor.name.profSuffix")
    donor_address_street1 = Words(data_key="donor.address.street1")
    donor_address_street2 = Words(data_key="donor.address.street2")
    donor_address_street3 = Words(data_key="donor.address.street3")
    donor_address_city = Words(data_key="donor.address.city")
    donor_address_state = Words(data_key="donor.address.state")
    donor_address_zip = Words(data_key="donor.address.zip")
    donor_address_county = Words(data_key="donor.address.county")
    donor_address_country = Words(data_key="donor.address.country")

    # joint donor: no professional suffix here
    joint_donor_name_first = Words(data_key="joint_donor.name.first")
    joint_donor_name_middle = Words(data_key="joint_donor.name.middle")
    joint_donor_name_last = Words(data_key="joint_donor.name.last")
    joint_donor_name_title = Words(data_key="joint_donor.name.title")
    joint_donor_name_suffix = Words(data_key="joint_donor.name.suffix")

    # billing: the rest of the name, and the address
    billing_name_middle = Words(data_key="billing.name.middle")
    billing_name_title = Words(data_key="billing.name.title")
    billing_name_suffix = Words(data_key="billing.name.suffix")
    billing_name_prof_suffix = Words(data_key="billing.name.profSuffix")
    billing_address_street1 = Words(data_key="billing.address.street1")
    billing_address_street2 = Words(data_key="billing.address.street2")
    billing_address_street3 = Words(data_key="billing.address.street3")
    billing_address_city = Words(data_key="billing.address.city")
    billing_address_state = Words(data_key="billing.address.state")
    billing_address_zip = Words(data_key="billing.address.zip")
    billing_address_county = Words(data_key="billing.address.county")
    billing_address_country = Words(data_key="billing.address.country")

    # shipping: who receives a premium
    shipping_name_first = Words(data_key="shipping.name.first")
    shipping_name_middle = Words(data_key="shipping.name.middle")
    shipping_name_last = Words(data_key="shipping.name.last")
    shipping_name_title = Words(data_key="shipping.name.title")
    shipping_name_suffix = Words(data_key="shipping.name.suffix")
    shipping_name_prof_suffix = Words(data_key="shipping.name.profSuffix")
    shipping_address_street1 = Words(data_key="shipping.address.street1")
    shipping_address_street2 = Words(data_key="shipping.address.street2")
    shipping_address_street3 = Words(data_key="shipping.address.street3")
    shipping_address_city = Words(data_key="shipping.address.city")
    shipping_address_state = Words(data_key="shipping.address.state")
    shipping_address_zip = Words(data_key="shipping.address.zip")
    shipping_address_county = Words(data_key="shipping.address.county")
    shipping_address_country = Words(data_key="shipping.address.country")
    shipping_email = Words(data_key="shipping.email")
    shipping_phone = Words(data_key="shipping.phone")

    # behaviour, and the common parameters that belong to a gift
    send_receipt = Flag()
    send_registration_email = Flag()
    validate_ = Flag(data_key="validate")
    center_id = Words()
    source = Words(validate=_SHORT)
    sub_source = Words(validate=_SHORT)

    @pre_load
    def _gather(self, data: Mapping[str, Any], **_: object) -> dict[str, Any]:
        """``designated.7.id`` becomes ``designated.*: {"7": {"id": ...}}``."""
        gathered: dict[str, Any] = {}
        for name, value in data.items():
            found = _FAMILY.fullmatch(name)
            if found:
                family, number, part = found.groups()
                gathered.setdefault(f"{family}.*", {}).setdefault(number, {})[part] = value
            else:
                gathered[name] = value
        return gathered

    @post_dump
    def _spread(self, data: dict[str, Any], **_: object) -> dict[str, str]:
        """The reverse of ``_gather``."""
        for family in ("designated", "designated_write_in"):
            for number, parts in (data.pop(f"{family}.*", None) or {}).items():
                data |= {f"{family}.{number}.{part}": value for part, value in parts.items()}
        return data


_SCHEMA = DonationParameters()
# Luminate's name of every parameter outside the designated families.
PARAMETERS = frozenset(name for field in _SCHEMA.fields if (name := _SCHEMA.fields[field].data_key or field)[-1] != "*")


def checked(parameters: Mapping[str, str]) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The parameters as they will be sent, and what is wrong with them; a wrong one is left out."""
    try:
        return dict(_SCHEMA.dump(_SCHEMA.load(parameters))), ()
    except ValidationError as error:
        problems = tuple(_problem(name, clause) for name, clause in _clauses(cast("dict[Any, Any]", error.messages)))
    wrong = {problem.field for problem in problems}
    return {name: value for name, value in parameters.items() if name not in wrong}, problems


def _problem(name: str, clause: str) -> Problem:
    return missing(name) if clause == _MISSING else invalid(name, clause)


def _clauses(messages: Mapping[Any, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """The nested messages as (Luminate's name, clause); Dict fields nest them under ``value``."""
    for key, inner in messages.items():
        here = path if key in ("value", "key", "_schema") else (*path, str(key))
        if isinstance(inner, Mapping):
            yield from _clauses(inner, here)
        else:
            yield ".".join(here).replace(".*", ""), str(inner[0]).rstrip(".").replace("Unknown field", _UNKNOWN)
