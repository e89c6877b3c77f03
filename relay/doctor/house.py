"""The doctor on our own house: database, migrations, clock, Redis, workers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from redis import Redis
from redis.exceptions import AuthenticationError, BusyLoadingError, NoPermissionError, RedisError, ResponseError
from rq import Worker
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from relay.doctor.checks import Check, failed, ok, warning
from relay.errors import LedgerUnavailable
from relay.ledger import migrate
from relay.ledger.db import Database

# What a driver's error says left, what is wrong and what to do right. Only these words are matched, none is shown.
DATABASE_TROUBLES: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("password authentication failed", "no password supplied"), "The database does not accept user and password.",
     "Put the right user and password into DATABASE_URL."),
    (("does not exist",), "The database server has no such database, user or schema.",
     "Create it, or put the right name into DATABASE_URL."),
    (("could not translate host name", "failed to resolve host", "name or service not known", "nodename nor servname"),
     "The name of the database server is not known.", "Put the right host into DATABASE_URL."),
    (("connection refused", "no such file or directory"), "Nothing answers where the database should be.",
     "Start the database, or put the right host and port into DATABASE_URL."),
    (("ssl", "no pg_hba.conf entry"), "The database does not let this machine in, or wants an encrypted connection.",
     "Add ?sslmode=require to DATABASE_URL, or allow this machine's address at the database."),
    (("too many clients", "remaining connection slots"), "The database has no free connection.",
     "Close other programs' connections, or raise the database's limit."),
    (("timeout", "timed out"), "The database does not answer in time.",
     "See whether it runs and whether a firewall stands between."),
    (("unable to open database file", "readonly database"), "The file of the ledger cannot be opened or written.",
     "Give this user the right to write in the directory that DATABASE_URL names."),
    (("file is not a database", "malformed"), "The file of the ledger is no SQLite database, or it is broken.",
     "Restore the file from a backup, or let DATABASE_URL name another."),
    (("database is locked",), "Another program holds the file of the ledger.",
     "End the program that holds it; a ledger in a file belongs to one machine."),
)  # fmt: skip
# Seconds by which two clocks may differ unnoticed; past the second, signatures are judged wrongly.
CLOCK_WARNING, CLOCK_FAILED = 5.0, 120.0
# Workers look once a second.
SEEN_WITHIN = timedelta(minutes=1)


def database(ledger: Database) -> Iterator[Check]:
    """Whether the database is there, its tables are ours, and its clock agrees."""
    try:
        with ledger.read() as tx:
            version, theirs = _version(tx, ledger), ledger.now(tx)
    except (LedgerUnavailable, SQLAlchemyError, OSError) as error:
        yield _unreachable(error)
        return
    yield ok("database", f"{version} answers.")
    if ledger.is_postgresql:
        yield clock("clock", "the database's", theirs, datetime.now(UTC))
    yield _migrations(ledger)


def _version(tx: Connection, ledger: Database) -> str:
    if ledger.is_postgresql:
        return f"PostgreSQL {tx.execute(text('SHOW server_version')).scalar_one()}"
    return f"SQLite {tx.execute(text('SELECT sqlite_version()')).scalar_one()}"


def _unreachable(error: BaseException) -> Check:
    said = f"{error} {error.__cause__ or ''}".lower()
    for words, sentence, what_to_do in DATABASE_TROUBLES:
        if any(word in said for word in words):
            return failed("database", sentence, what_to_do)
    what_to_do = "See whether it runs, and whether DATABASE_URL names it."
    return failed("database", f"The database does not answer ({type(error.__cause__ or error).__name__}).", what_to_do)


def _migrations(ledger: Database) -> Check:
    newest = migrate.head()
    try:
        current = migrate.current(ledger)
    except (LedgerUnavailable, SQLAlchemyError) as error:
        return failed("migrations", f"The ledger's tables cannot be read ({type(error).__name__}).", "Look at its log.")
    if current == newest:
        return ok("migrations", f"The ledger's tables are at {current}, the newest.")
    if current is None:
        return failed("migrations", "The ledger has no tables yet.", "Run `flask db upgrade`.")
    if current > newest:
        sentence = f"The ledger's tables are at {current}, newer than this relay knows ({newest})."
        return failed("migrations", sentence, "Run the relay that made them, or a newer one.")
    return failed(
        "migrations", f"The ledger's tables are at {current}; this relay needs {newest}.", "Run `flask db upgrade`."
    )


def clock(name: str, whose: str, theirs: datetime, ours: datetime) -> Check:
    """Whether two clocks agree: the age of a signature is judged by ours."""
    seconds = abs((ours - theirs).total_seconds())
    if seconds <= CLOCK_WARNING:
        return ok(name, f"This machine's clock and {whose} agree.")
    sentence = f"This machine's clock and {whose} differ by {seconds:,.0f} seconds."
    what_to_do = "Let this machine keep its time by NTP: the age of a webhook is judged by it."
    return (failed if seconds > CLOCK_FAILED else warning)(name, sentence, what_to_do)


def redis_server(redis: Redis, *, workers: bool = True) -> Iterator[Check]:
    """Whether Redis answers and keeps a bell that was rung, and whether a worker hears it.

    Whatever Redis loses, the ledger still has.
    """
    try:
        redis.ping()
    except RedisError as error:
        yield _no_redis(error)
        return
    try:
        info: Mapping[str, Any] = redis.info()
    except ResponseError:
        yield warning("redis", "Redis answers, but does not tell about itself.", "Allow this user the command INFO.")
        return
    yield _redis(info)
    if workers:
        yield _workers(redis)


def _no_redis(error: RedisError) -> Check:
    if isinstance(error, AuthenticationError | NoPermissionError) or "auth" in str(error).lower():
        return failed("redis", "Redis does not accept user and password.", "Put the right ones into REDIS_URL.")
    if isinstance(error, BusyLoadingError):
        return warning("redis", "Redis is still loading its data.", "Ask again in a minute.")
    what_to_do = (
        "Start Redis or put the right address into REDIS_URL (rediss:// where it is encrypted). "
        "Until then webhooks are taken and kept, but nothing is sent."
    )
    return failed("redis", f"Redis does not answer ({type(error).__name__}).", what_to_do)


def _redis(info: Mapping[str, Any]) -> Check:
    name = (
        f"{'Valkey' if 'valkey_version' in info else 'Redis'} {info.get('valkey_version', info.get('redis_version'))}"
    )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if info.get("role") == "slave":
        return failed("redis", f"{name} is a replica that only reads.", "Let REDIS_URL name the primary.")
    if policy != "noeviction" and not policy.startswith("volatile-"):
        sentence = f"{name} may throw away bells when its memory is full ({policy})."
        return warning("redis", sentence, "Set maxmemory-policy to noeviction; gifts are safe, but come later.")
    return ok("redis", f"{name} answers ({policy}). It needs no persistence: the ledger knows all that it holds.")


def _workers(redis: Redis) -> Check:
    try:
        count = Worker.count(connection=redis)
    except RedisError as error:
        return warning("workers", f"The workers cannot be counted ({type(error).__name__}).", "Look at Redis.")
    if count:
        return ok("workers", f"{count} at work.")
    return warning("workers", "No worker is at work: webhooks are taken, but nothing is sent.", "Start `flask work`.")


def sweeps(seen: datetime | None, now: datetime) -> Iterator[Check]:
    """Whether a worker still looks at the ledger: one that was killed stays registered in Redis for minutes."""
    if seen is None or now - seen < SEEN_WITHIN:
        return
    since = f"{seen.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    yield warning(
        "workers", f"No worker has looked at the ledger since {since}.", "Start `flask work`, or see its log."
    )
