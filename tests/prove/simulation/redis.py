"""The model Redis behind relay's own Bell: marks that expire and one list of jobs. It may vanish at any moment."""

from __future__ import annotations

from typing import Any

from redis.exceptions import ConnectionError as RedisAway

from tests.prove.simulation.world import World


class ModelRedis:
    """The commands that the bell uses, and the queue of RQ on top."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.marks: dict[str, float] = {}
        self.jobs: list[str] = []
        self.away_until = 0.0

    def _reached(self) -> None:
        self.world.step("kill at the bell")
        if self.world.now < self.away_until:
            raise RedisAway("the model Redis is away")

    def set(self, name: str, _value: int, *, nx: bool, ex: float) -> bool:
        self._reached()
        if nx and self.marks.get(name, -1.0) > self.world.now:
            return False
        self.marks[name] = self.world.now + ex
        return True

    def delete(self, name: str) -> None:
        self._reached()
        self.marks.pop(name, None)

    def enqueue(self, _job: str, organization: str, **_: Any) -> None:
        self._reached()
        self.jobs.append(organization)

    def has_job(self) -> bool:
        return bool(self.jobs) and self.world.now >= self.away_until

    def take(self) -> str:
        return self.jobs.pop(0)

    def flushall(self) -> None:
        self.marks.clear()
        self.jobs.clear()

    def next_expiry(self) -> float | None:
        found = [end for end in (*self.marks.values(), self.away_until) if end > self.world.now]
        return min(found) if found else None
