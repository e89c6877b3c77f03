"""The parts of a gift: designees and write-ins (facts 3.3)."""

import re
from collections.abc import Mapping

from .calls import Call
from .money import parse_amount
from .parameters import DESIGNATED, WRITE_IN
from .site import Form, Share

NOT_WHOLE = "Designated amount must be a whole number."
INCOMPLETE = "A designation needs both a designee and an amount."
NO_DESIGNEE = "The designation is not available."
NO_WRITE_IN = "Write-in designations are not available."
WRONG_SUM = "Designated amounts must add up to the gift amount."


def shares(call: Call, form: Form, amount: int, problems: list[str], *, strict: bool) -> list[Share]:
    """The shares of a gift of `amount` minor units; what is wrong with them is added to `problems`.

    A form without designations ignores them (ND).
    """
    if not form.designations:
        return []
    single = call.get("single_designated_id")
    if single and call.switch("single_designated") == "honoured":
        found = [Share(amount, id=single)]
    else:
        found = _designated(call, problems) + _write_ins(call, form, problems)
    problems += [NO_DESIGNEE for one in found if not (one.name or _available(call, form, one.id, strict=strict))]
    if found and call.switch("designated_sum") == "must_equal" and sum(share.amount for share in found) != amount:
        problems.append(WRONG_SUM)
    return found


def _pairs(params: Mapping[str, str], pattern: re.Pattern[str]) -> list[dict[str, str]]:
    """The parameters of one kind, tied together by their number, in the order of their numbers."""
    found: dict[int, dict[str, str]] = {}
    for name, value in params.items():
        matched = pattern.fullmatch(name)
        if matched and value.strip():
            found.setdefault(int(matched["key"]), {})[matched["part"]] = value.strip()
    return [found[key] for key in sorted(found)]


def _designated(call: Call, problems: list[str]) -> list[Share]:
    pairs = _pairs(call.params, DESIGNATED)
    problems += [INCOMPLETE for pair in pairs if len(pair) < 2]
    return [Share(_units(call, pair["amount"], problems), id=pair["id"]) for pair in pairs if len(pair) == 2]


def _write_ins(call: Call, form: Form, problems: list[str]) -> list[Share]:
    pairs = _pairs(call.params, WRITE_IN)
    if pairs and not form.write_in:
        problems.append(NO_WRITE_IN)
        return []
    whole = [pair for pair in pairs if "name" in pair and "amount" in pair]
    problems += [INCOMPLETE] * (len(pairs) - len(whole))
    return [Share(_units(call, pair["amount"], problems), name=pair["name"], contact=pair.get("contact", ""))
            for pair in whole]  # fmt: skip


def _units(call: Call, text: str, problems: list[str]) -> int:
    """The share in minor units. The type is nonNegativeInteger (H); what becomes of cents is a switch."""
    minor = parse_amount(text)
    rule = call.switch("designated_cents")
    if minor is None or (rule == "refuse" and not text.isdecimal()):
        problems.append(NOT_WHOLE)
        return 0
    return minor - minor % 100 if rule == "truncate" else minor


def _available(call: Call, form: Form, designee_id: str, *, strict: bool) -> bool:
    """A designee must exist (ND); under validation the form must also offer it (H)."""
    designee = call.organization.designees.get(designee_id)
    if designee is None or not strict:
        return designee is not None
    return not designee.archived and (form.designees is None or designee_id in form.designees)
