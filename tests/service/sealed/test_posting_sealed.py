"""tests/service/test_posting.py on a sealed ledger."""

from tests.service.test_posting import *  # noqa: F403 - all of its tests
