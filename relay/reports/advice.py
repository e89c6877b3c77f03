"""What to do next, for every state and every reason, in two voices: of the commands, and of the console's buttons.

An act stands in angle brackets and is a verb phrase in each voice: "then <replay>" is "then `flask replay 7`" at the
command line, "then replay it" on the page of a gift, and "then replay them" where several wait for one cause.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum

from relay import words
from relay.status import Status


class Voice(StrEnum):
    """To whom it is said."""

    COMMANDS = "commands"
    BUTTONS = "buttons"
    GROUP = "group"


# An act left; what each voice calls it right. {given} is what stands behind the act.
_ACTS: Mapping[str, Mapping[Voice, str]] = {
    "replay": {
        Voice.COMMANDS: "`flask replay {id}`",
        Voice.BUTTONS: "replay it",
        Voice.GROUP: "replay them",
    },
    "close": {Voice.COMMANDS: "`flask close {id}`", Voice.BUTTONS: "close it", Voice.GROUP: "close them"},
    "reopen": {Voice.COMMANDS: "`flask reopen {id}`", Voice.BUTTONS: "reopen it", Voice.GROUP: "reopen them"},
    "found": {
        Voice.COMMANDS: "`flask resolve {id} --found CODE` with its confirmation code",
        Voice.BUTTONS: "say that it is there, with its confirmation code",
        Voice.GROUP: "say that it is there, with its confirmation code",
    },
    "by_hand": {
        Voice.COMMANDS: "`flask by-hand {id} CODE` with that code",
        Voice.BUTTONS: "say that it was entered there by hand, with that code",
        Voice.GROUP: "say so in each, with that code",
    },
    "code": {
        Voice.COMMANDS: "`flask gift-code {id} CODE` with the gift's confirmation code there",
        Voice.BUTTONS: "tell the gift's confirmation code there",
        Voice.GROUP: "tell in each the gift's confirmation code there",
    },
    "absent": {
        Voice.COMMANDS: "`flask resolve {id} --absent --attempt {attempt}`",
        Voice.BUTTONS: "say that it is not there",
        Voice.GROUP: "say that it is not there",
    },
    "all": {
        Voice.COMMANDS: "; for all of that kind, `flask replay --reason-code {given}`",
        Voice.BUTTONS: "; all that wait for the same stand under Needs attention",
        Voice.GROUP: "",
    },
    "map": {
        Voice.COMMANDS: "Add the fund to the organization's table of funds. Then `flask replay {id}`; for all of that "
        "kind, `flask replay --reason-code fund_not_mapped`. For this one alone, <correct fund=CODE>.",
        Voice.BUTTONS: "Map the fund under Funds, and all that wait for it go. "
        "For this one alone, <correct fund=CODE>.",
        Voice.GROUP: "Map the fund under Funds: you see what would be sent before anything is, then all of them go.",
    },
    "doctor": {
        Voice.COMMANDS: "`flask doctor`",
        Voice.BUTTONS: "whoever runs relay",
        Voice.GROUP: "whoever runs relay",
    },
}

# What happens next, by status. A reason in NEXT says it better.
NEXT_BY_STATUS: Mapping[Status, str] = {
    Status.HELD: "Mend what is named above, then <replay>; or <close>.",
    Status.WAITING: "relay sends it by itself as soon as its gift is in Luminate.",
    Status.QUEUED: "relay sends it by itself.",
    Status.POSTING: "The call is under way; relay writes down the answer by itself.",
    Status.RETRYING: "relay tries again by itself.",
    Status.UNKNOWN: "Never send it again without proof. Look for it in Luminate: if it is there, "
    "<found>; if it surely is not, <absent>.",
    Status.REJECTED: "Read what Luminate says, <correct FIELD=VALUE>; "
    "if the fault was in Luminate's settings, mend it there and <replay>.",
    Status.POSTED: "Nothing: it is done.",
    Status.CLOSED: "Nothing: it is ended. To take that back, <reopen>.",
}

_ASKS = frozenset({Status.HELD, Status.WAITING, Status.REJECTED, Status.UNKNOWN})
# Reason code left, what a person does about it right.
NEXT: Mapping[str, str] = {
    # held by the mapping (relay.luminate.problems)
    "not_positive": "No such gift can be recorded: <close>.",
    "other_currency": "Luminate has no currencies: record it there by hand in its own, then <close>; "
    "its refunds are made there by hand, too.",
    "no_email": "Ask the donor or look at the provider, then " + "<correct donor.email=ADDRESS>.",
    "email_invalid": "Find the right address, then " + "<correct donor.email=ADDRESS>.",
    "field_missing": "Fill in what is missing: <correct FIELD=VALUE>.",
    "field_invalid": "Put the value right: <correct FIELD=VALUE>.",
    "fund_not_mapped": "<map>",
    "designation_missing": "Give every part of the gift a designee: <correct fund=CODE>.",
    "cents_in_designation": "Choose a rule for cents (`whole_units` in the configuration). "
    "Then <replay><all cents_in_designation>.",
    "shares_do_not_add_up": "The provider's shares are not the gift: <correct fund=CODE>.",
    "forms_differ": "The funds belong to different forms; choose one: <correct fund=CODE>.",
    "other_fiscal_year": "Luminate dates a gift by its arrival: decide with finance. To send it into "
    "this fiscal year, <replay>; or record it there by hand, then <by_hand>.",
    # held by the booking
    "closed_before": "A person closed this payment before. If it shall be sent after all, <replay>; else <close>.",
    "recorded_before": "Luminate has it: look there. For a gift, <by_hand>; for a refund, <close>.",
    "gift_closed_unproven": "Look in Luminate. If the gift is there, refund it there by hand, then <close>; or reopen "
    "the gift and say that it is there, and relay refunds it. If it is not there, <close>.",
    "needs_proof": "See at the provider whether the money came; if so, <replay>, else <close>.",
    "code_supplied": "Look in Luminate: if the gift is there, <by_hand>; if it surely is not, <replay>.",
    "names_no_payment": "Find its gift at the provider. If relay's own account added it to Luminate, <code>, and relay "
    "refunds it; else refund it there by hand, then <close>.",
    "more_than_left": "Compare the refunds of this gift at the provider and in Luminate, then <close>.",
    "total_unclear": "See at the provider how much of this gift is refunded and did not come back. If this is part of "
    "it, <replay>; if not, <close>.",
    "other_login": "If today's account added the gift once more, <code>, and relay refunds it; else refund it in "
    "Luminate by hand, or with the account that added it, then <close>.",
    "money_came_back": "Luminate cannot undo a refund. To record the money as a gift once more, <replay>; "
    "if somebody has recorded it there by hand, <close>.",
    "reopened": "To send it, <replay>; to end it again, <close>.",
    "erased": "If it must be in Luminate, enter it there by hand and say so with its code; if not, <close>.",
    # waiting
    "gift_not_seen": "It waits for the event of its gift. If the gift was before relay's time and relay's own account "
    "added it to Luminate, <code>, and relay refunds it; else refund it there by hand, then <close>.",
    "gift_not_posted": "relay sends it by itself as soon as its gift is in Luminate; see to the gift.",
    # after an attempt
    "not_reachable": "Ask <doctor> whether Luminate can be reached, then <replay>.",
    "several_constituents": "Merge the donor's records in Luminate, or say which one it is: "
    "<correct donor.cons_id=NUMBER>.",
    "several_records": "Merge the donor's records in Luminate, or say which one it is: <correct donor.cons_id=NUMBER>.",
    "no_constituent": "The constituent id is wrong; take it away: <correct donor.cons_id=>.",
    "email_taken": "Another constituent has this address; say which one it is: <correct donor.cons_id=NUMBER>.",
    "constituent_exists": "Say which constituent it is: <correct donor.cons_id=NUMBER>.",
    "card_declined": "An offline gift has no card to decline: check the form in Luminate, then <replay>.",
    # after a look-up
    "answers_mixed_up": "It is in Luminate: never send it again. Find the other entry's own code there as well, then "
    "<close> with both codes in the reason; refunds of the two are made in Luminate by hand.",
}


def next_step(status: Status, reason: str, entry: int = 0, attempt: int = 0, *, voice: Voice = Voice.COMMANDS) -> str:
    """What happens next, or what a person should do, in one or two sentences.

    ``entry`` and its newest ``attempt``: for the commands.
    """
    special = NEXT.get(reason) if status in _ASKS else None
    said = _said(special or NEXT_BY_STATUS[status], voice)
    return said.replace("{id}", str(entry)).replace("{attempt}", str(attempt))


def _said(text: str, voice: Voice) -> str:
    return re.sub(r"<(\w+)(?: ([^>]*))?>", lambda act: _act(act[1], act[2] or "", voice), text)


def _act(name: str, given: str, voice: Voice) -> str:
    if name == "correct":
        return _correct(given, voice)
    return _said(_ACTS[name][voice].replace("{given}", given), voice)


def _correct(given: str, voice: Voice) -> str:
    if voice is Voice.COMMANDS:
        return f"`flask correct {{id}} {given} --reason ...` and relay sends it"
    name = given.partition("=")[0]
    field = {"FIELD": "it", "fund": "the fund"}.get(name) or f"the {words.parameter(name)}"
    return f"correct {field} in each" if voice is Voice.GROUP else f"correct {field}, and relay sends it"
