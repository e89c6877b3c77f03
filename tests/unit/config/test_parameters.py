"""The list of parameters, and that the rooms that keep words of others keep the same ones."""

import pytest

from relay.config import DEFAULT_TENDERS
from relay.config.parameters import COMMON_PARAMETERS, GIFT_PARAMETERS, LOCKED, MAPPABLE, PARAMETERS, generic_name
from relay.config.provider_names import PROVIDERS, secret_variable, split_secrets
from relay.gifts import TenderKind


def test_the_vendor_documents_79_parameters_besides_the_10_common_ones():
    assert (len(GIFT_PARAMETERS), len(COMMON_PARAMETERS), len(PARAMETERS)) == (79, 10, 89)


def test_a_parameter_is_mapped_or_locked():
    assert set(MAPPABLE) | set(LOCKED) >= set(PARAMETERS)
    assert not set(MAPPABLE) & set(LOCKED)


@pytest.mark.parametrize(
    ("name", "generic"),
    [("designated.12.id", "designated.X.id"), ("donor.name.first", "donor.name.first"), ("", "")],
)
def test_the_number_of_a_designation_does_not_matter(name, generic):
    assert generic_name(name) == generic


def test_every_kind_of_tender_has_a_word():
    assert set(DEFAULT_TENDERS) == set(TenderKind)


def test_the_luminate_room_locks_the_same_parameters():
    rules = pytest.importorskip("relay.luminate.rules")
    assert all(rules.is_locked(name.replace(".X.", ".1.")) for name in LOCKED)
    assert not any(rules.is_locked(name) for name in MAPPABLE)


def test_secrets_are_read_from_a_variable_of_the_providers_name():
    assert secret_variable("authorize-net") == "AUTHORIZE_NET_WEBHOOK_SECRET"
    assert split_secrets(" a,b  c,\n,a ") == ["a", "b", "c"]
    assert set(PROVIDERS) >= {"stripe", "standard"}
