"""The way to the mail server, up to where a mail could be handed over; and no further."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from relay.config import MailServer


@contextmanager
def admitted(mail: MailServer, step: float) -> Iterator[smtplib.SMTP]:
    """A conversation with the server, encrypted and logged in as configured; ``step``: seconds for each answer.

    Raises what smtplib, ssl and the network raise.
    """
    with _connected(mail, step) as server:
        if mail.security == "starttls":
            server.starttls(context=ssl.create_default_context())
        if mail.user:
            server.login(mail.user, mail.password)
        yield server


def _connected(mail: MailServer, step: float) -> smtplib.SMTP:
    # Named, or it would ask a resolver what this machine is called.
    ours = mail.sender.rpartition("@")[2]
    if mail.security == "tls":
        context = ssl.create_default_context()
        return smtplib.SMTP_SSL(mail.host, mail.port, ours, timeout=step, context=context)
    return smtplib.SMTP(mail.host, mail.port, ours, timeout=step)
