"""Deployed as a platform does it: a clean virtual environment with ``requirements.txt`` alone, the release phase, then
web and worker by the lines of the ``Procfile``, and a rolling restart to the next version under load.

The next version is this code with one more migration and another ``/livez``, so that old code and new code run side by
side on tables that only the new one knows.
"""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import requests
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from relay.ledger import migrate
from tests.support.processes import ROOT, Processes, charge, free_port, stripe_signature, wait_until

pytestmark = [pytest.mark.long, pytest.mark.timeout(420)]

PER_SECOND, SECONDS = 50, 12
# What a platform grants between SIGTERM and SIGKILL (seconds).
GRACE = 30
MIGRATION = '''
"""One more column, as a next release would bring it."""
import sqlalchemy as sa
from alembic import op

revision = "9001"
down_revision = "{head}"

def upgrade():
    op.add_column("pauses", sa.Column("of_the_next_release", sa.Text(), nullable=True))

def downgrade():
    with op.batch_alter_table("pauses") as batch:
        batch.drop_column("of_the_next_release")
'''


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The interpreter of an environment that has what ``requirements.txt`` pins, by its hashes, and nothing else."""
    home = tmp_path_factory.mktemp("slug") / "venv"
    subprocess.run([sys.executable, "-m", "venv", home], check=True)
    install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes", "-r"]
    subprocess.run([home / "bin" / "python", *install, ROOT / "requirements.txt"], check=True, timeout=300)
    return home / "bin" / "python"


@pytest.fixture(scope="module")
def versions(tmp_path_factory):
    """The code as it would be pushed, and the next version of it."""
    folder = tmp_path_factory.mktemp("code")
    for version in ("old", "new"):
        shutil.copytree(ROOT / "relay", folder / version / "relay", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("wsgi.py", "gunicorn.conf.py", "Procfile"):
            shutil.copy(ROOT / name, folder / version / name)
    steps = folder / "new/relay/ledger/migrations/versions"
    (steps / "9001_the_next_release.py").write_text(MIGRATION.format(head=migrate.head()))
    health = folder / "new/relay/web/health.py"
    health.write_text(
        health.read_text().replace('jsonify(status="ok")\n\n', 'jsonify(status="ok", version="new")\n\n', 1)
    )
    return folder


class Platform(Processes):
    """Runs the lines of the Procfile, each process with a PORT of its own; nothing of the tests is on its path."""

    def __init__(self, folder, python, versions, **given):
        super().__init__(folder, **given)
        self.python, self.versions, self.numbers = python, versions, itertools.count(1)
        # As on Heroku: relay knows the platform by DYNO, and finds its programs on PATH.
        self.environ |= {"DYNO": "web.1", "PATH": f"{python.parent}:{os.environ['PATH']}", "PYTHONPATH": ""}
        self.environ = {name: value for name, value in self.environ.items() if not name.startswith("RELAY_PAYLOADS")}

    def line(self, kind):
        lines = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
        return lines[kind].split()

    def release(self, version):
        done = subprocess.run(
            self.line("release"), cwd=self.versions / version, env=self.environ, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        return done.returncode, done.stdout + done.stderr

    def run_line(self, kind, version, **more):
        """Start one process of the Procfile; gives back its name."""
        name = f"{kind}-{version}-{next(self.numbers)}"
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            self.line(kind), cwd=self.versions / version, env=self.environ | more, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
        log.close()
        return name

    def start_version(self, version):
        """Web and worker of a version; gives back their names once web is ready."""
        port = free_port()
        names = self.run_line("web", version, PORT=str(port)), self.run_line("worker", version)
        address = f"http://127.0.0.1:{port}"
        wait_until(lambda: _ready(address), seconds=60)
        return address, names

    def end(self, name):
        """SIGTERM to the process, as a platform does; gives back exit code and seconds."""
        started, process = time.monotonic(), self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout=GRACE)
        return code, time.monotonic() - started


def _ready(address):
    try:
        return requests.get(f"{address}/readyz", timeout=2).status_code == 200
    except requests.RequestException:
        return False


@pytest.fixture
def platform(tmp_path, python, versions, postgres_database, redis_db, redis_url):
    more = {"database_url": postgres_database, "redis_url": redis_url, "RELAY_MAX_IN_FLIGHT": "8"}
    with Platform(tmp_path, python, versions, **more) as platform:
        platform.start_sandbox()
        yield platform


def log_of(platform, name):
    return (platform.folder / f"{name}.log").read_text()


def test_web_and_worker_wait_for_the_release_phase(platform):
    web, worker = platform.run_line("web", "old", PORT="1"), platform.run_line("worker", "old")
    for name in (web, worker):
        assert platform.running.pop(name).wait(timeout=60) != 0
        said = log_of(platform, name)
        assert "run `flask db upgrade`" in said
        assert "Traceback" not in said


@pytest.mark.parametrize(
    ("without", "sentence"),
    [
        ({"DATABASE_URL": ""}, "DATABASE_URL: is not set, and on Heroku"),
        ({"REDIS_URL": ""}, "REDIS_URL: is not set"),
        ({"SECRET_KEY": ""}, "SECRET_KEY: is not set"),
        ({"SECRET_KEY": "changeme-secret-key"}, "SECRET_KEY: is a word that anybody would try"),
    ],
)
def test_what_a_platform_must_give_is_asked_for_in_one_sentence(platform, without, sentence):
    platform.environ |= without
    code, said = platform.release("old")
    assert code != 0
    assert sentence in said
    assert "Traceback" not in said


class Router:
    """Sends to whichever web is in front now, again and again until there is a 2xx, as a processor does."""

    def __init__(self, address):
        self.address, self.answers = address, Counter()

    def deliver(self, number):
        event = json.dumps(charge(number, cents=1000 + number)).encode()
        for _ in range(40):
            headers = {"Stripe-Signature": stripe_signature(event), "Content-Type": "application/json"}
            try:
                answer = requests.post(f"{self.address}/webhooks/acme/stripe", data=event, headers=headers, timeout=10)
                self.answers[answer.status_code] += 1
                if answer.status_code == 200:
                    return True
            except requests.RequestException as error:
                self.answers[type(error).__name__] += 1
            time.sleep(0.25)
        return False


def test_a_rolling_restart_under_load_loses_and_doubles_nothing(platform):
    assert platform.release("old") == (0, f"ledger: empty -> {migrate.head()}\n")
    address, old = platform.start_version("old")
    router, numbers = Router(address), range(PER_SECOND * SECONDS)
    with ThreadPoolExecutor(32) as senders:
        started, delivered = time.monotonic(), []
        pace = threading.Thread(target=_at_a_pace, args=(senders, router, numbers, started, delivered))
        pace.start()
        time.sleep(SECONDS / 4)
        assert platform.release("new")[0] == 0
        router.address, new = platform.start_version("new")
        ended = [platform.end(name) for name in old]
        pace.join()
        assert all(one.result() for one in delivered)
    assert len(delivered) == len(numbers)
    assert [code for code, _ in ended] == [0, 0]
    assert max(seconds for _, seconds in ended) < GRACE
    assert requests.get(f"{router.address}/livez", timeout=5).json()["version"] == "new"
    wait_until(lambda: len(platform.recorded()) >= len(numbers), seconds=90, every=0.5)
    amounts = Counter(round(float(gift["amount"]) * 100) - 1000 for gift in platform.recorded())
    assert amounts == Counter(numbers), f"answers: {router.answers}"
    assert not [status for status in router.answers if isinstance(status, int) and status not in (200, 503)]
    _goes_back(platform, new)


def _at_a_pace(senders, router, numbers, started, delivered):
    for number in numbers:
        time.sleep(max(0.0, started + number / PER_SECOND - time.monotonic()))
        delivered.append(senders.submit(router.deliver, number))


def _goes_back(platform, new):
    """The old code again, on the newer tables; then the tables too, with the data in them."""
    for name in new:
        platform.end(name)
    address, old = platform.start_version("old")
    assert Router(address).deliver(100_000)
    for name in old:
        platform.end(name)
    flask = [str(platform.python.parent / "flask"), "db"]
    for arguments in (("downgrade", migrate.head()), ("current",)):
        subprocess.run([*flask, *arguments], cwd=platform.versions / "new", env=platform.environ, check=True)
    assert len(platform.gifts()) == PER_SECOND * SECONDS + 1


def test_it_fits_a_small_dyno_each(platform):
    """Megabytes of its own and its share of what it shares (PSS), as a platform counts a container's."""
    platform.environ |= {"RELAY_MAX_IN_FLIGHT": "64"}
    platform.release("old")
    address, names = platform.start_version("old")
    time.sleep(3)
    idle = _used(platform, names)
    platform.faults({"fault": "hang", "when": "before", "seconds": 15, "probability": 1.0})
    with ThreadPoolExecutor(16) as senders:
        assert all(senders.map(Router(address).deliver, range(64)))
    wait_until(lambda: _in_flight(platform) == 64, seconds=30, every=0.2)
    busy = _used(platform, names)
    print(f"megabytes of web and worker: idle {idle}, with 64 calls in flight {busy}")  # noqa: T201 - docs/deploy quotes it
    assert sum(idle) < 200
    assert sum(busy) < 300


def _in_flight(platform):
    """From the ledger itself: on a busy machine a command takes as long as the calls fly."""
    engine = create_engine(platform.environ["DATABASE_URL"], poolclass=NullPool)
    with engine.connect() as connection:
        return connection.scalar(text("SELECT count(*) FROM entries WHERE status = 'posting'"))


def _used(platform, names):
    return [round(sum(_pss(one) for one in _family(platform.running[name].pid))) for name in names]


def _family(pid):
    parent = psutil.Process(pid)
    return [parent, *parent.children(recursive=True)]


def _pss(process):
    return process.memory_full_info().pss / 1e6
