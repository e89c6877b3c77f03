"""The servers of `make run` and of the tests: they start, stop, come back, and never stay behind."""

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from redis import Redis
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from relay.demo import ordinary_user, programs, servers
from relay.demo.servers import Postgres, ServerError, Valkey

ROOT = Path(__file__).parents[2]
NEEDS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def gone(pid: int) -> bool:
    """A process that nobody has collected yet is gone too: not every container has an init that does."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def eventually(condition, seconds=10):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def ask(url, statement):
    with create_engine(url, poolclass=NullPool).begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


@pytest.fixture
def home():
    """A directory that the user who runs PostgreSQL can reach; pytest's own are private to root."""
    user = ordinary_user.choose()
    directory = ordinary_user.own_directory("relay-home-", ordinary_user.open_directory(user), user)
    yield directory
    shutil.rmtree(directory)


@pytest.fixture
def valkey(tmp_path):
    with Valkey(tmp_path / "valkey") as server:
        yield server


@pytest.fixture
def postgres(tmp_path):
    with Postgres(tmp_path / "postgres", fast=True) as server:
        yield server


@pytest.fixture
def redis(valkey):
    with Redis.from_url(valkey.url) as client:
        yield client


def test_valkey_answers_on_a_socket_and_opens_no_port(valkey, redis):
    assert redis.ping()
    assert not psutil.Process(valkey.pid).net_connections(kind="inet")


def test_valkey_refuses_to_evict_jobs(redis):
    assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert redis.config_get("save") == {"save": ""}


def test_valkey_that_is_stopped_is_gone_and_can_start_again_empty(valkey, redis):
    redis.set("bell", "rung")
    pid = valkey.pid
    valkey.stop()
    assert gone(pid)
    assert not valkey.running
    valkey.start()
    assert redis.get("bell") is None


@pytest.mark.parametrize("end", [Valkey.stop, Valkey.kill])
def test_persistent_valkey_remembers(tmp_path, end):
    with Valkey(tmp_path, persistent=True) as server, Redis.from_url(server.url) as client:
        client.set("bell", "rung")
        end(server)
        server.start()
        assert client.get("bell") == b"rung"


def test_two_valkeys_stand_side_by_side(tmp_path):
    with Valkey(tmp_path / "a") as a, Valkey(tmp_path / "b") as b:
        with Redis.from_url(a.url) as client:
            client.set("only", "here")
        with Redis.from_url(b.url) as client:
            assert client.get("only") is None


def test_a_second_valkey_in_the_same_directory_is_refused(valkey, redis, monkeypatch):
    monkeypatch.setattr(servers, "LEAVE_SECONDS", 0.1)
    with pytest.raises(ServerError, match="already runs"):
        Valkey(valkey.directory).start()
    assert redis.ping()


def test_a_directory_whose_name_is_too_long_for_a_socket_does_not_matter(tmp_path):
    deep = tmp_path / ("long" * 30)
    with Valkey(deep) as valkey, Redis.from_url(valkey.url) as client:
        assert client.ping()
    with Postgres(deep, fast=True) as postgres:
        assert ask(postgres.url, "SELECT 1") == 1


def test_postgres_answers_and_opens_no_port(postgres):
    assert ask(postgres.url, "SHOW listen_addresses") == ""
    assert ask(postgres.url, "SHOW fsync") == "off"


def test_postgres_keeps_what_was_committed_before_a_stop(postgres):
    ask(postgres.url, "CREATE TABLE kept AS SELECT 42 AS n")
    pid = postgres.pid
    postgres.stop()
    assert gone(pid)
    postgres.start()
    assert ask(postgres.url, "SELECT n FROM kept") == 42


def test_postgres_keeps_what_was_committed_before_a_kill(postgres):
    for n in range(5):
        ask(postgres.url, f"CREATE TABLE kept_{n} (x int)")
        postgres.kill()
        assert not postgres.running
        postgres.start()
    assert ask(postgres.url, "SELECT count(*) FROM pg_tables WHERE tablename LIKE 'kept%'") == 5


def test_postgres_stops_although_a_client_is_connected(postgres):
    engine = create_engine(postgres.url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
        started = time.monotonic()
        postgres.stop()
        assert time.monotonic() - started < 5
        connection.invalidate()


def test_two_postgres_stand_side_by_side(postgres, tmp_path):
    with Postgres(tmp_path / "other") as other:
        ask(other.url, "CREATE TABLE only_there (x int)")
        assert ask(other.url, "SHOW fsync") == "on"
        assert ask(postgres.url, "SELECT to_regclass('only_there')") is None


@pytest.mark.parametrize(("kind", "program"), [(Valkey, "valkey"), (Postgres, "postgres")])
def test_a_failed_start_quotes_the_log_and_leaves_nothing(tmp_path, monkeypatch, kind, program):
    broken = tmp_path / "broken" / "bin"
    broken.mkdir(parents=True)
    for name in ("initdb", "postgres", "valkey-server"):
        (broken / name).write_text("#!/bin/sh\necho the disk is full\nexit 1\n")
        (broken / name).chmod(0o755)
    folder = broken if program == "postgres" else broken / "valkey-server"
    monkeypatch.setattr(programs, program, lambda: folder)
    server = kind(tmp_path / "server")
    with pytest.raises(ServerError, match="the disk is full"), server:
        pass
    assert not server.running


@pytest.mark.parametrize("find", [programs.valkey, programs.postgres])
def test_a_machine_without_the_program_is_told_what_to_install(monkeypatch, find):
    monkeypatch.setattr(programs, "_in_wheel", lambda *_: None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServerError, match="pip install"):
        find()


def test_nothing_is_printed(tmp_path, capfd):
    with Valkey(tmp_path / "valkey"), Postgres(tmp_path / "postgres", fast=True):
        pass
    assert capfd.readouterr() == ("", "")


OWNER = """
import sys
from pathlib import Path
from relay.demo.servers import Postgres, Valkey
valkey, postgres = Valkey(Path(sys.argv[1]) / "v"), Postgres(Path(sys.argv[1]) / "p", fast=True)
valkey.start(), postgres.start()
print(valkey.pid, postgres.pid, flush=True)
sys.stdin.read()
"""


def started(script, *words):
    command = [sys.executable, "-c", script, *map(str, words)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_servers_go_when_their_owner_is_killed(home, number):
    owner = started(OWNER, home)
    pids = [int(word) for word in owner.stdout.readline().split()]
    assert len(pids) == 2
    owner.send_signal(number)
    owner.communicate()
    eventually(lambda: all(gone(pid) for pid in pids))


ORDINARY_OWNER = """
import os, sys
from pathlib import Path
from relay.demo import programs, servers
programs.valkey = lambda: Path(sys.argv[1]) / "valkey-server"
programs.postgres = lambda: Path(sys.argv[2])
os.setgroups([]), os.setgid(int(sys.argv[3])), os.setuid(int(sys.argv[3]))
here = Path(sys.argv[1])
with servers.Valkey(here / "v") as valkey, servers.Postgres(here / "p", fast=True) as postgres:
    print(valkey.url, postgres.url, valkey.pid, postgres.pid, flush=True)
    sys.stdin.read()
"""


@NEEDS_ROOT
def test_an_ordinary_user_can_start_both(home):
    """Root copies the programs within reach, as that user's own virtualenv would have them, and then gives up root."""
    user = ordinary_user.choose()
    shutil.copy(programs.valkey(), home / "valkey-server")
    postgres = programs.copy_postgres(programs.postgres(), home)
    ordinary_user.give(home, user)
    owner = started(ORDINARY_OWNER, home, postgres, user)
    valkey_url, postgres_url, *pids = owner.stdout.readline().decode().split()
    with Redis.from_url(valkey_url) as client:
        assert client.ping()
    assert ask(postgres_url, "SELECT 1") == 1
    assert {psutil.Process(int(pid)).uids().real for pid in pids} == {user}
    owner.communicate()
    assert owner.returncode == 0


@NEEDS_ROOT
def test_root_leaves_no_directories_behind(tmp_path):
    place = ordinary_user.open_directory(ordinary_user.choose())
    with Postgres(tmp_path / "postgres", fast=True) as server:
        assert psutil.Process(server.pid).uids().real == ordinary_user.choose()
        outside = server._borrowed
    assert not set(outside) & set(place.iterdir())
