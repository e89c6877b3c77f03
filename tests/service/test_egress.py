"""The address that Luminate sees: as Luminate named it, the proxy's, this machine's own, or honestly not known."""

import socket
from dataclasses import replace

import pytest

from relay.doctor import egress
from tests.builders import make_luminate, make_organization


@pytest.mark.parametrize(("said", "entry"), [
    ("Unauthorized IP address 203.0.113.7.  Verify CONVIO_API_IP_FILTER.", "203.0.113.7/32"),
    ("The address 2001:db8::5 is not allowed.", "2001:db8::5/128"),
    ("Address (198.51.100.20) refused", "198.51.100.20/32"),
    ("Incorrect API key.  Verify that the value of the parameter api_key matches.", ""),
    ("API version 1.0 is dead; see code 4.", ""),
    ("", ""),
])  # fmt: skip
def test_the_address_in_luminate_s_words(said, entry):
    assert egress.named(said) == entry


def told(monkeypatch, addresses, ours="", **luminate):
    """What is said of an organization whose Luminate, or proxy, has these addresses."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 443)) for one in addresses]
    monkeypatch.setattr(egress.socket, "getaddrinfo", lambda *_args, **_more: found)
    monkeypatch.setattr(egress, "_facing", lambda _address: ours)
    site = replace(make_luminate(), url="https://secure2.convio.net/alder/site", **luminate)
    return list(egress.own_address(make_organization(luminate=site)))


def test_a_machine_with_an_address_of_its_own(monkeypatch):
    (check,) = told(monkeypatch, ["198.51.100.1"], ours="203.0.113.7")
    assert check.level == "ok"
    assert check.text.startswith("Luminate sees calls from 203.0.113.7. For its allow-list")
    assert "203.0.113.7/32" in check.text


def test_a_machine_behind_another_says_that_it_cannot_know(monkeypatch):
    (check,) = told(monkeypatch, ["198.51.100.1"])
    assert "cannot be known from here" in check.text
    assert "Luminate names it when it refuses a call" in check.text


def test_a_proxy_is_told_with_all_its_addresses_and_without_its_password(monkeypatch):
    proxy = "http://user:word@proxy.example.org:8080"
    (check,) = told(monkeypatch, ["203.0.113.7", "203.0.113.8", "203.0.113.7"], ours="192.0.2.1", proxy=proxy)
    assert "203.0.113.7/32, 203.0.113.8/32" in check.text
    assert "proxy.example.org" in check.text
    assert not [part for part in ("user", "word", "192.0.2.1") if part in check.text]


def test_a_luminate_on_this_machine_needs_no_allow_list(monkeypatch):
    assert told(monkeypatch, ["127.0.0.1"]) == []


def test_a_name_that_is_not_known_is_told_elsewhere():
    assert list(egress.own_address(make_organization())) == []  # lo.invalid


def test_a_private_address_is_nobody_s_to_list():
    assert egress._facing("127.0.0.1") == ""
