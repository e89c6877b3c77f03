"""tests/service/test_correcting.py on a sealed ledger."""

from tests.service.test_correcting import *  # noqa: F403 - all of its tests
