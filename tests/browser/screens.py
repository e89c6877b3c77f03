"""Every screen of the console, by name: for axe, for the width of a phone, and for `make screenshots`.

A new screen is a new line. `path` may hold {gift}, {unknown}, {held}, {plan}, {cause} and {person}.
"""

from dataclasses import dataclass

from relay.ledger import search
from relay.reports.causes import cause_of
from relay.status import Status


@dataclass(frozen=True)
class Screen:
    name: str
    path: str
    who: str = "finance"


SCREENS = (
    Screen("sign-in", "/console/sign-in", who=""),
    Screen("today", "/console/"),
    Screen("today-everywhere", "/console/", who="root"),
    Screen("attention", "/console/attention"),
    Screen("attention-cause", "/console/attention/alder/{cause}"),
    Screen("gifts", "/console/gifts"),
    Screen("gifts-search", "/console/gifts?q=stone"),
    Screen("gifts-unknown-field", "/console/gifts?q=statsu:held"),
    Screen("gift", "/console/gifts/{gift}"),
    Screen("gift-unknown", "/console/gifts/{unknown}"),
    Screen("correct", "/console/gifts/{held}/correct"),
    Screen("by-hand", "/console/gifts/{held}/by-hand"),
    Screen("unknown", "/console/unknown"),
    Screen("unknown-gift", "/console/unknown/{unknown}"),
    Screen("replays", "/console/replays"),
    Screen("replay", "/console/replays/{plan}"),
    Screen("proposals", "/console/proposals"),
    Screen("funds", "/console/funds"),
    Screen("funds-edit", "/console/funds/edit?in=alder&code=WATER-24"),
    Screen("funds-history", "/console/funds/history?in=alder"),
    Screen("tokens", "/console/tokens", who="admin"),
    Screen("sources", "/console/sources"),
    Screen("connections", "/console/connections", who="root"),
    Screen("settings", "/console/settings"),
    Screen("people", "/console/people", who="admin"),
    Screen("person", "/console/people/{person}", who="admin"),
    Screen("audit", "/console/audit", who="root"),
    Screen("account", "/console/account"),
    Screen("account-codes", "/console/account/codes"),
    Screen("missing", "/console/gifts/999999"),
)


def places(house, plan):
    """What the paths may hold, from a house with thirty days in it."""
    with house.database.read() as tx:
        alder = list(search.listing(tx, search.Filter(organization="alder")))
    first = {status: next(one for one in alder if one.status is status) for status in (Status.UNKNOWN, Status.HELD)}
    rejected = next(one for one in reversed(alder) if one.status is Status.REJECTED)
    return {
        "gift": rejected.id,
        "unknown": first[Status.UNKNOWN].id,
        "held": first[Status.HELD].id,
        "plan": plan,
        "cause": cause_of(rejected.status, rejected.reason, rejected.reason_text).key,
        "person": house.numbers["viewer"],
    }
