"""The doctor on those whom relay tells: the mail server and the webhooks of alerts. Nothing is sent to anybody."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from urllib.parse import urlsplit

from relay import mailing
from relay.config import MailServer, Organization
from relay.doctor.checks import Check, failed, ok

STEP_SECONDS = 10.0
_PORTS = "587 takes ?starttls, 465 takes smtps://."
_LATER = "Try again later; if it stays so, ask whoever runs it."
# What is raised left, what is wrong and what to do right; the first that fits counts.
_Troubles = tuple[tuple[type[BaseException], str, str], ...]
_ON_THE_WAY: _Troubles = (
    (socket.gaierror, "The name of {it} is not known.", "Put the right host into {setting}."),
    (ConnectionRefusedError, "Nothing answers where {it} should be.", "Put the right host and port into {setting}."),
    (TimeoutError, "{It} does not answer in time.",
     "See whether a firewall stands between, and whether {setting} has the right address."),
    (ssl.SSLCertVerificationError, "The certificate of {it} is not valid.",
     "Let {setting} name the host that the certificate is made for; see whether this machine's clock is right."),
)  # fmt: skip
_MAIL: _Troubles = (
    (TimeoutError, "{It} does not answer in time.",
     f"See whether a firewall stands between (many platforms let nothing out to port 25). {_PORTS}"),
    *_ON_THE_WAY,
    (ssl.SSLError, "{It} does not speak TLS at this port.", f"Put the right port into {{setting}}: {_PORTS}"),
    (smtplib.SMTPAuthenticationError, "{It} does not accept user and password.",
     "Put the right ones into {setting}; some services want a password made for programs."),
    (smtplib.SMTPServerDisconnected, "{It} ends the conversation before it began.",
     f"Put the right port into {{setting}}: {_PORTS}"),
    (smtplib.SMTPHeloError, "{It} does not take relay's greeting.", "Let RELAY_MAIL_FROM have a domain of yours."),
    (smtplib.SMTPResponseException, "{It} turns relay away.", _LATER),
    (smtplib.SMTPException, "{It} takes no login of a kind that relay knows.", "Ask for PLAIN or LOGIN there."),
)  # fmt: skip
_HOOK: _Troubles = (*_ON_THE_WAY, (ssl.SSLError, "{It} does not speak TLS.", "Put the right address into {setting}."))


def mail(server: MailServer | None, step: float = STEP_SECONDS) -> Iterator[Check]:
    """Connect, greet, encrypt and log in as alerts do; then leave."""
    if server is None:
        yield ok("mail", "No mail server is configured, so relay sends no mail.")
        return
    try:
        with mailing.admitted(server, step):
            yield ok("mail", f"{server.host} takes mail from relay{_how(server)}. None was sent.")
    except smtplib.SMTPNotSupportedError as error:
        yield _not_offered(error)
    except (OSError, smtplib.SMTPException) as error:
        yield _trouble("mail", error, _MAIL, "the mail server", "RELAY_SMTP_URL")


def _how(server: MailServer) -> str:
    return (", encrypted" if server.security != "plain" else "") + (" and logged in" if server.user else "")


def _not_offered(error: smtplib.SMTPNotSupportedError) -> Check:
    if "STARTTLS" in str(error):
        sentence = "The mail server offers no encryption (STARTTLS)."
        return failed("mail", sentence, f"Put the right port into RELAY_SMTP_URL: {_PORTS}")
    sentence = "The mail server takes no login."
    return failed("mail", sentence, "Take user and password out of RELAY_SMTP_URL, or name the port that takes them.")


def hooks(organization: Organization, step: float = STEP_SECONDS) -> Iterator[Check]:
    """Whether each webhook can be reached: a connection, and what proves who is there. Nothing is posted."""
    for place, url in enumerate(organization.alerts.webhooks, 1):
        name, parts = f"{organization.name}: alert webhook {place}", urlsplit(url)
        try:
            _reach(parts.hostname or "", parts.port, step, encrypted=parts.scheme == "https")
        except OSError as error:
            setting = "RELAY_ALERT_WEBHOOKS or alerts.webhooks"
            yield _trouble(name, error, _HOOK, f"webhook {place}", setting)
        else:
            yield ok(name, f"{parts.hostname} can be reached. Nothing was posted, so its path is not proven.")


def _reach(host: str, port: int | None, step: float, *, encrypted: bool) -> None:
    with socket.create_connection((host, port or (443 if encrypted else 80)), timeout=step) as connection:
        if encrypted:
            with ssl.create_default_context().wrap_socket(connection, server_hostname=host):
                pass


def _trouble(name: str, error: Exception, known: _Troubles, it: str, setting: str) -> Check:
    if isinstance(error.__context__, TimeoutError):  # smtplib calls it a disconnection
        error = error.__context__
    said = {"it": it, "It": it[:1].upper() + it[1:], "setting": setting}
    for kind, sentence, what_to_do in known:
        if isinstance(error, kind):
            return failed(name, sentence.format(**said), what_to_do.format(**said))
    sentence = f"{said['It']} cannot be reached ({type(error).__name__})."
    return failed(name, sentence, _LATER)
