"""The tables of people's work: who may do what, what they asked for, and what they did.

``people``        who may sign in; ``roles`` what each may do, organization by organization
``tokens``        keys of programs that use the API, kept as digests
``audit``         what people and programs did and saw: one chain of hashes, nothing is ever changed in it
``proposals``     corrections that wait for a second person
``plans``         a replay of many entries as it was agreed; ``plan_items`` its frozen list and what became of each
``cause_notes``   notes and an owner for one cause of failures
``fund_versions`` every version of the fund map that was edited here; the newest of a code counts
``api_answers``   what a write of the API was answered, by its idempotency key
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from relay.ledger.columns import Id, Moment, metadata
from relay.ledger.sealed import SealedBytes, SealedJSON, SealedText

people = Table(
    "people",
    metadata,
    Column("id", Id, primary_key=True),
    # Lower case: it is the name a person signs in with, and the "who" of all they do.
    Column("email", String(254), nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    # argon2id; empty: signs in through OIDC only.
    Column("password_hash", Text, nullable=False, server_default=""),
    # Empty until the first code was shown right; ``totp_step`` is the last one taken, so that none works twice.
    Column("totp_secret", Text, nullable=False, server_default=""),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),
    Column("oidc_subject", Text),
    # Sessions carry it; raising it ends them all.
    Column("session_number", Integer, nullable=False, server_default="1"),
    Column("created_at", Moment, nullable=False),
    Column("signed_in_at", Moment),
    Column("ended_at", Moment),
    Index("uq_people_email", "email", unique=True),
    Index("uq_people_oidc_subject", "oidc_subject", unique=True),
)

roles = Table(
    "roles",
    metadata,
    Column("person_id", ForeignKey("people.id"), primary_key=True),
    # "*": of every organization.
    Column("organization", String(63), primary_key=True),
    Column("role", String(20), nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("organization", String(63), nullable=False),
    # SHA-256 of the token; the token itself is shown once and never kept.
    Column("digest", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("used_at", Moment),
    Column("ended_at", Moment),
    Index("uq_tokens_digest", "digest", unique=True),
)

audit = Table(
    "audit",
    metadata,
    Column("id", Id, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("who", Text, nullable=False),
    # "console", "api", "command" or "relay".
    Column("through", String(20), nullable=False),
    # "" where it concerns no single organization, for example a sign-in.
    Column("organization", String(63), nullable=False, server_default=""),
    Column("action", String(40), nullable=False),
    # What it was done to: "entry 12", "fund WATER", "plan 3", "person mary@example.org".
    Column("subject", Text, nullable=False, server_default=""),
    Column("details", SealedJSON, nullable=False),
    # SHA-256 over the line before and this one.
    Column("digest", String(64), nullable=False),
    Index("ix_audit_organization", "organization", "id"),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    Column("entry_id", ForeignKey("entries.id"), nullable=False, index=True),
    Column("changes", SealedJSON, nullable=False),
    Column("reason", SealedText, nullable=False),
    Column("proposed_by", Text, nullable=False),
    Column("proposed_at", Moment, nullable=False),
    # "" while it waits, then "agreed", "refused" or "withdrawn".
    Column("decision", String(20), nullable=False, server_default=""),
    Column("decided_by", Text, nullable=False, server_default=""),
    Column("decided_at", Moment),
    # One proposal an entry at a time.
    Index(
        "uq_proposals_waiting",
        "entry_id",
        unique=True,
        postgresql_where=text("decision = ''"),
        sqlite_where=text("decision = ''"),
    ),
)

plans = Table(
    "plans",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    # The search it was made from, in the words of the search box, for people to read.
    Column("search", SealedText, nullable=False),
    Column("reason", SealedText, nullable=False, server_default=""),
    Column("mail", Boolean, nullable=False, server_default=text("false")),
    Column("status", String(20), nullable=False),
    Column("made_by", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
    CheckConstraint("status IN ('drawn', 'running', 'paused', 'cancelled', 'done')", name="status"),
    Index("ix_plans_organization", "organization", "id"),
)

plan_items = Table(
    "plan_items",
    metadata,
    Column("plan_id", ForeignKey("plans.id"), primary_key=True),
    # The order received.
    Column("place", Integer, primary_key=True),
    Column("entry_id", ForeignKey("entries.id"), nullable=False),
    # As they were when the plan was drawn: whoever changed since is left alone.
    Column("fence", Integer, nullable=False),
    Column("status", String(20), nullable=False),
    Column("entry_changed_at", Moment, nullable=False),
    # Why it is skipped; "" for what goes.
    Column("skipped", Text, nullable=False, server_default=""),
    # What the next call will be, in words.
    Column("effect", Text, nullable=False, server_default=""),
    # "" until its turn came, then what was done.
    Column("result", Text, nullable=False, server_default=""),
    Column("done_at", Moment),
    Index("ix_plan_items_entry", "entry_id"),
)

cause_notes = Table(
    "cause_notes",
    metadata,
    Column("organization", String(63), primary_key=True),
    Column("cause", Text, primary_key=True),
    Column("note", SealedText, nullable=False, server_default=""),
    Column("owner", Text, nullable=False, server_default=""),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Moment, nullable=False),
)

fund_versions = Table(
    "fund_versions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("organization", String(63), nullable=False),
    Column("code", Text, nullable=False),
    # designee_id, write_in, form_id, level_id; null: the edit was taken back, the file counts again.
    Column("fund", JSON),
    Column("who", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_fund_versions_code", "organization", "code", "id"),
)

api_answers = Table(
    "api_answers",
    metadata,
    Column("token_id", ForeignKey("tokens.id"), primary_key=True),
    Column("key", String(255), primary_key=True),
    # SHA-256 of method, path and body: the same key with another request is refused.
    Column("request", String(64), nullable=False),
    Column("status", Integer),
    Column("body", SealedBytes),
    Column("at", Moment, nullable=False),
)
