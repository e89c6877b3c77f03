"""The two fields in which a new password is typed."""

from __future__ import annotations

from flask import request

from relay.errors import PersonRefused


def chosen_password() -> str:
    """What was typed twice. Raises PersonRefused."""
    password = request.form.get("password", "")
    if password != request.form.get("again", ""):
        raise PersonRefused("The two passwords are not the same")
    return password
