"""`make audit` calls nothing clean that nobody looked at."""

import runpy
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
AUDIT = runpy.run_path(str(ROOT / ".ci/audit.py"))
CLEAN = {"name": "flask", "version": "3.1.3", "vulns": []}
HOLE = {"name": "jinja2", "version": "1", "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}]}
SKIPPED = {"name": "rq", "skip_reason": "Dependency not found on PyPI"}


@pytest.mark.parametrize(
    ("found", "code", "says"),
    [
        ([CLEAN], 0, "Audit: GREEN. 1 of 1 packages checked; 0 known holes."),
        ([CLEAN, HOLE], 1, "jinja2 1: CVE-1, mended in 2\nAudit: RED. 2 of 2 packages checked; 1 known holes."),
        ([CLEAN, SKIPPED], 0, "Nothing was answered about 1 of 2 packages: rq.\nAudit: GREEN. 1 of 2"),
        ([SKIPPED], 0, "Audit: NOT DONE. The package index here knows no advisories: no answer about any of 1."),
    ],
)
def test_a_hole_fails_and_what_was_skipped_is_said(capsys, found, code, says):
    assert AUDIT["told"](found) == code
    assert says in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        ("requests.exceptions.ConnectionError: HTTPSConnectionPool", 0, "Audit: NOT DONE."),
        (
            "ERROR:pip_audit._cli:invalid requirement\n",
            2,
            "Audit: RED. pip-audit failed, and not for the network: ERROR",
        ),
        ("", 2, "Audit: RED. pip-audit failed, and not for the network: no word of why"),
    ],
)
def test_no_network_is_no_fault_and_any_other_failure_is(capsys, monkeypatch, error, code, says):
    unheard = subprocess.CompletedProcess((), 1, stdout="", stderr=error)
    monkeypatch.setattr(subprocess, "run", lambda *_args, **_more: unheard)
    assert AUDIT["main"]() == code
    assert says in capsys.readouterr().out


def test_bandit_finds_nothing_that_has_no_reason_beside_it():
    """And would find something: the same code without its reasons is refused."""
    asked = [
        sys.executable,
        "-m",
        "bandit",
        "-q",
        "-c",
        "pyproject.toml",
        "-r",
        "relay/web",
        "relay/providers/raisely.py",
    ]
    assert subprocess.run(asked, cwd=ROOT, capture_output=True, check=False).returncode == 0
    assert subprocess.run([*asked, "--ignore-nosec"], cwd=ROOT, capture_output=True, check=False).returncode == 1


def test_ci_runs_bandit_the_audit_and_the_bill_of_materials():
    assert "make secure" in (ROOT / ".ci/run").read_text()
    made = subprocess.run(["make", "-n", "secure"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert [one for one in ("bandit", ".ci/audit.py", "cyclonedx_py requirements") if one not in made] == []


def test_every_pin_has_a_hash():
    pins = (ROOT / "requirements.txt").read_text().replace("\\\n", " ").splitlines()
    bare = [
        line for line in pins if "==" in line and not line.lstrip().startswith("#") and "--hash=sha256:" not in line
    ]
    assert bare == []
