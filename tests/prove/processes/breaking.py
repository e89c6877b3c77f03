"""What is done to the processes while gifts come in. Each function ends when the provider has sent everything."""

from __future__ import annotations

import contextlib
import os
import random
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import redis

from relay.outbound.posting import RUN_LEASE_SECONDS
from tests.prove.processes.house import House, previous_revision
from tests.prove.processes.sending import Provider
from tests.support.processes import wait_until

Injected = Counter[str]
Breaking = Callable[[House, Provider], Injected]
# Where a tmpfs of this size is mounted, "disk full" is real (bytes).
SMALL_DISK = 16_000_000


def ticks(provider: Provider, seconds: float, *, most: int = 400) -> Iterator[int]:
    """A turn every so many seconds until the provider has sent everything."""
    for turn in range(most):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if provider.done:
                return
            time.sleep(0.05)
        yield turn


def nothing(_house: House, provider: Provider) -> Injected:
    provider.join()
    return Counter()


def killing(*names: str, seconds: float = 1.5, seed: int = 3) -> Breaking:
    """kill -9 of one of these processes at a time, started again at once."""

    def act(house: House, provider: Provider) -> Injected:
        chance, done = random.Random(seed), Counter()
        for _ in ticks(provider, seconds):
            name = chance.choice(names)
            house.restart(name)
            done[f"kill -9 {name}"] += 1
        return done

    return act


def second_worker(then: Breaking) -> Breaking:
    """The same with two workers side by side."""

    def act(house: House, provider: Provider) -> Injected:
        house.relay.start_worker("worker2")
        try:
            return then(house, provider)
        finally:
            finish(house, provider, "worker2")

    return act


def finish(house: House, provider: Provider, name: str) -> None:
    """End a second worker in good order once everything is sent."""
    provider.join()
    if name in house.relay.running:
        house.relay.kill(name, signal.SIGTERM)


def older_worker(house: House, provider: Provider) -> Injected:
    """A deployment under way: the newest code beside the commit before it, until that has made calls."""
    revision = previous_revision()
    assert revision, "no earlier commit to run beside this one"
    with redis.Redis.from_url(house.redis.url) as server:
        before = server.scard("rq:workers")
        house.start_older_worker("worker-older", revision)
        wait_until(lambda: server.scard("rq:workers") > before)
    for _ in ticks(provider, 2.0):
        # Whichever worker holds the organization keeps it while there is work: the older one gets its turn.
        if not house.calls_by("worker-older"):
            house.restart("worker", signal.SIGTERM)
    time.sleep(1)
    assert house.relay.running["worker-older"].poll() is None, "the older worker died"
    made = house.calls_by("worker-older")
    assert made, "the older worker made no call"
    finish(house, provider, "worker-older")
    return Counter({"calls by the older code": made})


def flushing(house: House, provider: Provider) -> Injected:
    """FLUSHALL twice a second."""
    done: Injected = Counter()
    with redis.Redis.from_url(house.redis.url) as server:
        for _ in ticks(provider, 0.5):
            server.flushall()
            done["FLUSHALL"] += 1
    return done


def killing_and_flushing(house: House, provider: Provider) -> Injected:
    """In turn: kill -9 of a worker or of gunicorn, and FLUSHALL on top."""
    chance, done = random.Random(5), Counter()
    with redis.Redis.from_url(house.redis.url) as server:
        for _ in ticks(provider, 2.5):
            name = chance.choice(("web", "worker", "worker2"))
            house.restart(name)
            server.flushall()
            done[f"kill -9 {name}"] += 1
            done["FLUSHALL"] += 1
    return done


def killing_redis(house: House, provider: Provider) -> Injected:
    done: Injected = Counter()
    for _ in ticks(provider, 1.5):
        house.redis.kill()
        time.sleep(0.3)
        house.redis.start()
        done["kill -9 redis"] += 1
    return done


def redis_away(seconds: float) -> Breaking:
    """Redis gone for a while, without its data when it comes back."""

    def act(house: House, provider: Provider) -> Injected:
        time.sleep(1)
        house.redis.kill()
        time.sleep(seconds)
        house.redis.start()
        provider.join()
        return Counter({f"redis away for {seconds:g} s": 1})

    return act


def killing_postgres(house: House, provider: Provider) -> Injected:
    assert house.postgres
    done: Injected = Counter()
    for _ in ticks(provider, 2.5):
        house.postgres.kill()
        time.sleep(0.3)
        house.postgres.start()
        done["kill -9 postgresql"] += 1
    return done


def restarting_postgres(house: House, provider: Provider) -> Injected:
    assert house.postgres
    done: Injected = Counter()
    for _ in ticks(provider, 2.5):
        house.postgres.stop()
        house.postgres.start()
        done["restart postgresql"] += 1
    return done


def terminating(house: House, provider: Provider) -> Injected:
    """SIGTERM, as a platform's new release sends it; each process must end in good order, by itself."""
    done: Injected = Counter()
    for turn in ticks(provider, 2.5):
        name = ("web", "worker")[turn % 2]
        code = house.restart(name, signal.SIGTERM)
        done[f"SIGTERM {name}"] += 1
        assert code == 0, f"{name} exited with {code}"
    return done


def freezing(house: House, provider: Provider) -> Injected:
    """Whoever is sending stands still until another has taken over and looked its calls up, then wakes."""
    done: Injected = Counter()
    for _ in ticks(provider, 2.0):
        process = house.relay.running[house.newest_caller("worker", "worker2")]
        os.killpg(process.pid, signal.SIGSTOP)
        time.sleep(RUN_LEASE_SECONDS + 7)
        os.killpg(process.pid, signal.SIGCONT)
        done[f"SIGSTOP for {RUN_LEASE_SECONDS + 7:g} s"] += 1
    done["lease of a call ran out"] = house.logged("lease_expired")
    return done


def refusing_login(seconds: float) -> Breaking:
    """The API account is refused for a while, then accepted again."""

    def act(house: House, provider: Provider) -> Injected:
        wait_until(house.relay.recorded, 60)  # on a busy machine a worker takes its time to begin
        time.sleep(2)
        house.refuse_login()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            house.look()
            time.sleep(0.5)
        house.accept_login()
        provider.join()
        return Counter({f"login refused for {seconds:g} s": 1})

    return act


def everything(house: House, provider: Provider) -> Injected:
    """All at once, behind a line with every fault."""
    chance, done = random.Random(11), Counter()
    acts: list[tuple[str, Callable[[], object]]] = [
        ("kill -9 web", lambda: house.restart("web")),
        ("kill -9 worker", lambda: house.restart("worker")),
        ("kill -9 worker2", lambda: house.restart("worker2")),
        ("kill -9 sandbox", lambda: house.restart("sandbox")),
        ("kill -9 redis", lambda: (house.redis.kill(), house.redis.start())),
    ]
    if postgres := house.postgres:
        acts.append(("kill -9 postgresql", lambda: (postgres.kill(), postgres.start())))
    for _ in ticks(provider, 1.0):
        name, act = chance.choice(acts)
        act()
        done[name] += 1
    return done


# --- a full disk -----------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A folder for the ledger: a small tmpfs where this user may mount one, else an ordinary folder."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = shutil.which("mount") and not subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "relay-proof", str(folder)],
        capture_output=True, check=False,
    ).returncode  # fmt: skip
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], capture_output=True, check=False)


def filling_the_disk(house: House, provider: Provider) -> Injected:
    """Full for two seconds, twice: no byte more on the small disk, or, without one, in any file of the processes."""
    done: Injected = Counter()
    ledger = Path(house.url.removeprefix("sqlite:///"))
    for turn in ticks(provider, 2.0):
        if turn < 2:
            with full(ledger.parent) if os.path.ismount(ledger.parent) else no_growth(house, ledger):
                time.sleep(2)
            done["disk full for 2 s"] += 1
    return done


@contextlib.contextmanager
def full(folder: Path) -> Iterator[None]:
    """Fill the folder's disk to the last byte."""
    ballast = folder / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (65_536, 4096, 512, 1):
                with contextlib.suppress(OSError):
                    for _ in range(SMALL_DISK // 512):
                        file.write(b"\0" * size)
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def no_growth(house: House, ledger: Path) -> Iterator[None]:
    """Web and workers may let no file grow beyond the ledger's size: the nearest thing without a disk of our own."""
    size, endless = ledger.stat().st_size, resource.RLIM_INFINITY
    pids = [pid for name in ("web", "worker") for pid in family(house.relay.running[name].pid)]
    for pid in pids:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, endless))
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (endless, endless))


def family(pid: int) -> list[int]:
    """A process and its children (Linux)."""
    found = [pid]
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += family(int(child))
    return found
