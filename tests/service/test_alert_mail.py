"""Mail over TLS to a real server on loopback: a login travels only where the certificate is right."""

import ssl
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from relay.alerting.sending import Channel, Sender
from relay.config import MailServer
from relay.errors import NotDelivered
from relay.ledger.alerts import Said
from tests.support.processes import free_port

HERE = Path(__file__).parents[1] / "unit" / "luminate"
CERTIFICATE, KEY = HERE / "self_signed.pem", HERE / "self_signed.key.pem"
SAID = Said(subject="Alder: für Sie", text="Words, and 10 \N{EURO SIGN}.", facts={})
TO = Channel("email", "finance@alder.org", "finance@alder.org")


class Post:
    """Takes mail after STARTTLS and a login only."""

    def __init__(self):
        self.port, self.logins, self.envelopes = free_port(), [], []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE, KEY)
        self._server = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            tls_context=context,
            require_starttls=True,
            auth_required=True,
            auth_require_tls=True,
            authenticator=self._login,
        )

    def _login(self, _server, _session, _envelope, _mechanism, given):
        self.logins.append((given.login, given.password))
        return AuthResult(success=given.password == b"pa55word", handled=False)

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802  # aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 Kept"


@pytest.fixture
def post():
    post = Post()
    post._server.start()
    yield post
    post._server.stop()


@pytest.fixture
def trusted(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))


def sender(post, *, security="starttls", password="pa55word"):  # noqa: S107  # opens nothing
    told = {"host": "127.0.0.1", "port": post.port, "security": security, "user": "relay", "password": password}
    return Sender(MailServer(**told, sender="relay@alder.org"), step=3, whole=8)


def test_starttls_and_a_login(post, trusted):
    assert sender(post).send(TO, SAID, "1") == "the mail server took it"
    assert post.logins == [(b"relay", b"pa55word")]
    assert post.envelopes[0].rcpt_tos == ["finance@alder.org"]
    assert b"Message-ID: <1@alder.org>" in post.envelopes[0].content
    assert b"Auto-Submitted: auto-generated" in post.envelopes[0].content


def test_a_certificate_that_nobody_signed_gets_no_login(post):
    with pytest.raises(NotDelivered, match=r"no safe connection to the mail server \(SSLCertVerificationError\)"):
        sender(post).send(TO, SAID, "1")
    assert post.logins == []


def test_a_wrong_password_is_said_without_it(post, trusted):
    with pytest.raises(NotDelivered) as caught:
        sender(post, password="wr0ng").send(TO, SAID, "1")
    assert str(caught.value) == "the mail server refused it (535)"
    assert caught.value.answered
    assert post.envelopes == []


def test_a_server_without_tls_where_tls_was_asked_for_gets_nothing(post, trusted):
    with pytest.raises(NotDelivered, match="no safe connection"):
        sender(post, security="tls").send(TO, SAID, "1")
    assert post.logins == []
