"""The SOAP web services: Login and Query on Donation, over the same gifts (facts 10).

http://open.convio.com/webservices/apidoc/reference/operations/login.html and query.html (H). A refusal is a fault, with
HTTP 200 or 500 by the switch soap_fault_http. Faults of a query that is refused are named QUERY (ND).
"""

from xml.etree.ElementTree import Element, ParseError
from xml.sax.saxutils import escape

from defusedxml import DefusedXmlException
from defusedxml import ElementTree as DefusedElementTree

from . import soap_query
from .calls import Call
from .checks import listed
from .messages import Reply, Request, html_reply
from .reads import is_listed
from .replies import NOT_XML
from .site import Organization
from .soap_records import PROVEN, donation, record_xml, selected
from .soap_sessions import SoapSessions
from .soap_wsdl import NAMESPACE, OBJECTS, wsdl

SERVLET = "SOAP"
CONTENT_TYPE = "text/xml;charset=UTF-8"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
LARGEST_PAGE = 1000
MALFORMED = "MalformedMessage"


class SoapFault(Exception):
    """Why a call is refused: `kind` is SESSION in the fault's code and SessionFault in its detail."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind, self.text = kind, text


NO_SESSION = ("Session", "The session is missing or has ended.")
FAULTS = {
    "soap_session": NO_SESSION,
    "soap_conflict": (
        "Synchronization",
        "An active synchronization session already exists for Partition All Constituents",
    ),
    # what a login without the right to query meets is not documented (ND)
    "soap_permission": ("Query", "The account may not query this record type."),
}


def description(organization: Organization, request: Request) -> Reply:
    """The WSDL, for callers on the services' own list of addresses (H); what others get is not documented (ND)."""
    if not listed(request.address, organization.soap_ip_allow):
        return html_reply("<html><body><h1>Forbidden</h1></body></html>", 403)
    address = f"http://{request.headers.get('host', 'localhost')}/1.0/{organization.name}"
    return Reply(200, CONTENT_TYPE, wsdl(address).encode())


def parameters(body: bytes) -> dict[str, str]:
    """The operation as `method`, what it carries by local names, and the header's SessionId."""
    try:
        root = DefusedElementTree.fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError):
        return {"method": MALFORMED}
    operation = next(iter(_first(root, "Body")), None)
    if operation is None:
        return {"method": MALFORMED}
    found = {_local(part): part.text or "" for part in operation}
    return found | {"method": _local(operation), "SessionId": _first(root, "SessionId").text or ""}


def _first(root: Element, name: str) -> Element:
    return next((one for one in root.iter() if _local(one) == name), Element(name))


def _local(element: Element) -> str:
    return element.tag.rpartition("}")[2]


def process(sessions: SoapSessions, call: Call) -> Reply:
    """The answer of one operation."""
    try:
        with call.organization.lock:
            return _envelope(_body(sessions, call))
    except SoapFault as fault:
        return refusal(call, fault)


def refusal(call: Call, fault: SoapFault) -> Reply:
    """A fault as the services answer it."""
    code = "".join(f"_{letter}" if letter.isupper() and n else letter for n, letter in enumerate(fault.kind)).upper()
    detail = f'<{fault.kind}Fault xmlns="{NAMESPACE}"/>'
    body = (f"<soap:Fault><faultcode>fns:{code}</faultcode><faultstring>{_text(fault.text)}</faultstring>"
            f"<detail>{detail}</detail></soap:Fault>")  # fmt: skip
    return _envelope(body, int(call.switch("soap_fault_http")))


def _envelope(body: str, status: int = 200) -> Reply:
    text = (f"<?xml version='1.0' encoding='UTF-8'?>\n"
            f'<soap:Envelope xmlns:soap="{ENVELOPE}" xmlns:fns="urn:fault.soap.convio.com">'
            f"<soap:Body>{body}</soap:Body></soap:Envelope>")  # fmt: skip
    return Reply(status, CONTENT_TYPE, text.encode())


def _text(text: str) -> str:
    return escape(NOT_XML.sub("?", text))


def _body(sessions: SoapSessions, call: Call) -> str:
    if not listed(call.address, call.organization.soap_ip_allow):
        raise SoapFault("Login", f"The address {call.address} is not allowed.")
    match call.params["method"]:
        case "Login":
            return _login(sessions, call)
        case "Query":
            if not sessions.use(call.organization.name, call.params["SessionId"], call.now):
                raise SoapFault(*NO_SESSION)
            return _query(call)
        case method if method == MALFORMED:
            raise SoapFault(MALFORMED, "The message is no SOAP envelope with an operation in it.")
        case method:
            raise SoapFault("UnsupportedOperation", f"There is no operation {method}.")


def _login(sessions: SoapSessions, call: Call) -> str:
    login = call.organization.logins.get(call.params.get("UserName", ""))
    if login is None or login.password != call.params.get("Password") or "soap" not in login.rights:
        raise SoapFault("Login", "Invalid username or password.")
    session = sessions.open(call.organization.name, call.now)
    return f'<LoginResponse xmlns="{NAMESPACE}"><Result><SessionId>{session}</SessionId></Result></LoginResponse>'


def _query(call: Call) -> str:
    """A page of the records that fit, in no order: as in getUserTransactions neither by time nor by id."""
    query, fields = _asked(call)
    page, size = _number(call, "Page", 1), min(_number(call, "PageSize", LARGEST_PAGE), LARGEST_PAGE)
    gifts = sorted(call.organization.gifts.values(), key=lambda gift: gift.transaction_id[::-1])
    rows = [donation(call.organization, gift) for gift in gifts if is_listed(call, gift)]
    found = [row for row in rows if query.test(row)][(page - 1) * size : page * size]
    records = "".join(record_xml(row, fields) for row in found)
    return (f'<QueryResponse xmlns="{NAMESPACE}" xmlns:ens="{OBJECTS}" '
            f'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">{records}</QueryResponse>')  # fmt: skip


def _asked(call: Call) -> tuple[soap_query.Query, list[str]]:
    try:
        query = soap_query.parse(call.params.get("QueryString", ""))
        if query.record_type != "Donation":
            raise SoapFault("Query", f"The record type {query.record_type} is not known here; there is Donation.")
        fields = selected(query.fields)
        selected(query.conditions)
    except soap_query.BadQuery as problem:
        raise SoapFault("Query", str(problem)) from None
    except KeyError as problem:
        raise SoapFault("Query", f"Donation has no field {problem.args[0]}.") from None
    unproven = [name for name in query.conditions if name not in PROVEN]
    if unproven and call.switch("soap_where") == "proven_fields_only":
        raise SoapFault("Query", f"{unproven[0]} cannot be used in a where clause.")
    return query, fields


def _number(call: Call, name: str, default: int) -> int:
    text = call.get(name)
    if text and not (text.isascii() and text.isdigit() and int(text) > 0):
        raise SoapFault("InvalidMessage", f"{name} must be a whole number above zero.")
    return int(text) if text else default
