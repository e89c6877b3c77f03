"""Whom relay alerts, by what, and how it sends mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time


@dataclass(frozen=True, slots=True, kw_only=True)
class Alerts:
    """Who hears of trouble in one organization; nobody unless addresses stand here."""

    emails: tuple[str, ...] = ()
    # Slack's incoming webhooks, or whatever takes JSON; an address is a secret.
    webhooks: tuple[str, ...] = field(default=(), repr=False)
    # When the summary of the day before is sent, in the organization's time zone; None: never.
    daily_at: time | None = time(8)
    # A source is silent after so many times its usual gap; 0: silence is no alert.
    silence_times: int = 2

    @property
    def anybody(self) -> bool:
        """Whether there is anyone to tell."""
        return bool(self.emails or self.webhooks)


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """The server that takes relay's mail, and whom the mail is from."""

    host: str
    port: int
    # "tls" from the first byte, "starttls", or "plain".
    security: str
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str
