"""What follows from a gift and today's configuration: parameters, status, reason, and what to search by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, time

from relay.config import FieldRule, Organization
from relay.gifts import Designation, Gift, Name
from relay.ledger.codec import gift_from_json, to_json
from relay.ledger.entries import Entry
from relay.ledger.funds import WithFunds
from relay.luminate.designations import designations_of
from relay.luminate.schemas import Problem, map_gift
from relay.money import Money
from relay.status import Status

# Corrections that are no parameter of Luminate's: another fund, and leave to record it in another fiscal year.
NOT_PARAMETERS = frozenset({"fund", "fiscal_year"})


def gift_columns(
    gift: Gift, organization: WithFunds, provider: str, *, mail: bool, overrides: Mapping[str, str] | None = None
) -> dict[str, object]:
    """The columns that follow from a gift and today's configuration: status, reason, parameters, what to search by."""
    corrected, ruled = _overridden(gift, organization, overrides or {})
    mapped = map_gift(corrected, ruled, provider=provider, mail=mail)
    problems = [(problem.reason, problem.text) for problem in mapped.problems]
    if gift.hold:
        problems.insert(0, ("needs_proof", gift.hold))
    return {
        "status": Status.HELD if problems else Status.QUEUED,
        "reason": problems[0][0] if problems else "",
        "reason_text": " ".join(text for _, text in problems),
        "parameters": mapped.parameters,
        "fact": to_json(gift),
        "donor_name": _name(gift.donor.name) or _name(gift.billing.name),
        "donor_email": mapped.parameters.get("donor.email", gift.donor.email).strip().lower(),
        "fund": ", ".join(_fund(part) for part in corrected.designations),
        "occurred_at": _occurred_at(gift, organization),
    }


def _occurred_at(gift: Gift, organization: Organization) -> datetime | None:
    """When the donor paid. A day without an hour is its noon there: the day that it is, not one in another zone."""
    if gift.occurred_on is None or gift.occurred_at is not None:
        return gift.occurred_at
    return datetime.combine(gift.occurred_on, time(12), organization.time_zone).astimezone(UTC)


def problems_of(
    gift: Gift, organization: WithFunds, provider: str, overrides: Mapping[str, str]
) -> tuple[Problem, ...]:
    """What keeps a gift with these corrections from being sent."""
    corrected, ruled = _overridden(gift, organization, overrides)
    return map_gift(corrected, ruled, provider=provider, mail=False).problems


def _overridden(gift: Gift, organization: Organization, overrides: Mapping[str, str]) -> tuple[Gift, Organization]:
    """A person's corrections over everything else: ``fund`` names another fund, the rest are parameters."""
    if fund := overrides.get("fund"):
        gift = replace(gift, designations=(Designation(fund=fund),))
    parameters = {name: value for name, value in overrides.items() if name not in NOT_PARAMETERS}
    constants = tuple(FieldRule(parameter=name, default=value) for name, value in parameters.items())
    return gift, replace(organization, fields=organization.fields + constants)


def fund_codes(gift: Gift, organization: Organization, overrides: Mapping[str, str]) -> frozenset[str]:
    """The codes by which the fund map decides about this gift, a person's correction over the provider's word."""
    corrected, _ = _overridden(gift, organization, overrides)
    given = designations_of(corrected, organization)
    return frozenset(code for one in given if not one.write_in and (code := one.fund.strip()))


def _name(name: Name) -> str:
    parts = (name.title, name.first, name.middle, name.last, name.suffix)
    return name.full or " ".join(part for part in parts if part)


def _fund(designation: Designation) -> str:
    return designation.fund or designation.write_in


def given_again(entry: Entry, amount: Money, organization: WithFunds) -> dict[str, object]:
    """The columns of a gift whose money came back, made anew with this amount; it mails nobody.

    Its designations keep their proportion, to the cent.
    """
    gift = gift_from_json(entry.fact)
    shares = _rescaled(gift.designations, amount)
    again = replace(gift, amount=amount, designations=shares, hold="")
    columns = gift_columns(again, organization, entry.provider, mail=False, overrides=entry.overrides)
    return columns | {"overrides": dict(entry.overrides)}


def _rescaled(designations: tuple[Designation, ...], amount: Money) -> tuple[Designation, ...]:
    weights = [part.amount.minor for part in designations if part.amount is not None]
    if len(weights) != len(designations) or not weights:
        return designations
    shares = amount.split(weights)
    return tuple(replace(part, amount=share) for part, share in zip(designations, shares, strict=True))
