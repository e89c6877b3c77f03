"""`make screenshots`: every screen into docs/screens, at 1280 pixels, and some as a phone shows them.

The same invented month and the same moment each time, so that a picture changes only where the page did.
"""

import os
import sys
import tempfile
import threading
from pathlib import Path

import time_machine
from playwright.sync_api import sync_playwright
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.browser.conftest import DESKTOP, PHONE, find_chromium
from tests.browser.screens import SCREENS, places
from tests.support.console import session_cookie
from tests.support.console_days import NOW, thirty_days

FOLDER = Path(__file__).parents[2] / "docs/screens"
# A long list says no more on its third page of paper.
TALLEST = 1500
ON_A_PHONE = {"today", "gift", "attention", "gifts", "connections"}


class Quiet(WSGIRequestHandler):
    def log_request(self, code="-", size="-"):
        """Nothing."""


def main(names):
    """Take the pictures of these screens, or of all."""
    path = find_chromium()
    if path is None:
        sys.exit("There is no Chromium on this machine: install it, or name it in CHROMIUM.")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory:
        house, plan = thirty_days(f"sqlite:///{directory}/ledger.db")
        server = make_server("127.0.0.1", 0, house.app, threaded=True, request_handler=Quiet)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright, time_machine.travel(NOW):
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
            take(browser, house, plan, f"http://127.0.0.1:{server.port}", names)
            browser.close()
        server.shutdown()


def take(browser, house, plan, address, names):
    known, failed = places(house, plan), []
    for screen in SCREENS:
        if names and screen.name not in names:
            continue
        sizes = [("", DESKTOP), ("-phone", PHONE)] if screen.name in ON_A_PHONE else [("", DESKTOP)]
        for ending, size in sizes:
            context = browser.new_context(base_url=address, viewport=size)
            if screen.who:
                context.add_cookies([session_cookie(house, screen.who, address)])
            page = context.new_page()
            answer = page.goto(screen.path.format(**known))
            height = min(page.evaluate("document.documentElement.scrollHeight"), TALLEST)
            clip = {"x": 0, "y": 0, "width": size["width"], "height": height}
            page.screenshot(path=FOLDER / f"{screen.name}{ending}.png", full_page=True, clip=clip)
            failed += [screen.name] if answer.status >= 400 and screen.name not in EXPECTED else []
            context.close()
    sys.stdout.write(f"Pictures in {os.path.relpath(FOLDER)}\n")
    if failed:
        sys.exit(f"These answered with an error: {', '.join(failed)}")


# Screens of an error.
EXPECTED = {"missing", "gifts-unknown-field"}

if __name__ == "__main__":
    main(set(sys.argv[1:]))
