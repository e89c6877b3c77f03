"""The tables of the ledger.

``events``       one webhook as received, and its verdict
``payments``     one payment at the provider; ``payment_keys`` are all its ids, so that siblings meet
``entries``      one gift, refund or reinstatement to be posted; at most one gift a payment
``refund_keys``  the provider's ids of refunds and disputes; ``void`` once the money came back
``event_entries`` which event made, filled or touched which entry
``attempts``     one call to Luminate, its row written before the call
``corrections``  what a named person changed, and why
``pauses``       organizations whose posting is paused
``leases``       who may run or sweep, until when
``certificates`` public certificates that providers sign with, by their address
``refusals``     how many webhooks of a provider were refused on a day, and why; nothing of what they held
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from relay.ledger.columns import Id, Moment, metadata
from relay.ledger.findable import Findable
from relay.ledger.sealed import SealedBytes, SealedJSON, SealedText
from relay.status import Kind, Outcome, Status, Verdict


def _one_of(column: str, words: type[Kind | Status | Outcome | Verdict]) -> str:
    return f"{column} IN ({', '.join(repr(word.value) for word in words)})"


def _where(condition: str) -> dict[str, Any]:
    """An index over these rows only, on both databases."""
    return {"postgresql_where": text(condition), "sqlite_where": text(condition)}


events = Table(
    "events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("event_id", Text, nullable=False),
    Column("type", Text, nullable=False),
    # Empty for a repeat, so that the unique index admits each delivery key once.
    Column("delivery_key", Text),
    Column("duplicate_of", ForeignKey("events.id")),
    Column("verdict", String(20), nullable=False),
    Column("note", SealedText, nullable=False, server_default=""),
    Column("body", SealedBytes, nullable=False),
    Column("headers", SealedJSON, nullable=False),
    Column("live", Boolean),
    Column("secret_place", Integer),
    Column("occurred_at", Moment),
    Column("received_at", Moment, nullable=False),
    # When the provider's API is asked next for what a pending event means, and how often it was.
    Column("fetch_at", Moment),
    Column("fetches", Integer, nullable=False, server_default="0"),
    # When its body and headers were erased.
    Column("erased_at", Moment),
    CheckConstraint(_one_of("verdict", Verdict), name="verdict"),
    Index("ix_events_pending", "organization", "fetch_at", **_where("verdict = 'pending'")),
    Index("uq_events_delivery", "organization", "provider", "delivery_key", unique=True),
    # What came to nothing yet.
    Index(
        "ix_events_open",
        "organization",
        "provider",
        "verdict",
        "received_at",
        **_where("verdict IN ('not_understood', 'pending')"),
    ),
    # The newest event of a provider, and how many came to what, from the index alone.
    Index("ix_events_provider", "organization", "provider", "received_at", "verdict"),
)

payments = Table(
    "payments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    Column("provider", String(40), nullable=False),
    # The largest cumulative refund total the provider has told, in minor units.
    Column("refunded_total", BigInteger, nullable=False, server_default="0"),
    Column("created_at", Moment, nullable=False),
)

payment_keys = Table(
    "payment_keys",
    metadata,
    Column("organization", String(63), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("payment_id", ForeignKey("payments.id"), nullable=False, index=True),
    # Whose id a person typed: they do not say through which provider it came.
    Index("ix_payment_keys_key", "key"),
)

entries = Table(
    "entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    Column("provider", String(40), nullable=False),
    Column("payment_id", ForeignKey("payments.id"), nullable=False),
    Column("kind", String(20), nullable=False),
    Column("status", String(20), nullable=False),
    # Why it stands where it stands: a short code to group by, and a sentence.
    Column("reason", String(60), nullable=False, server_default=""),
    Column("reason_text", Text, nullable=False, server_default=""),
    # Something to look at although the status is final, for example another amount in Luminate.
    Column("flag", Text, nullable=False, server_default=""),
    Column("amount", BigInteger, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("provider_transaction_id", Text, nullable=False),
    Column("parent_transaction_id", Text, nullable=False, server_default=""),
    # For a gift refund "refund" or "chargeback"; for a gift "".
    Column("refund_reason", String(20), nullable=False, server_default=""),
    # The other entry of the same payment that this one was folded into.
    Column("merged_into", ForeignKey("entries.id")),
    Column("fact", SealedJSON, nullable=False),
    Column("overrides", SealedJSON, nullable=False),
    Column("parameters", SealedJSON, nullable=False),
    Column("mail", Boolean, nullable=False, server_default=text("true")),
    Column("donor_name", SealedText, nullable=False, server_default=""),
    Column("donor_email", SealedText, nullable=False, server_default=""),
    # The blind value of a sealed address; "" beside a plain one: see relay.ledger.donors.
    Column("donor_key", String(64), nullable=False, server_default=""),
    Column("fund", Text, nullable=False, server_default=""),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", Moment),
    Column("next_attempt_at", Moment, nullable=False),
    # Attempts that surely did not happen, since the last success or replay; the retry ladder counts them.
    Column("not_sent", Integer, nullable=False, server_default="0"),
    # When Luminate is looked up next for an unknown entry (empty: a person must), and how often it was.
    Column("probe_at", Moment),
    # After a restore: since when Luminate may have it although no attempt says so.
    Column("doubtful_from", Moment),
    Column("probes", Integer, nullable=False, server_default="0"),
    # What the last look-up showed that might be this entry, for a person to compare.
    Column("candidates", SealedJSON, nullable=False),
    Column("confirmation_code", Text, nullable=False, server_default=""),
    Column("luminate_transaction_id", Text, nullable=False, server_default=""),
    Column("cons_id", Text, nullable=False, server_default=""),
    # The account that added the gift: only it may refund it.
    Column("login_name", Text, nullable=False, server_default=""),
    Column("occurred_at", Moment),
    Column("received_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("posted_at", Moment),
    # Luminate dated it in another "month" or fiscal "year" than the donor paid in.
    Column("late", String(5), nullable=False, server_default=""),
    # What was erased of it (relay.status.Erased), and when.
    Column("erased", String(10), nullable=False, server_default=""),
    Column("erased_at", Moment),
    # What the search box finds it by; relay.ledger.entries keeps it in step with the columns it is made of.
    Column("findable", Findable, nullable=False, server_default=""),
    CheckConstraint(_one_of("kind", Kind), name="kind"),
    CheckConstraint(_one_of("status", Status), name="status"),
    CheckConstraint("amount > 0", name="amount"),
    CheckConstraint("kind = 'refund' OR status <> 'posted' OR confirmation_code <> ''", name="posted_has_code"),
    # One gift per payment: the promise, kept by the database itself.
    Index("uq_entries_gift_of_payment", "payment_id", unique=True, **_where("kind = 'gift' AND merged_into IS NULL")),
    # A confirmation code is proof of one gift only.
    Index(
        "uq_entries_code_of_gift",
        "organization",
        "confirmation_code",
        unique=True,
        **_where("kind <> 'refund' AND confirmation_code <> ''"),
    ),
    # The claim key: only what can be claimed is in it.
    Index("ix_entries_due", "organization", "next_attempt_at", **_where("status IN ('queued', 'retrying')")),
    Index("ix_entries_in_flight", "organization", "donor_email", **_where("status = 'posting'")),
    Index("ix_entries_probe", "probe_at", **_where("status = 'unknown'")),
    # All figures of an organization are summed from this index alone: the rows are wide.
    Index(
        "ix_entries_figures",
        "organization",
        "status",
        "received_at",
        "kind",
        "currency",
        "reason",
        "amount",
        "merged_into",
    ),
    Index(
        "ix_entries_posted",
        "organization",
        "posted_at",
        "kind",
        "currency",
        "amount",
        "merged_into",
        **_where("status = 'posted'"),
    ),
    # Posted, and to be looked at all the same.
    Index("ix_entries_flagged", "organization", "flag", "late", **_where("flag <> '' OR late <> ''")),
    # What may be erased once it is old enough; and donors of whom nothing may come back.
    Index(
        "ix_entries_kept",
        "organization",
        "changed_at",
        **_where("erased = '' AND flag = '' AND status IN ('posted', 'closed')"),
    ),
    Index("ix_entries_erased", "organization", **_where("erased = 'donor'")),
    Index("ix_entries_findable", "findable", postgresql_using="gin"),
    Index("ix_entries_amount", "amount"),
    Index("ix_entries_payment", "payment_id"),
)

refund_keys = Table(
    "refund_keys",
    metadata,
    Column("organization", String(63), primary_key=True),
    Column("provider", String(40), primary_key=True),
    Column("key", Text, primary_key=True),
    Column("payment_id", ForeignKey("payments.id"), nullable=False, index=True),
    Column("entry_id", ForeignKey("entries.id")),
    # What it came to, in minor units, with one of its ids; 0: a chargeback, which no total counts. Empty: not told.
    Column("amount", BigInteger),
    # The money came back (refund failed, dispute won): a late "succeeded" of the same id books nothing.
    Column("void", Boolean, nullable=False, server_default=text("false")),
    Index("ix_refund_keys_key", "key"),
)

event_entries = Table(
    "event_entries",
    metadata,
    Column("event_id", ForeignKey("events.id"), primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), primary_key=True, index=True),
    Column("effect", String(20), primary_key=True),
    Column("at", Moment, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False),
    Column("fence", Integer, nullable=False),
    Column("worker", Text, nullable=False),
    Column("login_name", Text, nullable=False),
    Column("parameters", SealedJSON, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("finished_at", Moment),
    Column("outcome", String(20)),
    Column("reason", String(60), nullable=False, server_default=""),
    # Luminate's words as they came; in its entry they name nobody.
    Column("reason_text", SealedText, nullable=False, server_default=""),
    Column("http_status", Integer),
    Column("reply", SealedBytes),
    Column("seconds", Float),
    CheckConstraint(f"outcome IS NULL OR {_one_of('outcome', Outcome)}", name="outcome"),
    # One call a fence: the row that a second sender could not write.
    Index("uq_attempts_entry_fence", "entry_id", "fence", unique=True),
)

corrections = Table(
    "corrections",
    metadata,
    Column("id", Id, primary_key=True),
    Column("entry_id", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("action", String(20), nullable=False),
    Column("reason", SealedText, nullable=False),
    Column("before", SealedJSON, nullable=False),
    Column("after", SealedJSON, nullable=False),
    ForeignKeyConstraint(["entry_id"], ["entries.id"]),
    Index("ix_corrections_entry", "entry_id"),
)

pauses = Table(
    "pauses",
    metadata,
    Column("organization", String(63), primary_key=True),
    Column("since", Moment, nullable=False),
    Column("who", Text, nullable=False),
    Column("reason", String(60), nullable=False),
    Column("reason_text", Text, nullable=False),
    # When the machine tries a harmless read again; empty: only a person ends this pause.
    Column("check_at", Moment),
    Column("checks", Integer, nullable=False, server_default="0"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(100), primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Moment, nullable=False),
)

certificates = Table(
    "certificates",
    metadata,
    Column("url", String(300), primary_key=True),
    Column("pem", LargeBinary, nullable=False),
    Column("fetched_at", Moment, nullable=False),
)

refusals = Table(
    "refusals",
    metadata,
    Column("organization", String(63), primary_key=True),
    Column("provider", String(40), primary_key=True),
    # The word of relay.errors for it, and the day (UTC): whoever sends rubbish all day long makes one row.
    Column("reason", String(20), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("first_at", Moment, nullable=False),
    Column("last_at", Moment, nullable=False),
)
