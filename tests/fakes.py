"""Fakes: a Luminate that counts what it recorded, a bell that remembers its rings, a provider that says any facts."""

import itertools
import threading
from collections import Counter
from decimal import Decimal

import orjson

from relay.errors import BadSignature, MaybeSent, NotSent, NotUnderstood
from relay.luminate.client import Answer
from relay.providers import Parsed, Provider


def as_answer(document, status=200, **headers):
    return Answer(status, orjson.dumps(document), headers)


def donation(code, amount):
    found = {"confirmation_code": code, "transaction_id": code.removeprefix("C"), "cons_id": "9"}
    return as_answer({"donationResponse": {"donation": found | {"amount": {"decimal": amount}}}})


def error(code, message="No."):
    return as_answer({"errorResponse": {"code": code, "message": message}}, 403)


class FakeLuminate:
    """Plays the next word of its script for each writing call, "ok" when the script has ended.

    ok            recorded, and said so            lost        not recorded, nobody knows
    rejected      refused, with words              recorded    recorded, nobody knows
    not_sent      surely nothing left              blocked     the API key is refused
    other_amount  recorded with another amount     failure     our own code breaks
    html          recorded, answered with a page

    A callable in the script is called with the parameters, and its answer is the answer.
    """

    def __init__(self, script=()):
        self.script = list(script)
        self.calls = []
        self.gifts = {}
        self.refunds = []
        self.mails = 0
        # For each call in turn, whether Luminate recorded it; and what it could not have recorded.
        self.recorded = []
        self.impossible = []
        self.reads = []
        self.healthy = True
        self.designees = {
            7: "Water",
            8: "Wells",
            44: "Gala",
            1011: "Clean Water",
            1012: "Library",
            1013: "General Fund",
        }
        self.in_flight = Counter()
        self.most_at_once = 0
        self._lock = threading.Lock()
        self._codes = (f"C{number}" for number in itertools.count(1))

    def add_offline_donation(self, parameters):
        return self._play("add", dict(parameters))

    def refund_offline_donation(self, parameters):
        return self._play("refund", dict(parameters))

    def is_email_valid(self, email="x@example.org"):
        self.reads.append(email)
        if not self.healthy:
            return error("2")
        return as_answer({"isEmailValidResponse": {"valid": "true"}})

    def get_designees(self, _form_id=None):
        if not self.healthy:
            raise NotSent("connection_refused: Nobody listens.")
        found = [{"id": str(number), "name": name, "typeId": "1"} for number, name in self.designees.items()]
        return as_answer({"getDesigneesResponse": {"designee": found}})

    @property
    def net(self):
        """What Luminate has, in cents."""
        return int(sum(Decimal(one["other_amount"]) for one in self.gifts.values()) * 100) - self.gone

    @property
    def gone(self):
        """What was ever refunded, in cents."""
        return int(sum((Decimal(one["refund_amount"]) for one in self.refunds), Decimal(0)) * 100)

    def take_back(self, amount):
        """A person refunds so much by hand, from whichever gifts have it; False if together they have not."""
        if amount.minor > self.net:
            return False
        left = amount.decimal
        for code, gift in self.gifts.items():
            part = min(left, Decimal(gift["other_amount"]) - self._taken(code))
            if part:
                self.refunds.append({"refund_user_confirm_code": code, "refund_amount": str(part)})
                left -= part
        return True

    def sent(self, method):
        return [parameters for name, parameters in self.calls if name == method]

    def _play(self, method, parameters):
        with self._lock:
            self.calls.append((method, parameters))
            self.recorded.append(False)
            word = self.script.pop(0) if self.script else "ok"
            self.in_flight[parameters.get("donor.email")] += 1
            self.most_at_once = max(self.most_at_once, self.in_flight[parameters.get("donor.email")])
        try:
            return word(parameters) if callable(word) else getattr(self, f"_{word}")(method, parameters)
        finally:
            with self._lock:
                self.in_flight[parameters.get("donor.email")] -= 1

    def record(self, method, parameters):
        with self._lock:
            self.mails += any(value == "true" for name, value in parameters.items() if name.startswith("send_"))
            self.recorded[-1] = True
            if method == "refund":
                self._check(parameters)
                self.refunds.append(parameters)
                return "R"
            code = next(self._codes)
            self.gifts[code] = parameters
            return code

    def _check(self, refund):
        """Luminate takes no amount, or 0, for a full refund; a wrong code or too much it would refuse."""
        code, amount = refund.get("refund_user_confirm_code"), Decimal(refund.get("refund_amount", "0"))
        if (
            amount <= 0
            or code not in self.gifts
            or amount + self._taken(code) > Decimal(self.gifts[code]["other_amount"])
        ):
            self.impossible.append(refund)

    def _taken(self, code):
        return sum(Decimal(one["refund_amount"]) for one in self.refunds if one["refund_user_confirm_code"] == code)

    def _ok(self, method, parameters):
        code = self.record(method, parameters)
        if method == "refund":
            return as_answer({"refundOfflineDonationResponse": {"refund": {"transaction_id": "1"}}})
        return donation(code, parameters["other_amount"])

    def _other_amount(self, method, parameters):
        return donation(self.record(method, parameters), "1.00")

    def _recorded(self, method, parameters):
        self.record(method, parameters)
        raise MaybeSent("read_timeout: No answer.")

    def _html(self, method, parameters):
        self.record(method, parameters)
        return Answer(502, b"<html><body>Bad gateway</body></html>")

    def _lost(self, _method, _parameters):
        raise MaybeSent("connection_lost: The connection broke.")

    def _not_sent(self, _method, _parameters):
        raise NotSent("connection_refused: Nobody listens.")

    def _failure(self, _method, _parameters):
        raise KeyError("our own mistake")

    def _blocked(self, _method, _parameters):
        return error("2", "Bad key.")

    def _rejected(self, _method, _parameters):
        problem = {"code": "105", "reason": "FIELD_VALIDATION", "message": "Last name is missing."}
        return as_answer({"donationResponse": {"errors": problem}})


# Every event of every fake provider has a number of its own, so that two relays may share a ledger.
_numbers = itertools.count(1)


class FakeBell:
    """Remembers for whom it was rung."""

    def __init__(self):
        self.rings = []

    def ring(self, organization):
        self.rings.append(organization)
        return True


class FakeProvider:
    """A provider whose events say exactly the facts that a test gave."""

    def __init__(self):
        self.provider = Provider("acme", self.verify, self.parse)
        self.known = {}
        self.names = {}
        self.fails_with = None

    def event(self, facts, *, live=True):
        """The body of a new event with these facts."""
        body = orjson.dumps({"id": f"evt_{next(_numbers)}"})
        self.known[body] = (facts, live)
        return body

    def verify(self, delivery, _settings, _now):
        if delivery.headers.get("sign") != "good":
            raise BadSignature("the signature does not match")
        return 0

    def parse(self, delivery, settings=None):
        if self.fails_with:
            raise self.fails_with
        if delivery.body not in self.known:
            raise NotUnderstood("never seen such an event")
        facts, live = self.known[delivery.body]
        name = self.names.get(delivery.body) or orjson.loads(delivery.body)["id"]
        return Parsed(event_id=name, type="acme.event", delivery_key=name, live=live, facts=tuple(facts))


class QuietRedis:
    """A Redis that is well, with one worker at it; it does nothing."""

    def ping(self):
        return True

    def info(self):
        return {"redis_version": "7.4.1", "maxmemory_policy": "noeviction"}

    def smembers(self, _name):
        return {b"rq:worker:1"}
