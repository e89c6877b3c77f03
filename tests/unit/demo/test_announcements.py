"""One gift from each provider: proven as the provider proves it, and the gift that the demo promises."""

import dataclasses
import tomllib
from datetime import UTC, datetime

import pytest

from relay.config import ProviderSettings, load_settings
from relay.config.provider_names import OPTIONS
from relay.demo import paypal_key, place
from relay.demo.announcements import ANNOUNCEMENTS, Stamp
from relay.demo.announcements.announced import FUND
from relay.demo.provider_apis import ProviderApis
from relay.errors import BadSignature, FetchFailed, RelayError
from relay.gifts import Gift
from relay.providers import PROVIDERS, Delivery, paypal
from relay.providers.calling import Caller

NOW = datetime.now(UTC)
ASKED = sorted(name for name, one in ANNOUNCEMENTS.items() if one.answers)


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    return paypal_key.paypal_key(tmp_path_factory.mktemp("demo") / "paypal")


@pytest.fixture(scope="module")
def providers(key):
    return PROVIDERS | {"paypal": paypal.provider({key.url: key.certificate}, key.authority.read_bytes())}


@pytest.fixture
def apis():
    server = ProviderApis()
    server.start()
    yield server
    server.stop()


def settings_of(announced, apis_url=""):
    options = dict(announced.options)
    if announced.answers:
        options["api_url"] = f"{apis_url}/{announced.provider}{announced.api_path}"
    return ProviderSettings(secrets=(announced.secret,), options=options)


def delivery_of(announced, key):
    sent = announced.send(Stamp(int(NOW.timestamp()), key.key, key.url))
    headers = {"content-type": "application/json", **sent.headers}
    return Delivery(sent.body, {name.lower(): value for name, value in headers.items()}, sent.token)


def test_no_provider_is_forgotten():
    """The next one needs an announcement too: docs/adding-a-provider.md."""
    assert list(ANNOUNCEMENTS) == sorted(PROVIDERS)


@pytest.mark.parametrize("name", ANNOUNCEMENTS)
def test_it_is_proven_as_its_provider_proves_it(name, key, providers):
    announced = ANNOUNCEMENTS[name]
    delivery = delivery_of(announced, key)
    assert providers[name].verify(delivery, settings_of(announced), NOW) == 0
    other = dataclasses.replace(settings_of(announced), secrets=("7WH" + "x" * 30,))
    with pytest.raises(BadSignature):
        providers[name].verify(delivery, other, NOW)


@pytest.mark.parametrize("name", ANNOUNCEMENTS)
def test_it_is_the_gift_that_is_promised(name, key, providers, apis):
    announced = ANNOUNCEMENTS[name]
    settings, delivery = settings_of(announced, apis.url), delivery_of(announced, key)
    parsed = providers[name].parse(delivery, settings)
    assert bool(parsed.wanted) == bool(announced.answers)
    if parsed.wanted:
        parsed = providers[name].fetch(delivery, settings, Caller(), NOW)
    (gift,) = parsed.facts
    assert isinstance(gift, Gift)
    assert (gift.keys[0], gift.amount.text, gift.amount.currency) == (announced.key, announced.amount, "USD")
    assert [part.fund for part in gift.designations] == [FUND]
    assert announced.donor in {f"{gift.donor.name.first} {gift.donor.name.last}", gift.donor.name.full}
    assert gift.donor.email
    assert not gift.hold


def test_all_donors_amounts_and_ids_differ():
    for told in ("donor", "amount", "key"):
        assert len({getattr(one, told) for one in ANNOUNCEMENTS.values()}) == len(ANNOUNCEMENTS)


def test_the_accounts_are_a_configuration_that_loads(tmp_path):
    here = place.Place(tmp_path, 8000, 8001)
    environment = here.settle("redis://127.0.0.1:1", "http://127.0.0.1:2", tmp_path / "authority.pem")
    environment.pop("RELAY_DEMO_AUTHORITY")
    (organization,) = load_settings(environment).organizations.values()
    assert set(organization.providers) == set(PROVIDERS)
    written = tomllib.loads((tmp_path / "demo.toml").read_text())["organizations"]["demo"]["providers"]
    asked = {name for name, account in written.items() if "api_url" in account["options"]}
    assert asked == set(ASKED) <= {name for name, options in OPTIONS.items() if "api_url" in options}


# --- what stands for the providers' APIs ------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ASKED)
def test_an_api_answers_only_whom_it_knows(name, key, providers, apis):
    announced = ANNOUNCEMENTS[name]
    settings = settings_of(announced, apis.url)
    wrong = {"access_token": "sandbox_x", "api_key": "test_x", "client_secret": "x", "transaction_key": "x"}
    changed = dict(settings.options) | {option: wrong[option] for option in wrong if option in settings.options}
    delivery = delivery_of(announced, key)
    if name == "paypal_ipn":
        delivery = dataclasses.replace(delivery, body=delivery.body.replace(b"37.00", b"3700.00"))
    with pytest.raises(RelayError, match=r"refused \(E00007\)|HTTP 401|did not send this"):
        providers[name].fetch(delivery, dataclasses.replace(settings, options=changed), Caller(), NOW)


def test_what_nobody_knows_is_not_found(apis):
    for path in ("/", "/stripe/v1/charges", "/mollie/v2/payments/tr_other", "/nobody/v2"):
        with pytest.raises(FetchFailed, match="HTTP 404"):
            Caller().get(apis.url + path)


def test_apis_that_never_began_end_without_a_word():
    ProviderApis().stop()


# --- the key that stands for PayPal's ---------------------------------------------------------------------------------


def test_the_key_is_made_once_and_kept_for_its_owner(tmp_path):
    directory = tmp_path / "paypal"
    first, second = paypal_key.paypal_key(directory), paypal_key.paypal_key(directory)
    assert (first.url, first.certificate) == (second.url, second.certificate)
    assert first.key.private_numbers() == second.key.private_numbers()
    assert directory.stat().st_mode & 0o077 == 0
    assert paypal_key.paypal_key(tmp_path / "other").url != first.url


def test_a_demo_that_was_killed_while_making_it_makes_it_anew(tmp_path):
    half = tmp_path / "paypal.half"
    half.mkdir()
    (half / "key.pem").write_text("half a k")
    assert paypal_key.paypal_key(tmp_path / "paypal").key
    assert not half.exists()


def test_nobody_but_the_demo_believes_it(key):
    announced = ANNOUNCEMENTS["paypal"]
    real = paypal.provider({key.url: key.certificate})
    with pytest.raises(BadSignature, match="proven by DigiCert"):
        real.verify(delivery_of(announced, key), settings_of(announced), NOW)


@pytest.mark.parametrize("world", ["live", "simulator"])
def test_it_never_stands_for_the_live_paypal(key, providers, world):
    announced = ANNOUNCEMENTS["paypal"]
    settings = ProviderSettings(secrets=(announced.secret,), options={"environment": world})
    with pytest.raises(BadSignature):
        providers["paypal"].verify(delivery_of(announced, key), settings, NOW)
