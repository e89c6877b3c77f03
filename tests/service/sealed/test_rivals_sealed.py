"""Rivals on a sealed ledger."""

from tests.service.test_rivals import *  # noqa: F403 - all of its tests
