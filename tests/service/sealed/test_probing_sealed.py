"""tests/service/test_probing.py on a sealed ledger."""

from tests.service.test_probing import *  # noqa: F403 - all of its tests
