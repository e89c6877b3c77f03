"""`make run` as a person meets it: every line it prints, what the sandbox holds, and that nothing is left behind."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests

from relay.demo.announcements import ANNOUNCEMENTS
from relay.demo.samples import EXPECTED, SAMPLES
from relay.demo.signing import stripe_headers
from relay.providers import PROVIDERS

ROOT = Path(__file__).parents[2]
LAST_LINE = "relay is up. Ctrl-C stops it."
ALL_EXPECTED = (*EXPECTED, *(one.recorded for one in ANNOUNCEMENTS.values()))
GIVEN = sum(Decimal(one.amount) for one in ALL_EXPECTED)
pytestmark = pytest.mark.slow


class Demo:
    """`python -m relay.demo` in a directory of its own."""

    def __init__(self, var: Path) -> None:
        self.var = var
        self.port, self.sandbox_port = free_ports(2)
        self.output = var.parent / f"output-{self.port}"
        self.process = self.start()

    def start(self) -> subprocess.Popen[bytes]:
        ports = {"PORT": str(self.port), "SANDBOX_PORT": str(self.sandbox_port)}
        with self.output.open("wb") as output:
            return subprocess.Popen(
                [sys.executable, "-m", "relay.demo", "--var", self.var],
                cwd=ROOT,
                env=unconfigured() | ports,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def text(self) -> str:
        return self.output.read_text()

    def wait_for(self, words: str, seconds: float = 60) -> None:
        until(lambda: words in self.text or self.process.poll() is not None, seconds, lambda: self.text)
        assert words in self.text, self.text

    def family(self) -> list[psutil.Process]:
        """Everything that belongs to it: its descendants, and whatever names its directory or its ports."""
        return [one for one in psutil.process_iter(["cmdline", "environ"]) if self.owns(one)]

    def owns(self, one: psutil.Process) -> bool:
        told = " ".join([*(one.info["cmdline"] or []), *(one.info["environ"] or {}).values()])
        return str(self.var) in told and one.pid != os.getpid() and one.status() != psutil.STATUS_ZOMBIE

    def donations(self) -> list[dict[str, Any]]:
        url = f"http://127.0.0.1:{self.sandbox_port}/sandbox/donations?organization=demo"
        return requests.get(url, timeout=10).json()["donations"]

    def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def demo_in(var: Path) -> Iterator[Demo]:
    demo = Demo(var)
    try:
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait()
        until(lambda: not demo.family(), 20, demo.family)


def test_make_run_from_its_first_line_to_its_last(tmp_path):
    var = tmp_path / "var"
    with demo_in(var) as demo:
        demo.wait_for(LAST_LINE)
        check_the_lines(demo)
        check_that_the_readme_shows_them(demo)
        check_that_every_provider_brought_a_gift(demo)
        assert held(demo) == {(one.key, one.amount, one.refunds) for one in ALL_EXPECTED}
        check_an_event_of_ones_own(demo)
        check_another_terminal(demo, tmp_path)
        check_that_a_killed_worker_is_noticed(demo)
        assert demo.end(signal.SIGINT) == 0
        assert "Stopped." in demo.text
        assert demo.family() == []
    check_that_a_second_run_doubles_nothing(var)


def check_the_lines(demo: Demo) -> None:
    table = [line for line in demo.text.splitlines() if re.match(r"\s{1,2}\d+  ", line)]
    assert len(table) == len(SAMPLES)
    for number, (line, sample) in enumerate(zip(table, SAMPLES, strict=True), 1):
        assert line.split(maxsplit=1)[0] == str(number)
        assert sample.arrives in line
        stands = {"posted": "in Luminate", "held": "held", "rejected": "refused", "None": "kept"}[str(sample.ends)]
        assert stands in line
        assert sample.because in line
    assert "Fund 'ELEPHANTS' is not mapped to a designee." in table[12]
    received, posted = (f"\\${given + GIVEN:,}" for given in (Decimal("290.00"), Decimal("0.00")))
    assert re.search(rf"gifts +{received} += +{posted} +\+ +\$0.00 +\+ +\$290.00 +\+ +\$0.00", demo.text)
    assert re.search(r"refunds +\$70.50 += +\$70.50 +\+ +\$0.00 +\+ +\$0.00 +\+ +\$0.00", demo.text)
    assert (
        f"The sandbox holds exactly what it should: {len(ALL_EXPECTED)} gifts of ${GIVEN:,} and 3 refunds" in demo.text
    )
    assert f"http://127.0.0.1:{demo.port}/webhooks/demo/stripe" in demo.text
    assert demo.text.rstrip().endswith(LAST_LINE)


def check_that_the_readme_shows_them(demo: Demo) -> None:
    shown = (ROOT / "README.md").read_text().split("$ make run\n", 1)[1].split("```", 1)[0]
    printed = {plain(line, demo) for line in demo.text.splitlines()}
    assert [line for line in shown.splitlines() if plain(line, demo) not in printed] == []


def plain(line: str, demo: Demo) -> str:
    """A line without what differs from run to run: ports, paths, numbers of Luminate's, and how wide a column is."""
    line = line.replace(f":{demo.port}/", ":8000/").replace(f":{demo.sandbox_port}/", ":8001/")
    line = re.sub(r"providers' APIs, \S+", "providers' APIs", line.replace(f"{demo.var}/", "var/"))
    line = re.sub(r"\S+/flask", "flask", re.sub(r"1261(-\d+)+", "1261-...", line))
    return " ".join(re.sub(r"\bgift \d\d\b", "gift", line).split())


def check_that_every_provider_brought_a_gift(demo: Demo) -> None:
    """The registry asks: a provider that was added and has no announcement is not overlooked."""
    codes = {gift["confirmation_code"]: gift for gift in demo.donations()}
    lines = re.findall(r"^  (\w+)(?: \*)? +(.+?) +\$([\d.]+) +gift \d+ in Luminate +(\S+)$", demo.text, re.MULTILINE)
    assert [provider for provider, _, _, _ in lines] == sorted(PROVIDERS)
    for provider, donor, amount, code in lines:
        gift = codes[code]
        assert (gift["sub_source"], gift["amount"]) == (ANNOUNCEMENTS[provider].key, amount)
        assert gift["designations"] == [{"id": "1003", "amount": amount}]
        assert donor == ANNOUNCEMENTS[provider].donor


def check_an_event_of_ones_own(demo: Demo) -> None:
    """The very commands of the README; where curl or openssl is missing, what they would have sent."""
    before = len(demo.donations())
    if shutil.which("curl") and shutil.which("openssl") and shutil.which("bash"):
        script = readme_block("curl").replace("127.0.0.1:8000", f"127.0.0.1:{demo.port}")
        reply = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True, timeout=20).stdout
    else:
        reply = post_like_the_readme(demo)
    assert json.loads(reply)["verdict"] == "entry"
    until(lambda: len(demo.donations()) == before + 1, 10, lambda: reply)
    newest = demo.donations()[-1]
    assert (newest["amount"], newest["designations"]) == ("12.34", [])


def post_like_the_readme(demo: Demo) -> str:
    charge = re.search(r"body='(.+?)'\n", readme_block("curl"), re.DOTALL)
    body = charge[1].replace("'$now'", str(int(time.time()))).encode()
    headers = stripe_headers(body, "whsec_relay_demo", int(time.time()))
    return requests.post(f"http://127.0.0.1:{demo.port}/webhooks/demo/stripe", body, headers=headers, timeout=10).text


def check_another_terminal(demo: Demo, tmp_path: Path) -> None:
    """`flask gifts` beside `var/`, without one variable."""
    shutil.copy(ROOT / "wsgi.py", demo.var.parent)
    command = [sys.executable, "-m", "flask", "gifts", "--json"]
    environ = unconfigured() | {"PYTHONPATH": str(ROOT)}
    run = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True, timeout=30)
    rows = [json.loads(line) for line in run.stdout.splitlines()]
    assert "make run" in run.stderr
    assert sum(row["kind"] == "gift" and row["status"] == "posted" for row in rows) == len(ALL_EXPECTED) + 1


def check_that_a_killed_worker_is_noticed(demo: Demo) -> None:
    worker = next(one for one in demo.family() if "work" in one.info["cmdline"])
    time.sleep(max(0.0, worker.create_time() + 10.5 - time.time()))
    worker.kill()
    demo.wait_for("The worker was started again.")
    assert "The worker ended by itself. The end of" in demo.text


def check_that_a_second_run_doubles_nothing(var: Path) -> None:
    with demo_in(var) as demo:
        demo.wait_for(LAST_LINE)
        assert "goes on from an earlier run and has met all of these events before" in demo.text
        given = GIVEN + Decimal("12.34")
        assert (
            f"holds exactly what it should: {len(ALL_EXPECTED) + 1} gifts of ${given:,} and 3 refunds of" in demo.text
        )
        assert len(demo.donations()) == len(ALL_EXPECTED) + 1
        assert demo.end(signal.SIGTERM) == 0
        assert demo.family() == []


@pytest.mark.timeout(240)
@pytest.mark.skipif(sys.platform != "linux", reason="reads other processes' environment")
def test_a_killed_demo_leaves_no_process_and_can_be_started_again(tmp_path):
    with demo_in(tmp_path / "var") as demo:
        demo.wait_for("went through the front door")
        assert len(demo.family()) > 4
        demo.end(signal.SIGKILL)
        demo.process = demo.start()  # at once: it waits for the ports, and finishes what the first run began
        demo.wait_for(LAST_LINE)
        # What a provider was being asked for at that moment is asked again in its own time: 10 s, then a minute later.
        expected = {(one.key, one.amount, one.refunds) for one in ALL_EXPECTED}
        until(lambda: held(demo) == expected, 90, lambda: held(demo) ^ expected)
        demo.end(signal.SIGKILL)
        until(lambda: not demo.family(), 20, demo.family)


def test_a_taken_port_is_said_before_anything_starts(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "relay.demo", "--var", tmp_path / "var"]
        environ = unconfigured() | {"PORT": str(port), "SANDBOX_PORT": str(free_ports(1)[0])}
        run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=30)
    assert run.returncode == 1
    assert re.fullmatch(rf"Port {port} is taken; choose another: PORT=\d+ make run", run.stderr.strip())
    assert not (tmp_path / "var").exists()


def held(demo: Demo) -> set[tuple[str, str, tuple[str, ...]]]:
    return {
        (gift["sub_source"], gift["amount"], tuple(refund["amount"] for refund in gift["refunds"]))
        for gift in demo.donations()
    }


def readme_block(word: str) -> str:
    """The first block of shell commands in the README that uses this word."""
    blocks = re.findall(r"```(?:bash|sh)\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return next(block for block in blocks if word in block)


def unconfigured() -> dict[str, str]:
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}


def free_ports(count: int) -> list[int]:
    servers = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in servers]
    for server in servers:
        server.close()
    return ports


def until(true: Callable[[], bool], seconds: float, told: Callable[[], object]) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)
