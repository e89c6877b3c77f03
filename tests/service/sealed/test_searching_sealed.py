"""tests/service/console/test_searching.py on a sealed ledger."""

from tests.service.console.test_searching import *  # noqa: F403 - all of its tests
