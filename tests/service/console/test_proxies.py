"""Whose word counts about who asked, and how."""

import pytest
from flask import request

from tests.support.console import House

FORWARDED = {"X-Forwarded-For": "198.51.100.1, 203.0.113.9", "X-Forwarded-Proto": "http, https",
             "X-Forwarded-Host": "evil.example"}  # fmt: skip


@pytest.fixture
def seen(sqlite_url):
    """What the application sees behind so many proxies: address, scheme, host."""

    def asked(proxies):
        house, found = House(sqlite_url, proxies=proxies), []
        house.app.before_request(lambda: found.append((request.remote_addr, request.scheme, request.host)))
        house.client().get("/livez", headers=FORWARDED)
        return found[0]

    return asked


@pytest.mark.parametrize(
    ("proxies", "address", "scheme"),
    [(0, "127.0.0.1", "http"), (1, "203.0.113.9", "https"), (2, "198.51.100.1", "http")],
)
def test_as_many_proxies_are_believed_as_stand_in_front_and_none_about_the_host(seen, proxies, address, scheme):
    assert seen(proxies) == (address, scheme, "localhost")
