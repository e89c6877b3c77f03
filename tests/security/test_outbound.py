"""Requests that a payload would like relay to make: to no address but the providers' own, and not one step further."""

import io
import json
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP
from urllib.parse import urlsplit

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter

from relay.alerting.sending import composed
from relay.config import MailServer
from relay.config.alerts import wrong_hook
from relay.errors import FetchFailed
from relay.ledger.alerts import Said
from relay.providers import Delivery, paypal
from relay.providers.calling import Caller
from tests.provider_cases import payloads
from tests.support import genuine
from tests.support.paypal import signed

CERTS = "https://api.paypal.com/v1/notifications/certs/"
LOOKALIKES = [
    "https://api.paypal.com@evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/v1/notifications/certs/CERT-1",
    "https://evil.example/https://api.paypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com.evil.example/v1/notifications/certs/CERT-1",
    "https://api.p\u0430ypal.com/v1/notifications/certs/CERT-1",
    "https://api.paypal.com./v1/notifications/certs/CERT-1",
    "https://API.PAYPAL.COM/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:8443/v1/notifications/certs/CERT-1",
    "https://api.paypal.com:443/v1/notifications/certs/CERT-1",
    "http://api.paypal.com/v1/notifications/certs/CERT-1",
    "ftp://api.paypal.com/v1/notifications/certs/CERT-1",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_FLUSHALL",
    "//api.paypal.com/v1/notifications/certs/CERT-1",
    "https://127.0.0.1/v1/notifications/certs/CERT-1",
    "https://169.254.169.254/latest/meta-data/",
    "https://[::1]/v1/notifications/certs/CERT-1",
    "https://2130706433/v1/notifications/certs/CERT-1",
    "https://api.sandbox.paypal.com/v1/notifications/certs/CERT-1",
    f"{CERTS}../../../v1/oauth2/token",
    f"{CERTS}%2e%2e%2f%2e%2e%2foauth2",
    f"{CERTS}..%5c..",
    f"{CERTS}CERT-1/../../x",
    f"{CERTS}CERT-1?next=https://evil.example",
    f"{CERTS}CERT-1#@evil.example",
    f"{CERTS}CERT-1\\@evil.example",
    f"{CERTS}CERT-1 https://evil.example",
    f"{CERTS}",
    f" {CERTS}CERT-1\thttps://evil.example",
]


class Recorder(BaseAdapter):
    """The network as far as requests sees it: remembers what was asked, and answers what a test says."""

    def __init__(self, status=404, **headers):
        super().__init__()
        self.asked, self.status, self.told = [], status, headers

    def send(self, request, **_kwargs):
        self.asked.append(request.url)
        answer = requests.Response()
        answer.status_code, answer.url, answer.request = self.status, request.url, request
        answer.headers.update(self.told)
        body = io.BytesIO(b"{}")
        answer.raw = urllib3.HTTPResponse(body, self.told, self.status, preload_content=False)
        return answer

    def close(self):
        """Nothing is open."""


@pytest.fixture
def network():
    """(what was asked, a caller) of a network that has nothing."""
    return called(Recorder())


def called(recorder):
    session = requests.Session()
    session.trust_env = False
    for scheme in ("https://", "http://"):
        session.mount(scheme, recorder)
    return recorder.asked, Caller(session)


@pytest.mark.parametrize("address", LOOKALIKES)
def test_a_certificate_is_fetched_from_paypal_or_not_at_all(fortress, network, address):
    asked, caller = network
    fortress.relay.caller = caller
    fortress.relay.providers = fortress.relay.intake.providers = {
        **fortress.relay.providers,
        "paypal": paypal.provider({}),
    }
    body = payloads("paypal")["capture_completed"]
    headers = signed(body, genuine.HOOK, datetime.now(UTC)) | {"paypal-cert-url": address.encode().decode("latin-1")}
    assert fortress.send("paypal", Delivery(body), headers=headers).status_code == 401
    fortress.relay.fetching_for(fortress.settings.organizations["alder"]).run()
    assert (asked, fortress.counts()) == ([], (0, 0))


@pytest.mark.parametrize("place", ["http://169.254.169.254/latest/", "https://evil.example/", "/v1/other"])
def test_a_redirect_is_never_followed(place):
    asked, caller = called(Recorder(302, Location=place))
    with pytest.raises(FetchFailed, match="302"):
        caller.get("https://api.stripe.com/v1/charges/ch_1", headers={"Authorization": "Bearer rk_live_alder"})
    assert asked == ["https://api.stripe.com/v1/charges/ch_1"]


def test_no_proxy_of_the_environment_is_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://evil.example:3128")
    assert Caller()._session.trust_env is False


EVIL_IDS = [
    "../../v1/account",
    "..%2f..%2faccount",
    "x?y=1",
    "x#y",
    "x/../y",
    "//evil.example/",
    "@evil.example",
    "x\r\nHost: evil.example",
    "http://169.254.169.254/",
    ".",
    "..",
    "\\\\evil",
    "x%00",
    "\u2025",
    "x" * 4000,
]
# Where each event names what is to be asked for.
NAMED = {
    "gocardless": ("payment_confirmed", b"PM0ANNA0001"),
    "authorizenet": ("authcapture_created", b"60000000001"),
    "stripe": ("thin_charge_succeeded", b"ch_3SkAnna0001"),
    "mollie": (None, b"tr_AnnaPay001"),
}
HOSTS = {"api.gocardless.com", "api.authorize.net", "api2.authorize.net", "api.stripe.com", "api.mollie.com"}


@pytest.mark.parametrize("provider", NAMED)
@pytest.mark.parametrize("name", EVIL_IDS, ids=range(len(EVIL_IDS)))
def test_an_id_leads_no_request_astray(fortress, network, provider, name):
    asked, caller = network
    fortress.relay.caller = caller
    situation, place = NAMED[provider]
    body = payloads(provider)[situation] if situation else genuine.form_of(provider)
    written = json.dumps(name)[1:-1] if situation else name
    body = body.replace(place, written.encode())
    answer = fortress.send(provider, genuine.sent(provider, body, datetime.now(UTC)))
    assert answer.status_code in (200, 400)
    fortress.relay.fetching_for(fortress.settings.organizations["alder"]).run()
    assert [address for address in asked if astray(address)] == []
    assert fortress.counts()[1] == 0


def astray(address):
    parts = urlsplit(address)
    return parts.hostname not in HOSTS or ".." in address or "account" in address or "@" in address or "%" in parts.path


def test_the_genuine_ids_are_asked_for_or_the_test_above_proves_nothing(fortress, network):
    asked, caller = network
    fortress.relay.caller = caller
    for provider, (situation, _) in NAMED.items():
        body = payloads(provider)[situation] if situation else genuine.form_of(provider)
        assert fortress.send(provider, genuine.sent(provider, body, datetime.now(UTC))).status_code == 200
    fortress.relay.fetching_for(fortress.settings.organizations["alder"]).run()
    assert {urlsplit(address).hostname for address in asked} >= {
        "api.gocardless.com",
        "api.stripe.com",
        "api.mollie.com",
    }


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/",
        "https://evil.example/v1/charges/ch_3SkAnna0001",
        "//evil.example",
        "file:///etc/passwd",
        "/v1/account",
    ],
)
def test_the_address_in_a_thin_event_is_not_followed(fortress, network, url):
    asked, caller = network
    fortress.relay.caller = caller
    told = json.loads(payloads("stripe")["thin_charge_succeeded"])
    told["related_object"]["url"] = url
    fortress.send("stripe", genuine.sent("stripe", json.dumps(told).encode(), datetime.now(UTC)))
    fortress.relay.fetching_for(fortress.settings.organizations["alder"]).run()
    assert asked == ["https://api.stripe.com/v1/charges/ch_3SkAnna0001"]


@pytest.mark.parametrize("context", ["acct_1\r\nHost: evil.example", "../acct", "acct_1 ", ["acct_1"], "a/b/c/d/e"])
def test_whose_object_it_is_cannot_write_a_header(fortress, network, context):
    asked, caller = network
    fortress.relay.caller = caller
    told = json.loads(payloads("stripe")["thin_charge_succeeded"]) | {"context": context}
    fortress.send("stripe", genuine.sent("stripe", json.dumps(told).encode(), datetime.now(UTC)))
    fortress.relay.fetching_for(fortress.settings.organizations["alder"]).run()
    assert asked == []


@pytest.mark.parametrize(
    "address",
    [
        "http://hooks.example.org/x",
        "http://169.254.169.254/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "https://hooks.example.org@evil.example/",
        "javascript:alert(1)",
        "//evil.example",
        "https://",
    ],
)
def test_alerts_go_to_no_such_address(address):
    assert wrong_hook(address)


MAIL = MailServer(host="mail.example.org", port=25, security="plain", sender="relay@example.org")


@pytest.mark.parametrize(
    "text",
    ["a\r\nBcc: eve@evil.example", "a\nContent-Type: text/html", "\r\n\r\n<script>", "a\x0bBcc: x", "a\u2028Bcc: x"],
)
def test_no_mail_gets_a_header_from_its_subject(text):
    """As a server reads what goes over the wire."""
    said = Said(subject=text, text=text, facts={})
    read = message_from_bytes(composed(MAIL, "finance@example.org", said, "1").as_bytes(policy=SMTP))
    ours = {"From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"}
    assert set(read.keys()) - {"Content-Transfer-Encoding"} == ours
    assert len(read.keys()) == len(set(read.keys()))
    assert (read["To"], read.get_content_type()) == ("finance@example.org", "text/plain")
