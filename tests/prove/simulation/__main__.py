"""Play seeds: ``python -m tests.prove.simulation --seed 17`` one, without arguments the long form of ``make prove``.

Exit 1 if a seed failed; its shortest history is printed, with the command that plays it again.
"""

from __future__ import annotations

import argparse
import functools
import gc
import multiprocessing
import operator
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from tqdm import tqdm

from tests.prove.simulation.figures import Figures, code
from tests.prove.simulation.play import GIFTS, Played, play
from tests.prove.simulation.shrink import shrink

SEEDS = 5000
# Seeds that a process plays before it answers, and after which it clears away what they left.
AT_ONCE = 5
# How often the figures are written down (seconds).
KEEP_EVERY = 20.0


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.seed is not None:
        return _one(options)
    figures = functools.reduce(operator.add, map(Figures.read, options.sum)) if options.sum else _many(options)
    _say(figures.line())
    if options.table:
        _say(figures.tables())
    for seed in list(figures.failed)[: options.explain]:
        _explain(play(int(seed), gifts=options.gifts), options)
    return 1 if figures.failed else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="python -m tests.prove.simulation", description=__doc__)
    reader.add_argument("--seed", type=int, help="play this one, and print its history if it fails")
    reader.add_argument("--without", default="", help="what to leave out of it: payment 3,freeze#1")
    reader.add_argument("--history", action="store_true", help="print its history even if it does not fail")
    reader.add_argument("--no-shrink", action="store_true", help="do not look for a shorter history")
    reader.add_argument("--seeds", type=int, default=SEEDS, help=f"how many seeds ({SEEDS})")
    reader.add_argument("--from", type=int, default=1, dest="first", help="the first seed (1)")
    reader.add_argument("--gifts", type=int, default=GIFTS, help=f"gifts a seed ({GIFTS})")
    reader.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes (one a core)")
    reader.add_argument("--keep", type=Path, help="write the figures to this file as JSON, and go on where it ends")
    reader.add_argument("--sum", type=Path, nargs="+", help="play nothing: add up figures that were kept")
    reader.add_argument("--table", action="store_true", help="print the tables of docs/proof.md")
    reader.add_argument("--explain", type=int, default=1, help="how many failing seeds to shrink and explain (1)")
    reader.add_argument("--quiet", action="store_true", help="no progress bar")
    return reader.parse_args(arguments)


def _many(options: argparse.Namespace) -> Figures:
    figures = Figures.continued(options.keep, code(), options.first, options.gifts)
    before, started, kept = figures.seconds, time.monotonic(), time.monotonic()
    seeds = range(options.first + figures.seeds, options.first + options.seeds)
    with tqdm(total=options.seeds, initial=figures.seeds, unit="seed", disable=options.quiet or None) as bar:
        for played in _all(seeds, options.gifts, options.jobs):
            figures.add(played)
            figures.seconds = before + time.monotonic() - started
            if played.problem:
                bar.write(f"seed {played.seed}: {played.problem}")
            if options.keep and time.monotonic() > kept + KEEP_EVERY:
                figures.keep(options.keep)
                kept = time.monotonic()
            bar.update()
    if options.keep:
        figures.keep(options.keep)
    return figures


def _one(options: argparse.Namespace) -> int:
    without = [name.strip() for name in options.without.split(",") if name.strip()]
    played = play(options.seed, without, gifts=options.gifts, remember=options.history)
    if played.problem:
        _explain(played, options, without)
    else:
        _say(*played.history, f"seed {played.seed}: all promises held")
    return 1 if played.problem else 0


def _explain(played: Played, options: argparse.Namespace, without: Sequence[str] = ()) -> None:
    """The history of a failing seed, as short as it can be made, and the command that plays just that."""
    if not without and not options.no_shrink:
        played, without = shrink(played, gifts=options.gifts)
    _say(*played.history, f"seed {played.seed}: {played.problem}")
    left_out = f' --without "{",".join(without)}"' if without else ""
    gifts = f" --gifts {options.gifts}" if options.gifts != GIFTS else ""
    _say(f"python -m tests.prove.simulation --seed {played.seed}{gifts}{left_out}")


def _all(seeds: range, gifts: int, jobs: int) -> Iterator[Played]:
    """In order, so that a run may go on where another one ended."""
    work = [(seed, gifts) for seed in seeds]
    if jobs == 1:
        yield from map(_played, work)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap(_played, work, chunksize=AT_ONCE)


def _played(work: tuple[int, int]) -> Played:
    seed, gifts = work
    # A seed leaves rings of objects behind; they are cleared away between seeds, not in the midst of them.
    gc.disable()
    played = play(seed, gifts=gifts)
    played.history = []
    if seed % AT_ONCE == 0:
        gc.collect()
    return played


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
