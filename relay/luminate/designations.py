"""What the money is for: fund codes become designees and shares that sum to the gift, or a reason to hold it.

Luminate documents ``designated.X.amount`` as a nonNegativeInteger, which means whole currency units
(http://open.convio.com/api/apidoc/reference/methods/addOfflineDonation_method.html); that shares add up to the gift
is stated nowhere, so relay sees to it. Each organization says what becomes of cents (``whole_units``):

``hold``
    A share with cents holds the gift.
``first``
    Shares are rounded to whole units: each is cut to whole units, and the units this leaves over go one each to the
    first designations that had cents. So the first ones carry the rounding, no share is off by a whole unit, and the
    sum is still the gift. A gift that itself has cents cannot be the sum of whole units: it is held, because the only
    other way would be to drop the cents. So is a share that rounding would leave with nothing.
``send_cents``
    Shares go as they are ("12.50"), for a site that is known to accept that.

A whole share is written without decimals ("25") in every case, which fits both readings of the type.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from relay.config import FormLevel, Fund, Organization, WholeUnits
from relay.gifts import Designation, Gift
from relay.luminate.problems import Problem
from relay.money import Money, exponent


@dataclass(frozen=True, slots=True)
class Target:
    """Luminate's side of a designation: a designee by id, or a write-in by name."""

    designee_id: int | None = None
    name: str = ""
    contact: str = ""


class Refused(Exception):
    """The designations cannot be sent; ``problem`` says why. It never leaves this module."""

    def __init__(self, reason: str, text: str, field: str = "") -> None:
        self.problem = Problem(reason, field, text)
        super().__init__(text)


def designations_of(gift: Gift, organization: Organization) -> tuple[Designation, ...]:
    """The gift's designations; one that names nothing means the default fund."""
    named = gift.designations or (Designation(),)
    default = organization.default_fund
    return tuple(
        one if one.fund or one.write_in else Designation(fund=default, amount=one.amount, contact=one.contact)
        for one in named
    )


def fund_form(gift: Gift, organization: Organization) -> tuple[FormLevel | None, tuple[Problem, ...]]:
    """The form that the gift's funds ask for, if any; a gift cannot go to two forms."""
    funds = [organization.funds.get(one.fund.strip()) for one in designations_of(gift, organization)]
    forms = {fund.form for fund in funds if fund and fund.form}
    if len(forms) > 1:
        return None, (Problem("forms_differ", "form_id", "The funds of this gift belong to different donation forms."),)
    return (forms.pop() if forms else None), ()


def designated(gift: Gift, organization: Organization) -> tuple[dict[str, str], tuple[Problem, ...]]:
    """The ``designated.X.*`` and ``designated_write_in.X.*`` parameters, or the reasons to hold the gift."""
    given = designations_of(gift, organization)
    unmapped = _unmapped(given, organization)
    if unmapped:
        return {}, unmapped
    try:
        return _parameters(gift.amount, given, organization), ()
    except Refused as refused:
        return {}, (refused.problem,)


def _unmapped(given: Sequence[Designation], organization: Organization) -> tuple[Problem, ...]:
    codes = dict.fromkeys(one.fund.strip() for one in given if one.fund.strip() and not one.write_in)
    return tuple(
        Problem("fund_not_mapped", "designated.X.id", f"Fund {code!r} is not mapped to a designee.")
        for code in codes
        if code not in organization.funds
    )


def _parameters(whole: Money, given: Sequence[Designation], organization: Organization) -> dict[str, str]:
    targets = [_target(one, organization) for one in given]
    if not any(targets):
        return {}
    shares = _shares(whole, [one.amount for one in given])
    if not all(targets):
        raise Refused("designation_missing", "One part of the gift has a designee and another has none.")
    merged = _merged([target for target in targets if target], shares)
    only = next(iter(merged)) if len(merged) == 1 else None
    if organization.single_designated_id and only and only.designee_id is not None:
        return {"single_designated_id": str(only.designee_id)}
    amounts = _in_units(whole, tuple(merged.values()), organization.whole_units)
    return _numbered(tuple(merged), amounts)


def _target(one: Designation, organization: Organization) -> Target | None:
    """Where the money goes; None for a fund that is known and carries no designation, and for no fund at all."""
    if one.write_in:
        return Target(name=one.write_in, contact=one.contact)
    fund = organization.funds.get(one.fund.strip(), Fund(code=""))
    if fund.designee_id is not None:
        return Target(designee_id=fund.designee_id)
    return Target(name=fund.write_in, contact=one.contact) if fund.write_in else None


def _shares(whole: Money, told: Sequence[Money | None]) -> tuple[Money, ...]:
    """Explicit amounts as told; what they leave in equal parts to those without. The sum is the whole."""
    if any(amount is not None and amount.currency != whole.currency for amount in told):
        raise Refused("other_currency", "A designation is in another currency than the gift.")
    if any(amount is not None and amount.minor <= 0 for amount in told):
        raise Refused("not_positive", "A designation has a share of zero or less.")
    left = whole.minor - sum(amount.minor for amount in told if amount is not None)
    open_places = [place for place, amount in enumerate(told) if amount is None]
    if left < len(open_places) or (left and not open_places):
        raise Refused("shares_do_not_add_up", f"The shares of the designations do not add up to {whole}.")
    parts = Money(left, whole.currency).split([1] * len(open_places)) if open_places else ()
    equal = dict(zip(open_places, parts, strict=True))
    return tuple(equal[place] if amount is None else amount for place, amount in enumerate(told))


def _merged(targets: Sequence[Target], shares: Sequence[Money]) -> dict[Target, Money]:
    """One share for each designee: two funds may map to the same one."""
    merged: dict[Target, Money] = {}
    for target, share in zip(targets, shares, strict=True):
        merged[target] = merged[target] + share if target in merged else share
    return merged


def _in_units(whole: Money, shares: Sequence[Money], rule: WholeUnits) -> tuple[Money, ...]:
    """The shares as they may be sent under the organization's rule for cents (see the module's docstring)."""
    if rule is WholeUnits.SEND_CENTS or all(share.is_whole for share in shares):
        return tuple(shares)
    if rule is WholeUnits.HOLD or not whole.is_whole:
        raise Refused("cents_in_designation", f"A designation takes whole units only; {whole} cannot be given so.")
    return _rounded(whole, shares)


def _rounded(whole: Money, shares: Sequence[Money]) -> tuple[Money, ...]:
    unit = 10 ** exponent(whole.currency)
    cut = [share.minor - share.minor % unit for share in shares]
    units_left = (whole.minor - sum(cut)) // unit
    for place in [place for place, share in enumerate(shares) if not share.is_whole][:units_left]:
        cut[place] += unit
    if min(cut) == 0:
        raise Refused("cents_in_designation", "Rounding to whole units would leave a designation with nothing.")
    return tuple(Money(minor, whole.currency) for minor in cut)


def _numbered(targets: Sequence[Target], amounts: Sequence[Money]) -> dict[str, str]:
    """X only ties the parts of one designation together; it counts from 1 through both families."""
    parameters: dict[str, str] = {}
    for number, (target, amount) in enumerate(zip(targets, amounts, strict=True), start=1):
        family = "designated_write_in" if target.designee_id is None else "designated"
        parts = {"id": target.designee_id or "", "name": target.name, "contact": target.contact}
        parts["amount"] = f"{amount.decimal:.0f}" if amount.is_whole else amount.text
        parameters |= {f"{family}.{number}.{part}": str(value) for part, value in parts.items() if value}
    return parameters
