"""Tokens: a program's key to the API, made by an admin for one organization, with the scopes it needs and no more.

A token is ``relay_`` and 256 random bits, shown once. What is kept is its SHA-256: with so much chance in it there is
nothing to guess, so a slow hash would only slow every request down.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from relay.access import Actor, Permission, Through
from relay.config import Organization
from relay.errors import NotAllowed, ReplayRefused
from relay.ledger import audit, tokens
from relay.ledger.db import Database
from relay.ledger.tokens import USED_EVERY, Token

PREFIX = "relay_"
_SHAPE = re.compile(rf"{PREFIX}[A-Za-z0-9_-]{{43}}", re.ASCII)
# People and tokens, the audit and settings are for people: no program needs them over the API.
SCOPES = (Permission.READ, Permission.ACT, Permission.MAP)
LONGEST_NAME = 80
MOST_DAYS = 3660


@dataclass(frozen=True, slots=True)
class Made:
    """A new token; ``secret`` is shown this once."""

    number: int
    secret: str


class Tokens:
    """The use cases behind ``flask tokens``, the page of tokens and the door of the API."""

    def __init__(self, database: Database, organizations: Mapping[str, Organization]) -> None:
        """Take the parts."""
        self.database = database
        self.organizations = organizations

    def add(
        self, name: str, organization: str, scopes: Iterable[str], *, actor: Actor, days: int | None = None
    ) -> Made:
        """Make a token for a program; it ends by itself after ``days``. Raises ReplayRefused."""
        actor.need(Permission.READ, organization)
        actor.need(Permission.MANAGE, organization)
        if organization not in self.organizations:
            raise NotAllowed(f"there is no organization '{organization}'", organization)
        chosen, title = _scopes(scopes), _name(name)
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise ReplayRefused(f"a token is good for 1 to {MOST_DAYS:,} days")
        secret = PREFIX + secrets.token_urlsafe(32)
        with self.database.write() as tx:
            now = self.database.now(tx)
            ends = None if days is None else now + timedelta(days=days)
            number = tokens.add(
                tx,
                name=title,
                organization=organization,
                digest=_digest(secret),
                scopes=chosen,
                made_by=actor.name,
                made_at=now,
                expires_at=ends,
            )
            details = {"name": title, "scopes": sorted(chosen), "expires_at": ends}
            about = {"organization": organization, "subject": f"token {number}"}
            audit.record(tx, actor, "add_token", **about, details=details)
        return Made(number, secret)

    def listing(self, organizations: Iterable[str] | None = None, *, actor: Actor) -> list[Token]:
        """The tokens of these organizations (None: of all) where the actor may manage, newest first."""
        wanted = self.organizations if organizations is None else organizations
        with self.database.read() as tx:
            return tokens.listing(tx, actor.within(Permission.MANAGE, wanted))

    def end(self, number: int, *, actor: Actor) -> Token:
        """End a token at once. Out of reach it does not exist."""
        with self.database.write() as tx:
            token = tokens.get(tx, number)
            if token is None or not actor.may(Permission.READ, token.organization):
                raise NotAllowed(f"there is no token {number}")
            actor.need(Permission.MANAGE, token.organization)
            if not tokens.end(tx, number, self.database.now(tx)):
                raise ReplayRefused(f"token {number} has ended already")
            details = {"name": token.name}
            about = {"organization": token.organization, "subject": f"token {number}"}
            audit.record(tx, actor, "end_token", **about, details=details)
        return token

    def whose(self, secret: str) -> tuple[Token, Actor] | None:
        """Who comes with this token; None for one that is not known, has expired or was ended."""
        if not _SHAPE.fullmatch(secret):
            return None
        with self.database.read() as tx:
            token, now = tokens.by_digest(tx, _digest(secret)), self.database.now(tx)
        if token is None or not token.is_good(now) or token.organization not in self.organizations:
            return None
        self._used(token, now)
        return token, Actor(f"token {token.name}", Through.API, {token.organization: token.scopes})

    def _used(self, token: Token, now: datetime) -> None:
        if token.used_at is None or now - token.used_at >= USED_EVERY:
            with self.database.write() as tx:
                tokens.used(tx, token.id, now)


def _scopes(words: Iterable[str]) -> frozenset[Permission]:
    chosen = frozenset(words)
    if not chosen or not chosen <= set(SCOPES):
        raise ReplayRefused(f"the scopes of a token are some of: {', '.join(SCOPES)}")
    return frozenset(map(Permission, chosen)) | {Permission.READ}


def _name(name: str) -> str:
    title = " ".join(name.split())
    if not title or len(title) > LONGEST_NAME or not title.isprintable():
        raise ReplayRefused(f"a token has a name that says whose it is, of at most {LONGEST_NAME} letters")
    return title


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
