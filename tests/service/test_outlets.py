"""The doctor on mail and alert webhooks: real servers on this machine, a sentence for each fault, nothing is sent."""

import contextlib
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from relay.config import Alerts, MailServer
from relay.doctor import Level, outlets
from tests.builders import make_organization
from tests.support.processes import free_port
from tests.support.receivers import Hook
from tests.unit.luminate.sockets import Server, answering, over_tls, reply

HERE = Path(__file__).parents[1] / "unit" / "luminate"
CERTIFICATE, KEY = HERE / "self_signed.pem", HERE / "self_signed.key.pem"
SECRETS = ("pa55word", "xyzzy-secret")


class Post:
    """A mail server. ``login``: whether it takes one; ``tls``: whether it offers STARTTLS."""

    def __init__(self, *, tls=True, login=True):
        self.port, self.logins, self.commands = free_port(), [], []
        options = {"auth_required": False, "auth_require_tls": tls, "authenticator": self._login}
        if tls:
            options["tls_context"] = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            options["tls_context"].load_cert_chain(CERTIFICATE, KEY)
        if not login:
            options["auth_exclude_mechanism"] = ("LOGIN", "PLAIN")
        self._server = Controller(self, hostname="127.0.0.1", port=self.port, **options)
        self._server.start()

    def _login(self, _server, _session, _envelope, _mechanism, given):
        self.logins.append(given.login)
        return AuthResult(success=given.password == b"pa55word", handled=False)

    async def handle_MAIL(self, *_):  # noqa: N802  # aiosmtpd's name
        self.commands.append("MAIL")
        return "250 OK"

    def close(self):
        self._server.stop()

    def settings(self, **changes):
        return settings(self.port, **changes)


def settings(port, **changes):
    told = {"host": "127.0.0.1", "port": port, "security": "starttls", "user": "u", "password": "pa55word"}
    return MailServer(**told | {"sender": "relay@alder.org"} | changes)


@pytest.fixture
def made():
    """Things to close at the end."""
    with contextlib.ExitStack() as stack:
        yield lambda thing: (stack.callback(thing.close), thing)[1]


@pytest.fixture
def trusted(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def told(server):
    (check,) = outlets.mail(server, step=2)
    shown = f"{check.text} {check.what_to_do}"
    assert not [secret for secret in SECRETS if secret in shown]
    return check


def test_no_mail_server_is_fine():
    assert (told(None).level, told(None).text) == (Level.OK, "No mail server is configured, so relay sends no mail.")


def test_a_server_that_lets_relay_in_is_sent_nothing(made, trusted):
    post = made(Post())
    assert told(post.settings()).text == "127.0.0.1 takes mail from relay, encrypted and logged in. None was sent."
    assert (post.logins, post.commands) == ([b"u"], [])


def test_a_plain_server_without_login(made):
    post = made(Post(tls=False))
    assert told(post.settings(security="plain", user="")).text == "127.0.0.1 takes mail from relay. None was sent."


def says(line):
    """A server that greets so, and says no more."""

    def behave(_server, connection):
        connection.sendall(line)
        while connection.recv(1024):
            pass

    return behave


def polite(_server, connection):
    """Welcomes everybody, and can do nothing in particular."""
    connection.sendall(b"220 Hello\r\n")
    while said := connection.recv(1024):
        connection.sendall(b"221 Bye\r\n" if said.upper().startswith(b"QUIT") else b"250 Fine\r\n")


def silent(_server, connection):
    while connection.recv(1024):
        pass


def hangs_up(_server, connection):
    connection.close()


def raw(made, behave):
    return settings(made(Server(behave)).port, security="plain", user="")


FAULTS = {
    "a name that is not known": (
        lambda _: settings(25, host="mail.invalid"),
        "The name of the mail server is not known.", "Put the right host into RELAY_SMTP_URL."),
    "nobody there": (
        lambda _: settings(9),
        "Nothing answers where the mail server should be.", "host and port into RELAY_SMTP_URL"),
    "no answer": (
        lambda made: raw(made, silent), "The mail server does not answer in time.", "let nothing out to port 25"),
    "a certificate that nobody signed": (
        lambda made: made(Post()).settings(),
        "The certificate of the mail server is not valid.", "the host that the certificate is made for"),
    "no TLS where TLS was asked for": (
        lambda made: made(Post()).settings(security="tls"),
        "The mail server does not speak TLS at this port.", "465 takes smtps://"),
    "no STARTTLS": (
        lambda made: made(Post(tls=False)).settings(), "offers no encryption (STARTTLS)", "587 takes ?starttls"),
    "no login offered": (
        lambda made: replace(raw(made, polite), user="u", password="pa55word"),
        "The mail server takes no login.", "out of RELAY_SMTP_URL"),
    "no login of a known kind": (
        lambda made: made(Post(tls=False, login=False)).settings(security="plain"),
        "The mail server takes no login of a kind that relay knows.", "PLAIN or LOGIN"),
    "wrong password": (
        lambda made: made(Post(tls=False)).settings(security="plain", password="wr0ng"),
        "The mail server does not accept user and password.", "a password made for programs"),
    "turned away": (
        lambda made: raw(made, says(b"554 We do not know you\r\n")), "The mail server turns relay away.", "Try again"),
    "hung up": (
        lambda made: raw(made, hangs_up), "The mail server ends the conversation before it began.", "right port"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_mail_server_has_its_sentence(made, fault):
    make, sentence, what_to_do = FAULTS[fault]
    check = told(make(made))
    assert check.level is Level.FAILED
    assert sentence in check.text
    assert what_to_do in check.what_to_do
    assert [name for name, (_, other, _) in FAULTS.items() if other in check.text] == [fault]


# --- alert webhooks -------------------------------------------------------------------------------------------------


def hooked(*addresses):
    checks = list(outlets.hooks(make_organization(alerts=Alerts(webhooks=addresses)), step=2))
    assert not [secret for check in checks for secret in SECRETS if secret in f"{check.text} {check.what_to_do}"]
    return checks


def test_a_webhook_that_is_there_is_reached_and_told_nothing(made):
    hook = made(Hook())
    (check,) = hooked(hook.url)
    assert (check.name, check.level) == ("alder: alert webhook 1", Level.OK)
    assert check.text == "127.0.0.1 can be reached. Nothing was posted, so its path is not proven."
    assert hook.bodies == []


def test_a_webhook_over_tls(made, trusted):
    server = made(Server(over_tls((CERTIFICATE, KEY), answering(reply()))))
    (check,) = hooked(f"https://127.0.0.1:{server.port}/xyzzy-secret")
    assert check.level is Level.OK


HOOK_FAULTS = {
    "a name that is not known": (lambda _: "https://hooks.invalid/xyzzy-secret", "The name of webhook 1 is not known."),
    "nobody there": (lambda _: "https://127.0.0.1:9/xyzzy-secret", "Nothing answers where webhook 1 should be."),
    "a certificate that nobody signed": (
        lambda made: f"https://127.0.0.1:{made(Server(over_tls((CERTIFICATE, KEY), answering(reply())))).port}/x",
        "The certificate of webhook 1 is not valid."),
    "no TLS": (lambda made: made(Hook()).url.replace("http:", "https:"), "Webhook 1 does not speak TLS."),
    "no answer": (
        lambda made: f"https://127.0.0.1:{made(Server(silent)).port}/x", "Webhook 1 does not answer in time."),
}  # fmt: skip


@pytest.mark.parametrize("fault", HOOK_FAULTS)
def test_each_fault_of_a_webhook_has_its_sentence(made, fault):
    make, sentence = HOOK_FAULTS[fault]
    (check,) = hooked(make(made))
    assert (check.level, check.text) == (Level.FAILED, sentence)
    assert check.what_to_do


def test_each_webhook_is_looked_at(made):
    hook = made(Hook())
    assert [check.level for check in hooked("https://hooks.invalid/x", hook.url)] == [Level.FAILED, Level.OK]
