"""What is wrong with how alerts are configured, and their place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import time
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from marshmallow import fields, post_load

from relay.config.checks import is_loopback
from relay.config.fields import StrictSchema, Text, WholeNumber
from relay.config.outlets import Alerts, MailServer
from relay.config.problems import Problem, sentence

MAIL_VARIABLES = {"smtp_url": "RELAY_SMTP_URL", "mail_from": "RELAY_MAIL_FROM"}
_SHAPE = "the shape is smtp://user:password@host:587?starttls or smtps://user:password@host"
_PORTS = {"smtp": 25, "smtps": 465}
# One plain address: what a header or an envelope could misread has no place in it.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63})*", re.ASCII)
_HOUR = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
NEVER = "never"


def wrong_email(address: str) -> str:
    """What is wrong with one e-mail address."""
    return "" if _ADDRESS.fullmatch(address) else "is not one plain e-mail address such as finance@acme.org"


def wrong_hook(url: str) -> str:
    """What is wrong with the address of a webhook that takes alerts."""
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.fragment:
        return "is not the address of a webhook such as https://hooks.slack.com/services/..."
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must begin with https"
    return ""


def wrong_smtp(url: str) -> str:
    """What is wrong with the address of the mail server."""
    parts = _parts(url)
    if parts is None or parts.scheme not in _PORTS or parts.path not in ("", "/") or parts.fragment:
        return f"is not the address of a mail server; {_SHAPE}"
    if parts.query not in ("", "starttls") or (parts.query and parts.scheme == "smtps"):
        return f"may only say ?starttls behind smtp://; {_SHAPE}"
    if "@" in parts.netloc and not (parts.username and parts.password):
        return f"has a user without a password, or the reverse; {_SHAPE}"
    if parts.username and parts.scheme == "smtp" and not parts.query and not is_loopback(parts.hostname or ""):
        return f"would send the password unprotected; {_SHAPE}"
    return ""


def wrong_public_url(url: str) -> str:
    """What is wrong with the address under which people reach the console."""
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or "@" in parts.netloc or parts.query or parts.fragment:
        return "is not an address such as https://relay.acme.org"
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        return "must begin with https"
    return ""


def wrong_dsn(url: str) -> str:
    """What is wrong with Sentry's address for a project."""
    parts = _parts(url)
    if parts is None or parts.scheme not in ("http", "https") or not parts.username or parts.path in ("", "/"):
        return "is not a Sentry DSN; the shape is https://key@sentry.example.org/1"
    return "must begin with https" if parts.scheme == "http" and not is_loopback(parts.hostname or "") else ""


def _parts(url: str) -> SplitResult | None:
    """The parts of an address with a host, None for anything else."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return None
    return parts if parts.hostname and not any(letter.isspace() for letter in url) else None


def take_mail(values: dict[str, Any]) -> MailServer | None:
    """The mail server in ``values``, which loses its parts; None unless both are there."""
    url, sender = (values.pop(name, "") for name in MAIL_VARIABLES)
    if not url or not sender:
        return None
    parts = urlsplit(url)
    security = "tls" if parts.scheme == "smtps" else parts.query or "plain"
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    port = parts.port or (587 if security == "starttls" else _PORTS[parts.scheme])
    return MailServer(
        host=parts.hostname or "", port=port, security=security, user=user, password=password, sender=sender
    )


def incomplete_mail(given: frozenset[str]) -> Iterator[Problem]:
    """One variable without the other."""
    for name, other in (("RELAY_SMTP_URL", "RELAY_MAIL_FROM"), ("RELAY_MAIL_FROM", "RELAY_SMTP_URL")):
        if name not in given and other in given:
            yield Problem((name,), f"is not set, although {other} is")


class Several(fields.List[str]):
    """A list of texts, or one text with several, separated by commas or blanks."""

    def _deserialize(self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any) -> list[Any]:
        given = value.replace(",", " ").split() if isinstance(value, str) else value
        return super()._deserialize(given, attr, data, **kwargs)


def _wrong_hour(text: str) -> str:
    return "" if text == NEVER or _HOUR.fullmatch(text) else f'must be an hour such as "08:00", or "{NEVER}"'


class AlertsSchema(StrictSchema):
    """``alerts``: who hears of trouble."""

    emails = Several(Text(check=wrong_email))
    webhooks = Several(Text(check=wrong_hook))
    daily_at = Text(check=_wrong_hour)
    silence_times = WholeNumber(least=0, most=100)

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> Alerts:
        for name in {"emails", "webhooks"} & data.keys():
            data[name] = tuple(dict.fromkeys(data[name]))
        if hour := data.get("daily_at"):
            data["daily_at"] = None if hour == NEVER else time.fromisoformat(hour)
        return Alerts(**data)


def nobody_sends(environ: Mapping[str, str], wanting: Mapping[str, Alerts]) -> list[str]:
    """Organizations that want mail although no server is named."""
    names = [name for name, alerts in wanting.items() if alerts.emails]
    if not names or environ.get("RELAY_SMTP_URL", "").strip() or environ.get("RELAY_MAIL_FROM", "").strip():
        return []
    return [sentence("RELAY_SMTP_URL", f"is not set, although '{names[0]}' wants alerts by e-mail")]
