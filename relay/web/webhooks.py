"""``POST /webhooks/<organization>/<provider>``: raw bytes in, a reason out; never donor data in an answer.

A provider that signs nothing posts to ``/webhooks/<organization>/<provider>/<token>``, its secret path.
"""

from __future__ import annotations

from flask import Blueprint, Response, current_app, jsonify, request
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from relay.bootstrap import Relay
from relay.errors import IntakeRefused, TooLarge, TooManyWrong
from relay.providers import Delivery
from relay.web.metrics import LIMITED

webhooks = Blueprint("webhooks", __name__)


@webhooks.post("/webhooks/<organization>/<provider>")
@webhooks.post("/webhooks/<organization>/<provider>/<token>")
def receive(organization: str, provider: str, token: str = "") -> Response:  # nosec B107  # most have none
    """Take one webhook. Every refusal is an IntakeRefused, answered below."""
    relay: Relay = current_app.extensions["relay"]
    # Before anything reads the form: afterwards the raw bytes of a form body are gone.
    body = _raw_body()
    headers = {name.lower(): value for name, value in request.headers.items()}
    taken = relay.intake.take(organization, provider, Delivery(body, headers, token, request.remote_addr or ""))
    if answer := relay.providers[provider].answer:
        return Response(answer, mimetype="text/plain")
    return jsonify(status="stored", verdict=taken.verdict, event=taken.event, events=len(taken.events))


@webhooks.get("/webhooks/<organization>/<provider>")
def check(organization: str, provider: str) -> Response:
    """Answer a provider's check of the endpoint, where it has one."""
    relay: Relay = current_app.extensions["relay"]
    charity, source = relay.intake.source(organization, provider)
    if source.challenge is None:
        raise NotFound
    return Response(source.challenge(request.args, charity.providers[provider]), mimetype="text/plain")


def _raw_body() -> bytes:
    try:
        return request.get_data(cache=False)
    except RequestEntityTooLarge as error:
        raise TooLarge("the body is larger than this relay takes") from error


@webhooks.errorhandler(IntakeRefused)
def refuse(error: IntakeRefused) -> tuple[Response, int]:
    """The one place that turns a refusal into HTTP."""
    answer = jsonify(status="refused", reason=error.reason, detail=str(error))
    if isinstance(error, TooManyWrong):
        answer.headers["Retry-After"] = str(error.seconds)
        told = request.view_args or {}
        LIMITED.labels(told["organization"], told["provider"]).inc()
    return answer, error.status
