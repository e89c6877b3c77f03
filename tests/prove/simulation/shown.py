"""What the model Luminate shows: its look-ups, which come late, refused or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from relay.errors import MaybeSent, NotSent
from relay.luminate.client import Answer
from tests.prove.simulation import answers
from tests.prove.simulation.luminate import ModelLuminate, Recorded, Site, constituent
from tests.prove.simulation.world import START

_TENDERS = {"credit": "CREDIT_CARD", "check": "CHECK", "cash": "CASH"}
_LOOK_UP_FAILURES = (
    MaybeSent("read_timeout: Luminate did not answer completely in time."),
    NotSent("connection_refused: Luminate's server did not take the connection."),
)


class LookUps:
    """The calls that only read, of one organization."""

    def __init__(self, model: ModelLuminate, site: Site) -> None:
        self.model, self.site, self.world = model, site, model.world

    def is_email_valid(self, email: str = "") -> Answer:
        if self.world.now < self.site.login_refused_until:
            return answers.error(self.site.code, "Not allowed.")
        return answers.ok({"isEmailValidResponse": {"valid": "true"}})

    def get_user_transactions(self, **asked: str) -> Answer:
        world = self.world
        world.step("kill the look-up")
        if world.strikes("look-up failed"):
            self.model.refused_look_ups.add(self.site.organization.name)
            world.sleep(1.0)
            raise world.faults.chance("look-up failed").choice(_LOOK_UP_FAILURES)
        if world.strikes("look-up refused"):
            self.model.refused_look_ups.add(self.site.organization.name)
            return answers.error("3", "Not allowed.") if world.chance.random() < 0.5 else Answer(502, answers.HTML)
        if asked.get("primary_email") in self.model.shared_addresses and not asked.get("cons_id"):
            return answers.error("8", "More than one constituent.")
        rows = self._rows(asked)
        world.chance.shuffle(rows)
        world.log(f"shows {len(rows)} rows of {asked.get('primary_email')}", "Luminate")
        offset = int(asked.get("list_record_offset", "0"))
        page = rows[offset : offset + int(asked.get("list_page_size", "25"))]
        answer = answers.ok({"getConsTransactionsResponse": {"transaction": page} if page else {}})
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
