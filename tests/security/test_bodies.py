"""Bodies made to break, fill, stop or fool the reader: rightly signed, since a donor may have filled them."""

import gzip
import io
import json
import re
import time
import zipfile

import pytest
from defusedxml.ElementTree import fromstring
from sqlalchemy import select

from relay.demo import signing
from relay.ledger.models import entries, events
from relay.luminate.client import Answer
from relay.luminate.documents import NotADocument, parse
from relay.providers import Delivery
from relay.status import Status
from relay.telemetry import blot, mask_cards
from tests.builders import make_gift
from tests.provider_cases import payloads

CHARGE = payloads("stripe")["charge_succeeded"]
LAUGHS = "".join(f'<!ENTITY l{place} "{f"&l{place - 1};" * 10}">' for place in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "lol">{LAUGHS}]><notification><kind>&l9;</kind></notification>',
    "quadratic": f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]><notification><kind>{"&a;" * 500}</kind></notification>',
    "a file": '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><notification><kind>&f;</kind></notification>',
    "an address": '<!DOCTYPE x SYSTEM "http://169.254.169.254/x.dtd"><notification><kind>x</kind></notification>',
    "a parameter": '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]><notification><kind>x</kind></notification>',
}


def stripe(fortress, body, **headers):
    """Send it as Stripe would, rightly signed."""
    told = signing.stripe_headers(body, "whsec_alder", int(time.time()))
    return fortress.send("stripe", Delivery(body, {**told, **headers}))


def charge(**changes):
    """A charge with these fields set."""
    told = json.loads(CHARGE)
    told["data"]["object"].update(changes)
    return json.dumps(told).encode()


def rows(fortress, table):
    with fortress.database.read() as tx:
        return tx.execute(select(table)).mappings().all()


# --- size and shape -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"[" * 400_000, b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b'{"data":' + b"[" * 5000 + b"]" * 5000 + b"}"],
    ids=["open lists", "objects", "closed lists"],
)
def test_nesting_breaks_nothing_and_makes_nothing(fortress, body):
    began = time.monotonic()
    assert stripe(fortress, body).status_code in (200, 400)
    assert time.monotonic() - began < 5
    assert rows(fortress, entries) == []


def test_more_than_the_limit_is_not_read(fortress):
    assert stripe(fortress, b" " * 1_000_001).status_code == 413
    assert fortress.counts() == (0, 0)


@pytest.mark.parametrize(
    "amount",
    [
        "9" * 5000,
        "1e400",
        "-2500",
        "25.5",
        "0",
        "true",
        '"2500"',
        "[2500]",
        "NaN",
        "Infinity",
        "99999999999999999999",
        '"0x9C4"',
        "null",
    ],
)
def test_an_amount_that_is_none_is_never_posted(fortress, amount):
    """Neither as it stands nor as something that it might have meant."""
    answer = stripe(fortress, re.sub(rb'("amount(?:_captured)?":) *\d+', rb"\g<1>" + amount.encode(), CHARGE))
    assert answer.status_code in (200, 400)
    fortress.post()
    assert fortress.luminate.calls == []


def test_a_name_that_stands_twice_is_read_once(fortress):
    """Whoever reads first and whoever books must not read two different charges."""
    body = re.sub(rb'("amount(?:_captured)?":) *(\d+)', rb"\1 100, \1 \2", CHARGE)
    assert stripe(fortress, body).status_code == 200
    fortress.post()
    sent = [parameters["other_amount"] for _, parameters in fortress.luminate.calls]
    assert sent == [f"{json.loads(body)['data']['object']['amount'] / 100:.2f}"]


# --- packed ---------------------------------------------------------------------------------------------------------


def zipped(body):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("event.json", body)
    return held.getvalue()


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd", "identity, gzip"])
def test_nothing_is_unpacked(fortress, coding):
    """A thousandfold of it would fit under the limit."""
    body = gzip.compress(CHARGE[:-1] + b" " * 50_000_000 + b"}")
    assert stripe(fortress, body, **{"Content-Encoding": coding}).status_code == 400
    assert fortress.counts() == (0, 0)


def test_a_zip_with_json_in_it_is_no_json(fortress):
    assert stripe(fortress, zipped(CHARGE), **{"Content-Type": "application/zip"}).status_code == 400
    assert fortress.counts() == (0, 0)


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/json; charset=utf-7",
        "image/svg+xml",
        "\u00e9",
    ],
)
def test_the_kind_of_content_changes_nothing_about_what_is_read(fortress, kind):
    assert stripe(fortress, CHARGE, **{"Content-Type": kind}).status_code == 200
    assert fortress.counts() == (1, 1)


@pytest.mark.parametrize(
    "start", [b"\xef\xbb\xbf", b"\xff\xfe", b"\x00", b"\xc3\x28"], ids=["mark", "utf-16", "nul", "broken"]
)
def test_bytes_that_are_no_text_are_refused_or_kept_for_a_person(fortress, start):
    assert stripe(fortress, start + CHARGE).status_code in (200, 400)
    assert [entry["status"] for entry in rows(fortress, entries) if entry["status"] == "posted"] == []


# --- what stands in it ----------------------------------------------------------------------------------------------

ODD = [
    "\x00",
    "A\x00B",
    "\u202egpj.exe",
    "x" * 100_000,
    "a\r\nX-Evil: 1",
    "\u0130" * 50,
    "\x1b[2J",
    "\ufeff",
    "e\u0301" * 400,
    "A\ud83d",
    "A\udc00\ufffe\uffff\x01",
]


@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_odd_letters_in_every_text_of_a_charge_break_nothing(fortress, text):
    body = charge(description=text, receipt_email=f"{text}@example.org", billing_details={"name": text, "email": text})
    assert stripe(fortress, body).status_code == 200
    (entry,) = rows(fortress, entries)
    page = fortress.client("viewer").get(f"/console/gifts/{entry['id']}")
    assert page.status_code == 200
    assert fortress.client("finance").get("/console/gifts.csv").status_code == 200
    book = zipfile.ZipFile(io.BytesIO(fortress.client("finance").get("/console/gifts.xlsx").data))
    fromstring(book.read("xl/worksheets/sheet1.xml"))  # no letter in it that XML has none for
    assert fortress.api("alder", "GET", f"/entries/{entry['id']}").status_code == 200


def test_half_a_letter_costs_no_gift(fortress):
    body = charge(description="\ud800", billing_details={"name": "Ada \ud83d", "email": "ada@example.org"})
    assert stripe(fortress, body).status_code == 200
    (entry,), (event,) = rows(fortress, entries), rows(fortress, events)
    assert (entry["amount"], event["body"]) == (6000, body)
    assert entry["fact"]["donor"]["name"]["full"] == "Ada \ufffd"


@pytest.mark.parametrize("name", ["id", "type"])
@pytest.mark.parametrize(
    "text", ['evt_1\r\n{"event": "gift_posted", "level": "info"}', "evt_1\x1b[31m", "evt_1\u2028x"]
)
def test_an_id_writes_no_line_of_its_own_into_the_log(fortress, capsys, name, text):
    capsys.readouterr()
    stripe(fortress, json.dumps(json.loads(CHARGE) | {name: text}).encode())
    fortress.send("stripe", Delivery(b"{}", {"Stripe-Signature": "".join(text.split("\r\n"))}))
    lines = "".join(capsys.readouterr()).splitlines()
    assert lines
    assert {json.loads(line)["event"] for line in lines} <= {
        "event_stored",
        "signature_refused",
        "event_not_understood",
    }


@pytest.mark.parametrize(
    "text",
    ["@" * 200_000, "a@" * 100_000, "4" * 200_000, "4 " * 100_000, "\\u00a0" * 50_000, "%20" * 70_000, "<" * 200_000],
    ids=["at", "a@", "4", "4 blank", "escapes", "percent", "tags"],
)
def test_no_text_makes_masking_slow(text):
    """A hundred times the size must not take ten thousand times as long."""
    began = time.process_time()
    mask_cards(text.encode())
    blot(text)
    assert time.process_time() - began < 3


# --- XML ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bomb", BOMBS)
def test_xml_of_braintree_that_explodes_or_reads_a_file_is_refused(fortress, bomb):
    began = time.monotonic()
    body = signing.braintree_body(BOMBS[bomb].encode(), "private", "public")
    assert fortress.send("braintree", Delivery(body)).status_code == 400
    assert fortress.counts() == (0, 0)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("bomb", BOMBS)
def test_an_answer_of_luminate_that_explodes_leaves_the_gift_unknown(fortress, bomb):
    entry = fortress.take(make_gift())
    fortress.luminate.script = [lambda _: Answer(200, BOMBS[bomb].encode(), {})]
    fortress.post()
    after = fortress.entry(entry.id)
    assert after.status is Status.UNKNOWN
    assert len(fortress.luminate.calls) == 1
    assert "root:" not in fortress.client("finance").get(f"/console/gifts/{entry.id}").get_data(as_text=True)


@pytest.mark.parametrize("bomb", BOMBS)
def test_no_document_type_is_ever_read(bomb):
    with pytest.raises(NotADocument):
        parse(BOMBS[bomb])


@pytest.mark.parametrize(
    "answer", ["<a>" * 5000, '{"a":' * 5000, "<a " + "b='c' " * 100_000 + "/>"], ids=["tags", "json", "marks"]
)
def test_an_answer_of_luminate_that_nests_leaves_the_gift_unknown(fortress, answer):
    entry = fortress.take(make_gift())
    fortress.luminate.script = [lambda _: Answer(200, answer.encode(), {})]
    fortress.post()
    assert fortress.entry(entry.id).status is Status.UNKNOWN


def test_a_body_is_shown_as_text_that_no_browser_runs(fortress):
    stripe(fortress, charge(description="<script>alert(1)</script>"))
    (event,), (entry,) = rows(fortress, events), rows(fortress, entries)
    shown = fortress.client("finance").get(f"/console/gifts/{entry['id']}/events/{event['id']}")
    assert shown.status_code == 200
    assert (
        shown.mimetype not in {"text/html", "image/svg+xml", "application/xhtml+xml"} or b"<script>" not in shown.data
    )
    assert shown.headers["X-Content-Type-Options"] == "nosniff"
