"""A gift that did not arrive as it should is said, with the reason, and not passed over."""

from datetime import UTC, datetime

import pytest

from relay.demo import report
from relay.demo.announcements import ANNOUNCEMENTS
from relay.demo.run import Ended
from relay.ledger.search import EventRow
from relay.status import Verdict

ASKED, TOLD = ANNOUNCEMENTS["mollie"], ANNOUNCEMENTS["square"]


def arrived(announced, verdict, note):
    event = EventRow(7, "", "demo", announced.provider, "payment", verdict, note, (), datetime.now(UTC))
    return Ended(announced, event, None, before=False)


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            arrived(ASKED, Verdict.PENDING, "the provider's API did not answer"),
            "mollie *        Maria Agnesi         $35.00   event 7 waits          the provider's API did not answer",
        ),
        (
            arrived(TOLD, Verdict.NOT_UNDERSTOOD, "the event has no type"),
            "square          Lise Meitner         $32.00   event 7 kept           the event has no type",
        ),
    ],
)
def test_without_an_entry_the_line_tells_why(one, line):
    assert list(report.one_from_each([one]))[1].strip() == line


def test_what_waits_is_waited_for_and_what_is_lost_is_a_surprise():
    waits, lost = arrived(ASKED, Verdict.PENDING, ""), arrived(TOLD, Verdict.NOT_UNDERSTOOD, "")
    assert (waits.moving, lost.moving) == (True, False)
    assert lost.surprise == "'Lise Meitner gives $32.00 by square' should be posted, and is none."


def test_a_star_stands_for_asking():
    head, asked, told = report.one_from_each([arrived(one, Verdict.PENDING, "") for one in (ASKED, TOLD)])
    assert "(* its API was asked for the rest)" in head
    assert ("*" in asked, "*" in told) == (True, False)
