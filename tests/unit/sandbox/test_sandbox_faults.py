"""Facts 13.9: every fault as a raw client sees it, and what the sandbox says it recorded."""

import time

import pytest
import requests

from relay.sandbox import soap
from relay.sandbox.faults import FAULTS

from . import raw
from .calling import GIFT, donation_errors

covered: set[str] = set()


def line_of(site, fault, *, recorded, answered):
    """The last call of the log, which must agree with what is held. It may end a moment after the client's side."""
    deadline = time.monotonic() + 2
    while (line := site.calls()[-1])["answered"] is not answered and time.monotonic() < deadline:
        time.sleep(0.01)
    assert (line["fault"], line["recorded"], line["answered"]) == (fault, recorded, answered)
    gifts = [gift["transaction_id"] for gift in site.donations()]
    assert gifts == ([line["transaction_id"]] if recorded else [])


def fault_table(*names):
    """Parametrizes over faults and the moments at which they may strike."""
    covered.update(names)
    return pytest.mark.parametrize(("name", "when"), [(name, when) for name in names for when in FAULTS[name]])


@fault_table("reset_before", "reset_after")
def test_a_reset_is_a_reset(site, name, when):
    site.faults({"fault": name})
    seen = raw.call(site)
    assert (seen.data, seen.end) == (b"", "reset")
    line_of(site, name, recorded=when == "after", answered=False)


@fault_table("close_before", "close_after")
def test_a_close_is_an_orderly_end_without_an_answer(site, name, when):
    site.faults({"fault": name})
    seen = raw.call(site)
    assert (seen.data, seen.end) == (b"", "closed")
    line_of(site, name, recorded=when == "after", answered=False)


@fault_table("hang")
def test_a_hang_is_silence(site, name, when):
    site.faults({"fault": name, "when": when})
    seen = raw.call(site, patience=0.2)
    assert (seen.data, seen.end) == (b"", "silence")
    line_of(site, name, recorded=when == "after", answered=False)


def test_a_hang_ends_with_a_close_when_its_time_is_up(site):
    site.faults({"fault": "hang", "seconds": 0.2})
    seen = raw.call(site, patience=2)
    assert (seen.data, seen.end) == (b"", "closed")
    assert 0.2 <= seen.seconds < 1


@fault_table("slow")
def test_slow_answers_late_and_truly(site, name, when):
    site.faults({"fault": name, "when": when, "seconds": 0.3})
    started = time.monotonic()
    assert site.add().status_code == 200
    assert time.monotonic() - started >= 0.3
    line_of(site, name, recorded=True, answered=True)


@pytest.mark.parametrize("when", ["before", "after"])
def test_slow_records_also_when_the_caller_has_given_up(site, when):
    site.faults({"fault": "slow", "when": when, "seconds": 0.3})
    with pytest.raises(requests.ReadTimeout):
        requests.post(
            f"{site.url}/{site.name}/site/SRDonationAPI",
            data=raw.request_bytes(site).partition(b"\r\n\r\n")[2],
            headers={"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"},
            timeout=0.1,
        )
    time.sleep(0.4)
    line_of(site, "slow", recorded=True, answered=False)


@fault_table("break_off_before", "break_off_after")
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_body_breaks_off(site, name, when, framing):
    site.faults({"fault": name, "variant": framing})
    assert raw.incomplete(site)
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        site.add()
    assert len(site.donations()) == (2 if when == "after" else 0)
    assert [(line["recorded"], line["answered"]) for line in site.calls()] == [(when == "after", False)] * 2


@fault_table("html")
@pytest.mark.parametrize("status", ["200", "403"])
def test_an_html_page(site, name, when, status):
    site.faults({"fault": name, "when": when, "variant": status})
    answer = site.add()
    assert answer.status_code == int(status)
    assert answer.headers["Content-Type"].startswith("text/html")
    assert answer.text.startswith("<!DOCTYPE html>")
    line_of(site, name, recorded=when == "after", answered=False)


STATUSES = [name for name in FAULTS if name.startswith("status_")]


@fault_table(*STATUSES)
def test_a_status(site, name, when):
    site.faults({"fault": name, "when": when, "retry_after": 7})
    answer = site.post("SRDonationAPI", {"method": "addOfflineDonation", **GIFT}, allow_redirects=False)
    assert answer.status_code == int(name.removeprefix("status_"))
    assert answer.headers["Retry-After"] == "7"
    assert "<html" in answer.text
    line_of(site, name, recorded=when == "after", answered=False)


@fault_table("empty_200")
def test_an_empty_200(site, name, when):
    site.faults({"fault": name, "when": when})
    answer = site.add()
    assert (answer.status_code, answer.content) == (200, b"")
    line_of(site, name, recorded=when == "after", answered=False)


@fault_table("wrong_charset")
@pytest.mark.parametrize(
    ("variant", "decodes_as", "declared"),
    [
        ("declared_latin1", "utf-8", "ISO-8859-1"),
        ("latin1_bytes", "latin-1", "UTF-8"),
        ("utf16_bytes", "utf-16", "UTF-8"),
    ],
)
def test_a_wrong_charset(site, name, when, variant, decodes_as, declared):
    site.faults({"fault": name, "variant": variant})
    answer = site.add(donor__name__first="Zoë")
    assert answer.headers["Content-Type"] == f"text/plain;charset={declared}"
    assert "Zoë" in answer.content.decode(decodes_as)
    line_of(site, name, recorded=when == "after", answered=True)


@fault_table("duplicate_answer")
def test_an_answer_comes_twice_on_one_connection(site, name, when):
    site.faults({"fault": name})
    seen = raw.call(site)
    assert seen.end == "silence"  # the connection stays open
    assert seen.data.count(b"HTTP/1.1 200 OK") == 2
    line_of(site, name, recorded=when == "after", answered=True)


@fault_table("stale_answer")
def test_an_answer_of_the_call_before(site, name, when):
    first = site.add().json()
    site.faults({"fault": name})
    assert site.add().json() == first
    assert [(line["recorded"], line["answered"]) for line in site.calls()] == [(True, True), (when == "after", False)]
    assert len(site.donations()) == 2


@fault_table("drip")
def test_a_drip_is_a_whole_answer_in_small_pieces(site, name, when):
    site.faults({"fault": name, "seconds": 0.5})
    started = time.monotonic()
    assert "donation" in site.add().json()["donationResponse"]
    assert time.monotonic() - started >= 0.4
    line_of(site, name, recorded=when == "after", answered=True)


def test_every_fault_has_a_test():
    assert covered | set(soap.FAULTS) == set(FAULTS)  # those of the web services: test_sandbox_soap.py


@pytest.mark.parametrize("name", [name for name in FAULTS if "after" in FAULTS[name] and name not in {"hang", "drip"}])
def test_a_fault_after_recording_does_not_record_what_is_refused(site, name):
    site.faults({"fault": name, "when": "after", "seconds": 0})
    raw.call(site, patience=0.1, form_id="9")
    assert site.donations() == []
    assert site.calls()[-1]["recorded"] is False
    assert site.calls()[-1]["error"] == 101


def test_a_fault_strikes_a_refund_likewise(site):
    code = site.code()
    site.faults({"fault": "empty_200", "when": "after", "method": "refundOfflineDonation"})
    site.refund(code, refund_amount="5")
    assert site.donations()[0]["current_amount"] == "20.00"
    line = site.calls()[-1]
    assert (line["recorded"], line["answered"], line["refund_user_confirm_code"]) == (True, False, code)


def test_a_fault_may_be_for_one_method_one_organization_or_one_donor(site):
    site.faults(
        {"fault": "status_502", "method": "getUserTransactions"},
        {"fault": "status_503", "match": {"donor.email": "eve@example.org"}},
        {"fault": "status_500", "organization": "another"},
    )
    assert site.transactions().status_code == 502
    assert site.add().status_code == 200
    assert site.add(donor__email="eve@example.org").status_code == 503


def test_a_fault_strikes_as_often_as_it_is_told(site):
    site.faults({"fault": "status_502", "times": 2}, {"fault": "status_503", "times": 1})
    assert [site.add().status_code for _ in range(4)] == [502, 502, 503, 200]
    shown = requests.get(f"{site.url}/sandbox/faults", timeout=5).json()["faults"]
    assert [(fault["fault"], fault["fired"]) for fault in shown] == [("status_502", 2), ("status_503", 1)]


def test_a_seed_repeats_the_throws(site):
    def statuses():
        site.faults({"fault": "status_502", "probability": 0.5}, seed=7)
        return [site.add().status_code for _ in range(40)]

    first = statuses()
    assert statuses() == first
    assert 5 < first.count(502) < 35


def test_no_fault_is_left_after_delete(site):
    site.faults({"fault": "status_502"})
    requests.delete(f"{site.url}/sandbox/faults", timeout=5)
    assert site.add().status_code == 200
    assert requests.get(f"{site.url}/sandbox/faults", timeout=5).json() == {"faults": [], "seed": None}


def test_the_log_tells_which_gift_lost_its_answer(site):
    site.faults({"fault": "close_after", "match": {"sub_source": "ch_2"}})
    for sub_source in ("ch_1", "ch_2", "ch_3"):
        raw.call(site, patience=0.1, sub_source=sub_source)
    lost = [line["sub_source"] for line in site.calls() if line["recorded"] and not line["answered"]]
    assert lost == ["ch_2"]


def test_a_connection_can_be_used_after_an_error_page(site):
    site.faults({"fault": "status_503", "times": 1})
    site.add()
    assert donation_errors(site.add(donor__email=None)) == ["An email address is required."]
