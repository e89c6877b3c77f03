"""tests/service/test_gift_code.py on a sealed ledger."""

from tests.service.test_gift_code import *  # noqa: F403 - all of its tests
