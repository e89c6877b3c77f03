"""The table in docs/providers/README.md tells what a run finds: recorded bodies, argued differences, signatures."""

import os
import re
from collections import Counter
from pathlib import Path

import pytest

from relay.providers import PROVIDERS
from tests.support import recorded

PAGES = Path(__file__).parents[3] / "docs/providers"
README = (PAGES / "README.md").read_text(encoding="utf-8")
needs_recorded = pytest.mark.skipif("RELAY_PAYLOADS" not in os.environ, reason="RELAY_PAYLOADS is not set")
needs_vectors = pytest.mark.skipif("RELAY_VECTORS" not in os.environ, reason="RELAY_VECTORS is not set")


def rows(text):
    """The cells of each row of the tables, by the first."""
    lines = [line for line in text.splitlines() if re.match(r"\| \[?\w", line)]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return {re.sub(r"\[(\w+)\]\(\1\.md\)", r"\1", row[0]): row[1:] for row in cells if row[0] != "provider"}


KINDS, COVERED = (rows(part) for part in README.split("## Covered"))


def column(place):
    """The numbers of a column of the second table, zeros left out."""
    numbers = {name: int(found[0]) for name, cells in COVERED.items() if (found := re.findall(r"^\d+", cells[place]))}
    total = numbers.pop("all")
    assert total == sum(numbers.values())
    return numbers


def test_every_provider_has_its_rows_and_its_page():
    assert list(KINDS) == sorted(PROVIDERS)
    assert list(COVERED) == [*sorted(PROVIDERS), "all"]
    assert {path.stem for path in PAGES.glob("*.md")} == {*PROVIDERS, "README", "fundraiseup"}


def test_who_is_asked_has_a_fetch():
    asked = {name for name, cells in KINDS.items() if cells[2] != "no"}
    assert asked == {name for name, provider in PROVIDERS.items() if provider.fetch}


@pytest.mark.parametrize("link", re.findall(r"\[why\]\((\w+\.md)#([\w-]+)\)", README))
def test_what_is_argued_has_a_heading(link):
    page, anchor = link
    headings = re.findall(r"^#+ (.+)$", (PAGES / page).read_text(encoding="utf-8"), re.MULTILINE)
    assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings]


@needs_recorded
def test_the_counts_of_bodies_are_those_of_this_run():
    differ = {row["file"]: recorded.differences(name, row) for name, row in recorded.index()}
    found = Counter(name for name, _ in recorded.index())
    otherwise = Counter(name for name, row in recorded.index() if differ[row["file"]])
    assert column(0) == found
    assert column(1) == found - otherwise
    assert column(2) == otherwise


@needs_recorded
def test_the_answers_of_apis_are_the_rest():
    answers = Counter(recorded.provider_of(file) for file in recorded.answers())
    assert answers == {"gocardless": 5, "mollie": 8}
    assert "GoCardless (5) and Mollie (8)" in README


@needs_recorded
def test_every_difference_is_argued_where_the_table_points():
    for name, row in recorded.index():
        for sentence in recorded.differences(name, row):
            page, anchor = re.search(r"\((\w+\.md)#([\w-]+)\)", COVERED[name][2]).groups()
            assert page == f"{name}.md"
            kind = sentence.partition(":")[0]
            argued = under(anchor, (PAGES / page).read_text(encoding="utf-8"))
            names = (f"`{kind}`", f"`{kind.rpartition('.')[2]}`")
            assert any(one in argued for one in names), f"{row['file']}: {sentence}"


def under(anchor, text):
    """What stands under a heading."""
    for part in re.split(r"^#+ ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        if re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") == anchor:
            return body
    raise AssertionError(anchor)


@needs_vectors
def test_the_counts_of_signatures_are_those_of_this_run():
    vectors = recorded.vectors()
    assert column(3) == Counter(name for name, _ in vectors)
    assert column(4) == Counter(name for name, vector in vectors if recorded.verifies(name, vector))


@needs_recorded
def test_a_body_that_is_read_otherwise_is_noticed():
    """The judge is not blind: another expectation makes a difference."""
    name, row = next(one for one in recorded.index() if one[1]["expected"]["action"] == "gift")
    assert recorded.differences(name, row) == []
    for change in ({"action": "ignore"}, {"amount": "1.01"}, {"currency": "JPY"}, {"payment_id": "other"}):
        assert recorded.differences(name, row | {"expected": row["expected"] | change})


@needs_vectors
def test_a_signature_of_somebody_else_is_noticed():
    for name, vector in recorded.vectors():
        if "challenge" not in vector and name != "paypal":
            assert not recorded.verifies(name, vector | {"secret": "ab" * 32})
