"""``flask seal``: donor data of before RELAY_ENCRYPTION_KEYS was set, or under an older key, sealed with the newest."""

from __future__ import annotations

import sys

import click

from relay import words
from relay.access import operator
from relay.cli.commands import Failure, command, parts, say, who
from relay.ledger.sealing import Keyring
from relay.office.sealing import Left, Sealing


@command("seal")
@click.option("--check", is_flag=True, help="Only say what there is to do.")
@who
def seal(*, check: bool, who: str) -> None:
    """Seal what lies plain or under an older key with the newest of RELAY_ENCRYPTION_KEYS.

    Safe beside running processes, and as often as you like; where `open` stands before the keys, everything is opened.
    """
    sealing, keyring = Sealing(parts().database), parts().database.keyring
    before = sealing.left()
    _tell(before, keyring)
    if check:
        return
    from tqdm import tqdm  # noqa: PLC0415 - every process knows the commands, and few run this one

    with tqdm(total=before.total, unit=" rows", disable=not sys.stderr.isatty(), leave=False) as bar:
        sealed = sealing.run(operator(who), tell=lambda _table, rows: bar.update(rows))
    after = sealing.left()
    say(f"Written anew: {words.count(sealed.done, 'row')}.")
    for table, keys in sealed.closed.items():
        for key in sorted(keys):
            say(f"Changed or cut off, no key opens it: {table} {' '.join(map(str, key))}")
    if after.total:
        raise Failure(f"{words.count(after.total, 'row')} are left; run `flask seal` again")
    say(_advice(keyring))


def _tell(left: Left, keyring: Keyring) -> None:
    how = f"sealed with key {keyring.marks[0]}" if keyring.seals else "open"
    for table, count in left.rows.items():
        say(f"{table}: {words.count(count, 'row')} not {how} yet")
    for table, count in left.closed.items():
        say(f"{table}: {words.count(count, 'row')} sealed with a key that RELAY_ENCRYPTION_KEYS lacks")
    if not (left.rows or left.closed):
        say(f"Everything is {how}.")


def _advice(keyring: Keyring) -> str:
    if not keyring.seals:
        return "Nothing is sealed any more: RELAY_ENCRYPTION_KEYS may go, once every process runs with `open`."
    if len(keyring.marks) > 1:
        return "The older keys may leave RELAY_ENCRYPTION_KEYS, once every process runs with this list."
    return "Keep the key as safe as the database, and apart from it: without it nobody reads these rows again."
