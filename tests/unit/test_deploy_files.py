"""app.json, render.yaml, fly.toml and compose.yaml name only variables and commands that there are."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
PROCFILE = dict(line.split(": ", 1) for line in (ROOT / "Procfile").read_text().splitlines())
# What the platform or another program in the file reads.
THEIRS = {"PYTHON_VERSION", "POSTGRES_USER", "POSTGRES_DB", "POSTGRES_PASSWORD", "PORT"}


def variables():
    """Each variable with the file that names it."""
    app = json.loads((ROOT / "app.json").read_text())["env"]
    yield from (("app.json", name) for name in app)
    for name in ("render.yaml", "compose.yaml", "fly.toml"):
        text = (ROOT / name).read_text()
        named = set(re.findall(r"\b([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)\b", text)) - {"SIGTERM", "CMD", "ALL"}
        yield from ((name, one) for one in sorted(named - THEIRS))


@pytest.mark.parametrize(("file", "name"), sorted(set(variables())))
def test_every_variable_is_documented(file, name):
    assert f"`{name}`" in CONFIGURATION


def test_every_description_of_a_variable_is_a_sentence():
    described = json.loads((ROOT / "app.json").read_text())["env"].values()
    assert [one["description"] for one in described if not one["description"].endswith(".")] == []


def test_render_runs_what_the_procfile_says():
    services = yaml.safe_load((ROOT / "render.yaml").read_text())["services"]
    web, worker, store = services
    assert (web["preDeployCommand"], web["startCommand"]) == (PROCFILE["release"], PROCFILE["web"])
    assert worker["startCommand"] == PROCFILE["worker"]
    assert store["maxmemoryPolicy"] == "noeviction"


def test_fly_runs_what_the_procfile_says():
    told = tomllib.loads((ROOT / "fly.toml").read_text())
    assert told["deploy"]["release_command"] == PROCFILE["release"]
    assert told["processes"] == {"web": PROCFILE["web"], "worker": PROCFILE["worker"]}
    assert told["http_service"]["checks"][0]["path"] == "/readyz"


def test_compose_runs_what_the_procfile_says_without_rights():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    assert services["release"]["command"] == PROCFILE["release"]
    assert services["worker"]["command"] == PROCFILE["worker"]
    for name in ("release", "web", "worker"):
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    assert services["bell"]["command"].endswith("--maxmemory-policy noeviction")


def test_the_image_runs_as_an_ordinary_user_what_the_procfile_says():
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    assert "USER 10001" in lines
    assert json.loads(lines[-1].removeprefix("CMD ")) == PROCFILE["web"].split()
    assert any("--require-hashes" in line for line in lines)


def test_every_pin_has_a_hash():
    text = (ROOT / "requirements.txt").read_text()
    pins = re.split(r"\n(?=[a-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text))
    assert [pin.split()[0] for pin in pins if "==" in pin and "--hash=sha256:" not in pin] == []
