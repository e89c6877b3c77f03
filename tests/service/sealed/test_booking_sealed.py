"""tests/service/test_booking.py on a sealed ledger."""

from tests.service.test_booking import *  # noqa: F403 - all of its tests
