"""Sending one message: by SMTP, or as JSON to a webhook. Addresses come from the configuration alone."""

from __future__ import annotations

import smtplib
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, localtime
from html import escape
from typing import Any
from urllib.parse import urlsplit

import requests

from relay import mailing
from relay.config import MailServer, Organization
from relay.errors import NotDelivered
from relay.ledger import alerts
from relay.ledger.alerts import Said

# For each step of a conversation, and for the whole of it: a server may answer a byte at a time.
STEP_SECONDS, WHOLE_SECONDS = 10.0, 30.0


@dataclass(frozen=True, slots=True)
class Channel:
    """One address of one organization. ``place`` names it where the address is a secret: "webhook 1"."""

    kind: str
    address: str = field(repr=False)
    place: str

    @property
    def digest(self) -> str:
        """What the ledger calls it."""
        return alerts.channel(self.kind, self.address)

    def server(self, mail: MailServer | None) -> str:
        """What must answer, so that a dead server is not asked for every message."""
        return f"smtp {mail.host}" if self.kind == "email" and mail else urlsplit(self.address).netloc


def channels(organization: Organization) -> list[Channel]:
    """Everybody who hears of this organization's alerts."""
    hooks = organization.alerts.webhooks
    return [
        *(Channel("email", address, address) for address in organization.alerts.emails),
        *(Channel("webhook", address, f"webhook {place}") for place, address in enumerate(hooks, 1)),
    ]


class Sender:
    """Sends, or raises NotDelivered with a sentence that names no secret; never longer than WHOLE_SECONDS."""

    def __init__(self, mail: MailServer | None, *, step: float = STEP_SECONDS, whole: float = WHOLE_SECONDS) -> None:
        """Nothing is opened yet. ``step`` and ``whole``: how patient to be, in seconds."""
        self.mail, self.step, self.whole = mail, step, whole

    def send(self, channel: Channel, said: Said, number: str) -> str:
        """Send it, and give back what the other side said. ``number`` is the same whenever it is tried again."""
        if channel.kind == "email":
            return _within(self.whole, lambda: self._mail(channel.address, said, number))
        return _within(self.whole, lambda: self._hook(channel.address, said))

    def _mail(self, to: str, said: Said, number: str) -> str:
        if self.mail is None:
            raise NotDelivered("no mail server is configured (RELAY_SMTP_URL)")
        try:
            with mailing.admitted(self.mail, self.step) as server:
                server.send_message(composed(self.mail, to, said, number))
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise NotDelivered(f"the mail server refused the address ({code})", answered=True) from error
        except smtplib.SMTPResponseException as error:
            raise NotDelivered(f"the mail server refused it ({error.smtp_code})", answered=True) from error
        except ssl.SSLError as error:
            raise NotDelivered(f"no safe connection to the mail server ({type(error).__name__})") from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotDelivered(f"the mail server did not answer ({type(error).__name__})") from error
        return "the mail server took it"

    def _hook(self, url: str, said: Said) -> str:
        body = {**said.facts, "text": _slack(f"*{said.subject}*\n{said.text}"), "subject": said.subject}
        try:
            status = self._posted(url, body)
        except requests.RequestException as error:
            raise NotDelivered(f"the webhook did not answer ({type(error).__name__})") from error
        if not 200 <= status < 300:
            raise NotDelivered(f"the webhook answered {status}", answered=True)
        return f"the webhook answered {status}"

    def _posted(self, url: str, body: Mapping[str, Any]) -> int:
        """The status that was answered; what else the answer holds is never read."""
        with requests.Session() as session:
            session.trust_env = False  # no login from a file, no proxy that only this would use
            with session.post(url, json=body, timeout=self.step, allow_redirects=False, stream=True) as answer:
                return answer.status_code


def composed(mail: MailServer, to: str, said: Said, number: str) -> EmailMessage:
    """The mail. Its id is the same whenever it is tried again, so that a reader may see a repeat as one."""
    message = EmailMessage(_WIDE)
    message["From"] = Address("relay", addr_spec=mail.sender)
    message["To"] = Address(addr_spec=to)
    message["Subject"] = " ".join(said.subject.split())
    message["Date"] = format_datetime(localtime())
    message["Message-ID"] = f"<{number}@{mail.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(said.text)
    return message


# A subject is one line: some readers show where it was folded.
_WIDE = policy.SMTP.clone(max_line_length=400)


def _slack(text: str) -> str:
    """Slack reads <...> as a link or a call to everybody (https://docs.slack.dev/messaging/formatting-message-text)."""
    return escape(text, quote=False)


def _within(seconds: float, send: Callable[[], str]) -> str:
    """Do it in a thread of its own, and wait no longer than that."""
    answers: list[str] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            answers.append(send())
        except Exception as error:  # noqa: BLE001  # handed over to whoever waits, below
            errors.append(error)

    thread = threading.Thread(target=run, name="alert", daemon=True)
    thread.start()
    thread.join(seconds)
    if errors:
        raise errors[0]
    if not answers:
        raise NotDelivered(f"no end after {seconds:g} seconds")
    return answers[0]
