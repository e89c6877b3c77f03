"""All that answers over HTTP, put into the application: webhooks, health, metrics, console, API, error answers."""

from __future__ import annotations

from flask import Flask, Response, jsonify, redirect, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from relay.config import Settings
from relay.web import api, console, metrics, request_ids
from relay.web.api import problems
from relay.web.health import health
from relay.web.webhooks import webhooks


def attach(app: Flask, settings: Settings) -> None:
    """Put everything into the application; it holds the wired relay already."""
    request_ids.attach(app)
    app.register_blueprint(webhooks)
    app.register_blueprint(health)
    app.register_error_handler(HTTPException, _answer)
    app.after_request(_harden)
    metrics.attach(app)
    console.attach(app, settings)
    if settings.oidc:
        from relay.web.console import oidc  # noqa: PLC0415 - Authlib is 8 MB that others need not carry

        oidc.attach(app, settings.oidc)
    api.attach(app, settings)
    app.add_url_rule("/", "root", lambda: redirect(url_for("console.today")))
    _believe_proxies(app, settings.proxies)


def _believe_proxies(app: Flask, count: int) -> None:
    """Take address and scheme from what so many proxies say; the host is the one that was asked for."""
    if count:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=0)  # type: ignore[method-assign]


def _answer(error: HTTPException) -> ResponseReturnValue:
    """JSON for every HTTP error, a page in the console, a problem of the API; our own failures never show a trace."""
    if console.is_of_the_console():
        return console.failed(error)
    if problems.is_of_the_api():
        return problems.of_http(error)
    status = error.code or 500
    return jsonify(status="refused", reason=error.name.lower().replace(" ", "_")), status


def _harden(response: Response) -> Response:
    """Nothing here is for a browser to frame, sniff, cache or run."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("X-Frame-Options", "DENY")
    response.headers.setdefault("Referrer-Policy", "no-referrer")
    response.headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
    response.headers.setdefault("Cache-Control", "no-store")
    return response
