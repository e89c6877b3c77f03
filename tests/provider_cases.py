"""The suite that every provider passes: what it must refuse, and what must never break it.

A provider's test subclasses ``ProviderCases`` and says how its events are signed and where its payloads are.
"""

import copy
import dataclasses
import json
import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import hypothesis
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from relay.config import ProviderSettings
from relay.errors import BadSignature, NotUnderstood, RelayError, Unreadable
from relay.gifts import Flag, Gift, Link, Refund, RefundReason, Reinstatement
from relay.ledger.codec import gift_from_json, refund_from_json, to_json
from relay.providers.base import MAX_ID, Delivery, Parsed
from tests.altered_cases import AlteredCases, holder, money_of, places

PAYLOADS = Path(__file__).parent / "payloads"
NOW = datetime(2026, 1, 3, 10, 0, 10, tzinfo=UTC)
SENT = int(NOW.timestamp()) - 5
ODD = (None, True, False, 0, -1, 1.5, 2**63, 10**300, "", " ", "\x00", "\u202e", "x" * 3000, [], {}, [[]], [None])
# One suite, several classes: Hypothesis would rather have one (its database may then replay less).
shared = hypothesis.settings(suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow])
FACTS = (Gift, Refund, Reinstatement, Flag, Link)


def payloads(provider):
    """The project's own payloads of a provider, by situation."""
    return {path.stem: path.read_bytes() for path in sorted((PAYLOADS / provider).glob("*.json"))}


class ProviderCases(AlteredCases):
    """Subclasses name the provider, its secrets and its headers, and sign."""

    provider = None
    secret = ""
    second_secret = ""
    other_secret = ""
    # A payload that makes a gift, by its situation.
    genuine = ""
    signature_header = ""
    # Whether its signature says when it was made.
    stamped = True
    # A type that nobody knows, of a family that moves money; "" where types have no families.
    strange = ""
    # The type of events of which no two deliveries are the same event: they have no delivery key.
    keyless = ""
    # Fields that alone tell two of its events apart: without them they are one by the provider's own rules.
    tells_apart = ()

    def typed(self, event, kind):
        """The event with another type."""
        return event | {"type": kind}

    def sign(self, body, secret, timestamp=SENT):
        """The headers of a delivery, names in lower case."""
        raise NotImplementedError

    # --- helpers --------------------------------------------------------------------------------------------------

    @property
    def body(self):
        return payloads(self.provider.name)[self.genuine]

    def events(self):
        """Every payload of ours, as JSON."""
        return [json.loads(body) for body in payloads(self.provider.name).values()]

    def settings(self, *secrets):
        return ProviderSettings(secrets=secrets or (self.secret,))

    def verify(self, headers=None, body=None, settings=None, now=NOW):
        body = self.body if body is None else body
        headers = self.sign(self.body, self.secret) if headers is None else headers
        return self.provider.verify(Delivery(body, headers), settings or self.settings(), now)

    def parse(self, body, **headers):
        return self.provider.parse(Delivery(body, headers))

    def refused(self, words=None, **delivery):
        with pytest.raises(BadSignature, match=words) as caught:
            self.verify(**delivery)
        assert self.secret not in str(caught.value)

    def survives(self, body):
        """Parse anything: a sound result, or an error of ours."""
        try:
            parsed = self.parse(body)
        except RelayError:
            return None
        self.check(parsed)
        return parsed

    def check(self, parsed):
        """Whatever is parsed can be stored: bounded, NUL-free, and each fact survives the ledger's JSON."""
        assert isinstance(parsed, Parsed)
        assert parsed.delivery_key or parsed.type == self.keyless
        assert len(parsed.delivery_key) <= MAX_ID
        assert len(parsed.wanted) <= MAX_ID
        assert "\x00" not in repr(parsed)
        assert parsed.facts or parsed.note or parsed.wanted
        for fact in parsed.facts:
            assert isinstance(fact, FACTS)
            self.check_fact(fact)

    def check_fact(self, fact):
        if isinstance(fact, Gift):
            assert fact.keys
            assert all(fact.keys), "money without an id could be booked twice"
            assert fact.amount.minor > 0
            assert all(part.amount is None or part.amount.minor > 0 for part in fact.designations)
            assert gift_from_json(json.loads(json.dumps(to_json(fact)))) == fact
        if isinstance(fact, Reinstatement):
            assert fact.refund_keys
            assert all(fact.refund_keys)
            assert fact.amount is None or fact.amount.minor > 0
        if isinstance(fact, Refund):
            assert fact.keys or fact.total
            assert all((*fact.keys, *fact.parent_keys))
            assert fact.amount.minor > 0
            assert refund_from_json(json.loads(json.dumps(to_json(fact)))) == fact

    # --- verify ---------------------------------------------------------------------------------------------------

    def test_genuine_is_accepted(self):
        assert self.verify() == 0

    def test_any_of_several_secrets_is_accepted_and_told_by_its_place(self):
        rotating = self.settings(self.second_secret, self.secret)
        assert self.verify(settings=rotating) == 1
        assert self.verify(self.sign(self.body, self.second_secret), settings=rotating) == 0

    def test_wrong_secret_is_refused(self):
        self.refused("secret", headers=self.sign(self.body, self.second_secret))

    def test_secret_of_another_organization_is_refused(self):
        self.refused("secret", settings=self.settings(self.other_secret))

    @pytest.mark.parametrize("secrets", [(), ("",), (" ", "")])
    def test_no_secret_or_a_blank_one_accepts_nothing(self, secrets):
        for signed_with in (self.secret, *secrets):
            headers = self.sign(self.body, signed_with)
            settings = dataclasses.replace(self.settings(), secrets=secrets)
            self.refused("no signing secret", headers=headers, settings=settings)

    def test_a_blank_secret_beside_a_real_one_is_never_the_one_that_matches(self):
        self.refused(headers=self.sign(self.body, ""), settings=self.settings("", self.secret))

    def test_every_changed_byte_of_the_body_is_refused(self):
        body = self.body
        headers = self.sign(body, self.secret)
        for place in range(len(body)):
            changed = bytearray(body)
            changed[place] ^= 1
            self.refused(headers=headers, body=bytes(changed))

    def test_every_changed_character_of_the_signature_is_refused(self):
        headers = self.sign(self.body, self.secret)
        signature = headers[self.signature_header]
        for place in range(len(signature)):
            for other in {chr(ord(signature[place]) ^ 1), chr(ord(signature[place]) ^ 4)}:
                changed = signature[:place] + other + signature[place + 1 :]
                self.refused(headers=headers | {self.signature_header: changed})

    @pytest.mark.parametrize("change", [lambda body: body + b"\n", lambda body: body[:-1], lambda body: b" " + body])
    def test_a_longer_or_shorter_body_is_refused(self, change):
        self.refused(body=change(self.body))

    def test_reformatted_json_is_refused(self):
        self.refused(body=json.dumps(json.loads(self.body)).encode())

    @pytest.mark.parametrize("age", [-300, -1, 0, 299, 300])
    def test_within_the_tolerance_is_accepted(self, age):
        assert self.verify(now=datetime.fromtimestamp(SENT, UTC) + timedelta(seconds=age)) == 0

    @pytest.mark.parametrize(("age", "words"), [(301, "ago"), (86400, "ago"), (-301, "future"), (-86400, "future")])
    def test_too_old_or_from_the_future_is_refused(self, age, words):
        if not self.stamped:
            pytest.skip("its signature has no time")
        self.refused(words, now=datetime.fromtimestamp(SENT, UTC) + timedelta(seconds=age))

    def test_the_tolerance_is_configurable(self):
        if not self.stamped:
            pytest.skip("its signature has no time")
        strict = ProviderSettings(secrets=(self.secret,), tolerance=2)
        self.refused("ago", settings=strict)

    def test_each_header_is_needed(self):
        headers = self.sign(self.body, self.secret)
        for name in headers:
            self.refused(headers={key: value for key, value in headers.items() if key != name})
            self.refused(headers=headers | {name: ""})
            self.refused(headers=headers | {name: "  "})
        self.refused(headers={})

    @pytest.mark.parametrize("odd", ["garbage", ",,,", "=", "v1", "v1,", "\x00", "é", "𝟙", "t=", "t=1,v1=", "1" * 9000])
    def test_garbage_in_any_header_is_refused(self, odd):
        headers = self.sign(self.body, self.secret)
        for name in headers:
            self.refused(headers=headers | {name: odd})

    @shared
    @given(st.data())
    def test_no_header_breaks_verify(self, data):
        names = list(self.sign(self.body, self.secret))
        headers = data.draw(st.fixed_dictionaries({name: st.text(max_size=60) for name in names}))
        self.refused(headers=headers)

    def test_not_utf8_verifies_like_any_bytes(self):
        body = b"\xff\xfe{}"
        assert self.verify(self.sign(body, self.secret), body) == 0

    def test_an_empty_body_verifies_and_is_unreadable(self):
        assert self.verify(self.sign(b"", self.secret), b"") == 0
        with pytest.raises(Unreadable):
            self.parse(b"")

    # --- parse ----------------------------------------------------------------------------------------------------

    @pytest.mark.parametrize(
        "body",
        [
            b"not json",
            b"\xff\xfe",
            b"null",
            b"[]",
            b"1",
            b'"text"',
            b'{"a": NaN}',
            b'{"a": Infinity}',
            b'{"a": 1',
            b"[" * 100_000,
            b'{"a":' * 2000 + b"1" + b"}" * 2000,
        ],
    )
    def test_what_is_not_a_json_object_is_unreadable(self, body):
        with pytest.raises(Unreadable):
            self.parse(body)

    def test_nesting_deeper_than_any_provider_is_not_understood(self):
        event = json.loads(self.body)
        event["deep"] = json.loads("[" * 60 + "]" * 60)
        with pytest.raises(NotUnderstood, match="nests deeper"):
            self.parse(json.dumps(event).encode())

    def test_an_event_without_a_type_is_not_understood(self):
        for odd in (None, "", 5.5, [], {}):
            with pytest.raises(NotUnderstood):
                self.parse(json.dumps(self.typed(json.loads(self.body), odd)).encode())
        with pytest.raises(NotUnderstood):
            self.parse(b"{}")

    def test_an_unknown_type_is_kept_and_brings_nothing(self):
        parsed = self.parse(json.dumps(self.typed(json.loads(self.body), "moon.rose")).encode())
        assert (parsed.type, parsed.facts) == ("moon.rose", ())
        assert parsed.note
        self.parse(json.dumps(self.typed(json.loads(self.body), "x" * 10_000)).encode())

    def test_a_new_type_of_a_family_that_moves_money_is_for_a_person(self):
        """What a provider may add tomorrow could be a refund: it is never passed over."""
        if not self.strange:
            pytest.skip("its types have no families")
        parsed = self.parse(json.dumps(self.typed(json.loads(self.body), self.strange)).encode())
        assert [type(fact) for fact in parsed.facts] == [Flag]

    def test_a_truncated_body_is_unreadable(self):
        body = self.body.rstrip()
        for end in range(0, len(body), max(1, len(body) // 80)):
            with pytest.raises(Unreadable):
                self.parse(body[:end])

    def test_the_same_event_has_the_same_delivery_key_and_another_has_another(self):
        keys = {name: self.parse(body).delivery_key for name, body in payloads(self.provider.name).items()}
        assert keys == {name: self.parse(body).delivery_key for name, body in payloads(self.provider.name).items()}
        assert len(set(keys.values())) == len(keys)

    def test_events_that_lost_a_field_are_not_taken_for_one(self):
        """A key made of blanks would make a repeat of every event, and lose its gift."""
        events = [json.loads(body) for body in payloads(self.provider.name).values()]
        for path in {path for event in events for path in places(event)} - set(self.tells_apart):
            left = {self.without(event, path) for event in events if path in places(event)}
            keys = [key for body in left if (key := self.key_of(body))]
            assert len(set(keys)) == len(keys), path

    def without(self, event, path):
        changed = copy.deepcopy(event)
        del holder(changed, path)[path[-1]]
        return json.dumps(changed).encode()

    def key_of(self, body):
        """The delivery key, whether or not the event is understood; None where it has no type, or is unreadable."""
        try:
            return self.parse(body).delivery_key
        except NotUnderstood as error:
            return error.about.delivery_key if error.about and error.about.type else None
        except RelayError:
            return None

    def test_every_payload_of_ours_can_be_stored(self):
        for body in payloads(self.provider.name).values():
            self.check(self.parse(body))

    def test_money_that_came_back_says_of_what(self):
        """A dispute won and a refund that failed are counted apart, in whatever order they are told."""
        for name, body in payloads(self.provider.name).items():
            of_dispute = any(word in name for word in ("dispute", "chargeback", "prearbitration"))
            expected = RefundReason.CHARGEBACK if of_dispute else RefundReason.REFUND
            for fact in self.parse(body).facts:
                assert not isinstance(fact, Reinstatement) or fact.reason is expected, name

    def test_unknown_fields_at_every_level_change_nothing(self):
        for name, body in payloads(self.provider.name).items():
            event = json.loads(body)
            for path in [(), *places(event)]:
                inside = holder(event, (*path, None))
                if isinstance(inside, dict) and "metadata" not in path:
                    inside["surprise_field"] = {"deep": [1, {"x": None}]}
            assert self.meaning(json.dumps(event).encode()) == self.meaning(body), name

    def meaning(self, body):
        parsed = self.parse(body)
        facts = [self.without_sources(fact) for fact in parsed.facts]
        return parsed.type, parsed.live, parsed.note, parsed.wanted, facts

    def without_sources(self, fact):
        return {name: getattr(fact, name) for name in fact.__dataclass_fields__ if name != "sources"}

    def test_every_field_removed_one_by_one(self):
        for body in payloads(self.provider.name).values():
            event = json.loads(body)
            for path in list(places(event)):
                changed = copy.deepcopy(event)
                del holder(changed, path)[path[-1]]
                self.survives(json.dumps(changed).encode())

    def test_every_field_retyped_one_by_one(self):
        for body in payloads(self.provider.name).values():
            event = json.loads(body)
            for path in list(places(event)):
                inside = holder(event, path)
                before = inside[path[-1]]
                for odd in random.Random(str(path)).sample(ODD, 4):
                    inside[path[-1]] = odd
                    self.survives(json.dumps(event).encode())
                inside[path[-1]] = before

    def test_no_amount_of_nothing_below_nothing_or_beyond_belief_is_a_gift(self):
        """Wherever a number decides how much was given: zero, less, far too much, and fractions of a cent."""
        event = json.loads(self.body)
        for path in self.amounts_in(event):
            inside, key = holder(event, path), path[-1]
            before = inside[key]
            for odd in (0, -1, 10**18, "0", "-5.00", "1e9", "12.3456789", "5,00", "5.00 USD", 1.005):
                inside[key] = odd
                parsed = self.survives(json.dumps(event).encode())
                gifts = [fact for fact in (parsed.facts if parsed else ()) if isinstance(fact, Gift)]
                assert all(gift.hold for gift in gifts), (path, odd)
            inside[key] = before

    def amounts_in(self, event):
        """The places whose number, one more, makes another amount of the gift."""
        given = self.given_by(event)
        for path in list(places(event)):
            inside, key = holder(event, path), path[-1]
            before = inside[key]
            if isinstance(before, bool) or not str(before).replace(".", "", 1).isdigit():
                continue
            inside[key] = type(before)(Decimal(str(before)) + 1)
            if self.given_by(event) not in (given, set()):
                yield path
            inside[key] = before

    def given_by(self, event):
        parsed = self.survives(json.dumps(event).encode())
        return {amount for kind, amount in money_of(parsed.facts if parsed else ()) if kind == "Gift"}

    def test_nul_characters_never_come_through(self):
        event = json.loads(self.body)
        for path in list(places(event)):
            inside = holder(event, path)
            if isinstance(inside[path[-1]], str) and path != ("type",):
                inside[path[-1]] += "\x00"
        parsed = self.parse(json.dumps(event).encode())
        assert parsed.wanted or [type(fact) for fact in parsed.facts] == [Gift]
        self.check(parsed)

    @shared
    @given(st.binary(max_size=400))
    def test_random_bytes_stay_inside_our_errors(self, body):
        self.survives(body)

    @shared
    @given(st.data())
    def test_mutated_payloads_stay_inside_our_errors(self, data):
        event = json.loads(data.draw(st.sampled_from(list(payloads(self.provider.name).values()))))
        paths = list(places(event))
        anything = st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
            max_leaves=6,
        )
        for path in data.draw(st.lists(st.sampled_from(paths), min_size=1, max_size=4)):
            try:
                holder(event, path)[path[-1]] = data.draw(anything)
            except (TypeError, KeyError, IndexError):
                continue
        self.survives(json.dumps(event).encode("utf-8", "surrogatepass"))
