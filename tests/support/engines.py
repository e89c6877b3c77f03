"""What makes an engine and its tables cheap: nearly every test has a ledger of its own.

SQLAlchemy keeps what it compiled by dialect, and every engine has a dialect of its own, so every test would compile
every statement anew: a third of the time of the service tests. Making the tables would be another tenth.
"""

import threading
import time
from functools import cache
from pathlib import Path

from sqlalchemy import create_engine, event

from relay.ledger.models import metadata

# What relay starts beside a sweep, by the names of the threads: it may ask the ledger when its test is over.
BESIDE = ("alerts", "check:", "retention")

_dialects = {}
_compiled = {}


def share_statements(engine, *kind):
    """Let an engine use what others of its kind compiled. Engines of one kind differ in their address alone."""
    kind = (engine.dialect.name, *kind)
    if kind in _dialects:
        engine.dialect = engine.pool._dialect = _dialects[kind]
        engine.update_execution_options(compiled_cache=_compiled)
    else:  # a dialect knows its server after the first connection, and may then serve others
        own = engine.dialect
        event.listen(engine, "engine_connect", lambda _: _dialects.setdefault(kind, own), once=True)


def make_tables(engine):
    """The tables of the models; a new SQLite file is a copy of one that has them."""
    path = Path(engine.url.database) if engine.dialect.name == "sqlite" else None
    if path is None or path.exists():
        metadata.create_all(engine)
        return
    for left_by_another in ("-wal", "-shm"):
        path.with_name(path.name + left_by_another).unlink(missing_ok=True)
    path.write_bytes(_with_tables())


@cache
def _with_tables():
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
    with engine.connect() as connection:
        made = connection.connection.dbapi_connection.serialize()
    engine.dispose()
    return made


def close(engines):
    """Close what they hold open, once nobody uses it: what a thread gives back to a closed pool is never closed."""
    for thread in threading.enumerate():
        if thread.name.startswith(BESIDE):
            thread.join(10)
    for engine in engines:
        given_back = time.monotonic() + 1
        checked_out = getattr(engine.pool, "checkedout", int)  # some pools keep nothing
        while checked_out() and time.monotonic() < given_back:
            time.sleep(0.01)
        engine.dispose()
