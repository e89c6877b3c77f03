"""Every parameter that addOfflineDonation documents: its kind, and which a field mapping may not touch.

The vendor's page: http://open.convio.com/api/apidoc/reference/methods/addOfflineDonation_method.html and, for the
common ones, http://open.convio.com/api/apidoc/general/common_parameters.html. In a name, ``X`` stands for any
whole number that ties a designation's parameters together.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class ParameterKind(StrEnum):
    """What Luminate reads from the text of a parameter."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"


def _kinds(kind: ParameterKind, names: str, prefix: str = "") -> dict[str, ParameterKind]:
    return {prefix + name: kind for name in names.split()}


_TEXT, _NUMBER, _BOOLEAN = ParameterKind.TEXT, ParameterKind.NUMBER, ParameterKind.BOOLEAN
_NAME = "name.first name.middle name.last name.title name.suffix name.profSuffix"
_ADDRESS = " ".join(
    f"address.{part}" for part in ("street1", "street2", "street3", "city", "state", "zip", "county", "country")
)

COMMON_PARAMETERS: Mapping[str, ParameterKind] = {
    **_kinds(_TEXT, "method api_key v login_name login_password center_id response_format source sub_source"),
    **_kinds(_BOOLEAN, "suppress_response_codes"),
}
GIFT_PARAMETERS: Mapping[str, ParameterKind] = {
    **_kinds(_NUMBER, "form_id level_id"),
    **_kinds(_TEXT, "offline_payment_method other_amount additional_amount check_number"),
    **_kinds(_TEXT, "card_number card_type card_exp_date"),
    **_kinds(_NUMBER, "card_exp_date_month card_exp_date_year"),
    **_kinds(_NUMBER, "id amount", "designated.X."),
    **_kinds(_TEXT, "name contact", "designated_write_in.X."),
    **_kinds(_NUMBER, "amount", "designated_write_in.X."),
    **_kinds(_NUMBER, "premium_id"),
    **_kinds(_TEXT, "gift_aid"),
    **_kinds(_BOOLEAN, "matching_eligible anonymous"),
    **_kinds(_NUMBER, "cons_id", "donor."),
    **_kinds(_TEXT, f"email email_opt_in employer occupation phone phone_type {_NAME} {_ADDRESS}", "donor."),
    **_kinds(_TEXT, _NAME.removesuffix(" name.profSuffix"), "joint_donor."),
    **_kinds(_TEXT, f"{_NAME} {_ADDRESS}", "billing."),
    **_kinds(_TEXT, f"{_NAME} {_ADDRESS} email phone", "shipping."),
    **_kinds(_BOOLEAN, "send_receipt send_registration_email validate"),
}
PARAMETERS: Mapping[str, ParameterKind] = {**GIFT_PARAMETERS, **COMMON_PARAMETERS}

_CALL = "it belongs to the call itself, which relay writes"
_CREDENTIAL = "it is a credential; it stands under `luminate`"
_AMOUNT = "relay sends the exact amount of the gift itself"
_DESIGNATION = "designations come from `funds`, so that the shares always sum to the gift"
_MAIL = "the mails Luminate sends are chosen under `mail`"
# What a field mapping may not set, and why.
LOCKED: Mapping[str, str] = {
    **dict.fromkeys(("method", "v"), _CALL),
    **dict.fromkeys(("response_format", "suppress_response_codes", "validate"), "it is set once, under `luminate`"),
    **dict.fromkeys(("api_key", "login_name", "login_password"), _CREDENTIAL),
    **dict.fromkeys(("other_amount", "additional_amount"), _AMOUNT),
    **dict.fromkeys((name for name in PARAMETERS if name.startswith("designated")), _DESIGNATION),
    "single_designated_id": _DESIGNATION,
    **dict.fromkeys(("send_receipt", "send_registration_email", "send_auto_responder"), _MAIL),
    "card_number": "relay sends only the mask and the last four digits",
}
MAPPABLE: tuple[str, ...] = tuple(sorted(set(PARAMETERS) - set(LOCKED)))


def generic_name(parameter: str) -> str:
    """The name as PARAMETERS has it: ``designated.7.id`` is ``designated.X.id``."""
    return ".".join("X" if part.isdecimal() else part for part in parameter.split("."))
