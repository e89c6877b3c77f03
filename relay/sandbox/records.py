"""Gifts and refunds as JSON: for people and tests (amounts as texts), and for the store (exact and complete)."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from .money import two_places
from .site import Gift, Refund, Share


def shown_gift(organization: str, gift: Gift) -> dict[str, Any]:
    """What GET /sandbox/donations tells of a gift."""
    return {
        "organization": organization,
        "confirmation_code": gift.confirmation_code,
        "transaction_id": gift.transaction_id,
        "cons_id": gift.cons_id,
        "form_id": gift.form_id,
        "level_id": gift.level_id,
        "amount": two_places(gift.amount),
        "current_amount": two_places(gift.current_amount),
        "email": gift.email,
        "source": gift.source,
        "sub_source": gift.sub_source,
        "designations": [_shown_share(share) for share in gift.designations],
        "refunds": [_shown_refund(refund) for refund in gift.refunds],
        "receipt": gift.receipt,
        "registration_email": gift.registration_email,
        "params": gift.params,
        "billing": gift.billing,
        "login": gift.login,
        "recorded_at": gift.recorded_at.isoformat(),
    }


def _shown_share(share: Share) -> dict[str, str]:
    target = {"name": share.name, "contact": share.contact} if share.name else {"id": share.id}
    return target | {"amount": two_places(share.amount)}


def _shown_refund(refund: Refund) -> dict[str, Any]:
    return stored_refund(refund) | {"amount": two_places(refund.amount)}


def stored_refund(refund: Refund) -> dict[str, Any]:
    return asdict(refund) | {"recorded_at": refund.recorded_at.isoformat()}


def refund_of(value: Mapping[str, Any]) -> Refund:
    return Refund(**{**value, "recorded_at": datetime.fromisoformat(value["recorded_at"])})


def stored_gift(gift: Gift) -> dict[str, Any]:
    """The gift without its refunds, which have lines of their own."""
    return asdict(replace(gift, refunds=[])) | {"recorded_at": gift.recorded_at.isoformat()}


def gift_of(value: Mapping[str, Any]) -> Gift:
    found = Gift(**{**value, "recorded_at": datetime.fromisoformat(value["recorded_at"])})
    return replace(found, designations=[Share(**share) for share in value["designations"]])
