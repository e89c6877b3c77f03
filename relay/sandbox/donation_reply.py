"""The replies of the two writing methods (facts 3.5; the success body of a refund is ND)."""

from collections.abc import Mapping
from typing import Any

from .clock import central_text
from .money import amount_node
from .site import Gift, Refund

Answer = tuple[str, Mapping[str, Any]]
TENDERS = {"cash": "Cash", "check": "Check", "credit": "Credit Card"}


def added(gift: Gift, switches: Mapping[str, str]) -> Answer:
    """The documented example, leaf by leaf (H)."""
    style = switches["decimal_text"]
    return "donationResponse", {"donation": {
        "cons_id": gift.cons_id,
        "confirmation_code": gift.confirmation_code,
        "date_time": central_text(gift.recorded_at),
        "org_tax_id": "00-0000000",
        "reward_points_earned": "0",
        "transaction_id": gift.transaction_id,
        "amount": amount_node(gift.amount, style),
        "tax_deductible_amount": amount_node(gift.amount, style),
        "value_of_goods": amount_node(0, style),
        "summary_data": {"field": _summary(gift)},
    }}  # fmt: skip


def _summary(gift: Gift) -> list[dict[str, str]]:
    rows = [
        _row("date_id", "Transaction Date:", central_text(gift.recorded_at)[:10]),
        _row("section-header", "Gift Information", "", header=True),
        _row("level_id", "Amount:", amount_node(gift.amount, "two_places")["formatted"]),
        _row("section-header", "Billing Information", "", header=True),
        _row("billing.name.first", "First Name:", gift.billing.get("name.first", "")),
        _row("billing.name.last", "Last Name:", gift.billing.get("name.last", "")),
        _row("section-header", "Payment Information", "", header=True),
        _row("payment_type", "Payment Method:", TENDERS.get(gift.payment_method, gift.payment_method)),
    ]
    digits = gift.params.get("card_number", "")[-4:]
    return [*rows, _row("card_number", "Card Number:", "*" * 15 + digits)] if digits else rows


def _row(name: str, label: str, value: str, *, header: bool = False) -> dict[str, str]:
    return {"@header": "true" if header else "false", "label": label, "value": value, "name": name}


def refunded(gift: Gift, refund: Refund, switches: Mapping[str, str]) -> Answer:
    """One of three guesses. `bare_200` is well-formed and empty; an answer without any body is the fault empty_200."""
    node = {
        "cons_id": gift.cons_id,
        "confirmation_code": gift.confirmation_code,
        "date_time": central_text(refund.recorded_at),
        "transaction_id": gift.transaction_id,
        "amount": amount_node(refund.amount, switches["decimal_text"]),
    }
    match switches["refund_reply"]:
        case "refund_response":
            return "refundOfflineDonationResponse", {"refund": node}
        case "bare_200":
            return "donationResponse", {}
        case _:
            return "donationResponse", {"donation": node}
