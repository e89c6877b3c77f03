"""Mutations: what the promises rest on is taken out, one line at a time, and the tests must turn red.

``python -m tests.prove.mutations`` applies each to a copy of the tree, runs the tests named beside it, and prints the
table of docs/mutations.md. A pytest checks that each mutation still finds its line.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Mutation:
    """One line of the code made wrong, and the tests that must notice."""

    name: str
    file: str
    old: str
    new: str
    tests: str


MUTATIONS = (
    Mutation(
        "the commit",
        "relay/ledger/db.py",
        "            yield connection\n\n    @contextmanager\n    def read",
        "            yield connection\n            connection.rollback()\n\n    @contextmanager\n    def read",
        "tests/service/test_intake.py",
    ),
    Mutation(
        "503 when it could not be stored (200 instead)",
        "relay/errors.py",
        'status = 503\n    reason = "could_not_store"',
        'status = 200\n    reason = "could_not_store"',
        "tests/service/test_intake.py",
    ),
    Mutation(
        "the WHERE of the claim",
        "relay/ledger/entries.py",
        "(entries.c.id == entry.id) & (entries.c.status == entry.status) & (entries.c.fence == entry.fence)",
        "(entries.c.id == entry.id)",
        "tests/integration/ledger",
    ),
    Mutation(
        "the explicit amount of a refund",
        "relay/luminate/schemas.py",
        '        "refund_amount": amount.text,\n',
        "",
        "tests/unit/luminate tests/service/test_refunds.py",
    ),
    Mutation(
        "the unknown outcome (a read timeout is retried)",
        "relay/luminate/outcomes.py",
        "return Judgement(Outcome.NOT_SENT if surely else _UNKNOWN, code,",
        "return Judgement(Outcome.NOT_SENT, code,",
        "tests/unit/luminate tests/service/test_posting.py",
    ),
    Mutation(
        "the unknown outcome (an answer without a verdict is a refusal)",
        "relay/luminate/outcomes.py",
        '    return Judgement(_UNKNOWN, reason, f"{words} (HTTP {status})")\n',
        '    return Judgement(_REJECTED, reason, f"{words} (HTTP {status})")\n',
        "tests/unit/luminate",
    ),
    Mutation(
        "the attempt before the call",
        "relay/ledger/claims.py",
        "    made = tx.execute(insert(attempts).values(row |",
        "    return Claim(taken, 0, fence)\n    made = tx.execute(insert(attempts).values(row |",
        "tests/service/test_posting.py",
    ),
    Mutation(
        "one gift a payment (the keys are not compared)",
        "relay/inbound/booking.py",
        "    known = payments.ids_of(booking.tx, booking.source, keys)\n    payment = known[0]",
        "    known: list[int] = []\n    payment = known[0]",
        "tests/service/test_booking.py tests/service/test_stripe_siblings.py",
    ),
    Mutation(
        "a lost lease is unknown (queued instead)",
        "relay/ledger/claims.py",
        '    became = {"status": Status.UNKNOWN,',
        '    became = {"status": Status.QUEUED,',
        "tests/service/test_sweep.py tests/service/test_posting.py tests/service/test_probing.py",
    ),
    Mutation(
        "the fence of a late report",
        "relay/outbound/settling.py",
        "        held = entry.fence == claim.fence\n",
        "        held = True\n",
        "tests/service/test_claims.py",
    ),
    Mutation(
        "a confirmation code proves one gift only",
        "relay/outbound/settling.py",
        "        if owner in {None, claim.entry.id}:\n",
        "        if True:\n",
        "tests/service/test_ill_site.py tests/service/test_posting.py",
    ),
    Mutation(
        "a refund waits for its gift",
        "relay/inbound/refunding.py",
        "    if gift.status is not Status.POSTED:\n        return _waits_for(gift)",
        '    if gift.status is not Status.POSTED:\n        return _because(Status.QUEUED, "", "")',
        "tests/service/test_refunds.py",
    ),
    Mutation(
        "a refund is at most what is left",
        "relay/inbound/refunding.py",
        "    if amount.minor > left.minor:\n",
        "    if False:\n",
        "tests/service/test_refunds.py",
    ),
    Mutation(
        "a running total counts once",
        "relay/inbound/totals.py",
        "    return known.stands if known.back is None else max(known.stands, known.told - known.back)\n",
        "    return known.stands + known.told\n",
        "tests/service/test_refunds.py",
    ),
    Mutation(
        "several look-alikes go to a person",
        "relay/outbound/matching.py",
        "    if left == 1 + rivals and _is_proof(entry, chosen):\n",
        "    if left >= 1 + rivals:\n",
        "tests/service/test_probing.py",
    ),
    Mutation(
        "an equal refund in doubt may be the one that is shown",
        "relay/outbound/matching.py",
        "    if left == 1 + rivals and _is_proof(entry, chosen):\n",
        "    if left == 1 and _is_proof(entry, chosen):\n",
        "tests/service/test_probing.py",
    ),
    Mutation(
        "absence needs the settling time",
        "relay/outbound/matching.py",
        "    settled = now >= doubt.end + timedelta(seconds=settle_seconds)\n",
        "    settled = True\n",
        "tests/service/test_probing.py",
    ),
    Mutation(
        "a refused key pauses, and uses up no attempt",
        "relay/outbound/settling.py",
        "                entries.move(self.tx, entry, Status.QUEUED, self.now, **words, next_attempt_at=again_at)\n",
        "                entries.move(self.tx, entry, Status.REJECTED, self.now, **words)\n",
        "tests/service/test_posting.py",
    ),
    Mutation(
        "mails are always said explicitly",
        "relay/luminate/schemas.py",
        '        "send_receipt": _flag(mail and organization.mail.receipt),\n',
        "",
        "tests/unit/luminate",
    ),
    Mutation(
        "signatures from the future are refused",
        "relay/providers/signatures.py",
        "    if age < -tolerance:\n",
        "    if False:\n",
        "tests/unit/providers/test_stripe.py",
    ),
    Mutation(
        "a test event does not reach a live organization",
        "relay/inbound/reading.py",
        "    if parsed.live != (charity.mode is Mode.LIVE):\n",
        "    if False:\n",
        "tests/service/test_intake.py",
    ),
    Mutation(
        "a row that may be another gift's is nobody's by itself",
        "relay/outbound/matching.py",
        "    chosen, rivals = exact or matching, 0 if exact else others.rivals\n",
        "    chosen, rivals = exact or matching, others.rivals if entry.kind is Kind.REFUND else 0\n",
        "tests/service/test_rivals.py",
    ),
    Mutation(
        "absence needs every list",
        "relay/outbound/readers.py",
        "    return Shown(tuple(rows.elements()), next(iter(refusals), None))\n",
        "    return Shown(tuple(rows.elements()), None)\n",
        "tests/service/test_readers.py",
    ),
    Mutation(
        "a gift is claimed as it is now, and apart from its donor's other gifts",
        "relay/outbound/posting.py",
        "        due = claims.still_due(tx, candidate, now, self._apart)\n",
        "        due = candidate\n",
        "tests/service/test_claims.py tests/service/test_same_donor.py",
    ),
    Mutation(
        "what a restored ledger may have forgotten is looked up first",
        "relay/ledger/entries.py",
        '    lost = restores.forgotten(tx, row) if row["status"] == Status.QUEUED else None\n',
        "    lost = None\n",
        "tests/service/test_recovery.py",
    ),
    Mutation(
        "a gift whose code a person told is not sent",
        "relay/ledger/supplied.py",
        "    if not told or gift.confirmation_code in told:\n",
        "    if True:\n",
        "tests/service/test_told_codes.py tests/service/test_restored_and_told.py",
    ),
)


def mutated(mutation: Mutation, text: str) -> str:
    """The file with its line made wrong. Raises ValueError unless the line is there exactly once."""
    if text.count(mutation.old) != 1:
        raise ValueError(f"{mutation.name}: its line stands {text.count(mutation.old)} times in {mutation.file}")
    return text.replace(mutation.old, mutation.new)


def failures(mutation: Mutation, root: Path) -> int:
    """How many tests notice, run on a copy of the tree that has the mutation."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "relay"
        shutil.copytree(root, copy, ignore=shutil.ignore_patterns(".git", ".venv", "var", "__pycache__", ".*_cache"))
        target = copy / mutation.file
        target.write_text(mutated(mutation, target.read_text()))
        command = [sys.executable, "-m", "pytest", "-q", "--no-header", "-p", "no:randomly", "-n", "0", "--maxfail=20"]
        done = subprocess.run(
            [*command, *mutation.tests.split()], cwd=copy, env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode not in {0, 1}:
            raise RuntimeError(f"{mutation.name}: its tests do not even load\n{done.stdout[-2000:]}")
        found = re.search(r"(\d+) failed", done.stdout)
        return int(found[1]) if found else 0


def main() -> int:
    """Run every mutation and print the table."""
    survived = 0
    # ruff: noqa: T201  # it speaks to whoever ran it
    print("| taken out | in | tests that turn red |\n|---|---|---|")
    for mutation in MUTATIONS:
        red = failures(mutation, ROOT)
        survived += not red
        told = "none" if not red else f"{red} or more" if red >= 20 else str(red)
        print(f"| {mutation.name} | `{mutation.file}` | {told} |", flush=True)
    return 1 if survived else 0


if __name__ == "__main__":
    sys.exit(main())
