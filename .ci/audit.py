# ruff: noqa: INP001  # a script beside .ci/run, no package
"""Known holes in what relay runs on: pip-audit over requirements.txt, read closely.

It ends green, and says which of the two it is, where everything asked about has no known hole, or where nobody could be
asked: pip-audit calls a package that its list does not answer for "skipped" and ends well; here that is not called
checked. It ends red where a hole is known, and where pip-audit itself fails for another reason than the network.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import Any

ASK = ("-m", "pip_audit", "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")
_NO_NETWORK = re.compile("ConnectionError|ConnectTimeout|ReadTimeout|Max retries exceeded|Could not connect|ProxyError")


def main() -> int:
    """Ask, and tell."""
    command = [sys.executable, *ASK, "--requirement", "requirements.txt"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words only
    try:
        found = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        return failed(asked.stderr)
    return told(found)


def failed(why: str) -> int:
    """Nothing was answered: green where there is no network, red where something else is wrong."""
    if _NO_NETWORK.search(why):
        say("Audit: NOT DONE. The list of known holes could not be reached; that is no fault of relay's.")
        return 0
    last = (why.strip().splitlines() or ["no word of why"])[-1]
    say(f"Audit: RED. pip-audit failed, and not for the network: {last[:300]}")
    return 2


def told(found: list[dict[str, Any]]) -> int:
    """Say what is known; 1 where a hole is."""
    skipped = [one["name"] for one in found if "skip_reason" in one]
    holes = [(one, hole) for one in found for hole in one.get("vulns", ())]
    for one, hole in holes:
        mended = ", ".join(hole["fix_versions"]) or "no version yet"
        say(f"{one['name']} {one['version']}: {hole['id']}, mended in {mended}")
    checked = len(found) - len(skipped)
    if not checked:
        say(f"Audit: NOT DONE. The package index here knows no advisories: no answer about any of {len(found)}.")
        return 0
    if skipped:
        say(f"Nothing was answered about {len(skipped)} of {len(found)} packages: {', '.join(skipped)}.")
    colour = "RED" if holes else "GREEN"
    say(f"Audit: {colour}. {checked} of {len(found)} packages checked; {len(holes)} known holes.")
    return 1 if holes else 0


def say(text: str) -> None:
    """A line for whoever runs it."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
