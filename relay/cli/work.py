"""``flask work``: the worker process of the Procfile."""

from __future__ import annotations

import click
from flask import current_app
from flask.cli import with_appcontext

from relay.bootstrap import Relay
from relay.cli.commands import Failure
from relay.worker import work as serve
from relay.worker import work_side_by_side


@click.command()
@click.option("--processes", type=click.IntRange(1, 64), default=1, show_default=True, help="Workers side by side.")
@with_appcontext
def work(processes: int) -> None:
    """Post to Luminate until stopped; the sweep runs inside."""
    relay: Relay = current_app.extensions["relay"]
    if why := relay.before_serving():
        raise Failure(why)
    if processes == 1:
        serve(relay)
    else:
        work_side_by_side(relay, processes)
