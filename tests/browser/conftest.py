"""A real Chromium on the real application: a server in a thread on loopback, a SQLite ledger, people who are signed in.

`page` is a browser of finance@example.org; `browser_of(name)` gives one more, of anybody in STAFF of the support.
`house` holds the application and its parts, and is where a test puts gifts. A test fails where the browser reports an
error of a script, or something that the content policy forbids.
"""

import os
import shutil
import threading

import pytest
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from tests.support.console import House, session_cookie

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
DESKTOP, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 740}
SECONDS = 10


def find_chromium():
    """The browser's path: CHROMIUM, or the first that is installed; None where there is none."""
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


@pytest.fixture(scope="session")
def chromium():
    path = find_chromium()
    if path is None:
        if os.environ.get("RELAY_BROWSER_REQUIRED"):
            pytest.fail("RELAY_BROWSER_REQUIRED is set, and there is no Chromium")
        pytest.skip("no Chromium on this machine: install it, or name it in CHROMIUM")
    with sync_playwright() as playwright:
        # Inside a container root has no sandbox; the pages are our own.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser
        browser.close()


@pytest.fixture
def house(sqlite_url):
    return House(sqlite_url)


@pytest.fixture
def sqlite_url(tmp_path):
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def address(house):
    """Where the console of this house is served."""
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    house.database.engine.dispose()


@pytest.fixture
def browser_of(chromium, address, house):
    """A page in a browser of its own, in which this person is signed in; "" for nobody."""
    contexts, wrong = [], []

    def opened(name="", size=None, **options):
        context = chromium.new_context(base_url=address, viewport=size or DESKTOP, **options)
        context.set_default_timeout(SECONDS * 1000)
        contexts.append(context)
        if name:
            context.add_cookies([session_cookie(house, name, address)])
        context.on("weberror", lambda error: wrong.append(str(error.error)))
        context.on("console", lambda said: wrong.append(said.text) if is_fault(said) else None)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def is_fault(said):
    """Errors of a script and refusals of the content policy; not the 4xx that a test asks for."""
    return said.type == "error" and "Failed to load resource" not in said.text


@pytest.fixture
def page(browser_of):
    return browser_of("finance")


@pytest.fixture
def phone(browser_of):
    return browser_of("finance", size=PHONE)
