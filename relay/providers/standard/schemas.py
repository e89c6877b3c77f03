"""The objects of relay's own format, field by field the names of ``relay/gifts.py``.

docs/standard-webhook.md describes them for those who send them; docs/standard-webhook.schema.json says the same to
machines, and a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from relay.errors import MoneyError
from relay.gifts import Address, Billing, Donor, Name, Shipping, Tender, TenderKind
from relay.money import Money, parse_currency
from relay.providers.standard.fields import Amount, Ident, Month, Part, When, Words, Year, YesNo, listed

# What gift.received and gift.updated may say about the payment; no word means it succeeded.
STATUSES = ("succeeded", "pending", "failed", "canceled")


class _Made(Part):
    """A part that becomes the dataclass of the same field names."""

    makes: ClassVar[type]

    @post_load
    def make(self, data: dict[str, Any], **_: Any) -> Any:
        """The neutral object."""
        return self.makes(**data)


class NamePart(_Made):
    makes = Name
    full = Words()
    title = Words()
    first = Words()
    middle = Words()
    last = Words()
    suffix = Words()
    prof_suffix = Words()


class AddressPart(_Made):
    makes = Address
    street1 = Words()
    street2 = Words()
    street3 = Words()
    city = Words()
    state = Words()
    zip = Words()
    county = Words()
    country = Words()


class DonorPart(_Made):
    makes = Donor
    name = fields.Nested(NamePart)
    email = Words()
    phone = Words()
    phone_type = Words()
    address = fields.Nested(AddressPart)
    employer = Words()
    occupation = Words()
    cons_id = Ident()
    email_opt_in = YesNo()


class BillingPart(_Made):
    makes = Billing
    name = fields.Nested(NamePart)
    address = fields.Nested(AddressPart)


class ShippingPart(_Made):
    makes = Shipping
    name = fields.Nested(NamePart)
    address = fields.Nested(AddressPart)
    email = Words()
    phone = Words()


class TenderPart(_Made):
    makes = Tender
    kind = fields.Enum(TenderKind, by_value=True, error_messages={"unknown": "must be one of: {choices}"})
    card_type = Words()
    last4 = Words(validate=validate.Regexp(r"\A\d{4}\Z", error="must be the last four digits"))
    exp_month = Month()
    exp_year = Year()
    check_number = Ident()


class DesignationPart(Part):
    """One purpose of the money: a fund or a write-in. Its amount needs the gift's currency, so it stays a dict."""

    fund = Ident()
    write_in = Words()
    contact = Words()
    amount = Amount()

    @validates_schema(skip_on_field_errors=False)
    def names_one(self, data: Mapping[str, Any], **_: Any) -> None:
        """Either a fund or a write-in."""
        if bool(data.get("fund")) == bool(data.get("write_in")):
            raise ValidationError("needs either fund or write_in")


class PaymentPart(Part):
    """What every event about a payment names."""

    payment_id = Ident(required=True)
    related_ids = listed(Ident())
    currency = Words()
    occurred_at = When()

    # Fields that hold an amount in ``currency``; those in ``above_zero`` must be.
    amounts: ClassVar[tuple[str, ...]] = ("amount",)
    above_zero: ClassVar[tuple[str, ...]] = ("amount",)

    @validates_schema(skip_on_field_errors=False)
    def amounts_fit(self, data: Mapping[str, Any], **_: Any) -> None:
        """Every amount is exact in the currency, and above zero where it must be."""
        told = list(self.told(data))
        if told and not data.get("currency"):
            raise ValidationError("is missing", "currency")
        problems = {name: [why] for name, text in told if (why := self._odd(name, text, data["currency"]))}
        if problems:
            raise ValidationError(problems)

    def told(self, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        """The amounts that the event tells, by name."""
        return ((name, data[name]) for name in self.amounts if name in data)

    def _odd(self, name: str, text: str, currency: str) -> str:
        try:
            money = Money.parse(text, parse_currency(currency))
        except MoneyError as error:
            return str(error)
        return "must be above zero" if name in self.above_zero and money.minor <= 0 else ""


class GiftPart(PaymentPart):
    """``data`` of gift.received and gift.updated."""

    amounts = ("amount", "fee")

    amount = Amount(required=True)
    currency = Words(required=True)
    fee = Amount()
    status = Words(validate=validate.OneOf(STATUSES, error="must be one of: {choices}"))
    donor = fields.Nested(DonorPart)
    billing = fields.Nested(BillingPart)
    shipping = fields.Nested(ShippingPart)
    joint_donor = fields.Nested(NamePart)
    tender = fields.Nested(TenderPart)
    fund = Ident()
    designations = listed(fields.Nested(DesignationPart))
    premium_id = Ident()
    gift_aid = Words()
    matching_eligible = YesNo()
    anonymous = YesNo()
    recurring = YesNo()
    hold = Words()

    @validates_schema(skip_on_field_errors=False)
    def designates_once(self, data: Mapping[str, Any], **_: Any) -> None:
        """``fund`` is the short way; both at once contradict each other. Shares are exact in the currency."""
        parts = data.get("designations") or []
        if parts and data.get("fund"):
            raise ValidationError("cannot stand beside designations", "fund")
        shares = {place: part["amount"] for place, part in enumerate(parts) if "amount" in part}
        currency = data.get("currency", "")
        odd = {place: self._odd("amount", text, currency) for place, text in shares.items() if currency}
        if any(odd.values()):
            raise ValidationError({"designations": {place: {"amount": [why]} for place, why in odd.items() if why}})


class RefundPart(PaymentPart):
    """``data`` of gift.refunded: one refund by its id and amount, or the sum refunded so far."""

    amounts = ("amount", "total_refunded", "refunded_before")
    above_zero = ("amount", "total_refunded")

    refund_id = Ident()
    amount = Amount()
    total_refunded = Amount()
    refunded_before = Amount()

    @validates_schema(skip_on_field_errors=False)
    def tells_how_much(self, data: Mapping[str, Any], **_: Any) -> None:
        """An id needs the amount of this refund; without an id the running total must be there."""
        if "refund_id" in data and "amount" not in data:
            raise ValidationError("is missing", "amount")
        if "refund_id" not in data and "total_refunded" not in data:
            raise ValidationError("is missing (or total_refunded, where refunds have no id)", "refund_id")


class RefundFailedPart(PaymentPart):
    """``data`` of refund.failed."""

    refund_id = Ident(required=True)
    amount = Amount()
    reason = Words()


class DisputePart(PaymentPart):
    """``data`` of dispute.opened and dispute.won."""

    dispute_id = Ident(required=True)
    amount = Amount()
    reason = Words()


class DisputeLostPart(DisputePart):
    """``data`` of dispute.lost: the money that the bank took."""

    amount = Amount(required=True)


class Envelope(Part):
    """What stands around ``data``."""

    id = Ident()
    type = Words(required=True)
    timestamp = When()
    live = YesNo(required=True)


def envelope_of(data: type[Part]) -> Part:
    """The whole event with this ``data``."""
    made = Envelope.from_dict({"data": fields.Nested(data, required=True, error_messages={"required": "is missing"})})
    return made()  # type: ignore[return-value]  # from_dict makes a subclass of Envelope
