"""What seeds came to, added up: kept in a file as they come, told as one line, as JSON or as the tables of the docs."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tests.prove.simulation.play import Played
from tests.prove.simulation.world import FAULTS

_ROOT = Path(__file__).resolve().parents[3]


def code() -> str:
    """A fingerprint of relay and of the simulation: figures of other code do not count."""
    found = hashlib.sha256()
    for folder in ("relay", "tests/prove/simulation"):
        for path in sorted((_ROOT / folder).rglob("*.py")):
            found.update(path.relative_to(_ROOT).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:12]


@dataclass(slots=True)
class Figures:
    """The seeds from ``first`` on, ``seeds`` of them so far."""

    code: str
    first: int
    gifts_a_seed: int
    seeds: int = 0
    seconds: float = 0.0
    failed: dict[str, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    persons: Counter[str] = field(default_factory=Counter)

    def add(self, played: Played) -> None:
        """One seed more."""
        self.seeds += 1
        self.counts += played.counts
        self.persons += played.persons
        if played.problem:
            self.failed[str(played.seed)] = played.problem

    def of(self, beginning: str, end: str = "") -> int:
        """The sum of all counts so named."""
        return sum(count for name, count in self.counts.items() if name.startswith(beginning) and name.endswith(end))

    def wrong(self, word: str) -> int:
        """How many seeds failed with this word."""
        return sum(problem.startswith(word) for problem in self.failed.values())

    # --- kept in a file ---------------------------------------------------------------------------------------

    def keep(self, path: Path) -> None:
        """Write everything down, so that another run may go on from here."""
        kept = {one.name: getattr(self, one.name) for one in fields(self)}
        path.write_text(json.dumps(kept | self.told(), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, path: Path) -> Figures:
        """What was kept in this file."""
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        told = {one.name: kept[one.name] for one in fields(cls)}
        return cls(**told | {name: Counter(kept[name]) for name in ("counts", "persons")})

    @classmethod
    def continued(cls, path: Path | None, code: str, first: int, gifts: int) -> Figures:
        """What the file holds of the same code and seeds, or nothing yet."""
        kept = cls.read(path) if path is not None and path.exists() else None
        same = kept is not None and (kept.code, kept.first, kept.gifts_a_seed) == (code, first, gifts)
        return kept if kept is not None and same else cls(code, first, gifts)

    def __add__(self, other: Figures) -> Figures:
        """Other seeds of the same code, played elsewhere or later: their seconds count as well."""
        if self.code != other.code:
            raise ValueError(f"figures of two versions: {self.code} and {other.code}")
        return Figures(
            self.code, min(self.first, other.first), self.gifts_a_seed, self.seeds + other.seeds,
            self.seconds + other.seconds, self.failed | other.failed, self.counts + other.counts,
            self.persons + other.persons,
        )  # fmt: skip

    # --- told -------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """What a reader asks first."""
        counts = self.counts
        return {
            "gifts": counts["gifts"],
            "faults": sum(counts[kind] for kind in FAULTS),
            "entries once unknown": counts["entries once unknown"],
            "unknown resolved by the machine": self.of("unknown: ", "by look-up") + self.of("unknown: ", "late answer"),
            "unknown resolved by a person": self.of("unknown: ", "by a person"),
            "waited for a person at rest": counts["waiting for a person at rest"],
            "lost": self.wrong("LOST"),
            "doubled": self.wrong("DOUBLED"),
            "failed seeds": len(self.failed),
        }

    def line(self) -> str:
        """One sentence or two."""
        told, counts = self.told(), self.counts
        pace = counts["gifts"] / self.seconds if self.seconds else 0.0
        kinds = sum(bool(counts[kind]) for kind in FAULTS)
        by_machine, by_person = told["unknown resolved by the machine"], told["unknown resolved by a person"]
        return (
            f"{self.seeds:,} seeds, {told['gifts']:,} gifts, {counts['refunds']:,} refunds, "
            f"{counts['events']:,} deliveries, {counts['calls']:,} calls, {told['faults']:,} faults of {kinds} kinds. "
            f"{told['entries once unknown']:,} entries were unknown: resolved {by_machine:,} times by the machine and "
            f"{by_person:,} times by a person. {told['lost']} lost, {told['doubled']} doubled, "
            f"{told['failed seeds']} seeds failed. {self.seconds:,.0f} s, {pace:.0f} gifts a second. Code {self.code}."
        )

    def tables(self) -> str:
        """The tables of docs/proof.md."""
        told, counts = self.told(), self.counts
        found = self.of("unknown: found", "by look-up") + self.of("unknown: found", "late answer")
        absent = self.of("unknown: proven absent", "by look-up")
        rows = {
            "seeds": self.seeds,
            "gifts": told["gifts"],
            "refunds and disputes booked": counts["refunds"],
            "deliveries of events, repeats among them": counts["events"],
            "calls to the model Luminate": counts["calls"],
            f"faults that struck, of {sum(bool(counts[kind]) for kind in FAULTS)} kinds": told["faults"],
            "of these: processes killed": self.of("kill "),
            "**lost**": told["lost"],
            "**doubled**": told["doubled"],
            "**seeds in which anything failed**": told["failed seeds"],
            "gifts and refunds that were unknown": told["entries once unknown"],
            "times that the machine resolved it: found": found,
            "times that the machine resolved it: proven absent": absent,
            "times that a person resolved it": told["unknown resolved by a person"],
            "waited for a person, with the reason, at rest": told["waited for a person at rest"],
            "decisions of persons in all": sum(self.persons.values()),
        }
        lines = [f"| {name} | {count:,} |" for name, count in rows.items()]
        return "\n".join(["| | |", "|---|---:|", *lines, "", self._injected()])

    def _injected(self) -> str:
        """How often each fault struck, in three columns."""
        cells = [f"{kind} | {self.counts[kind]:,}" for kind in FAULTS]
        height = -(-len(cells) // 3)
        cells += [" | "] * (3 * height - len(cells))
        rows = [f"| {' | '.join(cells[row::height])} |" for row in range(height)]
        return "\n".join([f"|{' fault | times |' * 3}", f"|{'---|---:|' * 3}", *rows])
