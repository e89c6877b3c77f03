"""Each seeded bug makes the simulation fail, on a seed that holds without it.

The hunt for those seeds is `python -m tests.prove.bugs`.
"""

from pathlib import Path

import pytest

from tests.prove.bugs import BUGS, GIFTS, hunted
from tests.prove.simulation.play import play

ROOT = Path(__file__).resolve().parents[2]
# A change of relay that commits or reads once more shifts what a seed means; then the next ones are played too.
NEXT = 120


@pytest.mark.slow
@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_the_simulation_notices(bug):
    found = hunted(bug, range(bug.seed, bug.seed + NEXT))
    assert found is not None, f"{bug.name}: not noticed in {NEXT} seeds from {bug.seed}"
    assert found.history
    assert play(found.seed, gifts=GIFTS).problem == ""


def test_the_page_has_a_row_for_each_bug_with_its_seed():
    page = (ROOT / "docs" / "proof.md").read_text()
    for bug in BUGS:
        assert f"| {bug.name} | {bug.does} | {bug.seed} |" in page
