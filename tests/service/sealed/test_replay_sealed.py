"""tests/service/test_replay.py on a sealed ledger."""

from tests.service.test_replay import *  # noqa: F403 - all of its tests
