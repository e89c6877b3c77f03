"""The documented parameters (facts 2, 3.1, 4.1, 8; H) and how their texts are read."""

import re
from collections.abc import Iterable, Mapping

COMMON = frozenset({"method", "api_key", "v", "login_name", "login_password", "center_id", "response_format", "source",
                    "sub_source", "suppress_response_codes"})  # fmt: skip
CREDENTIALS = frozenset({"api_key", "login_name", "login_password"})


def _under(prefix: str, names: str) -> set[str]:
    return {f"{prefix}.{name}" for name in names.split()}


NAME = "name.first name.middle name.last name.title name.suffix name.profSuffix"
ADDRESS = ("address.street1 address.street2 address.street3 address.city address.state address.zip address.county "
           "address.country")  # fmt: skip
GIFT = frozenset(
    {"form_id", "level_id", "offline_payment_method", "other_amount", "additional_amount", "check_number",
     "card_number", "card_type", "card_exp_date", "card_exp_date_month", "card_exp_date_year", "premium_id", "gift_aid",
     "matching_eligible", "anonymous", "send_receipt", "send_registration_email", "validate"}
    | _under("donor", f"email cons_id email_opt_in employer occupation phone phone_type {NAME} {ADDRESS}")
    | _under("joint_donor", NAME.removesuffix(" name.profSuffix"))
    | _under("billing", f"{NAME} {ADDRESS}")
    | _under("shipping", f"email phone {NAME} {ADDRESS}")
)  # fmt: skip
DESIGNATED = re.compile(r"designated\.(?P<key>-?[0-9]+)\.(?P<part>id|amount)")
WRITE_IN = re.compile(r"designated_write_in\.(?P<key>-?[0-9]+)\.(?P<part>name|contact|amount)")
REFUND = frozenset({"refund_user_confirm_code", "refund_amount", "send_auto_responder"})

# Only these billing parameters fall back to their donor twin; street2, street3, county and country do not (H).
FALL_BACK = ("name.first", "name.last", "address.street1", "address.city", "address.state", "address.zip")
EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>.]+(\.[^@\s,;<>.]+)+")


def is_true(params: Mapping[str, str], name: str, *, default: bool = False) -> bool:
    """A boolean parameter: `true` in any case is true, a missing one is the default, the rest is false (M)."""
    text = params.get(name, "").strip().lower()
    return text == "true" if text else default


def is_email(text: str) -> bool:
    """The pattern check of isEmailValid; it says nothing about whether mail arrives (H)."""
    return EMAIL.fullmatch(text) is not None


def missing(params: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """The names without a value; a blank is none."""
    return [name for name in names if not params.get(name, "").strip()]


def unknown_to_add(params: Mapping[str, str]) -> list[str]:
    """What addOfflineDonation does not document. single_designated_id belongs here: other methods document it."""
    return [name for name in params if not (name in COMMON or name in GIFT or _is_pair(name))]


def unknown_to_refund(params: Mapping[str, str]) -> list[str]:
    return [name for name in params if name not in COMMON and name not in REFUND]


def _is_pair(name: str) -> bool:
    return bool(DESIGNATED.fullmatch(name) or WRITE_IN.fullmatch(name))


def billing(params: Mapping[str, str]) -> dict[str, str]:
    """The billing part after the fall-back, by its names without the prefix (`name.first`)."""
    own = {name.removeprefix("billing."): value for name, value in params.items() if name.startswith("billing.")}
    twins = {name: params.get(f"donor.{name}", "") for name in FALL_BACK if not own.get(name, "").strip()}
    return {name: value for name, value in (own | twins).items() if value}


def without_credentials(params: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in params.items() if name not in CREDENTIALS}
