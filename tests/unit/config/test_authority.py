"""The authority of the demo proves PayPal's signatures only where no gift can become real."""

import pytest

from relay.bootstrap import build
from relay.config import load_settings
from relay.config.process import PLATFORMS
from relay.errors import ConfigurationError
from relay.providers.paypal.proof import authorities
from tests.support import paypal

HERE = {
    "LUMINATE_URL": "http://127.0.0.1:8001/demo/site",
    "LUMINATE_API_KEY": "k",
    "LUMINATE_LOGIN_NAME": "n",
    "LUMINATE_LOGIN_PASSWORD": "p",
    "LUMINATE_FORM_ID": "1",
    "LUMINATE_LEVEL_ID": "2",
    "PAYPAL_WEBHOOK_SECRET": "7WH10001ALDER",
}
ON_A_PLATFORM = {"DATABASE_URL": "postgres://u:p@db/x", "REDIS_URL": "redis://r:1", "SECRET_KEY": "Vt2uKx8sQ0bN5yHc9"}


@pytest.fixture
def told(tmp_path):
    file = tmp_path / "authority.pem"
    file.write_bytes(paypal.pem(paypal.root()))
    return HERE | {"RELAY_DEMO_AUTHORITY": str(file), "DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}"}


def trusted_by(environ):
    """Whom a relay so configured believes about PayPal's key."""
    return authorities(build(load_settings(environ)).providers["paypal"].verify.__self__.authority)


def refused(environ):
    with pytest.raises(ConfigurationError) as raised:
        load_settings(environ)
    return list(raised.value.problems)


def test_without_it_only_digicert_is_believed(tmp_path):
    trusted = trusted_by(HERE | {"DATABASE_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}"})
    assert {one.subject.rfc4514_string().partition(",")[0].startswith("CN=DigiCert") for one in trusted.roots} == {True}


def test_with_it_nobody_else_is(told):
    assert trusted_by(told).roots == (paypal.root(),)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_it_is_refused_on_a_platform(told, platform):
    (sentence,) = refused(told | ON_A_PLATFORM | {platform: "1"})
    assert sentence.startswith("RELAY_DEMO_AUTHORITY: is for make run and tests only; on ")


def test_it_is_refused_beside_a_luminate_site_that_is_not_here(told):
    (sentence,) = refused(told | {"LUMINATE_URL": "https://secure2.convio.net/acme/site"})
    assert sentence.startswith("RELAY_DEMO_AUTHORITY: is for make run and tests only, and the Luminate site of 'acme'")


def test_one_site_elsewhere_among_several_is_enough(told, tmp_path):
    file = tmp_path / "relay.toml"
    file.write_text("""
        [organizations.acme]
        form_id = 1
        level_id = 2
        luminate = {url = "https://secure2.convio.net/acme/site", api_key = "k", login_name = "n", login_password = "p"}
        providers.stripe.secrets = ["whsec_a"]
    """)
    assert len(refused(told | {"RELAY_CONFIG": str(file)})) == 1


@pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_it_names_a_file_with_a_certificate(told, tmp_path, content):
    file = tmp_path / "other.pem"
    if content is not None:
        file.write_bytes(content)
    assert refused(told | {"RELAY_DEMO_AUTHORITY": str(file)}) == [
        "RELAY_DEMO_AUTHORITY: names no file that can be read and holds a certificate."
    ]


# --- half a login -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "missing"),
    [("PAYPAL_CLIENT_ID", "PAYPAL_CLIENT_SECRET"), ("PAYPAL_CLIENT_SECRET", "PAYPAL_CLIENT_ID")],
)
def test_one_half_of_paypals_login_is_a_mistake(given, missing):
    assert refused(HERE | {given: "half"}) == [
        f"{missing}: is needed, too: client_id and client_secret belong together."
    ]
    assert load_settings(HERE | {given: "half", missing: "other"}).organizations
