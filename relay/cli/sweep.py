"""``flask sweep``: one sweep by hand. The workers do the same about once a second."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from redis.exceptions import RedisError

from relay.cli.commands import Failure, as_json, command, parts, say, say_json
from relay.ledger import claims
from relay.outbound.sweep import Swept


@command("sweep")
@as_json
def sweep(*, as_json: bool) -> None:
    """Look once for what is due or stuck, and ring for it."""
    relay = parts()
    swept = relay.sweep_for(relay.worker).run()
    with relay.database.write() as tx:
        claims.drop_lease(tx, "sweep", relay.worker)
    if as_json:
        say_json({"swept": swept is not None} | asdict(swept or Swept()))
    else:
        _tell(swept)
    if not _redis_answers():
        raise Failure("Redis does not answer, so nobody could be rung; `flask doctor` says more")


def _tell(swept: Swept | None) -> None:
    if swept is None:
        say("A worker is sweeping already; there was nothing to do by hand.")
        return
    found: dict[str, Sequence[object]] = {
        "Rung for": swept.rung,
        "Now unknown, because their worker vanished": swept.expired,
        "Refunds that may go, or ended with their gift": swept.released,
        "Posting goes on for": swept.resumed,
    }
    for words, things in found.items():
        if things:
            say(f"{words}: {', '.join(map(str, things))}.")
    if not any(found.values()):
        say("Nothing was due or stuck.")


def _redis_answers() -> bool:
    try:
        return bool(parts().redis.ping())
    except RedisError:
        return False
