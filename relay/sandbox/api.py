"""One call of the API from its parameters to the wire: throttled, struck by a fault, checked, run, answered."""

import logging
import re
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from .calls import Call
from .checks import check
from .errors import UNABLE, ApiError, CommonError
from .faults import BEFORE, Fault
from .messages import Reply, Request, html_reply, parameters
from .methods import DONATIONS, VERBS
from .parameters import is_true
from .records import stored_gift, stored_refund
from .replies import render, render_error
from .site import Organization
from .state import Sandbox
from .strikes import NEVER_DONE, Blow, deliver, error_page, strike
from .wire import Wire

logger = logging.getLogger(__name__)
PATH = re.compile(r"/(?P<organization>[^/]+)/site/(?P<servlet>[A-Za-z]+)")
SLOW_SECONDS = 2.0


def answer(sandbox: Sandbox, request: Request, wire: Wire) -> None:
    """Answers a request of the API on its wire, or lets a fault have it. The log line is true at every moment."""
    path = PATH.fullmatch(request.path)
    if path is None or path["servlet"] not in VERBS:
        wire.send(error_page(404))
    elif request.verb not in VERBS[path["servlet"]]:
        allowed = ", ".join(VERBS[path["servlet"]])
        wire.send(html_reply("<html><body><h1>Method Not Allowed</h1></body></html>", 405, Allow=allowed))
    else:
        _answer_call(sandbox, request, sandbox.organization(path["organization"]), path["servlet"], wire)


def _answer_call(sandbox: Sandbox, request: Request, organization: Organization, servlet: str, wire: Wire) -> None:
    params = parameters(request)
    line = sandbox.calls.begin(organization, params, sandbox.clock.now())
    session, cookie = sandbox.sessions.meet(organization.name, request.headers.get("cookie", ""), params)
    call = Call(organization, servlet, params, request.address, sandbox.clock.now(), line, session)
    fault = sandbox.faults.choose(organization.name, params)
    line.fault = fault.fault if fault else None
    throttled = None if fault else _throttled(call, wire)
    if throttled:
        wire.send(throttled)
    else:
        _work(sandbox, call, fault, wire, {"Set-Cookie": cookie} if cookie else {})
    sandbox.store.add("call", organization.name, asdict(line))


def _throttled(call: Call, wire: Wire) -> Reply | None:
    """The switch `throttle`: a page instead of an answer, or a wait before the work."""
    match call.switch("throttle"):
        case "429":
            call.log.fault = "throttle_429"
            return error_page(429, retry_after=30)
        case "503_html":
            call.log.fault = "throttle_503_html"
            return error_page(503)
        case "slow":
            call.log.fault = "throttle_slow"
            wire.wait(SLOW_SECONDS)
    return None


def _work(sandbox: Sandbox, call: Call, fault: Fault | None, wire: Wire, headers: dict[str, str]) -> None:
    if fault and fault.when == BEFORE:
        if fault.fault != "slow":
            strike(Blow(call.log, wire, fault, NEVER_DONE, NEVER_DONE))
            return
        wire.wait(fault.seconds)
        call = replace(call, now=sandbox.clock.now())
    reply = replace(_processed(sandbox, call), headers=headers)
    stale = sandbox.last_replies.get(call.organization.name, reply)
    sandbox.last_replies[call.organization.name] = reply
    if fault:
        strike(Blow(call.log, wire, fault, reply, stale))
    else:
        deliver(call.log, wire, reply)


def _processed(sandbox: Sandbox, call: Call) -> Reply:
    """The reply of the method; check and recording happen under the organization's lock."""
    try:
        with call.organization.lock:
            root, node = check(call).run(call)
            _keep(sandbox, call)
        return render(root, node, call.get("response_format"))
    except ApiError as error:
        return _refusal(call, error)
    except Exception:  # the edge: code 1 is Luminate's own "an exception inside the API" (H)
        logger.exception("call failed", extra={"organization": call.organization.name})
        return _refusal(call, CommonError(UNABLE, "Unable to process the request."))


def _refusal(call: Call, error: ApiError) -> Reply:
    call.log.error = error.code
    return render_error(
        error,
        call.get("response_format"),
        call.organization.switches,
        suppressed=is_true(call.params, "suppress_response_codes"),
        donates=call.servlet == DONATIONS,
    )


def _keep(sandbox: Sandbox, call: Call) -> None:
    """Stores what the call has recorded, still under the lock, so that the lines are in the order of the facts."""
    if call.log.recorded:
        kind, value = _recorded(call)
        sandbox.store.add(kind, call.organization.name, value)


def _recorded(call: Call) -> tuple[str, Mapping[str, Any]]:
    gift = call.organization.gifts[str(call.log.confirmation_code)]
    if call.params.get("method") == "refundOfflineDonation":
        return "refund", {"confirmation_code": gift.confirmation_code, "refund": stored_refund(gift.refunds[-1])}
    person = call.organization.constituents[gift.cons_id]
    return "gift", {"gift": stored_gift(gift), "constituent": asdict(person)}
