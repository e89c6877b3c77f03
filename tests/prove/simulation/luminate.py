"""The model Luminate: it has no duplicate protection, and what it recorded is the truth.

It stands where relay has its HTTP client, and answers with real bytes that relay's own readers read. Its promise, on
which relay's rules rest (docs/proof.md): what it records of a call it records and shows within ``settle_seconds`` after
the caller gave up, and its clock is never more than a minute and a half off.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from relay.config import Organization
from relay.errors import MaybeSent, NotSent
from relay.luminate.client import Answer
from tests.prove.simulation.fibers import Crashed
from tests.prove.simulation.world import START, Violation, World

READ_TIMEOUT = 60.0
# A call that was given up may still be recorded this much later, and be shown this much later still.
LATEST, SHOWN = 300.0, 200.0
_HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"
# What makes two gifts one and the same to everybody. A row of the look-up does not say to which fund it was given.
TWIN = ("donor.email", "other_amount", "offline_payment_method", "card_number", "form_id", "designated.1.id")
_CODES = ("2", "3", "4", "6")


@dataclass(eq=False)
class Refunded:
    """Money that Luminate took off a gift."""

    amount: int
    entry: int
    at: float
    shown_from: float


@dataclass(eq=False)
class Recorded:
    """A gift in Luminate. ``about`` is the sub-source: relay's own mark, which the look-up over REST does not show."""

    code: str
    organization: str
    about: str
    entry: int
    parameters: Mapping[str, str]
    amount: int
    asked: int
    at: float
    shown_from: float
    login: str
    by_others: bool = False
    kind: str = "gift"
    refunds: list[Refunded] = field(default_factory=list)

    @property
    def twin(self) -> tuple[str, ...]:
        """What nobody can tell two gifts apart by."""
        return twin_of(self.organization, self.parameters)

    @property
    def left(self) -> int:
        return self.amount - sum(refund.amount for refund in self.refunds)


@dataclass(eq=False)
class Call:
    """One call of relay. ``verdict`` is what its caller can know: posted, rejected, blocked, not_sent, unknown."""

    attempt: int
    entry: int
    kind: str
    about: str
    worker: str
    started: float
    # Whose gift it is, and where; of a refund nobody's.
    donor: tuple[str, str] | None
    verdict: str = ""
    pending: bool = False
    recorded: bool = False
    mails: bool = False


@dataclass(eq=False)
class Site:
    """One organization's Luminate."""

    organization: Organization
    gifts: dict[str, Recorded] = field(default_factory=dict)
    login_refused_until: float = 0.0
    code: str = "3"
    fields_refused_until: float = 0.0
    skew: float = 0.0
    # What this site says of a refund that succeeded; not documented, so relay takes any of them.
    refund_reply: str = ""


class ModelLuminate:
    """All sites of a seed."""

    def __init__(self, world: World, organizations: Mapping[str, Organization]) -> None:
        self.world = world
        self.calls: list[Call] = []
        self.sites = {name: self._site(one) for name, one in organizations.items()}
        # E-mail addresses that several constituents have.
        self.shared_addresses: set[str] = set()
        self.refused_zips: set[str] = {"00000"}
        # Organizations of which a look-up came to nothing.
        self.refused_look_ups: set[str] = set()
        self._codes = 0
        # Which payment an id of the provider's is one of, and a plain look into the ledger; both set by the play.
        self.payment_of: Callable[[str, str], Any] = lambda organization, key: (organization, key)
        self.ledger_rows: Callable[[str], list[Any]] = lambda statement: []
        self.has_twins: Callable[[Recorded], bool] = lambda gift: False

    def _site(self, organization: Organization) -> Site:
        chance = self.world.chance
        reply = chance.choice(("refund_response", "bare_200", "donation"))
        return Site(organization, skew=chance.uniform(-90, 90), refund_reply=reply)

    def client_for(self, organization: Organization) -> ModelClient:
        return ModelClient(self, self.sites[organization.name])

    def code(self, site: Site) -> str:
        self._codes += 1
        return f"{site.organization.form.form_id}-{self._codes}-1-{self.world.seed}"

    def recorded(self) -> list[Recorded]:
        return [gift for site in self.sites.values() for gift in site.gifts.values()]


class ModelClient:
    """What relay's LuminateClient is for a worker, an organization and a seed."""

    def __init__(self, model: ModelLuminate, site: Site) -> None:
        self.model, self.site, self.world = model, site, model.world

    # --- gifts ------------------------------------------------------------------------------------------------

    def add_offline_donation(self, parameters: Mapping[str, str]) -> Answer:
        call = self._begin(
            parameters.get("sub_source", ""), _mails(parameters, "send_receipt", "send_registration_email")
        )
        return self._call(call, lambda: self._add(call, parameters), lambda: self._refusal(parameters))

    def _add(self, call: Call, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Record it, whatever becomes of the answer."""
        asked = _minor(parameters["other_amount"])
        if asked <= 0:
            raise Violation(f"a gift of {asked} was sent")
        amount = asked + 500 if self.world.strikes("other amount") else asked
        now = self.world.now
        gift = Recorded(
            self.model.code(self.site), self.site.organization.name, call.about, call.entry, dict(parameters), amount,
            asked, now, now + self._delay(), self.site.organization.luminate.login_name,
        )  # fmt: skip
        gift.kind = call.kind
        self._no_second(gift)
        self.site.gifts[gift.code] = gift
        call.recorded = True
        self.world.log(f"recorded {gift.about} as {gift.code}, {amount}", "Luminate")
        if self.world.strikes("look-alike"):
            self._look_alike(gift)
        return _donation(gift, amount)

    def _no_second(self, gift: Recorded) -> None:
        """As many records as entries, among gifts that nobody can tell apart; nearly always one of one."""
        same = [one for one in self.site.gifts.values() if not one.by_others and one.twin == gift.twin]
        if same and len(same) >= self._claimed(gift.twin):
            raise Violation(f"DOUBLED: {gift.about} is in Luminate, and is recorded again")

    def _claimed(self, twin: tuple[str, ...]) -> int:
        """How many entries that look like this were ever about to be sent."""
        found = self.model.ledger_rows(
            "SELECT organization, parameters FROM entries WHERE kind <> 'refund' AND fence > 0"
        )
        return sum(twin_of(organization, json.loads(told)) == twin for organization, told in found)

    def _look_alike(self, gift: Recorded) -> None:
        """Somebody types a gift in by hand that looks the same, or nearly."""
        chance = self.world.faults.chance("look-alike")
        told = dict(gift.parameters)
        nearly = chance.choice(("same", "same", "other_amount", "card_number"))
        if nearly == "card_number" and nearly not in told:
            nearly = "same"
        # Of a donor who gives the same again and again, a stranger's equal gift cannot be told from one of ours that
        # never arrived, or arrived with another amount: docs/proof.md says so.
        if nearly == "same" and (gift.amount != gift.asked or self.model.has_twins(gift)):
            nearly = "other_amount"
        if nearly == "other_amount":
            told["other_amount"] = f"{(gift.asked + 100) / 100:.2f}"
        elif nearly == "card_number":
            told["card_number"] = "************0001"
        twin = Recorded(
            self.model.code(self.site), gift.organization, "", 0, told, _minor(told["other_amount"]),
            _minor(told["other_amount"]), gift.at + chance.uniform(-30, 30), gift.shown_from, "staff", by_others=True,
        )  # fmt: skip
        self.site.gifts[twin.code] = twin
        self.world.log(f"somebody else records {twin.code}, {twin.amount}: {nearly}", "Luminate")

    def _refusal(self, parameters: Mapping[str, str]) -> Answer | None:
        """A refusal that this gift meets, for the time being or until it is corrected."""
        if parameters.get("donor.email") in self.model.shared_addresses and not parameters.get("donor.cons_id"):
            return _error("8", "More than one constituent.")
        if parameters.get("donor.address.zip") in self.model.refused_zips:
            return _field_error("Billing ZIP is invalid.")
        if self.world.now < self.site.fields_refused_until:
            return _field_error("Occupation is required.")
        return None

    # --- refunds ----------------------------------------------------------------------------------------------

    def refund_offline_donation(self, parameters: Mapping[str, str]) -> Answer:
        code, text = parameters.get("refund_user_confirm_code", ""), parameters.get("refund_amount", "")
        if not text or _minor(text) <= 0:
            raise Violation(f"a refund of {text or 'no amount'} was sent: Luminate takes that for a full refund")
        call = self._begin(code, _mails(parameters, "send_auto_responder"))
        return self._call(call, lambda: self._take_off(call, code, _minor(text)), lambda: self._no_refund(code, text))

    def _no_refund(self, code: str, text: str) -> Answer | None:
        gift = self.site.gifts.get(code)
        if gift is None or gift.login != self.site.organization.luminate.login_name:
            return _field_error("No transaction of this account was found.")
        if _minor(text) > gift.left:
            if gift.amount == gift.asked:
                raise Violation(f"DOUBLED: a refund of {text} was sent, but only {gift.left} is left of {code}")
            return _field_error("The refund amount is greater than the current value.")
        return None

    def _take_off(self, call: Call, code: str, amount: int) -> dict[str, Any]:
        gift = self.site.gifts[code]
        if any(refund.entry == call.entry for refund in gift.refunds):
            raise Violation(f"DOUBLED: the refund of entry {call.entry} is in Luminate twice")
        now = self.world.now
        gift.refunds.append(Refunded(amount, call.entry, now, now + self._delay()))
        if gift.left < 0 and gift.amount == gift.asked:
            raise Violation(f"DOUBLED: more was refunded of {code} than it has")
        call.recorded = True
        self.world.log(f"refunded {amount} of {code}", "Luminate")
        match self.site.refund_reply:
            case "bare_200":
                return {"donationResponse": {}}
            case "donation":
                return _donation(gift, amount)
        refund = {"confirmation_code": code, "amount": {"decimal": f"{amount / 100:.2f}"}}
        return {"refundOfflineDonationResponse": {"refund": refund}}

    # --- any call that writes ---------------------------------------------------------------------------------

    def _begin(self, about: str, mails: bool) -> Call:
        """A call is about to leave. No earlier call about the same may have been recorded, or may still be.

        ``mails``: whether the donor hears of it, as nobody may who perhaps did already.
        """
        fiber = self.world.scheduler.current
        assert fiber is not None
        claim = fiber.claim
        process = fiber.process
        donor = (self.site.organization.name, claim.entry.donor_email) if claim.entry.kind != "refund" else None
        call = Call(claim.attempt, claim.entry.id, str(claim.entry.kind), about, process.title, self.world.now, donor)
        for other in self.model.calls:
            if other.entry == call.entry and (other.pending or (other.recorded and not self._went_to_a_twin(other))):
                state = "was recorded" if other.recorded else "may still be recorded"
                raise Violation(f"DOUBLED: entry {call.entry} is sent again although its earlier call {state}")
            if other.pending and donor and other.donor == donor:
                raise Violation(f"TWO AT ONCE: entries {other.entry} and {call.entry} are gifts of one e-mail")
            if mails and other.mails and other.entry == call.entry and other.verdict in _PERHAPS_MAILED:
                raise Violation(f"MAILED TWICE: entry {call.entry} mails its donor although an earlier call may have")
        call.mails = mails
        self.model.calls.append(call)
        return call

    def _went_to_a_twin(self, call: Call) -> bool:
        """Whether what this call recorded was taken for an equal gift's, which in turn is not recorded itself."""
        made = [gift for gift in self.site.gifts.values() if gift.entry == call.entry]
        return call.kind != "refund" and all(gift.code in self.known_codes() for gift in made)

    def _call(self, call: Call, record: Any, refusal: Any) -> Answer:
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
            return self._never(call, Answer(503, _HTML, {"retry-after": "120"}))
        self._never_recorded(call)
        if world.strikes("error 1, never recorded"):
            return self._never(call, _error("1", "Unable to process request."))
        if world.strikes("html, never recorded"):
            return self._never(call, Answer(502, _HTML))
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
            return self._doubtful(call, Answer(502, _HTML))
        if world.strikes("error 1 after recording"):
            return self._doubtful(call, _error("1", "Unable to process request."))
        if world.strikes("answer cut short"):
            return self._doubtful(call, Answer(200, json.dumps(body).encode()[:-9]))
        other = self._another() if call.kind != "refund" else None
        # After an hour's freeze its own gift may have been found meanwhile: then the answer is no other's.
        if other and world.strikes("answer of another gift") and other.entry != call.entry:
            return self._doubtful(call, _ok(_donation(other, other.amount)))
        call.verdict = "posted"
        return self._answered(call, _ok(body))

    def _another(self) -> Recorded | None:
        """A gift whose own answer has reached the ledger."""
        mine = [gift for gift in self.site.gifts.values() if not gift.by_others]
        owned = [gift for gift in mine[:-1] if self._is_known(gift.code)]
        return self.world.chance.choice(owned) if owned else None

    def _is_known(self, code: str) -> bool:
        return code in self.known_codes()

    def known_codes(self) -> set[str]:
        found = self.model.ledger_rows("SELECT confirmation_code FROM entries WHERE kind <> 'refund'")
        return {row[0] for row in found if row[0]}

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
            return _error(site.code, "Not allowed.")
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

    def _delay(self) -> float:
        world = self.world
        return world.faults.chance("shown late").uniform(5, SHOWN) if world.strikes("shown late") else 0.0

    # --- reads ------------------------------------------------------------------------------------------------

    def is_email_valid(self, email: str = "") -> Answer:
        if self.world.now < self.site.login_refused_until:
            return _error(self.site.code, "Not allowed.")
        return _ok({"isEmailValidResponse": {"valid": "true"}})

    def get_user_transactions(self, **asked: str) -> Answer:
        world = self.world
        world.step("kill the look-up")
        if world.strikes("look-up failed"):
            self.model.refused_look_ups.add(self.site.organization.name)
            world.sleep(1.0)
            raise world.faults.chance("look-up failed").choice(_LOOK_UP_FAILURES)
        if world.strikes("look-up refused"):
            self.model.refused_look_ups.add(self.site.organization.name)
            return _error("3", "Not allowed.") if world.chance.random() < 0.5 else Answer(502, _HTML)
        if asked.get("primary_email") in self.model.shared_addresses and not asked.get("cons_id"):
            return _error("8", "More than one constituent.")
        rows = self._rows(asked)
        world.chance.shuffle(rows)
        world.log(f"shows {len(rows)} rows of {asked.get('primary_email')}", "Luminate")
        offset = int(asked.get("list_record_offset", "0"))
        page = rows[offset : offset + int(asked.get("list_page_size", "25"))]
        answer = _ok({"getConsTransactionsResponse": {"transaction": page} if page else {}})
        world.step("kill the look-up")
        return answer

    def _rows(self, asked: Mapping[str, str]) -> list[dict[str, Any]]:
        begin, end = (self.world.seconds(datetime.fromisoformat(asked[name])) for name in ("begin_date", "end_date"))
        kind, found = asked["transaction_type"], []
        for gift in self.site.gifts.values():
            if constituent(gift.parameters["donor.email"]) != asked.get("cons_id") and (
                gift.parameters["donor.email"] != asked.get("primary_email")
            ):
                continue
            moments = [(gift.at, gift.shown_from, gift.amount)]
            if kind == "REFUND":
                moments = [(refund.at, refund.shown_from, refund.amount) for refund in gift.refunds]
            found += [
                self._row(gift, kind, at + self.site.skew, amount)
                for at, shown_from, amount in moments
                if shown_from <= self.world.now and begin <= at + self.site.skew <= end
            ]
        return found

    def _row(self, gift: Recorded, kind: str, at: float, amount: int) -> dict[str, Any]:
        return {
            "timestamp": (START + timedelta(seconds=at)).isoformat(),
            "confirmation_code": gift.code,
            "amount": {"decimal": f"{amount / 100:.2f}"},
            "tender_type": _TENDERS[gift.parameters["offline_payment_method"]],
            "transaction_type": kind,
            "credit_card_number": gift.parameters.get("card_number", ""),
            "billing_name": {"first": "A", "last": "B"},
        }


_TENDERS = {"credit": "CREDIT_CARD", "check": "CHECK", "cash": "CASH"}
_LOOK_UP_FAILURES = (
    MaybeSent("read_timeout: Luminate did not answer completely in time."),
    NotSent("connection_refused: Luminate's server did not take the connection."),
)


# Luminate has it, or may have it; "" of whoever was killed with the call under way.
_PERHAPS_MAILED = frozenset({"", "posted", "unknown"})


def _mails(parameters: Mapping[str, str], *names: str) -> bool:
    """Whether Luminate is told to mail the donor. It has defaults of its own, so it must be told."""
    for name in names:
        if parameters.get(name) not in {"true", "false"}:
            raise Violation(f"{name} was not sent explicitly")
    return any(parameters[name] == "true" for name in names)


def _minor(text: str) -> int:
    units, _, cents = text.partition(".")
    return int(units) * 100 + int((cents + "00")[:2])


def twin_of(organization: str, parameters: Mapping[str, str]) -> tuple[str, ...]:
    return (organization, *(parameters.get(name, "") for name in TWIN))


def constituent(email: str) -> str:
    """The one constituent of an address, or the one that a person picked where it has several."""
    return str(1_000_000 + int("".join(letter for letter in email if letter.isdigit())))


def _donation(gift: Recorded, amount: int) -> dict[str, Any]:
    told = {"confirmation_code": gift.code, "transaction_id": f"t{gift.code}"}
    told["cons_id"] = constituent(gift.parameters["donor.email"])
    return {"donationResponse": {"donation": told | {"amount": {"decimal": f"{amount / 100:.2f}"}}}}


def _ok(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode())


def _error(code: str, message: str) -> Answer:
    return Answer(403, json.dumps({"errorResponse": {"code": code, "message": message}}).encode())


def _field_error(text: str) -> Answer:
    told = {"code": "101", "reason": "FIELD_VALIDATION", "message": "There was a problem.", "fieldError": [text]}
    return Answer(200, json.dumps({"donationResponse": {"errors": told}}).encode())
