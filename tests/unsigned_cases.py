"""The suite for providers whose proof does not cover the body: a shared secret in the address, a header or the body."""

import dataclasses

import pytest

from tests.provider_cases import ProviderCases

WHY = "its proof does not cover the body"


class UnsignedCases(ProviderCases):
    """What cannot be noticed is said, not asked."""

    stamped = False

    def test_every_changed_byte_of_the_body_is_refused(self):
        pytest.skip(WHY)

    @pytest.mark.skip(reason=WHY)
    def test_a_longer_or_shorter_body_is_refused(self):
        """Nothing to ask."""

    def test_reformatted_json_is_refused(self):
        pytest.skip(WHY)

    @pytest.mark.parametrize("secrets", [(), ("",), (" ", "")])
    def test_no_secret_or_a_blank_one_accepts_nothing(self, secrets):
        """A blank secret that is sent along is missing, before anybody asks with what to compare it."""
        for sent in (self.secret, *secrets):
            settings = dataclasses.replace(self.settings(), secrets=secrets)
            self.refused("secret|missing", headers=self.sign(self.body, sent), settings=settings)
