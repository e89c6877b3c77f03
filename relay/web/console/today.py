"""``/console/``: what there is to know today."""

from __future__ import annotations

from flask import render_template
from flask.typing import ResponseReturnValue

from relay.web.console.blueprint import console


@console.get("/")
def today() -> ResponseReturnValue:
    """The first page after the sign-in."""
    return render_template("today.html")
