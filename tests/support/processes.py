"""Real processes: the sandbox, gunicorn and workers, started, killed and started again by a test."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Self

import requests

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_test_relay"
ORGANIZATION = "acme"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(true, seconds: float = 20.0, every: float = 0.05):
    """What ``true`` gives as soon as it is truthy. Fails the test when that takes too long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = true()
        if found:
            return found
        time.sleep(every)
    raise AssertionError(f"not within {seconds} s: {true}")


class Processes:
    """One relay of one organization, ``acme``, on free ports, with its logs under ``folder``."""

    def __init__(self, folder: Path, *, database_url: str, redis_url: str, **variables: str) -> None:
        self.folder = folder
        self.web_port, self.sandbox_port = free_port(), free_port()
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.environ = os.environ | {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "only-for-this-test-0123456789abcdef",
            "LUMINATE_URL": f"http://127.0.0.1:{self.sandbox_port}/{ORGANIZATION}/site",
            "LUMINATE_API_KEY": "demo-api-key",
            "LUMINATE_LOGIN_NAME": "demo-api-user",
            "LUMINATE_LOGIN_PASSWORD": "demo-api-password",
            "LUMINATE_FORM_ID": "1260",
            "LUMINATE_LEVEL_ID": "1523",
            "STRIPE_WEBHOOK_SECRET": SECRET,
            "RELAY_ORGANIZATION": ORGANIZATION,
            "RELAY_MODE": "both",
            "RELAY_SETTLE_SECONDS": "0.2",
            "PORT": str(self.web_port),
            **variables,
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self.running):
            self.kill(name)

    def start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.running[name] = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environ, stdout=log, stderr=log, start_new_session=True
        )
        log.close()

    def start_sandbox(self) -> None:
        self.start("sandbox", "-m", "relay.sandbox", "--port", str(self.sandbox_port))
        wait_until(lambda: _answers(f"{self.sandbox}/sandbox/donations"))

    def start_web(self) -> None:
        self.start("web", "-m", "gunicorn", "wsgi:app")
        wait_until(lambda: _answers(f"{self.web}/readyz"))

    def start_worker(self, name: str = "worker") -> None:
        self.start(name, "-m", "flask", "work")

    def start_everything(self) -> None:
        self.flask("db", "upgrade")
        self.start_sandbox()
        self.start_web()
        self.start_worker()

    def kill(self, name: str, how: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the whole process group and wait; gives back the exit code."""
        process = self.running.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        return process.wait(timeout=40)

    def flask(self, *arguments: str) -> str:
        command = [sys.executable, "-m", "flask", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def gifts(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.flask("gifts", "--json").splitlines()]

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.web_port}"

    @property
    def sandbox(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def post(self, event: dict[str, Any], *, timeout: float = 10) -> requests.Response:
        body = json.dumps(event).encode()
        headers = {"Stripe-Signature": stripe_signature(body), "Content-Type": "application/json"}
        return requests.post(f"{self.web}/webhooks/{ORGANIZATION}/stripe", data=body, headers=headers, timeout=timeout)

    def faults(self, *faults: dict[str, Any]) -> None:
        answer = requests.post(f"{self.sandbox}/sandbox/faults", json={"faults": list(faults), "seed": 7}, timeout=5)
        assert answer.status_code == 200, answer.text

    def recorded(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.sandbox}/sandbox/donations", timeout=10).json()["donations"]

    def calls(self) -> list[dict[str, Any]]:
        return requests.get(f"{self.sandbox}/sandbox/calls", timeout=10).json()["calls"]


def stripe_signature(body: bytes, secret: str = SECRET, at: int | None = None) -> str:
    moment = int(time.time()) if at is None else at
    digest = hmac.new(secret.encode(), b"%d." % moment + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def charge(number: int, *, cents: int = 2500, **more: Any) -> dict[str, Any]:
    """A ``charge.succeeded`` of its own donor."""
    charge_object = {
        "id": f"ch_{number}",
        "object": "charge",
        "amount": cents,
        "amount_captured": cents,
        "amount_refunded": 0,
        "captured": True,
        "paid": True,
        "status": "succeeded",
        "currency": "usd",
        "livemode": False,
        "created": 1_790_000_000,
        "payment_intent": f"pi_{number}",
        "billing_details": {"name": f"Donor Number{number}", "email": f"donor{number}@example.org"},
        "payment_method_details": {"type": "card", "card": {"brand": "visa", "last4": "4242"}},
        **more,
    }
    return event(f"evt_{number}", "charge.succeeded", charge_object)


def refund_created(number: int, *, cents: int) -> dict[str, Any]:
    """A ``refund.created`` of part of that charge."""
    refund = {
        "id": f"re_{number}",
        "object": "refund",
        "amount": cents,
        "charge": f"ch_{number}",
        "payment_intent": f"pi_{number}",
        "currency": "usd",
        "status": "succeeded",
        "created": 1_790_000_100,
    }
    return event(f"evt_re_{number}", "refund.created", refund)


def event(event_id: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": event_id,
        "object": "event",
        "type": kind,
        "livemode": False,
        "created": 1_790_000_000,
        "data": {"object": data},
    }


def _answers(url: str) -> bool:
    with contextlib.suppress(requests.RequestException):
        return requests.get(url, timeout=2).status_code == 200
    return False
