"""Seeded bugs: deliberate mistakes in relay's own code, each of which the simulation must notice.

``python -m tests.prove.bugs`` puts each in, plays seeds until one fails, and prints the table of docs/proof.md.
A bug is a patch that is taken out again; the files stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

from sqlalchemy import Connection, bindparam, select, update

from relay.errors import CouldNotStore, LedgerUnavailable, MaybeSent
from relay.gifts import Refund
from relay.inbound import intake, refunding
from relay.inbound.intake import Intake, Taken
from relay.ledger import claims, entries, payments
from relay.ledger.models import entries as table
from relay.luminate.outcomes import judge_error
from relay.outbound import posting, probing, settling
from relay.outbound.matching import Finding, Found, judge
from relay.outbound.settling import Settling
from relay.outbound.sweep import Sweep
from relay.status import Outcome, Status
from tests.prove.simulation.ledger import Ledger
from tests.prove.simulation.play import Played, play

# Small worlds: a bug that needs many gifts to show itself would not be caught early.
GIFTS = 12
# So many seeds are played before a bug counts as not noticed.
MOST_SEEDS = 400


@dataclass(frozen=True)
class Bug:
    """One mistake: how it is made, and the first seed that was seen to fail with it."""

    name: str
    does: str
    make: Callable[[], AbstractContextManager[Any]]
    seed: int


@contextmanager
def _claim_without_where() -> Iterator[None]:
    real = entries._swap

    def swap(tx: Connection, entry: entries.Entry, values: dict[str, Any]) -> bool:
        if values.get("status") is not Status.POSTING:
            return real(tx, entry, values)
        tx.execute(update(table).where(table.c.id == entry.id).values(values))
        return True

    def still_due(_tx: Connection, entry: entries.Entry, *_: Any) -> entries.Entry:
        return entry

    with mock.patch.object(entries, "_swap", swap), mock.patch.object(claims, "still_due", still_due):
        yield


def _resend_on_read_timeout() -> AbstractContextManager[Any]:
    def judged(error: Any) -> Any:
        is_timeout = isinstance(error, MaybeSent) and str(error).startswith("read_timeout")
        judgement = judge_error(error)
        return replace(judgement, outcome=Outcome.NOT_SENT) if is_timeout else judgement

    return mock.patch.object(posting, "judge_error", judged)


def _answer_before_commit() -> AbstractContextManager[Any]:
    def store(self: Intake, charity: Any, found: Sequence[Any]) -> Taken:
        try:
            with self.database.write() as tx:
                taken = Taken(tuple(self._book(tx, charity, one) for one in found))
                _answer_now(self.database)
        except LedgerUnavailable as error:
            raise CouldNotStore("too late: the sender has its 200") from error
        return taken

    return mock.patch.object(Intake, "_store", store)


def _answer_now(database: Any) -> None:
    """The 2xx leaves while the transaction is still open."""
    assert isinstance(database, Ledger)
    assert database.world is not None
    fiber = database.world.scheduler.current
    assert fiber is not None
    fiber.delivery.accepted = True


@contextmanager
def _refund_amount_omitted() -> Iterator[None]:
    real = refunding.map_refund

    def mapped(*given: Any, **more: Any) -> dict[str, str]:
        return {name: text for name, text in real(*given, **more).items() if name != "refund_amount"}

    # The last look before the call is left out, too.
    with mock.patch.object(refunding, "map_refund", mapped), mock.patch.object(posting, "_is_whole", return_value=True):
        yield


def _lease_back_to_queued() -> AbstractContextManager[Any]:
    real = claims.expire

    def expire(tx: Connection, now: Any, **more: Any) -> list[int]:
        moved = real(tx, now, **more)
        back = {"status": Status.QUEUED, "probe_at": None, "lease_until": None, "next_attempt_at": now}
        tx.execute(update(table).where(table.c.id.in_(moved)).values(back))
        return moved

    return mock.patch.object(claims, "expire", expire)


def _fence_ignored() -> AbstractContextManager[Any]:
    real = Settling.settle

    def settle(self: Settling, claim: claims.Claim, *rest: Any) -> None:
        entry = entries.get(self.tx, claim.entry.id)
        real(self, replace(claim, fence=entry.fence) if entry else claim, *rest)

    return mock.patch.object(settling.Settling, "settle", settle)


def _first_of_two_matches() -> AbstractContextManager[Any]:
    def judged(*given: Any, **more: Any) -> Finding:
        finding = judge(*given, **more)
        return Finding(Found.RECORDED, finding.rows[:1]) if finding.found is Found.SEVERAL else finding

    return mock.patch("relay.outbound.probing.matching.judge", judged)


def _bell_without_sweep() -> AbstractContextManager[Any]:
    return mock.patch.object(Sweep, "_ring", return_value=None)


def _delivery_key_dropped() -> AbstractContextManager[Any]:
    real = intake._new_event

    def made(*given: Any) -> Any:
        return replace(real(*given), delivery_key=None)

    return mock.patch.object(intake, "_new_event", made)


def _payment_key_dropped() -> AbstractContextManager[Any]:
    return mock.patch.object(payments, "ids_of", return_value=[])


def _total_added_twice() -> AbstractContextManager[Any]:
    real = refunding._follow

    def follow(desk: refunding.Desk, payment: int, refund: Refund, own: int) -> tuple[int, ...]:
        if refund.total is None:
            return real(desk, payment, refund, own)
        payments.raise_total(desk.tx, payment, refund.total.minor)
        return refunding._book_new(desk, payment, refund, own, refund.amount.minor)

    return mock.patch.object(refunding, "_follow", follow)


def _every_look_up_finds_several() -> AbstractContextManager[Any]:
    def judged(_entry: entries.Entry, rows: Sequence[Any], *_: Any, **_more: Any) -> Finding:
        return Finding(Found.SEVERAL, tuple(rows))

    return mock.patch("relay.outbound.probing.matching.judge", judged)


def _pauses_never_end() -> AbstractContextManager[Any]:
    return mock.patch.object(Sweep, "_check_pauses", return_value=None)


def _no_flag() -> AbstractContextManager[Any]:
    real = Settling._posted

    def posted(self: Settling, entry: entries.Entry, judgement: Any) -> None:
        real(self, entry, replace(judgement, flag=""))

    return mock.patch.object(Settling, "_posted", posted)


def _mails_again() -> AbstractContextManager[Any]:
    real = probing.gift_columns

    def columns(*given: Any, **more: Any) -> dict[str, Any]:
        return real(*given, **more | {"mail": True})

    return mock.patch.object(probing, "gift_columns", columns)


def _same_donor_at_once() -> AbstractContextManager[Any]:
    due = select(table).where(claims._MINE, claims._IS_DUE).order_by(table.c.received_at, table.c.id)
    still = due.where(table.c.id == bindparam("entry"))
    return mock.patch.multiple(claims, _NEXT_DUE=due.limit(bindparam("limit")), _STILL_DUE=still)


def _given_up_at_once() -> AbstractContextManager[Any]:
    def not_sent(self: Settling, entry: entries.Entry, words: dict[str, Any]) -> None:
        entries.move(self.tx, entry, Status.HELD, self.now, **words | {"reason": "not_reachable"})

    return mock.patch.object(Settling, "_not_sent", not_sent)


def _blocked_is_rejected() -> AbstractContextManager[Any]:
    real = Settling._move

    def move(self: Settling, entry: entries.Entry, judgement: Any, *rest: Any) -> None:
        is_blocked = judgement.outcome is Outcome.BLOCKED
        real(self, entry, replace(judgement, outcome=Outcome.REJECTED) if is_blocked else judgement, *rest)

    return mock.patch.object(Settling, "_move", move)


BUGS = (
    Bug("claim without WHERE", "whoever read an entry takes it, whatever became of it since", _claim_without_where, 2),
    Bug("resend on read timeout", "a read timeout counts as not sent", _resend_on_read_timeout, 1),
    Bug("ack before commit", "the 200 leaves while the transaction is open", _answer_before_commit, 1),
    Bug("refund amount omitted", "refundOfflineDonation is called without an amount", _refund_amount_omitted, 1),
    Bug("lease back to queued", "a claim that nobody reported back is put in line again", _lease_back_to_queued, 1),
    Bug("fence ignored", "a late report counts, whoever holds the entry now", _fence_ignored, 50),
    Bug("probe that takes the first of two matches", "several look-alikes count as found", _first_of_two_matches, 12),
    Bug("bell without sweep", "nothing in the ledger is ever rung for again", _bell_without_sweep, 1),
    Bug("duplicate key dropped", "the same delivery twice is two events", _delivery_key_dropped, 1),
    Bug("duplicate key dropped, of payments", "no two events are of one payment", _payment_key_dropped, 1),
    Bug("cumulative refund added twice", "a running total is booked on top of what is booked", _total_added_twice, 1),
    Bug("every look-up finds several", "no look-up ever resolves anything", _every_look_up_finds_several, 1),
    Bug("pauses never end by themselves", "what the machine paused only a person resumes", _pauses_never_end, 1),
    Bug("no flag for another amount", "what Luminate recorded with another amount is posted unflagged", _no_flag, 2),
    Bug("mails although it may have mailed", "what is proven absent is sent with its receipt", _mails_again, 1),
    Bug("no rule for the same donor", "two gifts of one donor are in flight at once", _same_donor_at_once, 22),
    Bug("given up at once", "one call that did not leave is a person's", _given_up_at_once, 1),
    Bug("blocked is refused", "a site that lets nobody in refuses the gift for good", _blocked_is_rejected, 4),
)


def played(bug: Bug, seed: int) -> Played:
    """One seed with the bug in it."""
    with bug.make():
        return play(seed, gifts=GIFTS)


def hunted(bug: Bug, seeds: Sequence[int]) -> Played | None:
    """The first of these seeds that fails with the bug; None if none does."""
    return next((found for seed in seeds if (found := played(bug, seed)).problem), None)


def main(arguments: Sequence[str] | None = None) -> int:
    reader = argparse.ArgumentParser(prog="python -m tests.prove.bugs", description=(__doc__ or "").split("\n")[0])
    reader.add_argument("--first", type=int, default=1, help="the first seed to play (1)")
    options = reader.parse_args(arguments)
    missed = 0
    _say("| bug | what it does | seed | what the simulation said |\n| --- | --- | ---: | --- |")
    for bug in BUGS:
        found = hunted(bug, range(options.first, options.first + MOST_SEEDS))
        sound = found is not None and not play(found.seed, gifts=GIFTS).problem
        missed += not sound
        seed, said = (found.seed, found.problem) if found else ("-", f"nothing, in {MOST_SEEDS} seeds")
        _say(f"| {bug.name} | {bug.does} | {seed} | {said}{'' if sound else ' (and without the bug)'} |")
    return 1 if missed else 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
