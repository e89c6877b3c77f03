"""The whole story of one entry in plain words, for the console and for ``flask show``: nothing here is printed.

Built from ``ledger.search.story``. Times are told in the organization's time zone; Luminate's answers are told by
their extracted text, word by word, never as XML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from sqlalchemy import Row

from relay import words
from relay.gifts import RefundReason
from relay.ledger.entries import Entry
from relay.ledger.pauses import Pause
from relay.ledger.search import Story
from relay.reports.advice import Voice, next_step
from relay.status import Kind, Outcome, Status


@dataclass(frozen=True, slots=True)
class Moment:
    """Something that happened to an entry."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The story, ready to be laid out: ``card`` are the parameters in words, what they hold, and how they came."""

    headline: str
    timeline: tuple[Moment, ...]
    related: tuple[str, ...]
    card: tuple[tuple[str, str, str], ...]
    next_step: str
    zone: tzinfo


def tell(story: Story, zone: tzinfo = UTC, pause: Pause | None = None, voice: Voice = Voice.COMMANDS) -> Told:
    """Put a story into words. ``pause``: the pause of its organization, if it is paused."""
    return Told(
        headline=headline(story.entry, zone),
        timeline=tuple(sorted(_moments(story, zone), key=lambda moment: moment.at)),
        related=tuple(_related(story, zone)),
        card=tuple(_card(story.entry)),
        next_step=_next(story, zone, pause, voice),
        zone=zone,
    )


def headline(entry: Entry, zone: tzinfo) -> str:
    """One sentence that says it all."""
    return f"{_what(entry, zone)}: {where(entry, zone)}"


_KINDS: Mapping[str, str] = {Kind.GIFT: "Gift", Kind.REFUND: "Refund", Kind.REINSTATEMENT: "Money that came back"}


def kind(entry: Entry) -> str:
    """The kind in words; a refund that the bank took is a chargeback."""
    return "Chargeback" if entry.refund_reason == RefundReason.CHARGEBACK else _KINDS[entry.kind]


def _what(entry: Entry, zone: tzinfo) -> str:
    by = f" {'by' if entry.kind is Kind.GIFT else 'to'} {entry.donor_name}" if entry.donor_name else ""
    verb = "paid" if entry.kind is Kind.GIFT else "made"
    paid = f"{verb} {words.day(entry.occurred_at or entry.received_at, zone)} through {entry.provider}"
    return f"{kind(entry)} of {words.money(entry.amount)}{by}, {paid}"


def where(entry: Entry, zone: tzinfo) -> str:
    """Where it stands, and why."""
    said = entry.reason_text
    match entry.status:
        case Status.POSTED:
            since = f" since {words.minute(entry.posted_at, zone)}" if entry.posted_at else ""
            code = f", confirmation code {entry.confirmation_code}" if entry.confirmation_code else ""
            return f"in Luminate{since}{code}."
        case Status.RETRYING:
            return f"not in Luminate yet, tried again at {words.minute(entry.next_attempt_at, zone)}. {said}".strip()
        case _:
            return f"{_STANDS[entry.status]}. {said.removeprefix('Luminate refused it. ')}".strip()


_STANDS: Mapping[Status, str] = {
    Status.HELD: "held, not in Luminate",
    Status.WAITING: "waiting, not in Luminate yet",
    Status.QUEUED: "in line, not in Luminate yet",
    Status.POSTING: "being sent to Luminate right now",
    Status.UNKNOWN: "unknown, Luminate may or may not have it",
    Status.REJECTED: "refused by Luminate",
    Status.CLOSED: "closed, will not be sent",
}


# --- the timeline -------------------------------------------------------------------------------------------------


def _moments(story: Story, zone: tzinfo) -> Iterator[Moment]:
    for event in story.events:
        yield Moment(event.received_at, _event(event))
    for place, attempt in enumerate(story.attempts, 1):
        yield from _attempt(attempt, place, zone)
    for correction in story.corrections:
        yield Moment(correction.at, _correction(correction))
    if story.entry.erased_at is not None:
        yield Moment(story.entry.erased_at, words.ERASED[story.entry.erased])


_EFFECTS: Mapping[str, str] = {
    "made": "made it",
    "filled": "filled in what was blank",
    "same": "told the same once more",
    "linked": "named more ids of the same payment",
    "merged": "showed that two entries are one payment",
    "flagged": "wants a look",
}


def _event(event: Row[Any]) -> str:
    name = " ".join(part for part in (event.type, event.event_id) if part) or "without a name"
    note = f": {event.note.rstrip('.')}" if event.note else ""
    gone = f" {words.ERASED_EVENT}" if event.erased_at else ""
    return f"{event.provider} event {name} (number {event.id}) {_EFFECTS.get(event.effect, event.effect)}{note}.{gone}"


def _attempt(attempt: Row[Any], place: int, zone: tzinfo) -> Iterator[Moment]:
    if attempt.finished_at is None:
        yield Moment(attempt.started_at, f"Attempt {place} began; no answer is recorded yet.")
        return
    facts = [f"HTTP {attempt.http_status}"] if attempt.http_status else []
    facts += [f"{attempt.seconds:.1f} s"] if attempt.seconds is not None else []
    how = f" ({', '.join(facts)})" if facts else ""
    began = words.minute(attempt.started_at, zone)
    outcome = words.OUTCOMES.get(attempt.outcome or Outcome.UNKNOWN, attempt.outcome)
    said = f"Attempt {place}, begun {began}: {outcome}{how}. {attempt.reason_text}".strip()
    yield Moment(attempt.finished_at, f"{said} {mails(attempt.parameters)}")


# The mail switches of a call left, what a person calls the mail right.
MAILS: Mapping[str, str] = {
    "send_receipt": "a receipt",
    "send_registration_email": "a registration mail",
    "send_auto_responder": "an automatic answer",
}


def mails(parameters: Mapping[str, str]) -> str:
    """Which mails a call asks Luminate to send."""
    asked = [what for name, what in MAILS.items() if parameters.get(name) == "true"]
    return f"It asked Luminate to e-mail {' and '.join(asked)}." if asked else "It asked for no e-mail to the donor."


_ACTIONS: Mapping[str, str] = {
    "replay": "replayed it",
    "correct": "corrected it",
    "close": "closed it",
    "reopen": "reopened it",
    "found": "found it in Luminate",
    "absent": "looked, and it is not in Luminate",
    "by_hand": "said that it was entered in Luminate by hand",
    "gift_code": "told the confirmation code of its gift",
    "note": "noted",
    "map": "changed its fund",
    "erase": "erased its donor",
}


def _correction(correction: Row[Any]) -> str:
    action = _ACTIONS.get(correction.action, correction.action)
    before, after = correction.before, correction.after
    change = f"{before.get('status')} -> {after.get('status')}"
    changes = "; ".join([change, *differences(before.get("parameters", {}), after.get("parameters", {}))])
    return f"{correction.who} {action}: {correction.reason} ({changes})"


def differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """What changed between two sets of parameters, each as ``donor's e-mail address: nothing -> mary@...``."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [
        f"{words.parameter(name)}: {before.get(name) or 'nothing'} -> {after.get(name) or 'nothing'}" for name in names
    ]


# --- family, parameters, what comes next --------------------------------------------------------------------------


def _related(story: Story, zone: tzinfo) -> Iterator[str]:
    entry = story.entry
    if entry.merged_into is not None:
        yield f"The same payment as entry {entry.merged_into}, which counts."
    if entry.flag:
        yield words.FLAGS.get(entry.flag, entry.flag)
    if entry.erased:
        yield words.ERASED[entry.erased]
    if entry.late:
        yield f"Luminate dates it in another {words.LATE[entry.late]} than the donor paid: by its arrival there."
    if story.gift is not None and entry.kind is not Kind.GIFT:
        yield f"Belongs to entry {story.gift.id}. {headline(story.gift, zone)}"
    if entry.kind is Kind.GIFT:
        yield from (f"Entry {refund.id}. {headline(refund, zone)}" for refund in story.refunds)
    for candidate in entry.candidates:
        shown = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in candidate.items() if value)
        yield f"Luminate has a gift that may be this one: {shown}."


def _card(entry: Entry) -> Iterator[tuple[str, str, str]]:
    for name, value in sorted(entry.parameters.items(), key=lambda item: words.parameter(item[0])):
        how = "corrected by hand" if name in entry.overrides else ""
        yield words.parameter(name), value, how


def _next(story: Story, zone: tzinfo, pause: Pause | None, voice: Voice) -> str:
    entry = story.entry
    if entry.status is Status.POSTED and entry.flag:
        return words.FLAGS.get(entry.flag, entry.flag)
    step = next_step(entry.status, entry.reason, entry.id, entry.fence, voice=voice)
    if entry.status is Status.UNKNOWN and entry.probe_at:
        return f"relay looks it up in Luminate by itself at {words.minute(entry.probe_at, zone)}. {step}"
    if entry.status in {Status.QUEUED, Status.RETRYING}:
        return f"{_paused(pause, voice)} {step}" if pause else f"{step} {_when(entry, zone)}"
    return step


def _paused(pause: Pause, voice: Voice) -> str:
    how = f": `flask resume {pause.organization}`" if voice is Voice.COMMANDS else ""
    end = "relay checks by itself when it can go on" if pause.check_at else f"a person ends the pause{how}"
    return f"Posting for {pause.organization} is paused by {pause.who}: {pause.reason_text} ({end})."


def _when(entry: Entry, zone: tzinfo) -> str:
    past = entry.next_attempt_at <= datetime.now(UTC)
    return f"It {'has been due since' if past else 'is due at'} {words.minute(entry.next_attempt_at, zone)}."
