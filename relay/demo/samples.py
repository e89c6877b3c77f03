"""The sample events, as data: what arrives, in which words, and what should become of it.

Their ids never change, so a second run of the demo announces the same gifts again, and nothing is recorded twice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from relay.status import Status

# The first of this month: in the month they are recorded in, and the same bytes at every run of the month.
FIRST = datetime.now(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
DAY = int(FIRST.timestamp())


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One event. ``ends``: the status its entry should reach, None where it makes none.

    ``because`` says why, in one clause, where the ledger itself has nothing to explain.
    """

    arrives: str
    provider: str
    body: Mapping[str, Any]
    ends: Status | None = Status.POSTED
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A gift as Luminate should hold it: amounts as Luminate writes them."""

    key: str
    amount: str
    designations: Mapping[str, str] = field(default_factory=dict)
    refunds: tuple[str, ...] = ()


def stripe(number: int, kind: str, what: Mapping[str, Any]) -> dict[str, Any]:
    """A Stripe event around its object."""
    return {
        "id": f"evt_demo_{number:02d}",
        "object": "event",
        "api_version": "2024-06-20",
        "type": kind,
        "created": DAY + 60 * number,
        "livemode": False,
        "data": {"object": dict(what)},
    }


def charge(name: str, cents: int, donor: str, fund: str = "", **more: Any) -> dict[str, Any]:
    """A charge that succeeded, paid by card."""
    first = donor.split(maxsplit=1)[0].lower()
    return {
        "id": f"ch_demo_{name}",
        "object": "charge",
        "amount": cents,
        "amount_captured": cents,
        "amount_refunded": 0,
        "currency": "usd",
        "created": DAY,
        "status": "succeeded",
        "paid": True,
        "captured": True,
        "billing_details": {"name": donor, "email": f"{first}@example.org"},
        "payment_method_details": {
            "type": "card",
            "card": {"brand": "visa", "last4": "4242", "exp_month": 8, "exp_year": 2030},
        },
        "metadata": {"fund": fund} if fund else {},
        **more,
    }


def refund(name: str, of: str, cents: int) -> dict[str, Any]:
    """A refund that succeeded."""
    return {
        "id": f"re_demo_{name}",
        "object": "refund",
        "amount": cents,
        "currency": "usd",
        "created": DAY,
        "charge": f"ch_demo_{of}",
        "status": "succeeded",
    }


def standard(number: int, kind: str, **data: Any) -> dict[str, Any]:
    """An event in relay's own neutral format."""
    return {
        "id": f"msg_demo_{number:02d}",
        "type": kind,
        "timestamp": FIRST.isoformat(),
        "live": False,
        "data": data,
    }


_ADDRESS = {
    "line1": "12 St James's Square",
    "city": "Springfield",
    "state": "IL",
    "postal_code": "62701",
    "country": "US",
}
_ADA = charge("ada", 5000, "Ada Lovelace", "LIBRARY")
_ADA["billing_details"]["address"] = _ADDRESS
_GRACE = charge("grace", 10000, "Grace Hopper", metadata={"designations": "WATER:60.00,LIBRARY:40.00"})
_MONTHLY = {"payment_intent": "pi_demo_rosalind", "invoice": "in_demo_rosalind"}
_INTENT = {
    "id": "pi_demo_rosalind",
    "object": "payment_intent",
    "amount": 2500,
    "amount_received": 2500,
    "currency": "usd",
    "status": "succeeded",
    "latest_charge": "ch_demo_rosalind",
    "invoice": "in_demo_rosalind",
    "metadata": {},
}
_INVOICE = {
    "id": "in_demo_rosalind",
    "object": "invoice",
    "status": "paid",
    "paid": True,
    "amount_paid": 2500,
    "currency": "usd",
    "billing_reason": "subscription_create",
    "charge": "ch_demo_rosalind",
    "payment_intent": "pi_demo_rosalind",
    "customer_name": "Rosalind Franklin",
    "customer_email": "rosalind@example.org",
    "metadata": {"fund": "SCHOLARSHIPS"},
}
_SESSION = {
    "id": "cs_demo_rosalind",
    "object": "checkout.session",
    "mode": "subscription",
    "payment_status": "paid",
    "amount_total": 2500,
    "currency": "usd",
    "invoice": "in_demo_rosalind",
}
_MARGARET = {
    "payment_id": "pay_demo_margaret",
    "amount": "35.00",
    "currency": "USD",
    "donor": {"name": {"first": "Margaret", "last": "Hamilton"}, "email": "margaret@example.org"},
    "tender": {"kind": "check", "check_number": "1042"},
    "designations": [{"write_in": "Telescope for class 7", "contact": "Mr. Ochoa"}],
}
_GAVE_BACK = {
    "payment_id": "pay_demo_margaret",
    "refund_id": "back_demo_margaret",
    "amount": "35.00",
    "currency": "USD",
}

SAMPLES: tuple[Sample, ...] = (
    Sample(
        arrives="Ada Lovelace gives $50.00 to the library",
        provider="stripe",
        body=stripe(1, "charge.succeeded", _ADA),
    ),
    Sample(
        arrives="Grace Hopper gives $100.00: $60 water, $40 library",
        provider="stripe",
        body=stripe(2, "charge.succeeded", _GRACE),
        because="one gift with two designations",
    ),
    Sample(
        arrives="Margaret Hamilton gives a check of $35.00, write-in",
        provider="standard",
        body=standard(3, "gift.received", **_MARGARET),
        because='designated to "Telescope for class 7"',
    ),
    Sample(
        arrives="Grace Hopper gets $15.50 of her $100.00 back",
        provider="stripe",
        body=stripe(4, "refund.created", refund("grace", "grace", 1550)),
        because="a partial refund, once its gift was in Luminate",
    ),
    Sample(
        arrives="Margaret Hamilton gets all of her $35.00 back",
        provider="standard",
        body=standard(5, "gift.refunded", **_GAVE_BACK),
        because="a full refund, once its gift was in Luminate",
    ),
    Sample(
        arrives="$20.00 go back of a gift nobody has heard of yet",
        provider="stripe",
        body=stripe(6, "refund.created", refund("katherine", "katherine", 2000)),
        because="waited until its gift, the next event, was in Luminate",
    ),
    Sample(
        arrives="Katherine Johnson gives $80.00 to the choir",
        provider="stripe",
        body=stripe(7, "charge.succeeded", charge("katherine", 8000, "Katherine Johnson", "CHOIR")),
        because='the fund stands for the write-in "Choir trip"',
    ),
    Sample(
        arrives="Rosalind Franklin's monthly $25.00: its payment intent",
        provider="stripe",
        body=stripe(8, "payment_intent.succeeded", _INTENT),
        because="the first of four events of one payment",
    ),
    Sample(
        arrives="the same $25.00: its charge",
        provider="stripe",
        body=stripe(9, "charge.succeeded", charge("rosalind", 2500, "Rosalind Franklin", **_MONTHLY)),
        because="the same payment: it added the name and the card",
    ),
    Sample(
        arrives="the same $25.00: its invoice",
        provider="stripe",
        body=stripe(10, "invoice.paid", _INVOICE),
        because="the same payment: it added the fund",
    ),
    Sample(
        arrives="the same $25.00: its Checkout session",
        provider="stripe",
        body=stripe(11, "checkout.session.completed", _SESSION),
        because="the same payment: nothing new in it",
    ),
    Sample(
        arrives="Ada Lovelace's event, delivered a second time",
        provider="stripe",
        body=stripe(1, "charge.succeeded", _ADA),
        because="a duplicate: counted, and her gift is there once",
    ),
    Sample(
        arrives="Dorothy Vaughan gives $40.00 to the fund ELEPHANTS",
        provider="stripe",
        body=stripe(12, "charge.succeeded", charge("dorothy", 4000, "Dorothy Vaughan", "ELEPHANTS")),
        ends=Status.HELD,
    ),
    Sample(
        arrives="Mary Jackson gives $250.00 to the gala, no address",
        provider="stripe",
        body=stripe(13, "charge.succeeded", charge("mary", 25000, "Mary Jackson", "GALA")),
        ends=Status.REJECTED,
        because="the gala's form requires a postal address",
    ),
    Sample(
        arrives="an event about tax ids",
        provider="stripe",
        body=stripe(14, "customer.tax_id.updated", {"id": "txi_demo", "object": "tax_id"}),
        ends=None,
    ),
)

# What Luminate should hold after the first run, to the cent; the key is the provider's id of the payment.
EXPECTED: tuple[Recorded, ...] = (
    Recorded(key="ch_demo_ada", amount="50.00", designations={"1001": "50.00"}),
    Recorded(key="ch_demo_grace", amount="100.00", designations={"1003": "60.00", "1001": "40.00"}, refunds=("15.50",)),
    Recorded(
        key="pay_demo_margaret", amount="35.00", designations={"Telescope for class 7": "35.00"}, refunds=("35.00",)
    ),
    Recorded(key="ch_demo_katherine", amount="80.00", designations={"Choir trip": "80.00"}, refunds=("20.00",)),
    Recorded(key="pi_demo_rosalind", amount="25.00", designations={"1002": "25.00"}),
)
