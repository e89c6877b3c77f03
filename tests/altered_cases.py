"""Real bodies are never quite those that were recorded: every place of every payload altered, one by one.

Two faults are the worst: money that vanishes without a word, and an amount that nobody told. A provider names the few
places where an alteration may do either, each with its reason.
"""

import json
from typing import ClassVar

from relay.errors import RelayError
from relay.gifts import Flag, Gift, Refund, Reinstatement

MISSING = object()
WRAPPED, AS_TEXT = object(), object()
ALTERATIONS = (MISSING, None, "", "zzz", {}, True, WRAPPED, AS_TEXT)


def places(value, path=()):
    """Every place in a JSON value, so that a test can take away or change one after the other."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield (*path, key)
        yield from places(item, (*path, key))


def holder(value, path):
    for key in path[:-1]:
        value = value[key]
    return value


def name_of(path):
    """A place as a provider names it: ``data.object.refunds.*.amount``."""
    return ".".join("*" if isinstance(step, int) else step for step in path)


def altered(event):
    """Each place, while the event is altered there; afterwards it is as before."""
    for path in list(places(event)):
        inside, key = holder(event, path), path[-1]
        before = inside[key]
        for alteration in ALTERATIONS:
            if alteration is MISSING:
                del inside[key]
            elif alteration is WRAPPED:
                inside[key] = [before]
            elif alteration is AS_TEXT:
                inside[key] = str(before)
            else:
                inside[key] = alteration
            yield path
            if alteration is MISSING and isinstance(inside, list):
                inside.insert(key, before)
            inside[key] = before


def money_of(facts):
    """What moves money: kind and amount; a reinstatement without an amount moves none by itself."""
    moving = [fact for fact in facts if isinstance(fact, Gift | Refund | Reinstatement) and fact.amount is not None]
    return {(type(fact).__name__, str(fact.amount)) for fact in moving}


def told_of(parse, event):
    """The facts of an event; None where it is refused or not understood: then a person sees it."""
    try:
        parsed = parse(json.dumps(event).encode())
    except RelayError:
        return None
    return [Flag(text=parsed.wanted)] if parsed.wanted else list(parsed.facts)


def faults(parse, event):
    """The places where an alteration makes money vanish without a word, and those where it makes another amount."""
    before = told_of(parse, event)
    money, vanished, differed = money_of(before or ()), set(), set()
    for path in altered(event):
        facts = told_of(parse, event)
        if facts is None:
            continue
        if money and not facts:
            vanished.add(name_of(path))
        # What looks like a currency is taken for one; it is not Luminate's, so such a gift is held.
        if any(not amount.endswith(" ZZZ") for _, amount in money_of(facts) - money):
            differed.add(name_of(path))
    return vanished, differed


class AlteredCases:
    """Part of every provider's suite."""

    # Places that decide whether an event is about money at all, with the reason: altered, it may be nothing.
    may_vanish: ClassVar = {}
    # Places without which another amount is the right one, with the reason.
    may_differ: ClassVar = {}

    def test_no_alteration_makes_money_vanish_silently_or_another_amount(self):
        """Both ways: an excuse that nothing needs would hide a later mistake."""
        vanished, differed = set(), set()
        for event in self.events():
            more = faults(self.parse, event)
            vanished, differed = vanished | more[0], differed | more[1]
        assert sorted(vanished) == sorted(self.may_vanish)
        assert sorted(differed) == sorted(self.may_differ)
