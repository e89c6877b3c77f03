"""Keys to seal ledgers with, and what lies in a database, byte for byte."""

from pathlib import Path

from sqlalchemy import inspect, make_url, text

# Fernet keys of tests alone.
OLD = "b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xkLW9sZCE="
NEW = "bmV3LW5ldy1uZXctbmV3LW5ldy1uZXctbmV3LW5ldyE="
STRANGE = "c3RyYW5nZS1zdHJhbmdlLXN0cmFuZ2Utc3RyYW5nZSE="


def everything(database):
    """Every value as the database keeps it, in one text; with SQLite's files as they lie on the disk."""
    found = []
    with database.engine.connect() as connection:
        for table in inspect(connection).get_table_names():
            for row in connection.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608 - names of our own tables
                found += [value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in row]
    if not database.is_postgresql:
        file = Path(make_url(str(database.engine.url)).database)
        found += [one.read_bytes().decode("latin-1") for one in file.parent.glob(f"{file.name}*")]
    return "\n".join(found)
