"""Reading gifts back over SOAP: against the sandbox's web services, and against services that are not as described."""

import contextlib
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config import LuminateSettings
from relay.errors import MaybeSent, NotSent, ReadRefused
from relay.luminate import soap
from relay.luminate.client import Answer
from relay.luminate.soap import MAX_PAGES, PAGE_SIZE, PATIENCE, SoapReader, query_text
from relay.sandbox.soap_wsdl import wsdl

BEGIN, END = datetime(2026, 2, 1, 12, tzinfo=UTC), datetime(2026, 2, 1, 13, tzinfo=UTC)


def settings(url, **changed):
    fields = {
        "url": "https://nobody.invalid/charity/site",
        "api_key": "k",
        "login_name": "n",
        "login_password": "p",
        "soap_url": url,
        "soap_user": "demo-soap-user",
        "soap_password": "demo-soap-password",
        "connect_timeout": 2,
        "read_timeout": 2,
    }
    return LuminateSettings(**(fields | changed))


@pytest.fixture
def connect():
    """Readers that are closed in the end; ``waited`` holds what they have slept."""
    readers = []

    def connect(url, **changed):
        waited = []
        readers.append(SoapReader(settings(url, **changed), sleep=waited.append))
        readers[-1].waited = waited
        return readers[-1]

    yield connect
    for reader in readers:
        reader.close()


@pytest.fixture
def reader(site, connect):
    return connect(f"{site.url}/1.0/{site.name}")


def seen(reader, amount=None, form_id="", hours=1):
    now = datetime.now(UTC)
    return reader.seen(
        begin=now - timedelta(hours=hours), end=now + timedelta(hours=hours), amount=amount, form_id=form_id
    )


def refusal(reader, **more):
    with pytest.raises(ReadRefused) as refused:
        seen(reader, **more)
    return refused.value


def logins(site):
    return [call["method"] for call in site.calls()].count("Login")


# --- against the sandbox --------------------------------------------------------------------------------------------


def test_a_gift_is_seen_with_everything_that_luminate_shows(site, reader):
    site.switch(sub_source_readable="true")
    code = site.code(
        other_amount="12.34", offline_payment_method="credit", card_number="************4242", sub_source="ch_1",
        donor__name__first="Åsa & <Co>",
    )  # fmt: skip
    (row,) = seen(reader)
    assert (row.kind, row.confirmation_code, row.transaction_id) == ("DONATION", code, code.rpartition("-")[2])
    assert (row.amount, row.tender, row.last4) == (Decimal("12.34"), "credit", "4242")
    assert (row.email, row.form_id, row.sub_source) == ("ada@example.org", "1260", "ch_1")
    assert (row.creation_method, row.billing_name, row.check_number) == ("0", "Åsa & <Co> Lovelace", "")
    assert abs(row.at - datetime.now(UTC)) < timedelta(minutes=5)
    assert row.at.utcoffset() == timedelta(0)


def test_no_gift_is_no_row(reader):
    assert seen(reader) == ()


def test_a_sub_source_that_is_not_readable_is_blank(site, reader):
    site.code(sub_source="ch_1")
    assert [row.sub_source for row in seen(reader)] == [""]


def test_look_alike_gifts_of_any_donor_are_all_seen(site, reader):
    codes = {site.code(donor__email=f"{name}@example.org") for name in ("ada", "bea", "bea")}
    assert {row.confirmation_code for row in seen(reader)} == codes


def test_only_gifts_of_this_amount_and_form_are_seen(site, reader):
    for amount in ("24.99", "25.00", "25.01", "250.00"):
        site.code(other_amount=amount)
    site.code(form_id="1261", level_id="1530", other_amount="25.00")
    assert [row.amount for row in seen(reader, amount=Decimal("25.00"))] == [Decimal(25), Decimal(25)]
    assert [row.form_id for row in seen(reader, amount=Decimal(25), form_id="1261")] == ["1261"]
    assert len(seen(reader, form_id="1260")) == 4


def test_only_the_window_is_seen(site, reader):
    site.code()
    now = datetime.now(UTC)
    later = {"begin": now + timedelta(hours=1), "end": now + timedelta(hours=2)}
    assert reader.seen(**later, amount=None) == ()


def test_more_gifts_than_a_page_holds_are_all_seen_once(site, reader):
    codes = {site.code() for _ in range(PAGE_SIZE + 3)}
    rows = seen(reader)
    assert {row.confirmation_code for row in rows} == codes
    assert len(rows) == PAGE_SIZE + 3


def test_a_gift_shows_when_the_read_back_delay_is_over(site, reader):
    site.switch(read_back_delay_s="5")
    site.code()
    assert seen(reader) == ()
    site.session.post(f"{site.url}/sandbox/clock", json={"advance_seconds": 6}, timeout=5)
    assert len(seen(reader)) == 1


def test_one_login_serves_many_look_ups(site, reader):
    for _ in range(3):
        seen(reader)
    assert logins(site) == 1


@pytest.mark.parametrize("status", ["200", "500"])
def test_a_session_that_has_ended_is_opened_again_once(site, reader, status):
    site.switch(soap_fault_http=status)
    site.code()
    seen(reader)
    site.faults({"fault": "soap_session", "method": "Query", "times": 1})
    assert len(seen(reader)) == 1
    assert logins(site) == 2
    site.faults({"fault": "soap_session", "method": "Query"})
    assert refusal(reader).reason == "session_lost"
    assert logins(site) == 3


@pytest.mark.parametrize("method", ["Login", "Query"])
def test_another_session_of_the_account_is_waited_for_but_not_for_ever(site, reader, method):
    site.code()
    site.faults({"fault": "soap_conflict", "method": method, "times": 2})
    assert len(seen(reader)) == 1
    assert reader.waited == list(PATIENCE[:2])
    site.faults({"fault": "soap_conflict"})
    refused = refusal(reader)
    assert refused.reason == "session_in_use"
    assert "active synchronization session" in refused.luminate_says
    assert reader.waited == [*PATIENCE[:2], *PATIENCE]


@pytest.mark.parametrize("status", ["200", "500"])
def test_an_account_that_is_not_accepted_is_a_refusal_without_the_password(site, connect, status):
    site.switch(soap_fault_http=status)
    refused = refusal(connect(f"{site.url}/1.0/{site.name}", soap_password="no-&<word"))
    assert refused.reason == "not_permitted"
    assert "no-&" not in f"{refused} {refused.luminate_says} {refused.__cause__}"


def test_a_machine_that_is_not_on_the_list_is_blocked(site, reader):
    site.set(soap_ip_allow=["203.0.113.0/24"])
    assert refusal(reader).reason == "blocked"


def test_a_query_that_is_not_understood_is_a_refusal(site, reader, monkeypatch):
    monkeypatch.setattr(soap, "FIELDS", ("TransactionId", "Payment.CheckNumber"))
    refused = refusal(reader)
    assert (refused.reason, refused.luminate_says) == ("refused", "Donation has no field Payment.CheckNumber.")


@pytest.mark.parametrize("fault", ["html", "status_500", "status_302", "empty_200"])
def test_an_answer_that_is_no_envelope_is_a_refusal(site, reader, fault):
    site.faults({"fault": fault, "method": "Query"})
    assert refusal(reader).reason == "unreadable"


@pytest.mark.parametrize("fault", ["reset_before", "close_after", "break_off_after", "hang"])
@pytest.mark.parametrize("method", ["Login", "Query"])
def test_a_lost_answer_is_named_like_that_of_a_write(site, connect, fault, method):
    site.faults({"fault": fault, "method": method})
    with pytest.raises(MaybeSent):
        seen(connect(f"{site.url}/1.0/{site.name}", read_timeout=0.3))


def test_an_unknown_host_is_not_sent(connect):
    with pytest.raises(NotSent):
        seen(connect("http://nobody.invalid/1.0/charity"))


def test_the_doctor_s_check_logs_in_anew_and_asks_for_every_field(site, reader):
    for step in (reader.enter, reader.look) * 2:
        step()
    assert [call["method"] for call in site.calls()] == ["Login", "Query", "Login", "Query"]
    site.set(logins={"demo-soap-user": {"password": "changed"}})
    with pytest.raises(ReadRefused) as refused:
        reader.enter()
    assert refused.value.reason == "not_permitted"


def test_threads_share_a_reader(site, reader):
    site.code()
    found = []
    threads = [threading.Thread(target=lambda: found.append(len(seen(reader)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [1] * 8
    assert logins(site) == 1


def test_zeep_is_loaded_by_the_first_look_up_only():
    program = "import sys, relay.luminate.soap; sys.exit('zeep' in sys.modules or 'lxml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


# --- services that are not as described -----------------------------------------------------------------------------


@pytest.fixture
def serve():
    """A server that answers each path with one text, or with a status and headers; ``asked`` are the paths."""
    servers = []

    def serve(answers):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.server.asked.append(self.path)
                status, headers, text = answers.get(self.path, (404, {}, ""))
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(text.encode()))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text.encode())

            def do_POST(self):
                self.rfile.read(int(self.headers["Content-Length"]))
                self.do_GET()

            def log_message(self, *_args):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.asked = []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


GOOD = wsdl("http://127.0.0.1:1/1.0/elsewhere")
IMPORT = '<wsdl:import namespace="urn:x" location="{}"/><wsdl:types>'


@pytest.mark.parametrize(
    "description",
    [
        "",
        "<html><body>Maintenance</body></html>",
        "<wsdl:definitions",
        GOOD.replace('operation name="Query"', 'operation name="Ask"'),
        GOOD.replace("soap:binding ", "soap:other "),
        GOOD.replace("UserName", "User"),
        GOOD.replace("<wsdl:definitions", "<!DOCTYPE a [<!ENTITY b 'c'>]><wsdl:definitions"),
        GOOD.replace("<wsdl:definitions", "<!DOCTYPE a SYSTEM 'file:///etc/passwd'><wsdl:definitions"),
        GOOD.replace("<wsdl:types>", IMPORT.format("http://127.0.0.1:9/other.wsdl")),
        GOOD.replace("<wsdl:types>", IMPORT.format("/etc/hostname").replace("/etc", "file:///etc")),
    ],
)
def test_a_description_of_something_else_is_a_refusal(serve, connect, description):
    server = serve({"/1.0/acme/wsdl": (200, {}, description)})
    assert refusal(connect(f"{server.url}/1.0/acme")).reason == "unreadable"
    assert server.asked == ["/1.0/acme/wsdl"]


def test_a_redirect_is_not_followed(serve, connect):
    server = serve({"/1.0/acme/wsdl": (302, {"Location": "/there"}, ""), "/there": (200, {}, GOOD)})
    assert refusal(connect(f"{server.url}/1.0/acme")).reason == "unreadable"
    assert server.asked == ["/1.0/acme/wsdl"]


def test_a_part_of_the_description_on_the_same_host_is_read(serve, connect):
    part = '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:x"/>'
    whole = GOOD.replace(
        "</wsdl:types>",
        '<xs:schema><xs:import namespace="urn:x" schemaLocation="/1.0/acme/part.xsd"/></xs:schema></wsdl:types>',
    )
    server = serve({"/1.0/acme/wsdl": (200, {}, whole), "/1.0/acme/part.xsd": (200, {}, part)})
    assert refusal(connect(f"{server.url}/1.0/acme")).reason == "unreadable"
    assert server.asked == ["/1.0/acme/wsdl", "/1.0/acme/part.xsd", "/1.0/acme"]


def test_credentials_go_to_the_configured_address_whatever_the_description_names(serve, connect):
    server = serve({"/1.0/acme/wsdl": (200, {}, GOOD)})
    assert refusal(connect(f"{server.url}/1.0/acme")).reason == "unreadable"
    assert server.asked == ["/1.0/acme/wsdl", "/1.0/acme"]


def test_a_description_that_could_not_be_had_is_asked_for_again(serve, connect):
    answers = {"/1.0/acme/wsdl": (503, {}, "")}
    server = serve(answers)
    reader = connect(f"{server.url}/1.0/acme")
    assert refusal(reader).reason == "unreadable"
    answers["/1.0/acme/wsdl"] = (200, {}, GOOD)
    refusal(reader)
    assert server.asked == ["/1.0/acme/wsdl"] * 2 + ["/1.0/acme"]


# --- the query ------------------------------------------------------------------------------------------------------


def test_the_query_asks_for_the_window_a_cent_around_the_amount_and_the_form():
    text = query_text(BEGIN, END, Decimal("25.00"), "1260")
    assert text.partition(" where ")[2] == (
        "Payment.PaymentDate >= 2026-01-31T12:00:00Z and Payment.PaymentDate <= 2026-02-02T13:00:00Z"
        " and Payment.Amount >= 24.99 and Payment.Amount <= 25.01 and FormId = 1260"
    )


def test_the_query_holds_plain_numbers_only():
    assert "Amount >= 0 and Payment.Amount <= 0.01" in query_text(BEGIN, END, Decimal(0), "")
    assert "Amount <= 1200000.01" in query_text(BEGIN, END, Decimal("12E5"), "")
    for form_id in ("1 or FormId > 0", "1'", "-1", "१"):
        with pytest.raises(ReadRefused):
            query_text(BEGIN, END, None, form_id)


# --- answers the sandbox does not give ------------------------------------------------------------------------------


class Scripted:
    """Web services whose answers are written down: one for each page."""

    def __init__(self, *bodies):
        self.bodies = list(bodies)

    def login(self, *_):
        return answer("<LoginResponse><Result><SessionId>s</SessionId></Result></LoginResponse>")

    def query(self, *_, page, **_more):
        return answer(self.bodies[page - 1])


def answer(body, status=200):
    return Answer(status, f'<E:Envelope xmlns:E="urn:e"><E:Body>{body}</E:Body></E:Envelope>'.encode())


def scripted(*bodies):
    reader = SoapReader(settings("http://nobody.invalid/1.0/x"))
    reader._service = Scripted(*bodies)
    return reader


def record(number=1, at="2026-02-01T06:30:00-06:00", amount="25.0000"):
    payment = f"<Amount>{amount}</Amount><CreationDate>{at}</CreationDate>"
    return f"<Record><TransactionId>{number}</TransactionId><Payment>{payment}</Payment></Record>"


def page(*found):
    return f"<QueryResponse>{''.join(found)}</QueryResponse>"


def window(reader, amount=None):
    return reader.seen(begin=BEGIN, end=END, amount=amount)


def test_a_lone_record_with_four_decimals_and_an_offset_is_read():
    (row,) = window(scripted(page(record())), Decimal(25))
    assert (row.transaction_id, row.amount) == ("1", Decimal(25))
    assert row.at == datetime(2026, 2, 1, 12, 30, tzinfo=UTC)


def test_records_inside_a_result_are_read():
    rows = window(scripted(f"<QueryResponse><Result>{record(1)}{record(2)}</Result></QueryResponse>"))
    assert [row.transaction_id for row in rows] == ["1", "2"]


def test_a_record_without_a_moment_stays_and_one_outside_the_window_does_not():
    found = page(record(1, at=""), record(2, at="2026-02-01T12:30:00"), record(3, at="2026-01-31T12:30:00Z"))
    assert [row.transaction_id for row in window(scripted(found))] == ["1", "2"]


def test_a_list_without_end_proves_nothing():
    pages = [page(*(record(place * 1000 + number) for number in range(PAGE_SIZE))) for place in range(MAX_PAGES + 1)]
    with pytest.raises(ReadRefused) as refused:
        window(scripted(*pages))
    assert refused.value.reason == "too_many_rows"


@pytest.mark.parametrize("body", ["<QueryResponse/>", "<QueryResponse><Result/></QueryResponse>"])
def test_an_empty_answer_is_no_row(body):
    assert window(scripted(body)) == ()


@pytest.mark.parametrize(
    "body",
    [
        "",
        "<LoginResponse/>",
        "<QueryResponse>words</QueryResponse>",
        "<QueryResponse><Count>1</Count></QueryResponse>",
        page("<Record/>"),
        page("<Record>words</Record>"),
        page(record(number="")),
        page(record(amount="")),
        page(record(amount="$25")),
        "<Broken>",
        "<!DOCTYPE x>",
    ],
)
def test_what_could_hide_a_gift_proves_nothing(body):
    with pytest.raises(ReadRefused) as refused:
        window(scripted(body))
    assert refused.value.reason == "unreadable"


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("<faultcode>fns:SESSION</faultcode>", "session_lost"),
        ("<faultcode>SESSION</faultcode>", "session_lost"),
        ("<faultcode>x</faultcode><detail><SessionFault/></detail>", "session_lost"),
        ("<faultcode>fns:LOGIN</faultcode>", "not_permitted"),
        ("<faultcode>x</faultcode><detail><LoginFault><a>1</a></LoginFault></detail>", "not_permitted"),
        ("<faultcode>x</faultcode><detail><SessionLimitFault/></detail>", "session_in_use"),
        (
            "<faultstring>An active synchronization session already exists for Partition X</faultstring>",
            "session_in_use",
        ),
        ("<faultcode>MALFORMED_MESSAGE</faultcode>", "refused"),
        ("<faultcode>SERVER</faultcode><faultstring>Oops</faultstring>", "refused"),
        ("", "refused"),
    ],
)
def test_faults_have_reasons(fault, reason):
    with pytest.raises(ReadRefused) as refused:
        soap._response(answer(f"<Fault>{fault}</Fault>", 500), "QueryResponse")
    assert refused.value.reason == reason


@given(st.binary(max_size=300), st.sampled_from([200, 404, 500]))
def test_no_bytes_lead_out_of_the_tree_of_errors(body, status):
    with contextlib.suppress(ReadRefused):
        assert soap._records(soap._response(Answer(status, body), "QueryResponse")) == []
