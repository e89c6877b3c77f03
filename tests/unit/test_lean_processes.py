"""What a small web or worker does not carry: what is large and needed by few is loaded where it is needed.

Each runs as on a platform, from the start up to the question whether the ledger has tables; then says what it loaded.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# As a process begins: `flask <command>`, and gunicorn with its preload.
FLASK = "import sys; from flask.cli import main; sys.argv[0] = 'flask'; main()"
GUNICORN = "import wsgi"
# Migrations, SOAP, Sentry, single sign-on, certificates and sealing, spreadsheets, the API's document, a
# progress bar.
FOR_FEW = {
    "alembic", "zeep", "lxml", "sentry_sdk", "authlib", "joserfc", "cryptography.hazmat", "xlsxwriter", "apispec",
    "tqdm", "relay.demo", "relay.sandbox",
}  # fmt: skip
FOR_PAGES = {"relay.web", "flask_wtf", "wtforms", "segno", "prometheus_client"}


@pytest.fixture
def begin(tmp_path):
    def begin(program, *arguments):
        environ = {
            "PATH": os.environ["PATH"],
            "DATABASE_URL": f"sqlite:///{tmp_path / 'empty.db'}",
            "REDIS_URL": "redis://127.0.0.1:9/0",
            "SECRET_KEY": "only-for-this-test-0123456789abcdef",
            "LUMINATE_URL": "http://127.0.0.1:9/acme/site",
            "LUMINATE_API_KEY": "k",
            "LUMINATE_LOGIN_NAME": "api-user",
            "LUMINATE_LOGIN_PASSWORD": "secret-word",
            "LUMINATE_FORM_ID": "1260",
            "LUMINATE_LEVEL_ID": "1523",
            "STRIPE_WEBHOOK_SECRET": "whsec_test_relay",
        }
        told = "import atexit, sys; atexit.register(lambda: print('loaded', *sys.modules))"
        return subprocess.run(
            [sys.executable, "-c", f"{told}; {program}", *arguments],
            cwd=ROOT, env=environ, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    return begin


def carried(done, unwanted):
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("loaded ")]
    loaded = set(line.split())
    assert "relay.bootstrap" in loaded, done.stderr
    return loaded & unwanted


def test_a_worker_carries_no_pages_and_nothing_that_few_need(begin):
    done = begin(FLASK, "work")
    assert "run `flask db upgrade`" in done.stderr
    assert carried(done, FOR_FEW | FOR_PAGES) == set()


def test_a_web_carries_its_pages_and_nothing_that_few_need(begin):
    done = begin(GUNICORN)
    assert done.returncode == 0, done.stderr
    assert carried(done, FOR_FEW | FOR_PAGES) == FOR_PAGES


@pytest.mark.parametrize(
    "path", ["/webhooks/<organization>/<provider>", "/console/gifts", "/api/v1/entries", "/readyz"]
)
def test_the_commands_of_flask_that_show_pages_have_them(begin, path):
    done = begin(FLASK, "routes")
    assert done.returncode == 0, done.stderr
    assert path in done.stdout.split()
