"""A gift or a refund into the form-ready parameters of one call to Luminate, without credentials and method.

The order of things: relay's own mapping of the gift, over it what the organization's field rules find, then the
fall-backs between donor and billing that Luminate documents, then the rules' defaults where there is still nothing,
and last one schema that knows every parameter. Nothing is cut short in silence and no data makes this raise: what
cannot be sent becomes a Problem, which holds the entry for a person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from relay.config import FormLevel, OptIn, Organization
from relay.config.organization import DEFAULT_TENDERS
from relay.errors import MoneyError
from relay.gifts import Address, Donor, Gift, Name, Tender, TenderKind
from relay.luminate import rules
from relay.luminate.designations import designated, designations_of, fund_form
from relay.luminate.names import split_name
from relay.luminate.parameters import checked
from relay.luminate.problems import REASONS, Problem
from relay.money import Money

__all__ = ["REASONS", "Mapped", "Problem", "map_gift", "map_refund"]


@dataclass(frozen=True, slots=True)
class Mapped:
    """What would be sent, and what is in the way. With problems, ``parameters`` go as far as they go."""

    parameters: dict[str, str]
    problems: tuple[Problem, ...]


# The only billing parameters that Luminate fills from their donor twin
# (http://open.convio.com/api/apidoc/reference/methods/addOfflineDonation_method.html).
_FALL_BACKS = ("name.first", "name.last", "address.street1", "address.city", "address.state", "address.zip")
_PARTS = tuple(
    [("name", part.name) for part in fields(Name) if part.name != "full"]
    + [("address", part.name) for part in fields(Address)]
)
_SPELLED = {"prof_suffix": "profSuffix"}
_PHONE_TYPES = {"home": "home", "work": "work"}
# The vendor's own library cuts both source parameters here (convio/luminateExtend: src/luminateExtend.js).
_SOURCE_LENGTH = 255


def map_gift(gift: Gift, organization: Organization, *, provider: str, mail: bool = True) -> Mapped:
    """The parameters of addOfflineDonation for this gift. Never raises for what the data say.

    ``provider`` goes into the sub-source. ``mail=False`` turns every mail off, whatever the organization chose:
    for a replay, a backfill, a probe.
    """
    own, problems = _own(gift, organization, provider)
    told = rules.open_rules(organization.fields)
    found, rule_problems = rules.found_by(told, gift.sources)
    parameters = _fallen_back(own | found)
    parameters = _fallen_back(parameters | rules.defaults(told, parameters))
    required = rules.still_missing(told, parameters)
    parameters, schema_problems = checked(parameters | _mails(organization, mail))
    return Mapped(parameters, _distinct(problems + rule_problems + schema_problems + required))


def map_refund(
    confirmation_code: str, amount: Money, organization: Organization, *, mail: bool = True
) -> dict[str, str]:
    """The parameters of refundOfflineDonation for this amount, in currency units.

    Raises MoneyError (a ValueError) unless the amount is above zero and in the organization's currency, ValueError
    without a confirmation code: Luminate reads a missing amount or 0 as a full refund
    (https://developer.blackbaud.com/lo-api/loapi/donations/refundOfflineDonation).
    """
    if not confirmation_code.strip():
        raise ValueError("a refund needs the confirmation code of its gift")
    if amount.minor <= 0:
        raise MoneyError("a refund must be above zero")
    if amount.currency != organization.currency:
        raise MoneyError(f"a refund must be in {organization.currency}")
    center = organization.luminate.center_id
    return {
        "refund_user_confirm_code": confirmation_code.strip(),
        "refund_amount": amount.text,
        "send_auto_responder": _flag(mail and organization.mail.refund),
    } | ({"center_id": center} if center else {})


def without_mails(parameters: Mapping[str, str]) -> dict[str, str]:
    """The same call, mailing nobody."""
    mails = {"send_receipt", "send_registration_email", "send_auto_responder"}
    return {name: _flag(False) if name in mails else text for name, text in parameters.items()}


# --- relay's own mapping, part by part ----------------------------------------------------------------------------


def _own(gift: Gift, organization: Organization, provider: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """Everything relay knows by itself, blanks left out."""
    money, money_problems = _money(gift, organization)
    form, form_problems = _form(gift, organization)
    source, source_problems = _source(gift, organization, provider)
    parts = money | form | source | _people(gift) | _tender(gift.tender, organization) | _extras(gift, organization)
    tidy = {name: " ".join(value.split()) for name, value in parts.items()}
    return {name: value for name, value in tidy.items() if value}, money_problems + form_problems + source_problems


def _money(gift: Gift, organization: Organization) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The amount and its shares. An amount that may not be sent is left out altogether."""
    if gift.amount.currency != organization.currency:
        text = f"The gift is in {gift.amount.currency}; this organization takes {organization.currency}."
        return {}, (Problem("other_currency", "other_amount", text),)
    if gift.amount.minor <= 0:
        return {}, (Problem("not_positive", "other_amount", f"The amount of the gift is {gift.amount}."),)
    shares, problems = designated(gift, organization)
    return {"other_amount": gift.amount.text} | shares, problems


def _form(gift: Gift, organization: Organization) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The form of the fund beats the form of the amount, which beats the organization's own."""
    by_fund, problems = fund_form(gift, organization)
    form = by_fund or _form_by_amount(gift.amount, organization) or organization.form
    return {"form_id": str(form.form_id), "level_id": str(form.level_id)}, problems


def _form_by_amount(amount: Money, organization: Organization) -> FormLevel | None:
    fitting = [rule for rule in organization.amount_rules if rule.minimum <= amount.minor]
    return max(fitting, key=lambda rule: rule.minimum).form if fitting else None


def _source(gift: Gift, organization: Organization, provider: str) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """How a new constituent came in: ``source`` as configured, ``sub_source`` from its template."""
    site = organization.luminate
    told = {
        "provider": provider,
        "provider_transaction_id": gift.keys[0] if gift.keys else "",
        "kind": "gift",
        "fund": designations_of(gift, organization)[0].fund,
        "organization": organization.name,
    }
    source = {"source": site.source[:_SOURCE_LENGTH]}
    try:
        return source | {"sub_source": site.sub_source.format_map(told)[:_SOURCE_LENGTH]}, ()
    except (KeyError, ValueError, IndexError, AttributeError, TypeError):
        text = "The template of the sub-source cannot be filled in; please mend the configuration."
        return source, (Problem("field_invalid", "sub_source", text),)


def _people(gift: Gift) -> dict[str, str]:
    """Names and addresses of donor, joint donor, billing and recipient."""
    donor, shipping = gift.donor, gift.shipping
    joint = split_name(gift.joint_donor)
    # Luminate has no professional suffix for the joint donor, so it joins the other suffix.
    joint = replace(joint, suffix=" ".join(filter(None, (joint.suffix, joint.prof_suffix))), prof_suffix="")
    return (
        _person("donor", donor.name, donor.address)
        | _person("joint_donor", joint, Address())
        | _person("billing", gift.billing.name, gift.billing.address)
        | _person("shipping", shipping.name, shipping.address)
        | {"shipping.email": shipping.email, "shipping.phone": shipping.phone}
        | _about(donor)
    )


def _person(whose: str, name: Name, address: Address) -> dict[str, str]:
    known = {"name": split_name(name), "address": address}
    return {f"{whose}.{group}.{_SPELLED.get(part, part)}": getattr(known[group], part) for group, part in _PARTS}


def _about(donor: Donor) -> dict[str, str]:
    kind = donor.phone_type.strip().lower()
    return {
        "donor.email": donor.email,
        "donor.phone": donor.phone,
        # Luminate knows three kinds; a mobile is an "other". Without a number the kind says nothing.
        "donor.phone_type": _PHONE_TYPES.get(kind, "other") if kind and donor.phone.strip() else "",
        "donor.employer": donor.employer,
        "donor.occupation": donor.occupation,
        "donor.cons_id": donor.cons_id,
    }


def _tender(tender: Tender, organization: Organization) -> dict[str, str]:
    """How the donor paid, in Luminate's three words. Card digits go only with ``credit``, and only the last four."""
    method = organization.tenders.get(tender.kind) or DEFAULT_TENDERS[tender.kind]
    parts = {"offline_payment_method": method}
    if method == "check":
        parts["check_number"] = tender.check_number
    if method == "credit" and tender.kind in (TenderKind.CARD, TenderKind.WALLET):
        parts["card_type"] = tender.card_type
        parts["card_number"] = f"{'*' * 12}{tender.last4}" if tender.last4 else ""
        parts["card_exp_date"] = _expiry(tender)
    return parts


def _expiry(tender: Tender) -> str:
    """``MM/YYYY``, or nothing unless both are known; a two-digit year is of this century."""
    if tender.exp_month is None or tender.exp_year is None:
        return ""
    year = tender.exp_year + 2000 if 0 <= tender.exp_year < 100 else tender.exp_year
    return f"{tender.exp_month:02d}/{year:04d}"


def _extras(gift: Gift, organization: Organization) -> dict[str, str]:
    return {
        "premium_id": gift.premium_id,
        "gift_aid": gift.gift_aid,
        "matching_eligible": _flag(gift.matching_eligible),
        "anonymous": _flag(gift.anonymous),
        "donor.email_opt_in": _opt_in(gift.donor.email_opt_in, organization.opt_in),
        "center_id": organization.luminate.center_id,
        "validate": _flag(organization.luminate.validate),
    }


def _opt_in(told: bool | None, policy: OptIn) -> str:  # noqa: FBT001 - one word of the gift
    """A consent the provider recorded, by the organization's policy; never invented."""
    if policy is OptIn.NEVER or (policy is OptIn.OPTED_IN and not told):
        return ""
    return _flag(told)


def _mails(organization: Organization, mail: bool) -> dict[str, str]:  # noqa: FBT001 - see map_gift
    """Always said, because both default to true at Luminate."""
    return {
        "send_receipt": _flag(mail and organization.mail.receipt),
        "send_registration_email": _flag(mail and organization.mail.registration),
    }


def _flag(value: bool | None) -> str:  # noqa: FBT001 - it is what is written
    return "" if value is None else "true" if value else "false"


# --- fall-backs ---------------------------------------------------------------------------------------------------


def _fallen_back(parameters: Mapping[str, str]) -> dict[str, str]:
    """Luminate's fall-backs from donor to billing made explicit, and the reverse where only billing is known.

    The reverse takes a whole name or a whole address, so that no half of one ever meets half of another.
    """
    filled = dict(parameters)
    for group in ("name", "address"):
        if not any(name.startswith(f"donor.{group}.") for name in parameters):
            twins = [name for name in parameters if name.startswith(f"billing.{group}.")]
            filled |= {name.replace("billing.", "donor.", 1): parameters[name] for name in twins}
    for part in _FALL_BACKS:
        if filled.get(f"donor.{part}"):
            filled.setdefault(f"billing.{part}", filled[f"donor.{part}"])
    return filled


def _distinct(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """Each once: a parameter that both Luminate and a rule require is missing only once."""
    return tuple(dict.fromkeys(problems))
