"""`make audit` calls nothing clean that nobody looked at."""

import runpy
import subprocess
from pathlib import Path

import pytest

AUDIT = runpy.run_path(str(Path(__file__).parents[2] / ".ci/audit.py"))
CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
HOLE = {"name": "jinja2", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "rq", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        ([CLEAN], 0, "1 of 1 packages were checked; 0 known holes."),
        ([CLEAN, HOLE], 1, "jinja2 1: CVE-1, mended in 2"),
        ([CLEAN, SKIPPED], 0, "Nothing was answered about 1 of 2 packages: rq."),
        ([SKIPPED], 0, "Nothing was checked."),
    ],
)
def test_a_hole_fails_and_what_was_skipped_is_said(capsys, found, code, says):
    assert AUDIT["told"](found) == code
    assert says in capsys.readouterr().out


def test_without_a_network_it_says_so_and_does_not_fail(capsys, monkeypatch):
    unheard = subprocess.CompletedProcess((), 1, stdout="", stderr="ConnectionError")
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_more: unheard)
    assert AUDIT["main"]() == 0
    assert "Nothing was checked" in capsys.readouterr().out


def test_every_pin_has_a_hash():
    pins = (Path(__file__).parents[2] / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    bare = [
        line for line in pins if "==" in line and not line.lstrip().startswith("#") and "--hash=sha256:" not in line
    ]
    assert bare == []
