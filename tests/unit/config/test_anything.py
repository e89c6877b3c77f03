"""Whatever stands in a table, the answer is an organization or sentences, never a crash."""

import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from marshmallow import ValidationError

from relay.config import Organization
from relay.config.problems import dotted, flatten
from relay.config.schemas import OrganizationSchema, organization

GOOD = {
    "form_id": 1,
    "level_id": 2,
    "luminate": {"url": "https://give.acme.org/site", "api_key": "k", "login_name": "n", "login_password": "p"},
    "providers": {"stripe": {"secrets": ["whsec_a"]}},
}
KEYS = sorted(
    {field.data_key or name for name, field in OrganizationSchema().fields.items()}
    | {"path", "default", "required", "parameter", "minimum", "secrets", "stripe", "WATER", "card", "url", "_schema"}
)
SCALARS = (
    st.text(max_size=8)
    | st.integers()
    | st.integers(min_value=10**400, max_value=10**401)
    | st.floats()
    | st.booleans()
    | st.just(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner, max_size=3),
)


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=5), st.booleans())
def test_any_table_is_an_organization_or_sentences(table, good):
    try:
        assert isinstance(organization("acme", {**GOOD, **table} if good else table), Organization)
    except ValidationError as error:
        problems = list(flatten(error.messages))
        assert problems
        assert all(problem.text and isinstance(dotted(problem.path), str) for problem in problems)


@given(VALUES)
def test_anything_in_place_of_a_table_is_sentences(value):
    with pytest.raises(ValidationError) as raised:
        organization("acme", value)
    assert list(flatten(raised.value.messages))
