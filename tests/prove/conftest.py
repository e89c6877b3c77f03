"""The simulation is a world of its own in this process: what it changes there ends with the test."""

from collections.abc import Iterator

import pytest
import structlog


@pytest.fixture(autouse=True)
def _engines_closed() -> None:
    """Leave engines open: one ledger in memory goes on from seed to seed."""


@pytest.fixture(autouse=True)
def _log_lines_go_where_they_went() -> Iterator[None]:
    """Seeds write no log."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)
