"""One call of the API from its parameters to the wire: throttled, struck by a fault, checked, run, answered."""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from . import soap
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
SERVICE = re.compile(r"/1\.0/(?P<organization>[^/]+)(?P<wsdl>/wsdl)?")
PATH = re.compile(r"/(?P<organization>[^/]+)/site/(?P<servlet>[A-Za-z]+)")
SLOW_SECONDS = 2.0


def answer(sandbox: Sandbox, request: Request, wire: Wire) -> None:
    """Answers a request of the API on its wire, or lets a fault have it. The log line is true at every moment."""
    path, service = PATH.fullmatch(request.path), SERVICE.fullmatch(request.path)
    if service is not None:
        _answer_service(sandbox, request, service, wire)
    elif path is None or path["servlet"] not in VERBS:
        wire.send(error_page(404))
    elif request.verb not in VERBS[path["servlet"]]:
        wire.send(_wrong_verb(*VERBS[path["servlet"]]))
    else:
        organization, params = sandbox.organization(path["organization"]), parameters(request)
        session, cookie = sandbox.sessions.meet(organization.name, request.headers.get("cookie", ""), params)
        call = _call(sandbox, request, organization, path["servlet"], params, session)
        headers = {"Set-Cookie": cookie} if cookie else {}
        _answer_call(sandbox, call, lambda call: replace(_processed(sandbox, call), headers=headers), wire)


def _answer_service(sandbox: Sandbox, request: Request, path: re.Match[str], wire: Wire) -> None:
    """The SOAP web services: their description by GET, everything else by POST."""
    organization, verb = sandbox.organization(path["organization"]), "GET" if path["wsdl"] else "POST"
    if request.verb != verb:
        wire.send(_wrong_verb(verb))
    elif verb == "GET":
        wire.send(soap.description(organization, request))
    else:
        call = _call(sandbox, request, organization, soap.SERVLET, soap.parameters(request.body), {})
        _answer_call(sandbox, call, lambda call: soap.process(sandbox.soap_sessions, call), wire)


def _wrong_verb(*allowed: str) -> Reply:
    return html_reply("<html><body><h1>Method Not Allowed</h1></body></html>", 405, Allow=", ".join(allowed))


def _call(
    sandbox: Sandbox, request: Request, organization: Organization, servlet: str, params: dict[str, str],
    session: Mapping[str, str],
) -> Call:  # fmt: skip
    now = sandbox.clock.now()
    line = sandbox.calls.begin(organization, params, now)
    return Call(organization, servlet, params, request.address, now, line, session)


def _answer_call(sandbox: Sandbox, call: Call, process: Callable[[Call], Reply], wire: Wire) -> None:
    fault = sandbox.faults.choose(call.organization.name, call.params)
    call.log.fault = fault.fault if fault else None
    throttled = None if fault else _throttled(call, wire)
    if throttled:
        wire.send(throttled)
    else:
        _work(sandbox, call, fault, process, wire)
    sandbox.store.add("call", call.organization.name, asdict(call.log))


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


def _work(sandbox: Sandbox, call: Call, fault: Fault | None, process: Callable[[Call], Reply], wire: Wire) -> None:
    if fault and fault.fault in soap.FAULTS:
        deliver(call.log, wire, soap.refusal(call, soap.SoapFault(*soap.FAULTS[fault.fault])))
        return
    if fault and fault.when == BEFORE:
        if fault.fault != "slow":
            strike(Blow(call.log, wire, fault, NEVER_DONE, NEVER_DONE))
            return
        wire.wait(fault.seconds)
        call = replace(call, now=sandbox.clock.now())
    reply = process(call)
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
