"""Whose gift is it: an existing constituent or a new one (facts 3.4; the rules are ND and therefore switches)."""

from .calls import Call
from .errors import AMBIGUOUS, NO_MATCH, CommonError, DonationError
from .site import Constituent


def match(call: Call) -> tuple[Constituent, bool]:
    """The constituent of a gift and whether this call creates them; a new one is not kept yet."""
    by_id = _by_cons_id(call)
    if by_id is None:
        return _by_email(call)
    if by_id.email.lower() != call.get("donor.email").lower():
        return _conflict(call, by_id)
    return by_id, False


def _by_cons_id(call: Call) -> Constituent | None:
    cons_id = call.get("donor.cons_id")
    if not cons_id:
        return None
    if cons_id not in call.organization.constituents:
        raise CommonError(NO_MATCH, "No constituent matches the given cons_id.")
    return call.organization.constituents[cons_id]


def _conflict(call: Call, by_id: Constituent) -> tuple[Constituent, bool]:
    match call.switch("cons_id_conflict"):
        case "cons_id_wins":
            return by_id, False
        case "email_wins":
            return _by_email(call)
        case _:
            raise DonationError(["The email address does not belong to the given constituent."])


def _by_email(call: Call) -> tuple[Constituent, bool]:
    found = _candidates(call)
    if len(found) > 1:
        return _ambiguous(call, found)
    return (found[0], False) if found else (_new(call), True)


def _candidates(call: Call) -> list[Constituent]:
    rule = call.switch("match_by")
    found = [] if rule == "always_new" else call.organization.with_email(call.get("donor.email"))
    if rule == "email_and_name":
        wanted = _donor_name(call)
        return [person for person in found if (person.first.lower(), person.last.lower()) == wanted]
    return found


def _ambiguous(call: Call, found: list[Constituent]) -> tuple[Constituent, bool]:
    match call.switch("ambiguous_email"):
        case "first":
            return found[0], False
        case "new":
            return _new(call), True
        case _:
            raise CommonError(AMBIGUOUS, "The request matched more than one constituent.")


def _donor_name(call: Call) -> tuple[str, str]:
    person = _new(call)
    return person.first.lower(), person.last.lower()


def _new(call: Call) -> Constituent:
    """The person as the donor parameters describe them; the billing name where there is no donor name (L)."""
    first = call.get("donor.name.first") or call.get("billing.name.first")
    last = call.get("donor.name.last") or call.get("billing.name.last")
    return Constituent(call.organization.new_cons_id(), call.get("donor.email"), first, last)
