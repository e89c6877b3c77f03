"""tests/service/test_refunds.py on a sealed ledger."""

from tests.service.test_refunds import *  # noqa: F403 - all of its tests
