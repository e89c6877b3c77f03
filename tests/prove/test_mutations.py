"""Every mutation still finds the line it takes out; running them all is `python -m tests.prove.mutations`."""

from pathlib import Path

import pytest

from tests.prove.mutations import MUTATIONS, ROOT, mutated


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_finds_its_line_and_its_tests(mutation):
    assert mutated(mutation, (ROOT / mutation.file).read_text())
    assert all((ROOT / name).exists() for name in mutation.tests.split())


def test_the_page_has_a_row_for_each_mutation_and_none_survived():
    page = Path(ROOT / "docs" / "mutations.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ") and "`relay/" in line]
    assert [row.split(" | ")[0].removeprefix("| ") for row in rows] == [mutation.name for mutation in MUTATIONS]
    assert not any("| none |" in row for row in rows)
