"""The methods this sandbox answers, each with its servlet, its right and its required parameters."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .add import add
from .calls import Call
from .forms import designation_types, designees, form_info
from .reads import email_valid, transactions
from .refund import refund

DONATIONS, CONSTITUENTS, FORMS = "SRDonationAPI", "SRConsAPI", "CRDonationAPI"
VERBS = {DONATIONS: ("POST",), CONSTITUENTS: ("GET", "POST"), FORMS: ("GET", "POST")}
Answer = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Method:
    """A method returns the root and the tree of its reply, or raises ApiError."""

    servlet: str
    run: Callable[[Call], Answer]
    right: str | None = None
    required: tuple[str, ...] = ()


METHODS: dict[str, Method] = {
    "addOfflineDonation": Method(DONATIONS, add, "add", ("form_id", "level_id")),
    "refundOfflineDonation": Method(DONATIONS, refund, "refund", ("refund_user_confirm_code",)),
    "getUserTransactions": Method(CONSTITUENTS, transactions, "read"),
    "isEmailValid": Method(CONSTITUENTS, email_valid, required=("email",)),
    "getDonationFormInfo": Method(FORMS, form_info, required=("form_id",)),
    "getDesignees": Method(FORMS, designees),
    "getDesignationTypes": Method(FORMS, designation_types),
}
