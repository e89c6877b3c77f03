"""Fixtures: a real Redis and a real PostgreSQL for each worker, and an empty database for each test.

A worker starts its own servers when a test first asks for one: Valkey takes 0.01 s, PostgreSQL 0.3 s, so sharing them
between workers would save nothing. TEST_REDIS_URL and TEST_DATABASE_URL name servers to use instead; what lies in
that Redis database (and in the ones numbered after it, one a worker) is erased.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit
from uuid import uuid4

import pytest
from redis import Redis
from sqlalchemy import URL, create_engine, make_url, text
from sqlalchemy.pool import NullPool

from relay.demo.servers import Postgres, Valkey


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A Redis of this worker's own. Ask for `redis_db` as well to find it empty."""
    given = os.environ.get("TEST_REDIS_URL")
    if given:
        yield numbered(given, worker_number())
        return
    with tempfile.TemporaryDirectory(prefix="relay-test-") as directory, Valkey(Path(directory)) as server:
        yield server.url


@pytest.fixture
def redis_db(redis_url: str) -> Iterator[Redis]:
    """A client of the database behind `redis_url`, emptied before the test."""
    with Redis.from_url(redis_url) as client:
        client.flushdb()
        yield client


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL in which databases may be created and dropped."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield with_psycopg(given).render_as_string(hide_password=False)
        return
    with tempfile.TemporaryDirectory(prefix="relay-test-") as directory, Postgres(Path(directory), fast=True) as server:
        yield server.url


@pytest.fixture(scope="session")
def _worker_database(postgres_url: str) -> Iterator[str]:
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture
def postgres_database(_worker_database: str) -> str:
    """An empty PostgreSQL database. Connections that an earlier test left open are closed first."""
    empty(_worker_database)
    return _worker_database


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database; the test runs once on each of the two kinds that relay supports."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return request.getfixturevalue("postgres_database")


@contextmanager
def fresh_database(server_url: str, *, template: str = "template1") -> Iterator[str]:
    """A database with a name of its own, dropped at the end (50 to 90 ms; `postgres_database` takes 5)."""
    name = f"relay_test_{uuid4().hex[:12]}"
    run(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        run(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def empty(url: str) -> None:
    """Drop all that a test made in the database."""
    run(
        url,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "DROP SCHEMA IF EXISTS public CASCADE",
        "CREATE SCHEMA public",
    )


def run(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))


def with_psycopg(url: str) -> URL:
    """The URL as a platform hands it out, with the driver that relay uses."""
    return make_url(url.replace("postgres://", "postgresql://", 1)).set(drivername="postgresql+psycopg")


def numbered(url: str, number: int) -> str:
    """The Redis URL of the database that many places after the one named."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    first = query.get("db") or (parts.scheme != "unix" and parts.path.strip("/")) or 0
    return f"{url.partition('?')[0]}?{urlencode(query | {'db': int(first) + number})}"


def worker_number() -> int:
    """0 for the first worker of pytest-xdist, and without it."""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
