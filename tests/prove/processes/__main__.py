"""The proof with real processes, in its long form: `python -m tests.prove.processes`.

Every scenario ends with what was injected and what was counted. Exit 1 if a gift was lost or doubled, or waits for a
person where the machine should have found out by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.prove.processes.breaking import small_disk
from tests.prove.processes.house import POSTGRESQL, House
from tests.prove.processes.scenarios import ALL, Played, Scenario, play
from tests.prove.processes.truth import Count

HEAD = (
    "scenario", "injected", "not taken at first", "gifts", "posted", "lost", "doubled", "unknown", "found",
    "sent again", "person", "refunds", "time to truth, longest", "half of them in",
)  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    chosen = [ALL[name] for name in options.only or ALL]
    started, played = time.monotonic(), []
    with _folder(options.folder) as folder:
        for one in _played(chosen, folder, options.gifts):
            played.append(one)
            _say(_line(one))
            for sentence in one.count.wrong:
                _say(f"    WRONG: {sentence}")
        if options.keep:
            Path(options.keep).write_text(table(played), encoding="utf-8")
    bad = [one.scenario.name for one in played if not one.good]
    total = sum(one.count.accepted for one in played)
    verdict = f"FAILED: {', '.join(bad)}" if bad else "all good"
    _say(f"{len(played)} scenarios, {total} gifts, {time.monotonic() - started:.0f} s: {verdict}")
    return 1 if bad else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m tests.prove.processes", description=(__doc__ or "").split("\n")[0])
    reader.add_argument("only", nargs="*", choices=[[], *ALL], metavar="scenario", help=f"of {', '.join(ALL)}")
    reader.add_argument("--gifts", type=int, default=200, help="gifts a scenario (200)")
    reader.add_argument("--keep", help="write the table of figures to this file")
    reader.add_argument("--folder", help="keep what the processes leave (logs, ledgers) in this folder")
    return reader.parse_args(arguments)


@contextlib.contextmanager
def _folder(given: str | None) -> Iterator[Path]:
    if given:
        yield Path(given).absolute()
        return
    with tempfile.TemporaryDirectory(prefix="relay-proof-") as folder:
        yield Path(folder)


def _played(chosen: Sequence[Scenario], folder: Path, gifts: int) -> Iterator[Played]:
    """Faults of the line share a house; each of the others has its own."""
    numbers = _numbers(gifts)
    if sharing := [scenario for scenario in chosen if scenario.shares_a_house]:
        with House(folder / "line") as house:
            for scenario in sharing:
                yield play(scenario, house, next(numbers))
    for scenario in chosen:
        if not scenario.shares_a_house:
            start = next(numbers).start
            with _house(scenario, folder / scenario.name) as house:
                yield play(scenario, house, range(start, start + (scenario.gifts or gifts)))


def _numbers(gifts: int) -> Iterator[range]:
    for block in range(len(ALL)):
        yield range(10_000 * block, 10_000 * block + gifts)


@contextlib.contextmanager
def _house(scenario: Scenario, folder: Path) -> Iterator[House]:
    with contextlib.ExitStack() as opening:
        ledger = opening.enter_context(small_disk(folder / "disk")) if scenario.disk else None
        yield opening.enter_context(House(folder, scenario.kind, ledger=ledger))


def _cells(one: Played) -> tuple[str, ...]:
    found = one.count
    injected = ", ".join(f"{times}x {what}" for what, times in sorted(one.injected.items()))
    if len(one.injected) > 8:
        injected = f"{one.injected.total()} of {len(one.injected)} kinds"
    ledger = "" if one.scenario.kind == POSTGRESQL else " (SQLite)"
    return (
        f"{one.scenario.words}{ledger}", injected, str(one.refused.total()), str(found.accepted), str(found.posted),
        str(found.lost), str(found.doubled), str(found.unknown), str(found.found), str(found.resent),
        _persons(found), _refunds(found),
        f"{found.slowest:.1f} s", f"{found.typical:.1f} s",
    )  # fmt: skip


def _persons(found: Count) -> str:
    told = f"{found.person} and {found.flagged} flagged" if found.flagged else str(found.person)
    return f"{told}, {found.mistaken} wrong codes unseen" if found.mistaken else told


def _refunds(found: Count) -> str:
    if not found.refunds:
        return ""
    return f"{found.refunds}: {found.refunds_posted} posted, {found.refunds_person} with a person"


def table(played: Sequence[Played]) -> str:
    """The figures for docs/proof.md."""
    rows = [HEAD, ["---"] * len(HEAD), *(_cells(one) for one in played)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _line(one: Played) -> str:
    cells = " | ".join(f"{name} {cell}" for name, cell in zip(HEAD[1:], _cells(one)[1:], strict=True))
    return f"{'ok  ' if one.good else 'BAD '} {one.scenario.name} ({one.seconds:.0f} s): {cells}"


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
