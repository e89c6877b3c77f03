"""What relay calls in place of its HTTP client: gifts and refunds as the model Luminate records them, never twice."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from relay.luminate.client import Answer
from tests.prove.simulation import answers
from tests.prove.simulation.line import Line
from tests.prove.simulation.luminate import SHOWN, Call, ModelLuminate, Recorded, Refunded, Site, twin_of
from tests.prove.simulation.shown import LookUps
from tests.prove.simulation.world import Violation

# Luminate has it, or may have it; "" of whoever was killed with the call under way.
_PERHAPS_MAILED = frozenset({"", "posted", "unknown"})


class ModelClient(LookUps):
    """What relay's LuminateClient is for a worker, an organization and a seed."""

    def __init__(self, model: ModelLuminate, site: Site) -> None:
        super().__init__(model, site)
        self.line = Line(model, site)

    # --- gifts ------------------------------------------------------------------------------------------------

    def add_offline_donation(self, parameters: Mapping[str, str]) -> Answer:
        call = self._begin(
            parameters.get("sub_source", ""), _mails(parameters, "send_receipt", "send_registration_email")
        )
        return self.line.call(call, lambda: self._add(call, parameters), lambda: self._refusal(parameters))

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
        return answers.donation(gift, amount)

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
            return answers.error("8", "More than one constituent.")
        if parameters.get("donor.address.zip") in self.model.refused_zips:
            return answers.field_error("Billing ZIP is invalid.")
        if self.world.now < self.site.fields_refused_until:
            return answers.field_error("Occupation is required.")
        return None

    # --- refunds ----------------------------------------------------------------------------------------------

    def refund_offline_donation(self, parameters: Mapping[str, str]) -> Answer:
        code, text = parameters.get("refund_user_confirm_code", ""), parameters.get("refund_amount", "")
        if not text or _minor(text) <= 0:
            raise Violation(f"a refund of {text or 'no amount'} was sent: Luminate takes that for a full refund")
        call = self._begin(code, _mails(parameters, "send_auto_responder"))
        return self.line.call(
            call, lambda: self._take_off(call, code, _minor(text)), lambda: self._no_refund(code, text)
        )

    def _no_refund(self, code: str, text: str) -> Answer | None:
        gift = self.site.gifts.get(code)
        if gift is None or gift.login != self.site.organization.luminate.login_name:
            return answers.field_error("No transaction of this account was found.")
        if _minor(text) > gift.left:
            if gift.amount == gift.asked:
                raise Violation(f"DOUBLED: a refund of {text} was sent, but only {gift.left} is left of {code}")
            return answers.field_error("The refund amount is greater than the current value.")
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
                return answers.donation(gift, amount)
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
        return call.kind != "refund" and all(gift.code in self.model.known_codes() for gift in made)

    def _delay(self) -> float:
        world = self.world
        return world.faults.chance("shown late").uniform(5, SHOWN) if world.strikes("shown late") else 0.0


def _mails(parameters: Mapping[str, str], *names: str) -> bool:
    """Whether Luminate is told to mail the donor. It has defaults of its own, so it must be told."""
    for name in names:
        if parameters.get(name) not in {"true", "false"}:
            raise Violation(f"{name} was not sent explicitly")
    return any(parameters[name] == "true" for name in names)


def _minor(text: str) -> int:
    units, _, cents = text.partition(".")
    return int(units) * 100 + int((cents + "00")[:2])
