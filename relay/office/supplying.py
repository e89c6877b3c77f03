"""A person supplies the confirmation code of a gift that relay never saw, or may not refund: then its refund goes.

The code is looked up first where the donor is known. What goes under one code is never more than the gift is worth in
Luminate; ``relay.inbound.refunding`` holds every later replay to that, too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy import Connection

from relay.access import Actor, Permission
from relay.config import Organization
from relay.errors import MoneyError, NotChecked, ReplayRefused
from relay.inbound import refunding
from relay.ledger import entries, supplied
from relay.ledger.db import Database
from relay.ledger.entries import Entry
from relay.luminate.seen import Seen
from relay.money import Money
from relay.office.acting import Acting, existing
from relay.office.looking import Looked, Looking
from relay.status import CLAIMABLE, Kind, Status

LONGEST = 100
# Where relay knows no code that it may refund with.
_WITHOUT = frozenset(
    {(Status.WAITING, "gift_not_seen"), (Status.HELD, "other_login"), (Status.HELD, "names_no_payment")}
)


def may_supply(entry: Entry) -> bool:
    """Whether a refund lacks a code that only a person can tell, or was told one that did not do."""
    if entry.kind is not Kind.REFUND:
        return False
    is_told = bool(supplied.code_of(entry)) and entry.status in {Status.HELD, Status.REJECTED}
    return is_told or (entry.status, entry.reason) in _WITHOUT


class Supplying(Acting):
    """The use case behind ``flask gift-code``, its form in the console, and the API's."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization], looking: Looking) -> None:
        """Take the parts; ``looking`` checks what somebody says is in Luminate."""
        super().__init__(database, organizations)
        self.looking = looking

    def supply(
        self, entry_id: int, code: str, *, actor: Actor, reason: str, worth: str = "", seen: bool = False
    ) -> str:
        """Refund by this confirmation code, which the gift has in Luminate. Gives back what a person is told of it.

        Where Luminate does not show the code, NotChecked is raised unless the person has ``seen`` it there, and tells
        what the gift is ``worth`` there if relay does not know it. Raises ReplayRefused for anything else.
        """
        organization, _ = self.whose(actor, Permission.ACT, entry_id)
        code = _read(code)
        with self.database.read() as tx:
            entry = existing(tx, entry_id)
            gift = _gift_of(tx, actor, organization, entry, code)
        looked = self.looking.rows(organization, gift or replace(entry, kind=Kind.GIFT))
        row, said = _checked(looked, code)
        if row is None and not seen:
            raise NotChecked(said)
        whole = _worth(row, _told(worth, entry.amount.currency), gift, entry.amount.currency)
        with self.act(actor, supplied.ACTION, entry_id, reason) as act:
            _need_same(entry, act.entry)
            _gift_of(act.tx, actor, organization, act.entry, code)
            given = {supplied.CODE: code, supplied.WORTH: whole.text}
            stands = refunding.again(act.desk, replace(act.entry, overrides=given), mail=act.entry.mail)
            if stands["status"] is not Status.QUEUED:
                raise ReplayRefused(str(stands["reason_text"]).rstrip("."))
            act.told["checked"] = row is not None
            in_line = {"overrides": given, "next_attempt_at": act.now, "not_sent": 0}
            act.moved(stands.pop("status"), **stands, **in_line)
            now = existing(act.tx, entry_id)
        # What a restored ledger may have forgotten is looked up before it is sent.
        return said if now.status in CLAIMABLE else f"{said} It is {now.status}, and not sent yet: {now.reason_text}"


def _read(code: str) -> str:
    code = code.strip()
    if not code:
        raise ReplayRefused("a confirmation code is needed")
    if len(code) > LONGEST or not code.isprintable():
        raise ReplayRefused(f"a confirmation code has at most {LONGEST} letters, digits and dashes")
    return code


def _gift_of(tx: Connection, actor: Actor, organization: Organization, entry: Entry, code: str) -> Entry | None:
    """The refund's own gift, if relay has it. Raises ReplayRefused where this refund needs no code, or not this one."""
    if not may_supply(entry):
        why = f" ({entry.reason})" if entry.reason else ""
        raise ReplayRefused(
            f"entry {entry.id} is a {entry.kind} and {entry.status}{why}: "
            "only a refund whose gift relay has not seen, or may not refund, takes a confirmation code"
        )
    gift = entries.gift_of(tx, entry.payment_id)
    if gift and gift.status is not Status.POSTED:
        raise ReplayRefused(f"its gift, entry {gift.id}, is {gift.status}: see to the gift, and its refund follows")
    owner = entries.owner_of(tx, organization.on_site, code)
    if owner is not None and (gift is None or owner != gift.id):
        raise ReplayRefused(
            f"the code belongs to {_called(existing(tx, owner), actor)}, which is not this refund's gift"
        )
    others = [one for one in supplied.under(tx, organization.on_site, code) if one.organization != entry.organization]
    if others:
        raise ReplayRefused(f"the code was supplied for {_called(others[0], actor)} before")
    return gift


def _called(entry: Entry, actor: Actor) -> str:
    """An entry by its number, for whoever may see it."""
    is_seen = actor.may(Permission.READ, entry.organization)
    return f"entry {entry.id}" if is_seen else f"a {entry.kind} of another organization"


def _checked(looked: Looked, code: str) -> tuple[Seen | None, str]:
    """Luminate's row with this code, and what a person reads about it."""
    if looked.problem:
        return None, f"It could not be checked: {looked.problem}"
    row = next((row for row in looked.rows if row.confirmation_code == code), None)
    if row is None:
        return None, "It could not be checked: Luminate shows no gift of this donor with that confirmation code."
    return row, "Checked: Luminate shows a gift of this donor under that code."


def _told(worth: str, currency: str) -> Money | None:
    if not worth.strip():
        return None
    try:
        told = Money.parse(worth.strip(), currency)
    except MoneyError as error:
        raise ReplayRefused(f"the amount of the gift cannot be read: {error}") from error
    if told.minor <= 0:
        raise ReplayRefused("the amount of the gift must be above zero")
    return told


def _worth(row: Seen | None, told: Money | None, gift: Entry | None, currency: str) -> Money:
    """What the gift is worth in Luminate: as shown there, else as a person told, else as relay posted it."""
    if row is not None:
        shown = _told(str(row.amount), currency)
        if shown is None or (told is not None and told != shown):
            raise ReplayRefused(f"Luminate shows {row.amount} under this code: look for the right code, or amount")
        return shown
    if told is not None:
        return told
    if gift is None or gift.amount.currency != currency:
        raise ReplayRefused("relay does not know how large the gift is in Luminate: tell its amount, too")
    return gift.amount


def _need_same(before: Entry, now: Entry) -> None:
    known = ("status", "fence", "amount", "payment_id", "overrides")
    if any(getattr(before, name) != getattr(now, name) for name in known):
        raise ReplayRefused(f"entry {now.id} was changed by somebody else meanwhile")
