"""The simulation goes on with one ledger in memory from seed to seed: closing it would be its end."""

import pytest


@pytest.fixture(autouse=True)
def _engines_closed():
    """Leave engines open."""
