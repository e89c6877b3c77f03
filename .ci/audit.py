# ruff: noqa: INP001  # a script beside .ci/run, no package
"""Known holes in what relay runs on: pip-audit over requirements.txt, read closely.

pip-audit calls a package that the list does not answer for "skipped" and ends well; here that is said, not passed over.
Ends with 1 where a hole is known, and with 0 where none is or where nobody could be asked.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

ASK = ("-m", "pip_audit", "--disable-pip", "--no-deps", "--format", "json", "--progress-spinner", "off")


def main() -> int:
    """Ask, and tell."""
    command = [sys.executable, *ASK, "--requirement", "requirements.txt"]
    asked = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603  # our own words only
    try:
        found = json.loads(asked.stdout)["dependencies"]
    except (ValueError, KeyError):
        say("The list of known holes could not be asked (no network?). Nothing was checked; try again later.")
        return 0
    return told(found)


def told(found: list[dict[str, Any]]) -> int:
    """Say what is known; 1 where a hole is."""
    skipped = [one["name"] for one in found if "skip_reason" in one]
    holes = [(one, hole) for one in found for hole in one.get("vulns", ())]
    for one, hole in holes:
        mended = ", ".join(hole["fix_versions"]) or "no version yet"
        say(f"{one['name']} {one['version']}: {hole['id']}, mended in {mended}")
    if skipped:
        say(f"Nothing was answered about {len(skipped)} of {len(found)} packages: {', '.join(skipped)}.")
    checked = len(found) - len(skipped)
    say(
        f"{checked} of {len(found)} packages were checked; {len(holes)} known holes."
        if checked
        else "Nothing was checked."
    )
    return 1 if holes else 0


def say(text: str) -> None:
    """A line for whoever runs it."""
    sys.stdout.write(f"{text}\n")


if __name__ == "__main__":
    sys.exit(main())
