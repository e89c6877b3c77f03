"""addOfflineDonation: records a gift, never charges, and never asks whether it has seen the gift before (facts 3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .calls import Call
from .constituents import match
from .designations import shares
from .donation_reply import added
from .errors import MISSING, UNABLE, CommonError, DonationError
from .money import parse_amount
from .parameters import billing, is_email, is_true, unknown_to_add, without_credentials
from .site import Constituent, Form, Gift, Level, Share

BAD_AMOUNT = "Gift amount is invalid."
REQUIRED_TEXTS = {
    "billing.name.first": "Billing first name is required.",
    "billing.name.last": "Billing last name is required.",
    "billing.address.street1": "Billing street address is required.",
    "billing.address.city": "Billing city is required.",
    "billing.address.state": "Billing state or province is required.",
    "billing.address.zip": "Billing zip or postal code is required.",
}
NAMES = ("billing.name.first", "billing.name.last")
LIMITED = ("donor.", "joint_donor.", "billing.", "shipping.")
FIELD_MAX = 50


@dataclass(frozen=True)
class Accepted:
    """What a call that passed every check asks to be recorded. `params` are as the fields keep them."""

    method: str
    amount: int
    params: Mapping[str, str]
    shares: list[Share]


def add(call: Call) -> tuple[str, Mapping[str, Any]]:
    """Records one gift for every call that passes, also when it equals an earlier one (H)."""
    _refuse_unknown(call)
    accepted = _examine(call)
    person, created = match(call)
    gift = _gift(call, accepted, person, created=created)
    if created:
        call.organization.keep_constituent(person)
    call.organization.keep_gift(gift)
    _note(call, gift)
    return added(gift, call.organization.switches)


def _examine(call: Call) -> Accepted:
    """Form and level first, then amount, fields and designations, whose problems are told together."""
    method = _payment_method(call)
    form, level = _form_and_level(call)
    strict = is_true(call.params, "validate") or call.switch("enforce_validation") == "true"
    problems: list[str] = []
    params = _limited(call)
    amount = _amount(call, level, problems)
    problems += _field_problems(call, params, form, strict=strict)
    if method not in form.payment_methods:
        problems.append("The payment method is invalid.")
    designated = shares(call, form, amount, problems, strict=strict)
    if problems:
        raise DonationError(problems)
    return Accepted(method, amount, params, designated)


def _gift(call: Call, accepted: Accepted, person: Constituent, *, created: bool) -> Gift:
    transaction_id = call.organization.new_transaction_id()
    return Gift(
        confirmation_code=_confirmation_code(call, person.cons_id, transaction_id),
        transaction_id=str(transaction_id),
        cons_id=person.cons_id,
        form_id=call.get("form_id"),
        level_id=call.get("level_id"),
        amount=accepted.amount,
        email=call.get("donor.email"),
        login=call.get("login_name"),
        recorded_at=call.now,
        payment_method=accepted.method,
        source=call.get("source") or call.session.get("source", ""),
        sub_source=call.get("sub_source") or call.session.get("sub_source", ""),
        receipt=is_true(call.params, "send_receipt", default=True),
        registration_email=created and is_true(call.params, "send_registration_email", default=True),
        params=without_credentials(call.params),
        billing=billing(accepted.params),
        designations=accepted.shares,
    )


def _note(call: Call, gift: Gift) -> None:
    call.log.recorded = True
    call.log.transaction_id = gift.transaction_id
    call.log.confirmation_code = gift.confirmation_code


def _refuse_unknown(call: Call) -> None:
    unknown = unknown_to_add(call.params)
    if call.switch("single_designated") == "honoured":
        unknown = [name for name in unknown if name != "single_designated_id"]
    if unknown and call.switch("unknown_parameters") == "error_9":
        raise CommonError(MISSING, f"The method does not know the parameters {', '.join(unknown)}.")


def _payment_method(call: Call) -> str:
    """Marked required and given the default cash: a switch decides. Another text is a field error later."""
    method = call.get("offline_payment_method")
    if not method and call.switch("missing_payment_method") == "error_9":
        raise CommonError(MISSING, "One or more required parameters are missing: offline_payment_method.")
    return method or "cash"


def _form_and_level(call: Call) -> tuple[Form, Level]:
    """The published form and its published level. Campaign, form and level are checked without validation too (H)."""
    form = call.organization.forms.get(call.get("form_id"))
    if form is None or not (form.published and form.campaign_published):
        raise _mismatch(call, "The donation form is not available.")
    if form.kind == "online_only":
        raise _mismatch(call, "The donation form does not accept offline donations.")
    level = form.levels.get(call.get("level_id"))
    if level is None or not level.published:
        raise _mismatch(call, "The donation level is not available on this form.")
    return form, level


def _mismatch(call: Call, text: str) -> Exception:
    if call.switch("mismatch_root") == "error_response":
        return CommonError(UNABLE, text)
    return DonationError([], page=text)


def _amount(call: Call, level: Level, problems: list[str]) -> int:
    """The gift in minor units: the level's amount or the donor's, plus the additional amount (H)."""
    base = _donor_amount(call, level) if level.amount is None else _fixed_amount(call, level.amount)
    extra = _read(call, "additional_amount") if call.get("additional_amount") else 0
    if base is None or extra is None:
        problems.append(BAD_AMOUNT)
        return 0
    return base + extra


def _read(call: Call, name: str) -> int | None:
    return parse_amount(call.get(name), call.switch("amount_text"))


def _donor_amount(call: Call, level: Level) -> int | None:
    amount = _read(call, "other_amount")
    return None if amount is None or amount < level.minimum else amount


def _fixed_amount(call: Call, amount: int) -> int | None:
    """What other_amount does on a fixed level is ND."""
    rule = call.switch("fixed_level_other_amount")
    if not call.get("other_amount") or rule == "ignored":
        return amount
    return _read(call, "other_amount") if rule == "used" else None


def _field_problems(call: Call, params: Mapping[str, str], form: Form, *, strict: bool) -> list[str]:
    """E-mail and names always; under validation also what the form requires, after the fall-back (H)."""
    present = {f"billing.{name}" for name in billing(params)}
    wanted = (*NAMES, *form.required_fields) if strict else NAMES
    found = [REQUIRED_TEXTS.get(name, f"{name} is required.") for name in wanted if name not in present]
    if call.switch("field_max") == "refuse_50":
        found += [f"{name} is too long." for name in params if _is_limited(name) and len(params[name]) > FIELD_MAX]
    return [*_email_problems(call.get("donor.email")), *found]


def _email_problems(email: str) -> list[str]:
    if not email:
        return ["An email address is required."]
    return [] if is_email(email) else ["The email address is invalid."]


def _is_limited(name: str) -> bool:
    return name.startswith(LIMITED) and not name.endswith("email")


def _limited(call: Call) -> dict[str, str]:
    """The parameters as the fields keep them."""
    if call.switch("field_max") != "truncate_50":
        return dict(call.params)
    return {name: value[:FIELD_MAX] if _is_limited(name) else value for name, value in call.params.items()}


def _confirmation_code(call: Call, cons_id: str, transaction_id: int) -> str:
    """Five numbers: the third is the kind (1, a donation), the last normally the transaction id (H)."""
    last, fourth = transaction_id, transaction_id - 30
    if call.switch("code_matches_id") == "false":
        last, fourth = transaction_id + 500_000, transaction_id
    return f"{call.get('form_id')}-{cons_id[-4:]}-1-{fourth}-{last}"
