"""What happens to a call on its way to the model Luminate and back: refused, lost, late, slow, its worker killed."""

from __future__ import annotations

import functools
import json
from typing import Any

from relay.errors import MaybeSent, NotSent
from relay.luminate.client import Answer
from tests.prove.simulation import answers
from tests.prove.simulation.fibers import Crashed
from tests.prove.simulation.luminate import LATEST, Call, ModelLuminate, Recorded, Site
from tests.prove.simulation.world import Violation

READ_TIMEOUT = 60.0
_CODES = ("2", "3", "4", "6")


class Line:
    """The wire between one worker and one organization's Luminate, for a seed."""

    def __init__(self, model: ModelLuminate, site: Site) -> None:
        self.model, self.site, self.world = model, site, model.world

    def call(self, call: Call, record: Any, refusal: Any) -> Answer:
        self._wake_rivals(call)
        try:
            answer = self._called(call, record, refusal)
        except (NotSent, MaybeSent):
            self.world.stand_still("freeze with an outcome in hand")
            raise
        except Exception as error:
            raise Violation(f"the model itself failed: {type(error).__name__}: {error}") from error
        self.world.stand_still("freeze with an outcome in hand")
        return answer

    def _wake_rivals(self, call: Call) -> None:
        """Who stood still with an earlier call about the same wakes now, or a little later, every other time."""
        world = self.world
        for fiber in world.scheduler.fibers:
            claim, process = fiber.claim, fiber.process
            is_rival = claim is not None and (claim.entry.id, claim.attempt < call.attempt) == (call.entry, True)
            if is_rival and process.frozen_until > world.now and world.chance.random() < 0.5:
                world.after(world.chance.uniform(0.0, 1.0), functools.partial(world.wake, process))

    def _called(self, call: Call, record: Any, refusal: Any) -> Answer:
        """One call from the first byte to the last, with whatever may happen to it on the way."""
        world = self.world
        self._kill("kill before the call")
        self._unreachable(call)
        if (refused := self._refused_by_site(call) or refusal()) is not None:
            call.verdict = call.verdict or "rejected"
            if b'"8"' not in refused.body and call.verdict == "rejected":
                world.counts["refused for its fields"] += 1
            return self._answered(call, refused)
        if world.strikes("asked to wait"):
            return self._never(call, Answer(503, answers.HTML, {"retry-after": "120"}))
        self._never_recorded(call)
        if world.strikes("error 1, never recorded"):
            return self._never(call, answers.error("1", "Unable to process request."))
        if world.strikes("html, never recorded"):
            return self._never(call, Answer(502, answers.HTML))
        if world.strikes("read timeout, recorded later"):
            self._later(call, record)
        return self._recorded_now(call, record)

    def _recorded_now(self, call: Call, record: Any) -> Answer:
        world = self.world
        call.pending = True
        # On its way to Luminate: the worker may be killed or frozen while Luminate works.
        if world.strikes("slow answer"):
            arrival = world.now + world.faults.chance("slow answer").uniform(1, 50)
        else:
            arrival = world.now + world.chance.uniform(0.05, 0.5)
        box: list[dict[str, Any]] = []
        world.at(arrival, lambda: self._arrives(call, record, box))
        self._kill("kill with the call in flight")
        world.wait(lambda: bool(box))
        return self._lost_or_answered(call, box[0])

    def _arrives(self, call: Call, record: Any, box: list[dict[str, Any]]) -> None:
        call.pending = False
        box.append(record())

    def _lost_or_answered(self, call: Call, body: dict[str, Any]) -> Answer:
        """Luminate has it; the answer may still be lost."""
        world = self.world
        if world.strikes("reset after recording"):
            call.verdict = "unknown"
            self._end()
            raise MaybeSent("connection_lost: The connection to Luminate was lost before the answer.")
        if world.strikes("read timeout, recorded"):
            call.verdict = "unknown"
            world.sleep(READ_TIMEOUT)
            self._end()
            raise MaybeSent("read_timeout: Luminate did not answer completely in time.")
        if world.strikes("html after recording"):
            return self._doubtful(call, Answer(502, answers.HTML))
        if world.strikes("error 1 after recording"):
            return self._doubtful(call, answers.error("1", "Unable to process request."))
        if world.strikes("answer cut short"):
            return self._doubtful(call, Answer(200, json.dumps(body).encode()[:-9]))
        other = self._another() if call.kind != "refund" else None
        # After an hour's freeze its own gift may have been found meanwhile: then the answer is no other's.
        if other and world.strikes("answer of another gift") and other.entry != call.entry:
            return self._doubtful(call, answers.ok(answers.donation(other, other.amount)))
        call.verdict = "posted"
        return self._answered(call, answers.ok(body))

    def _another(self) -> Recorded | None:
        """A gift whose own answer has reached the ledger."""
        mine = [gift for gift in self.site.gifts.values() if not gift.by_others]
        owned = [gift for gift in mine[:-1] if self._is_known(gift.code)]
        return self.world.chance.choice(owned) if owned else None

    def _is_known(self, code: str) -> bool:
        return code in self.model.known_codes()

    def _unreachable(self, call: Call) -> None:
        world = self.world
        if world.strikes("connection refused"):
            call.verdict = "not_sent"
            raise NotSent("connection_refused: Luminate's server did not take the connection.")
        if world.strikes("connect timeout"):
            call.verdict = "not_sent"
            world.sleep(5.0)
            raise NotSent("connect_timeout: Luminate's server did not take the connection in time.")

    def _refused_by_site(self, call: Call) -> Answer | None:
        world, site = self.world, self.site
        if world.strikes("login refused for a while"):
            chance = world.faults.chance("login refused for a while")
            site.login_refused_until, site.code = world.now + chance.uniform(30, 1200), chance.choice(_CODES)
        if world.strikes("fields refused for a while"):
            site.fields_refused_until = world.now + world.faults.chance("fields refused for a while").uniform(30, 600)
        if world.now < site.login_refused_until:
            call.verdict = "blocked"
            return answers.error(site.code, "Not allowed.")
        return None

    def _never_recorded(self, call: Call) -> None:
        world = self.world
        if world.strikes("reset before recording"):
            call.verdict = "unknown"
            raise MaybeSent("connection_lost: The connection to Luminate was lost before the answer.")
        if world.strikes("read timeout, never recorded"):
            call.verdict = "unknown"
            world.sleep(READ_TIMEOUT)
            raise MaybeSent("read_timeout: Luminate did not answer completely in time.")

    def _later(self, call: Call, record: Any) -> None:
        """Luminate is slow: it records the call only after the caller has given up."""
        world = self.world
        call.pending, call.verdict = True, "unknown"
        later = READ_TIMEOUT + world.faults.chance("read timeout, recorded later").uniform(1, LATEST)
        world.after(later, lambda: self._arrives(call, record, []))
        world.sleep(READ_TIMEOUT)
        raise MaybeSent("read_timeout: Luminate did not answer completely in time.")

    def _never(self, call: Call, answer: Answer) -> Answer:
        return self._doubtful(call, answer)

    def _doubtful(self, call: Call, answer: Answer) -> Answer:
        call.verdict = "unknown"
        return self._answered(call, answer)

    def _answered(self, call: Call, answer: Answer) -> Answer:
        self.world.log(f"answers {call.verdict}: {call.kind} of entry {call.entry}", "Luminate")
        self._end()
        return answer

    def _end(self) -> None:
        self._kill("kill after the answer")
        self.world.step()

    def _kill(self, kind: str) -> None:
        """A place to be killed, but not to stand still: between relay's last look at the lease and the first byte."""
        fiber = self.world.scheduler.current
        assert fiber is not None
        if not fiber.process.alive:
            raise Crashed
        if self.world.strikes(kind):
            self.world.kill(fiber.process)
            raise Crashed
