"""The fixtures that other tests stand on: each test finds its databases empty."""

import socket
import threading
import time

import pytest
from redis import Redis
from sqlalchemy import create_engine, inspect, text
from sqlalchemy.pool import NullPool

from tests.support.databases import empty, fresh_database, numbered, with_psycopg
from tests.support.engines import close
from tests.support.network import NetworkRefusedError


@pytest.mark.parametrize("turn", [1, 2])
def test_redis_is_empty(redis_db, turn):
    assert redis_db.dbsize() == 0
    redis_db.set("left", "behind")


@pytest.mark.parametrize("turn", [1, 2])
def test_database_is_empty(database_url, turn):
    engine = create_engine(database_url, poolclass=NullPool)
    assert inspect(engine).get_table_names() == []
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (n int)"))


def test_database_is_emptied_although_a_connection_is_left_open(postgres_database, request):
    engine = create_engine(postgres_database, poolclass=NullPool)
    connection = engine.connect()
    request.addfinalizer(connection.close)
    connection.execute(text("CREATE TABLE locked (n int)"))
    empty(postgres_database)
    connection.invalidate()


@pytest.mark.parametrize(("name", "first"), [("alerts", 0.2), ("served", 0)])
def test_what_a_thread_still_uses_is_closed_when_it_is_given_back(postgres_database, name, first):
    engine = create_engine(postgres_database)
    used, gone_on = [], threading.Event()

    def ask():
        gone_on.wait(first)  # as whoever is between two questions
        with engine.connect() as connection:
            used.append(connection.connection.driver_connection)
            gone_on.set()
            time.sleep(0.2)

    asking = threading.Thread(target=ask, name=name)
    asking.start()
    assert first or gone_on.wait(5)
    close([engine])
    asking.join(5)
    assert [one.closed for one in used] == [True]


def test_fresh_database_can_copy_another(postgres_url, postgres_database):
    engine = create_engine(postgres_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE ledger (n int)"))
    with fresh_database(postgres_url, template=engine.url.database) as url:
        assert inspect(create_engine(url, poolclass=NullPool)).get_table_names() == ["ledger"]


@pytest.mark.parametrize(
    ("given", "number", "expected"),
    [
        ("redis://cache:6379", 0, 0),
        ("redis://:secret@cache:6379/4", 2, 6),
        ("redis://cache:6379?db=3", 1, 4),
        ("unix:///run/valkey.sock", 1, 1),
        ("unix:///run/valkey.sock?db=2", 1, 3),
    ],
)
def test_each_worker_has_a_redis_database_of_its_own(given, number, expected):
    with Redis.from_url(numbered(given, number)) as client:
        assert client.connection_pool.connection_kwargs["db"] == expected


def test_the_url_of_a_platform_gets_our_driver():
    assert with_psycopg("postgres://u:p@db/x").drivername == "postgresql+psycopg"


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1"])
def test_tests_cannot_leave_this_machine(host):
    with pytest.raises(NetworkRefusedError, match="do not leave"):
        socket.create_connection((host, 443), timeout=1)


def test_tests_cannot_look_up_names():
    with pytest.raises(NetworkRefusedError, match=r"example\.com"):
        socket.getaddrinfo("example.com", 443)


def test_invalid_names_do_not_exist():
    with pytest.raises(socket.gaierror):
        socket.getaddrinfo("luminate.invalid", 443)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=1).close()
