"""Coming in through an OpenID Connect provider: a real one, over loopback HTTP."""

import time
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from joserfc.jwk import RSAKey

from relay.config.front import Oidc
from relay.ledger import people
from tests.support.console import BOSS, House, email
from tests.support.identity_provider import CLIENT, SECRET, IdentityProvider

ACCOUNT = "/console/account"


@pytest.fixture
def provider():
    made = IdentityProvider()
    yield made
    made.close()


@pytest.fixture
def house(sqlite_url, provider):
    return House(sqlite_url, oidc=Oidc(issuer=provider.issuer, client_id=CLIENT, client_secret=SECRET))


def there(client, wanted=ACCOUNT):
    """To the provider and, as a browser follows it, to the address that leads back."""
    sent = client.get("/console/sign-in/oidc", query_string={"next": wanted})
    assert sent.status_code == 302, sent.get_data(as_text=True)
    return requests.get(sent.location, allow_redirects=False, timeout=10).headers["Location"]


def come_in(client, wanted=ACCOUNT):
    return client.get(there(client, wanted))


def test_the_page_offers_it(house):
    assert "Sign in with localhost" in house.client().get("/console/sign-in").get_data(as_text=True)


def test_a_person_whom_the_provider_vouches_for_is_in(house, provider):
    client = house.client()
    done = come_in(client)
    assert (done.status_code, done.location) == (303, ACCOUNT)
    assert client.get(ACCOUNT).status_code == 200
    assert house.person("viewer").oidc_subject == f"{provider.issuer} 42"
    (line,) = house.lines("signed in")
    assert (line.who, line.details["with"]) == (email("viewer"), "identity provider")


def test_it_leads_back_to_where_one_was_and_never_out(house):
    assert come_in(house.client(), "/console/audit").location == "/console/audit"
    assert come_in(house.client(), "https://evil.example").location == "/console/"


def test_a_person_may_have_codes_that_only_their_password_wants(house):
    with house.database.write() as tx:
        people.change(tx, house.numbers["viewer"], totp_secret="A" * 32)
    assert come_in(house.client()).location == ACCOUNT


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"email_verified": False}, "no verified e-mail"),
        ({"email_verified": "true"}, "no verified e-mail"),
        ({"email_verified": None}, "no verified e-mail"),
        ({"email": ""}, "no verified e-mail"),
        ({"email": "stranger@example.org"}, "Nobody here goes by"),
    ],
)
def test_whoever_is_not_known_here_stays_out(house, provider, claims, sentence):
    provider.claims |= claims
    client = house.client()
    answer = come_in(client)
    assert answer.status_code == 401
    assert sentence in answer.get_data(as_text=True)
    assert client.get(ACCOUNT).status_code == 303
    assert house.person("stranger") is None
    assert len(house.lines("failed to sign in")) == 1


def test_somebody_who_ended_stays_out(house):
    house.relay.people.end(BOSS, house.numbers["viewer"])
    assert come_in(house.client()).status_code == 401


def test_an_address_that_went_to_somebody_else_does_not_bring_them_in(house, provider):
    come_in(house.client())
    provider.claims["sub"] = "43"
    answer = come_in(house.client())
    assert answer.status_code == 401
    assert "another account" in answer.get_data(as_text=True)
    house.relay.people.invite(BOSS, house.numbers["viewer"])
    assert come_in(house.client()).status_code == 303


def test_somebody_whose_address_changed_there_is_still_known(house, provider):
    come_in(house.client())
    provider.claims["email"] = "viewer.new@example.org"
    assert come_in(house.client()).status_code == 303


def test_an_address_may_be_told_apart_from_the_token(house, provider):
    provider.userinfo = {"sub": "42", "email": provider.claims.pop("email"), "email_verified": True}
    assert come_in(house.client()).status_code == 303
    provider.userinfo["sub"] = "43"
    assert come_in(house.client()).status_code == 401


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"aud": "somebody else"},
        {"nonce": "another"},
        {"exp": int(time.time()) - 3600},
        {"sub": None},
    ],
)
def test_a_token_that_was_not_made_for_this_sign_in_is_refused(house, provider, claims):
    provider.claims |= claims
    answer = come_in(house.client())
    assert answer.status_code == 502
    assert "did not answer, or not as it should" in answer.get_data(as_text=True)


def test_a_token_signed_by_somebody_else_is_refused(house, provider):
    provider.signing = (provider.signing[0], RSAKey.generate_key(2048, {"kid": "one"}))
    assert come_in(house.client()).status_code == 502


def test_a_token_signed_with_what_we_know_is_refused(house, provider):
    provider.sign_with_the_client_secret()
    assert come_in(house.client()).status_code == 502


@pytest.mark.parametrize("broken", ["token", "id token"])
def test_a_provider_in_trouble_is_told(house, provider, broken):
    provider.broken.add(broken)
    assert come_in(house.client()).status_code == 502


def test_a_provider_that_cannot_be_found_is_told_and_found_later(house, provider):
    provider.broken.add("discovery")
    assert house.client().get("/console/sign-in/oidc").status_code == 502
    provider.broken.clear()
    assert come_in(house.client()).status_code == 303


def test_a_way_back_that_another_browser_began_leads_nowhere(house):
    """Somebody could send a victim the address that ends in the sender's own account."""
    begun = there(house.client())
    victim = house.client()
    assert victim.get(begun).status_code == 502
    assert victim.get(ACCOUNT).status_code == 303


def test_a_way_back_leads_in_once(house):
    client = house.client()
    back = there(client)
    assert client.get(back).status_code == 303
    assert house.client().get(back).status_code == 502


def test_what_the_provider_refuses_is_told(house):
    client = house.client()
    state = parse_qs(urlsplit(there(client)).query)["state"][0]
    assert client.get(f"/console/sign-in/oidc/done?error=access_denied&state={state}").status_code == 502


def test_without_a_provider_there_is_no_such_page(sqlite_url):
    client = House(sqlite_url).client()
    assert client.get("/console/sign-in/oidc").status_code == 404
    assert client.get("/console/sign-in/oidc/done").status_code == 404
