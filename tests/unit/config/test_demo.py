"""The settings of `make run` count where relay is told nothing else, and nowhere else."""

from pathlib import Path

import pytest

from relay.config.demo import demo_environment, read, written
from relay.config.process import PLATFORMS

SETTINGS = {
    "DATABASE_URL": "sqlite:////home/ada/a b/relay.sqlite3",
    "REDIS_URL": "unix:///home/ada/valkey.sock?db=0",
    "RELAY_CONFIG": "/home/ada/it's/demo.toml",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "demo.env"
    file.write_text("# a comment\n" + written(SETTINGS))
    return file


def test_they_are_read_as_they_were_written():
    assert read(written(SETTINGS)) == SETTINGS


def test_they_count_where_nothing_is_configured(file):
    assert (
        demo_environment({"PATH": "/bin", "LUMINATE_URL": " "}, file)
        == {"PATH": "/bin", "LUMINATE_URL": " "} | SETTINGS
    )


def test_how_to_log_is_no_configuration(file):
    assert demo_environment({"RELAY_LOG_LEVEL": "DEBUG"}, file) == {"RELAY_LOG_LEVEL": "DEBUG"} | SETTINGS


@pytest.mark.parametrize(
    "name",
    ["DATABASE_URL", "REDIS_URL", "SECRET_KEY", "RELAY_CONFIG", "LUMINATE_URL", "STRIPE_WEBHOOK_SECRET", "RELAY_MODE"],
)
def test_one_variable_of_relay_s_own_ends_it(file, name):
    assert demo_environment({name: "something"}, file) is None


@pytest.mark.parametrize("name", ["LUMINATE_ULR", "RELAY_CONFIGURATION", "STRIP_WEBHOOK_SECRET"])
def test_so_does_a_slip_of_the_pen(file, name):
    assert demo_environment({name: "something"}, file) is None


@pytest.mark.parametrize("name", PLATFORMS)
def test_never_on_a_platform(file, name):
    assert demo_environment({name: "1"}, file) is None


def test_without_a_demo_there_is_nothing(tmp_path):
    assert demo_environment({}, tmp_path / "demo.env") is None
