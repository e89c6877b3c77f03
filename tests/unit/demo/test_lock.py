"""One demo at a time in a directory."""

import subprocess
import sys

import pytest

from relay.demo.child import ServerError
from relay.demo.lock import Lock

HOLD = """
import pathlib, sys
from relay.demo.lock import Lock
lock = Lock(pathlib.Path(sys.argv[1]))
lock.take()
print(flush=True)
input()
"""


@pytest.fixture
def other(tmp_path):
    command = [sys.executable, "-c", HOLD, tmp_path]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        yield process
        process.kill()


def test_a_second_demo_is_refused_in_words(tmp_path, other):
    assert not Lock(tmp_path).left_behind()
    with pytest.raises(ServerError, match="relay is up already in"):
        Lock(tmp_path).take()


def test_a_killed_demo_leaves_a_trace_and_no_lock(tmp_path, other):
    other.kill()
    other.wait()
    lock = Lock(tmp_path)
    assert lock.left_behind()
    lock.take()
    lock.release()


def test_one_that_ended_well_leaves_no_trace(tmp_path):
    lock = Lock(tmp_path / "var")
    lock.take()
    lock.release()
    assert not lock.left_behind()
    assert list((tmp_path / "var").iterdir()) == []
