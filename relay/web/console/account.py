"""``/console/account``: one's own password, one-time codes and sessions."""

from __future__ import annotations

import io

import segno
from flask import abort, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from relay.errors import PersonRefused, SignInRefused
from relay.ledger.people import Person
from relay.office.people import Visit, codes
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.passwords import chosen_password
from relay.web.console.throttle import TOO_OFTEN, throttle


@console.get("/account")
def account() -> ResponseReturnValue:
    """What one may change about oneself."""
    return _page(_me())


@console.post("/account/password")
def account_password() -> ResponseReturnValue:
    """A new password; every other session of the person ends."""
    me, address = _me(), request.remote_addr or ""
    if throttle().is_full(me.email, address):
        return _page(me, wrong={"password": TOO_OFTEN}), 429
    try:
        number = door.relay_parts().people.choose(me, request.form.get("old", ""), chosen_password())
    except SignInRefused as error:
        throttle().wrong(me.email, address)
        return _page(me, wrong={"password": f"{error}."}), 400
    except PersonRefused as error:
        return _page(me, wrong={"password": f"{error}."}), 400
    door.enter(Visit(me.id, number))
    flash("Your password is changed. Every other session of yours has ended.", "ok")
    return redirect(url_for("console.account"), 303)


@console.get("/account/codes")
def account_codes() -> ResponseReturnValue:
    """The QR code of a secret that counts once its first code was right."""
    me = _me()
    if me.totp_secret:
        return redirect(url_for("console.account"), 303)
    secret = session.setdefault("new_secret", codes.secret())
    return _codes_page(me, secret)


@console.post("/account/codes")
def account_codes_post() -> ResponseReturnValue:
    """Turn them on, or off again."""
    me = _me()
    secret = "" if me.totp_secret else session.get("new_secret", "")
    account, address = f"code {me.id}", request.remote_addr or ""
    if throttle().is_full(account, address):
        return _page(me, wrong={"codes": TOO_OFTEN}), 429
    try:
        door.relay_parts().people.use_codes(me, secret, request.form.get("code", ""))
    except SignInRefused as error:
        throttle().wrong(account, address)
        wrong = f"{error}."
        return (_page(me, wrong={"codes": wrong}) if me.totp_secret else _codes_page(me, secret, wrong)), 400
    session.pop("new_secret", None)
    flash("You sign in with a code from now on." if secret else "You sign in without a code from now on.", "ok")
    return redirect(url_for("console.account"), 303)


def _me() -> Person:
    return door.person() or abort(401)


def _page(me: Person, wrong: dict[str, str] | None = None) -> str:
    return render_template("account.html", me=me, wrong=wrong or {})


def _codes_page(me: Person, secret: str, wrong: str = "") -> str:
    spaced = " ".join(secret[place : place + 4] for place in range(0, len(secret), 4))
    return render_template("account_codes.html", qr=_qr(codes.address(secret, me.email)), secret=spaced, wrong=wrong)


def _qr(text: str) -> Markup:
    """An SVG without a style of its own."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", scale=5, border=2, xmldecl=False, svgclass=None, lineclass=None)
    return Markup(drawn.getvalue().decode())  # noqa: S704  # nosec B704  # drawn here, of numbers
