"""A gift as a Donation record of the web services: dotted names and texts; an absent field is left out.

The fields: http://open.convio.com/webservices/apidoc/reference/types/donation.html and payment.html (H). PaymentDate
and CreationDate are both the moment of the call (M).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from xml.sax.saxutils import escape

from .money import two_places
from .replies import NOT_XML
from .site import Gift, Organization

TENDERS = {"cash": "cash", "check": "check", "credit": "credit_card"}
NAMES = {"Title": "title", "FirstName": "first", "MiddleName": "middle", "LastName": "last", "Suffix": "suffix"}
# Fields that public code has in a where clause (H); the others need the switch soap_where.
PROVEN = frozenset({"Payment.PaymentDate", "Payment.Amount", "FormId", "CampaignId", "RecurringPayment.Status",
                    "TransactionId"})  # fmt: skip
FIELDS = (
    "TransactionId", "CampaignId", "FormId", "DonationLevelId",
    "Payment.Amount", "Payment.PaymentDate", "Payment.CreationDate", "Payment.ModifyDate", "Payment.CreationMethod",
    *(f"Payment.BillingName.{name}" for name in NAMES),
    "Payment.ConvioConfirmationCode", "Payment.TenderType", "Payment.CreditCardType", "Payment.CreditCardNumber",
    "Donor.ConsId", "Donor.ConsName.FirstName", "Donor.ConsName.LastName", "Donor.PrimaryEmail",
    "InteractionSource.CodeText", "InteractionSource.SubCodeText",
    "RecurringPayment.OriginalTransactionId", "RecurringPayment.Status",
)  # fmt: skip


def donation(organization: Organization, gift: Gift) -> dict[str, str]:
    """Every field that has a value."""
    card, donor = gift.params.get("card_number", "")[-4:], organization.constituents[gift.cons_id]
    readable = organization.switches["sub_source_readable"] == "true"
    found = {
        "TransactionId": gift.transaction_id,
        "FormId": gift.form_id,
        "DonationLevelId": gift.level_id,
        "Payment.Amount": two_places(gift.amount),
        **dict.fromkeys(("Payment.PaymentDate", "Payment.CreationDate", "Payment.ModifyDate"), _utc(gift.recorded_at)),
        "Payment.CreationMethod": "0",
        **{f"Payment.BillingName.{there}": gift.billing.get(f"name.{here}", "") for there, here in NAMES.items()},
        "Payment.ConvioConfirmationCode": gift.confirmation_code,
        "Payment.TenderType": TENDERS.get(gift.payment_method, gift.payment_method),
        "Payment.CreditCardType": gift.params.get("card_type", ""),
        "Payment.CreditCardNumber": f"************{card}" if card else "",
        "Donor.ConsId": donor.cons_id,
        "Donor.ConsName.FirstName": donor.first,
        "Donor.ConsName.LastName": donor.last,
        "Donor.PrimaryEmail": donor.email,
        "InteractionSource.CodeText": gift.source if readable else "",
        "InteractionSource.SubCodeText": gift.sub_source if readable else "",
    }
    return {name: value for name, value in found.items() if value}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def selected(wanted: Iterable[str]) -> list[str]:
    """The fields behind the names of a select clause: `*` is the top level, `Donor` and `Donor.*` are all of the donor.

    Raises KeyError with the first name that is none.
    """
    found: list[str] = []
    for name in wanted:
        stem = name.rstrip("*").rstrip(".")
        some = [one for one in FIELDS if (one == stem or one.startswith(f"{stem}.") if stem else "." not in one)]
        if not some:
            raise KeyError(name)
        found += some
    return [one for one in FIELDS if one in found]


def record_xml(row: Mapping[str, str], fields: Iterable[str]) -> str:
    """One record: nested elements by the dots of the names."""
    tree: dict[str, object] = {}
    for name in fields:
        if name in row:
            *way, last = name.split(".")
            place = tree
            for step in way:
                place = place.setdefault(step, {})  # type: ignore[assignment] # a name is a part or a leaf, never both
            place[last] = row[name]
    return f'<Record xsi:type="ens:Donation">{_elements(tree)}</Record>'


def _elements(tree: Mapping[str, object]) -> str:
    return "".join(f"<ens:{name}>{_content(value)}</ens:{name}>" for name, value in tree.items())


def _content(value: object) -> str:
    return _elements(value) if isinstance(value, dict) else escape(NOT_XML.sub("?", str(value)))
