"""`make run`: the whole relay on this machine, with nothing configured, until Ctrl-C.

python -m relay.demo [--var DIRECTORY]; PORT and SANDBOX_PORT choose the ports.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from relay.bootstrap import build
from relay.config import load_settings
from relay.demo import ports, report
from relay.demo.announcements import ANNOUNCEMENTS
from relay.demo.child import ServerError
from relay.demo.door import Door
from relay.demo.lock import Lock
from relay.demo.paypal_key import PayPalKey, paypal_key
from relay.demo.people import welcome
from relay.demo.place import REPOSITORY, Place
from relay.demo.provider_apis import ProviderApis
from relay.demo.run import SamplesRun
from relay.demo.samples import SAMPLES
from relay.demo.servers import Valkey
from relay.demo.supervisor import Program, StopAsked, Supervisor
from relay.ledger import migrate
from relay.ledger.db import Database

# How long the processes of a demo that was killed may take to let go of their ports (seconds).
PATIENCE = 15.0


def main() -> int:
    """0 after Ctrl-C or SIGTERM, 1 where something could not start or would not stay up."""
    arguments = argparse.ArgumentParser(prog="python -m relay.demo", description="The whole relay on this machine.")
    arguments.add_argument("--var", type=Path, default=REPOSITORY / "var", help="where everything is kept")
    var = arguments.parse_args().var.absolute()
    supervisor, lock, apis = Supervisor(say), Lock(var), ProviderApis()
    supervisor.listen()
    try:
        free = ports.chosen(os.environ, patience=PATIENCE if lock.left_behind() else 0)
        lock.take()
        Demo(Place(var, *free), supervisor, apis).run()
    except StopAsked:
        say("\nStopping ...")
    except ServerError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except BrokenPipeError:
        # Nobody reads any more (`make run | head`): what Python still holds for them has nowhere to go.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        supervisor.stop()
        apis.stop()
        lock.release()
    say("Stopped. The ledger and the sandbox are kept; `make run` goes on with them.")
    return 0


def say(line: str) -> None:
    """A line for the person who typed `make run`, at once."""
    print(line, flush=True)


def say_all(lines: Iterable[str]) -> None:
    """Several lines."""
    for line in lines:
        say(line)


class Demo:
    """Everything between the first line and the last."""

    def __init__(self, place: Place, supervisor: Supervisor, apis: ProviderApis) -> None:
        self._place = place
        self._supervisor = supervisor
        self._door = Door(place)
        self._apis = apis

    def run(self) -> None:
        """Start all, show the samples, stay. Raises StopAsked in the end, ServerError where it cannot go on."""
        self._place.prepare()
        say("Starting relay for the organization 'demo', with all it needs on this machine:")
        valkey = self._valkey()
        self._provider_apis()
        key = paypal_key(self._place.var / "paypal")
        environment = self._place.settle(valkey.url, self._apis.url, key.authority)
        self._sandbox(environment)
        database = self._ledger(environment)
        self._worker(environment, valkey)
        self._web(environment)
        self._show(database, key)
        self._supervisor.watch()

    def _provider_apis(self) -> None:
        self._apis.start()
        self._tell("apis", f"what stands for the providers' APIs, {self._apis.url}/")

    def _valkey(self) -> Valkey:
        valkey = Valkey(self._place.var / "valkey", persistent=True, log=self._place.logs / "valkey.log")
        self._supervisor.start("queue server", valkey)
        self._tell("queue", f"Valkey in {report.shown(valkey.directory)}/, on a socket")
        return valkey

    def _sandbox(self, environment: Mapping[str, str]) -> None:
        store = str(self._place.var / "sandbox.jsonl")
        command = ["relay.sandbox", "--port", str(self._place.sandbox_port), "--store", store]
        url = f"{self._place.sandbox}/sandbox/organizations"
        self._start("sandbox", command, environment, lambda _pid: self._door.get(url) is not None)
        self._tell("sandbox", f"a simulated Luminate Online, {self._place.sandbox}/")

    def _ledger(self, environment: Mapping[str, str]) -> Database:
        database = build(load_settings(environment)).database
        migrate.upgrade(database)
        self._tell("ledger", f"SQLite in {report.shown(self._place.var / 'relay.sqlite3')}")
        return database

    def _worker(self, environment: Mapping[str, str], valkey: Valkey) -> None:
        self._start("worker", ["flask", "work"], environment, lambda pid: _registered(valkey.url, pid))
        self._tell("worker", "posts what is due, and sweeps")

    def _web(self, environment: Mapping[str, str]) -> None:
        command = ["gunicorn", "--bind", f"127.0.0.1:{self._place.port}", "wsgi:app"]
        url = f"{self._place.web}/readyz"
        self._start("web server", command, environment, lambda _pid: self._door.get(url) is not None)
        self._tell("web", f"gunicorn, {self._place.web}/")

    def _start(
        self, name: str, command: list[str], environment: Mapping[str, str], ready: Callable[[int], bool]
    ) -> None:
        def checked(pid: int) -> bool:
            self._supervisor.check()
            return ready(pid)

        log = self._place.logs / f"{name.partition(' ')[0]}.log"
        program = Program(name, command, log=log, environment=environment, directory=REPOSITORY, ready=checked)
        self._supervisor.start(name, program)

    def _tell(self, part: str, words: str) -> None:
        say(f"  {part:<9}{words}")

    def _show(self, database: Database, key: PayPalKey) -> None:
        run = SamplesRun(self._place, database, self._door, key)
        run.post(self._supervisor.check)
        say(f"\n{len(SAMPLES) + len(ANNOUNCEMENTS)} signed sample events went through the front door.")
        say("Each new gift waits 5 s for further events of its payment ...\n")
        ended = run.wait(self._supervisor.pause)
        found, held = run.differences()
        say_all(report.met_before(ended))
        say_all(report.samples(ended))
        say("")
        say_all(report.one_from_each(ended))
        say("")
        say_all(report.balance(run.balance()))
        say_all(report.proof(found, filter(None, (one.surprise for one in ended)), held))
        say("")
        password = welcome(database, self._place.var)
        say_all(report.where_to_look(self._place, Path(report.shown(Path(sys.executable).parent / "flask")), password))
        say(f"\n{report.LAST_LINE}")


def _registered(redis_url: str, pid: int) -> bool:
    """Whether the worker of this process id has told Redis that it is there."""
    try:
        with Redis.from_url(redis_url) as redis:
            return any(f":{pid}:".encode() in name for name in redis.smembers("rq:workers"))
    except RedisError:
        return False


if __name__ == "__main__":
    sys.exit(main())
