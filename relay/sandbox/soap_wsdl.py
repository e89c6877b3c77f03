"""The description of the web services, as small as it can be and still true: Login, Query, the Donation record.

That every field is optional and that records extend an abstract Record is the vendor's rule (H,
http://open.convio.com/webservices/apidoc/concepts/request_conventions.html); the rest of its shape is by analogy (M).
"""

from collections.abc import Iterable
from xml.sax.saxutils import quoteattr

from .soap_records import FIELDS

NAMESPACE, OBJECTS = "urn:soap.convio.com", "urn:object.soap.convio.com"
FAULTS = ("SessionFault", "LoginFault", "ServerFault", "InvalidMessageFault", "MalformedMessageFault", "QueryFault",
          "UnsupportedOperationFault", "SynchronizationFault")  # fmt: skip
TYPES = {"Amount": "decimal", "PaymentDate": "dateTime", "CreationDate": "dateTime", "ModifyDate": "dateTime",
         "TransactionId": "nonNegativeInteger", "FormId": "nonNegativeInteger"}  # fmt: skip


def _fields(names: Iterable[str]) -> str:
    """The elements of a record, nested by the dots."""
    groups: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        groups.setdefault(head, []).append(rest)
    return "".join(_field(head, [one for one in rest if one]) for head, rest in groups.items())


def _field(name: str, inner: list[str]) -> str:
    if not inner:
        return f'<xs:element name="{name}" type="xs:{TYPES.get(name, "string")}" minOccurs="0" nillable="true"/>'
    content = f"<xs:complexType><xs:sequence>{_fields(inner)}</xs:sequence></xs:complexType>"
    return f'<xs:element name="{name}" minOccurs="0">{content}</xs:element>'


def _element(name: str, content: str) -> str:
    return (f'<xs:element name="{name}"><xs:complexType><xs:sequence>{content}</xs:sequence></xs:complexType>'
            f"</xs:element>")  # fmt: skip


def _leaf(name: str, kind: str = "string", need: int = 1) -> str:
    return f'<xs:element name="{name}" type="xs:{kind}" minOccurs="{need}"/>'


def _schemas() -> str:
    records = '<xs:element name="Record" type="o:Record" minOccurs="0" maxOccurs="unbounded"/>'
    query = _leaf("QueryString") + _leaf("Page", "positiveInteger", 0) + _leaf("PageSize", "positiveInteger", 0)
    head = 'elementFormDefault="qualified" targetNamespace'
    return (
        f'<xs:schema {head}="{OBJECTS}"><xs:complexType name="Record" abstract="true"/>'
        f'<xs:complexType name="Donation"><xs:complexContent><xs:extension base="o:Record"><xs:sequence>'
        f"{_fields(FIELDS)}</xs:sequence></xs:extension></xs:complexContent></xs:complexType></xs:schema>"
        f'<xs:schema {head}="{NAMESPACE}"><xs:import namespace="{OBJECTS}"/>'
        f"{_element('Session', _leaf('SessionId') + _leaf('PartitionId', 'nonNegativeInteger', 0))}"
        f"{_element('Login', _leaf('UserName') + _leaf('Password'))}"
        f"{_element('LoginResponse', _element('Result', _leaf('SessionId')))}"
        f"{_element('Query', query)}{_element('QueryResponse', records)}"
        f"{''.join(_element(name, '') for name in FAULTS)}</xs:schema>"
    )


def _operation(name: str, *, session: bool) -> str:
    header = '<soap:header message="c:SessionHeader" part="Session" use="literal"/>' if session else ""
    return (
        f'<wsdl:operation name="{name}"><soap:operation soapAction=""/>'
        f'<wsdl:input>{header}<soap:body use="literal" parts="body"/></wsdl:input>'
        f'<wsdl:output><soap:body use="literal"/></wsdl:output></wsdl:operation>'
    )


def _message(name: str, part: str, element: str) -> str:
    return f'<wsdl:message name="{name}"><wsdl:part name="{part}" element="c:{element}"/></wsdl:message>'


def wsdl(address: str) -> str:
    """The whole description, for the service at this address."""
    operations = ("Login", "Query")
    messages = "".join(
        _message(f"{name}Request", "body", name) + _message(f"{name}Reply", "body", f"{name}Response")
        for name in operations
    )
    ports = "".join(
        f'<wsdl:operation name="{name}"><wsdl:input message="c:{name}Request"/>'
        f'<wsdl:output message="c:{name}Reply"/></wsdl:operation>'
        for name in operations
    )
    bound = "".join(_operation(name, session=name != "Login") for name in operations)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<wsdl:definitions targetNamespace="{NAMESPACE}" xmlns:c="{NAMESPACE}" xmlns:o="{OBJECTS}" '
        f'xmlns:wsdl="http://schemas.xmlsoap.org/wsdl/" '
        f'xmlns:soap="http://schemas.xmlsoap.org/wsdl/soap/" xmlns:xs="http://www.w3.org/2001/XMLSchema">'
        f"<wsdl:types>{_schemas()}</wsdl:types>{_message('SessionHeader', 'Session', 'Session')}{messages}"
        f'<wsdl:portType name="ConvioPortType">{ports}</wsdl:portType>'
        f'<wsdl:binding name="ConvioBinding" type="c:ConvioPortType">'
        f'<soap:binding style="document" transport="http://schemas.xmlsoap.org/soap/http"/>{bound}</wsdl:binding>'
        f'<wsdl:service name="Convio"><wsdl:port name="Convio" binding="c:ConvioBinding">'
        f"<soap:address location={quoteattr(address)}/></wsdl:port></wsdl:service></wsdl:definitions>"
    )
