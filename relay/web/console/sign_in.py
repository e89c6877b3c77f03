"""``/console/sign-in``: a password, a code where the person uses one; and the way out."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue

from relay.errors import SignInRefused
from relay.web.console import door
from relay.web.console.blueprint import console
from relay.web.console.sessions import is_loopback
from relay.web.console.throttle import TOO_OFTEN, throttle

NO_HTTPS = (
    "This page came over plain HTTP, so your browser will not keep you signed in. Open it with https://; where it was, "
    "relay must be told of the proxy in front of it (RELAY_PROXIES)."
)


@console.get("/sign-in")
def sign_in() -> ResponseReturnValue:
    """The first step; whoever is in already goes on."""
    wanted = door.safe(request.args.get("next"))
    if door.person() is not None:
        return redirect(wanted, 303)
    return _form(wanted, "" if request.is_secure or is_loopback() else NO_HTTPS)


@console.post("/sign-in")
def sign_in_post() -> ResponseReturnValue:
    """Check address and password."""
    wanted, email = door.safe(request.form.get("next")), request.form.get("email", "")
    address = request.remote_addr or ""
    if throttle().is_full(email, address):
        return _form(wanted, TOO_OFTEN, email, 429)
    try:
        parts = door.relay_parts().entering
        visit, is_half = parts.by_password(email, request.form.get("password", ""), address=address)
    except SignInRefused as error:
        throttle().wrong(email, address)
        return _form(wanted, str(error), email, 401)
    if is_half:
        door.half_enter(visit, wanted)
        return redirect(url_for("console.sign_in_code"), 303)
    door.enter(visit)
    return redirect(wanted, 303)


@console.get("/sign-in/code")
def sign_in_code() -> ResponseReturnValue:
    """The second step."""
    if door.half_entered() is None:
        return redirect(url_for("console.sign_in"), 303)
    return render_template("sign_in_code.html", wrong="")


@console.post("/sign-in/code")
def sign_in_code_post() -> ResponseReturnValue:
    """Check the code."""
    visit, address = door.half_entered(), request.remote_addr or ""
    if visit is None:
        return redirect(url_for("console.sign_in"), 303)
    account = f"code {visit.person}"
    if throttle().is_full(account, address):
        return render_template("sign_in_code.html", wrong=TOO_OFTEN), 429
    try:
        door.relay_parts().entering.by_code(visit, request.form.get("code", ""), address=address)
    except SignInRefused as error:
        throttle().wrong(account, address)
        return render_template("sign_in_code.html", wrong=str(error)), 401
    wanted = door.safe(session.get("next"))
    door.enter(visit)
    return redirect(wanted, 303)


@console.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """End this session, or with ``everywhere`` all of them."""
    person = door.person()
    if person is not None:
        door.relay_parts().entering.leave(person, everywhere=bool(request.form.get("everywhere")))
    door.leave()
    flash("You are signed out.", "ok")
    return redirect(url_for("console.sign_in"), 303)


def _form(wanted: str, wrong: str = "", email: str = "", status: int = 200) -> ResponseReturnValue:
    provider = door.relay_parts().settings.oidc
    return render_template("sign_in.html", next=wanted, wrong=wrong, email=email, provider=provider), status
