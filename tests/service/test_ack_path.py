"""The ack path: one commit, at most one ring, no call out. What a sender waits for must stay that small."""

import socket
from dataclasses import replace

import pytest
from sqlalchemy import event

from tests.builders import make_gift, make_organization, make_relay


@pytest.fixture
def commits(relay):
    counted = []
    event.listen(relay.database.engine, "commit", lambda _connection: counted.append(1))
    return counted


def test_a_webhook_is_one_commit(relay, commits):
    relay.take(make_gift())
    assert len(commits) == 1


def test_a_repeat_is_one_commit_too(relay, commits):
    body = relay.provider.event((make_gift(),))
    relay.take(body=body)
    relay.take(body=body)
    assert len(commits) == 2


def test_one_ring_at_most_and_none_while_a_gift_settles(sqlite_url):
    at_once, patient = make_organization("alder"), make_organization("birch")
    patient = replace(patient, pace=replace(patient.pace, settle_seconds=5))
    relay = make_relay(sqlite_url, at_once, patient)
    relay.take(make_gift())
    relay.take(make_gift(), organization="birch")
    assert relay.bell.rings == ["alder"]


def test_the_front_door_calls_nobody(relay, monkeypatch):
    """Every socket is shut: SQLite needs none, the bell is a fake, and the webhook is stored all the same."""

    def refuse(*_args, **_kwargs):
        raise AssertionError("the front door called out")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    assert relay.take(make_gift()).verdict == "entry"
