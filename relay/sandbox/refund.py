"""refundOfflineDonation: returns a gift in whole or in part (facts 4.1)."""

from collections.abc import Mapping
from typing import Any

from .calls import Call
from .donation_reply import refunded
from .errors import MISSING, UNABLE, CommonError, DonationError
from .money import parse_amount
from .parameters import is_true, unknown_to_refund
from .site import Gift, Refund


def refund(call: Call) -> tuple[str, Mapping[str, Any]]:
    """Records one refund for every call that passes. A missing amount, 0 and what is left are a full refund (H)."""
    unknown = unknown_to_refund(call.params)
    if unknown and call.switch("unknown_parameters") == "error_9":
        raise CommonError(MISSING, f"The method does not know the parameters {', '.join(unknown)}.")
    gift = _gift(call)
    amount = _amount(call, gift)
    default = call.switch("auto_responder_default") == "true"
    row = Refund(
        amount=amount,
        full=amount == gift.current_amount,
        recorded_at=call.now,
        login=call.get("login_name"),
        auto_responder=is_true(call.params, "send_auto_responder", default=default),
    )
    call.organization.keep_refund(gift, row)
    call.log.recorded = True
    call.log.transaction_id = gift.transaction_id
    call.log.confirmation_code = gift.confirmation_code
    return refunded(gift, row, call.organization.switches)


def _gift(call: Call) -> Gift:
    """Only gifts added by the same account can be refunded (H)."""
    gift = call.organization.gifts.get(call.get("refund_user_confirm_code"))
    if gift is None:
        raise _refused(call, "No transaction was found for the given confirmation code.")
    if gift.login != call.get("login_name"):
        raise _refused(call, "The transaction was added by another API administrator account.")
    if gift.current_amount == 0:
        raise _refused(call, "The transaction has already been refunded.")
    return gift


def _amount(call: Call, gift: Gift) -> int:
    """The refund in minor units; the text is in currency units, not cents (H)."""
    text = call.get("refund_amount")
    amount = parse_amount(text, call.switch("amount_text")) if text else 0
    if amount is None:
        raise _refused(call, "The refund amount is invalid.")
    if amount > gift.current_amount:
        raise _refused(call, "The refund amount is greater than the current value of the transaction.")
    return amount or gift.current_amount


def _refused(call: Call, text: str) -> Exception:
    """Codes and texts are ND; the two families of facts 5 apply."""
    if call.switch("refund_errors") == "error_response":
        return CommonError(UNABLE, text)
    return DonationError([], page=text)
