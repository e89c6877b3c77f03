"""Deliveries at the same moment, on both databases, and what the database itself refuses."""

import random

import pytest
from sqlalchemy.exc import IntegrityError

from relay.gifts import Donor
from relay.ledger import entries, events, payments
from relay.ledger.models import entries as table
from relay.ledger.models import payment_keys
from relay.providers import Delivery
from relay.status import Kind, Status, Verdict
from tests.builders import DONOR, SIGNED, make_gift, make_link, make_refund, make_total
from tests.integration.ledger.racing import race

SIBLINGS = (
    make_gift(keys=("ch_1", "pi_1")),
    make_gift(keys=("pi_1",), donor=Donor()),
    make_gift(keys=("cs_1", "pi_1"), donor=DONOR),
    make_gift(keys=("in_1",)),
    make_link("in_1", "pi_1"),
    make_refund("5.00", parents=("ch_1",)),
    make_total("5.00", parents=("pi_1",)),
    make_refund("5.00", parents=("pi_1",)),
)


def test_eight_deliveries_of_one_event_are_one_event_and_seven_duplicates(relay):
    body = relay.provider.event((make_gift(),))
    taken = race(8, lambda _number: relay.intake.take("alder", "acme", Delivery(body, SIGNED)))
    verdicts = [one.verdict for one in taken]
    assert (verdicts.count(Verdict.ENTRY), verdicts.count(Verdict.DUPLICATE)) == (1, 7)
    assert len(relay.entries()) == 1
    assert len(relay.events()) == 8


@pytest.mark.parametrize("seed", range(3))
def test_siblings_at_the_same_moment_make_one_entry(relay, seed):
    order = random.Random(seed).sample(SIBLINGS, len(SIBLINGS))
    race(8, lambda number: relay.take(order[number]))
    assert len(relay.gifts()) == 1
    assert {event["verdict"] for event in relay.events()} <= {"entry", "duplicate", "ignored", "flagged"}
    relay.post()
    relay.sweep().run()
    relay.post()
    assert relay.luminate.net == 2000
    assert relay.balance_holds()


def test_entries_that_become_one_while_workers_claim_are_never_both_sent_unsaid(relay):
    for number in range(12):
        relay.take(make_gift(keys=(f"in_{number}",), donor=Donor(name=DONOR.name, email=f"a{number}@example.org")))
        relay.take(make_gift(keys=(f"pi_{number}",), donor=Donor(name=DONOR.name, email=f"b{number}@example.org")))

    def act(worker):
        if worker:
            return relay.posting(worker=f"w{worker}").run()
        return [relay.take(make_link(f"in_{number}", f"pi_{number}")) for number in range(12)]

    race(3, act)
    relay.post()
    assert len(relay.gifts()) == 12
    sent_twice = [one for one in relay.entries(Kind.GIFT) if "Sent twice" in one.flag]
    assert len(relay.luminate.gifts) == 12 + len(sent_twice)
    assert all(gift.status is Status.POSTED for gift in relay.gifts())


def test_refunds_that_become_one_while_workers_claim_are_never_both_sent_unsaid(relay):
    for number in range(12):
        for key in (f"ch_{number}", f"pi_{number}"):
            relay.take(make_gift(keys=(key,), donor=Donor(name=DONOR.name, email=f"{key}@example.org")))
    relay.post()
    for number in range(12):
        relay.take(make_total("5.00", parents=(f"ch_{number}",)))
        relay.take(make_refund("5.00", keys=(f"re_{number}",), parents=(f"pi_{number}",)))

    def act(worker):
        if worker:
            return relay.posting(worker=f"w{worker}").run()
        return [relay.take(make_link(f"ch_{number}", f"pi_{number}")) for number in range(12)]

    race(3, act)
    relay.post()
    sent_twice = [one for one in relay.refunds() if "Sent twice" in one.flag]
    assert len(relay.luminate.refunds) == 12 + len(sent_twice)
    assert all(one.status in {Status.POSTED, Status.CLOSED} for one in relay.refunds())


def test_a_second_gift_of_a_payment_is_refused_by_the_database_itself(relay):
    relay.take(make_gift())
    known = relay.entry(1)
    row = {"organization": "alder", "provider": "acme", "payment_id": known.payment_id, "kind": Kind.GIFT}
    row |= {"status": Status.QUEUED, "amount": known.amount, "provider_transaction_id": "x"}
    when = {"received_at": known.received_at, "next_attempt_at": known.received_at}
    with pytest.raises(IntegrityError), relay.database.write() as tx:
        entries.create(tx, **row, **when)
    assert len(relay.entries()) == 1


@pytest.mark.parametrize(
    "values", [{"amount": 0}, {"amount": -1}, {"status": "sent"}, {"kind": "present"}, {"status": "posted"}]
)
def test_the_database_itself_refuses_nonsense(relay, values):
    relay.take(make_gift())
    with pytest.raises(IntegrityError), relay.database.write() as tx:
        tx.execute(table.update().values(values))


def test_a_confirmation_code_is_proof_of_one_gift_only(relay):
    relay.take(make_gift())
    relay.take(make_gift(keys=("ch_2",)))
    with pytest.raises(IntegrityError), relay.database.write() as tx:
        tx.execute(table.update().values(confirmation_code="C1"))


def test_insert_or_ignore_says_which_row_is_new(relay):
    with relay.database.write() as tx:
        payment = payments.create(tx, payments.Source("alder", "acme"), relay.database.now(tx))
        row = {"organization": "alder", "provider": "acme", "key": "k", "payment_id": payment}
        assert events.insert_or_ignore(tx, payment_keys, row) is not None
        assert events.insert_or_ignore(tx, payment_keys, row) is None
