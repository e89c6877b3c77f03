"""The doors for tests under /sandbox, and the page for people."""

from pathlib import Path

import pytest
import requests

from relay.sandbox.switches import SWITCHES


def refused(site, door, body):
    """The sentence of a 400."""
    kind = {"data": body} if isinstance(body, str) else {"json": body}
    answer = requests.post(f"{site.url}/sandbox/{door}", timeout=5, **kind)
    assert answer.status_code == 400
    assert "Traceback" not in answer.text
    sentence = answer.json()["error"]
    assert sentence.endswith(".")
    return sentence


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("{not json", "not JSON"),
        ("", "not JSON"),
        ([], "must be a JSON object"),
        ({"colour": "red"}, "it has switches, api_key, logins, ip_allow, soap_ip_allow, forms"),
        ({"switches": {"colour": "red"}}, "the switches are ambiguous_email, amount_text"),
        ({"switches": {"throttle": "fast"}}, "positions none, 429, 503_html, slow"),
        ({"switches": "x"}, "must be a JSON object"),
        ({"api_key": 5}, "must be a text"),
        ({"ip_allow": "127.0.0.1"}, "must be a list"),
        ({"ip_allow": ["everybody"]}, "an address or a range"),
        ({"logins": {"a": {"rights": ["delete"]}}}, "one of add, refund, read"),
        ({"logins": {"a": {"secret": "x"}}}, "it has password, rights"),
        ({"forms": {"1": {"kind": "paper"}}}, "one of online_offline, offline_only, online_only"),
        ({"forms": {"1": {"levels": {"2": {"amount": 25.0}}}}}, '"25.00"'),
        ({"forms": {"1": {"published": "yes"}}}, "true or false"),
        ({"designees": {"1": {"archived": 1}}}, "true or false"),
        ({"designation_types": {"1": {"sort": -1}}}, "a whole number"),
        ({"constituents": [{"first": "Ada"}]}, "needs an email"),
    ],
)
def test_settings_that_do_not_fit_are_refused_in_a_sentence(site, body, says):
    assert says in refused(site, f"organizations/{site.name}", body)


def test_a_refused_change_changes_nothing(site):
    before = requests.get(f"{site.url}/sandbox/organizations/{site.name}", timeout=5).json()
    site.set(api_key="new", switches={"throttle": "429"}, ip_allow=["nonsense"])
    assert requests.get(f"{site.url}/sandbox/organizations/{site.name}", timeout=5).json() == before


def test_only_given_keys_change(site):
    changed = site.set(
        api_key="new-key",
        logins={
            "demo-addonly": None,
            "demo-api-user": {"rights": ["add"]},
            "mine": {"password": "p", "rights": ["add"]},
        },
        forms={"1260": {"levels": {"1523": {"minimum": "10.00"}}}, "1263": None, "1300": {"kind": "offline_only"}},
        designees={"1001": {"archived": True}},
    ).json()
    assert changed["api_key"] == "new-key"
    assert sorted(changed["logins"]) == ["demo-api-user", "demo-other-user", "demo-readonly", "demo-soap-user", "mine"]
    assert changed["logins"]["demo-api-user"] == {"password": "demo-api-password", "rights": ["add"]}
    assert sorted(changed["forms"]) == ["1260", "1261", "1262", "1300"]
    assert changed["forms"]["1260"]["levels"]["1523"]["minimum"] == "10.00"
    assert changed["forms"]["1260"]["levels"]["1522"]["amount"] == "100.00"
    assert changed["designees"]["1001"] == {"name": "Library", "type_id": "11", "archived": True}
    assert site.add(api_key="new-key", other_amount="9.99").status_code == 403
    assert site.add(api_key="new-key", other_amount="10").status_code == 200


def test_what_is_shown_can_be_posted_back(site):
    shown = requests.get(f"{site.url}/sandbox/organizations/{site.name}", timeout=5).json()
    name = shown.pop("organization")
    assert name == site.name
    assert site.set(**shown).json() == {"organization": name, **shown}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("nonsense", "not JSON"),
        ({}, '"faults"'),
        ({"faults": {}}, "must be a list"),
        ({"faults": [{}]}, "must name its fault"),
        ({"faults": [{"fault": "explode"}]}, "one of hang, slow, reset_before"),
        ({"faults": [{"fault": "hang", "colour": 1}]}, "it has fault, when, method"),
        ({"faults": [{"fault": "hang", "when": "later"}]}, "one of before, after"),
        ({"faults": [{"fault": "reset_before", "when": "after"}]}, "before the recording only"),
        ({"faults": [{"fault": "hang", "probability": 2}]}, "from 0 to 1"),
        ({"faults": [{"fault": "hang", "times": -1}]}, "a whole number"),
        ({"faults": [{"fault": "hang", "seconds": "long"}]}, "a number"),
        ({"faults": [{"fault": "hang", "method": "add"}]}, "addOfflineDonation"),
        ({"faults": [{"fault": "hang", "match": ["x"]}]}, "a JSON object"),
        ({"faults": [{"fault": "html", "variant": "500"}]}, "200, 403"),
        ({"faults": [], "seed": "x"}, "a whole number"),
    ],
)
def test_faults_that_do_not_fit_are_refused_in_a_sentence(site, body, says):
    site.faults({"fault": "slow"})
    assert says in refused(site, "faults", body)
    shown = requests.get(f"{site.url}/sandbox/faults", timeout=5).json()["faults"]
    assert [fault["fault"] for fault in shown] == ["slow"]


@pytest.mark.parametrize(("verb", "path", "status"), [("GET", "nowhere", 404), ("DELETE", "donations", 405)])
def test_unknown_doors(site, verb, path, status):
    answer = requests.request(verb, f"{site.url}/sandbox/{path}", timeout=5)
    assert answer.status_code == status
    assert answer.json()["error"].endswith(".")


def test_the_clock_takes_a_number(site):
    assert "a number" in refused(site, "clock", {"advance_seconds": "1h"})


def test_one_organization_can_be_reset_alone(site):
    site.add()
    site.switch(enforce_validation="true")
    other = f"{site.name}-other"
    requests.post(f"{site.url}/sandbox/organizations/{other}", json={"api_key": "kept"}, timeout=5)
    answer = requests.post(f"{site.url}/sandbox/reset", json={"organization": site.name}, timeout=5)
    assert answer.json() == {"reset": True}
    assert (site.donations(), site.calls(), site.counts()["gifts"], site.counts()["calls"]) == ([], [], 0, 0)
    assert site.add().status_code == 200
    assert requests.get(f"{site.url}/sandbox/organizations/{other}", timeout=5).json()["api_key"] == "kept"
    assert "must be a JSON object" in refused(site, "reset", [1])


def test_organizations_are_listed(site):
    site.add()
    listed = requests.get(f"{site.url}/sandbox/organizations", timeout=5).json()["organizations"]
    assert site.name in listed


def test_the_page_shows_gifts_and_defaults_and_escapes_what_donors_write(site):
    site.add(donor__name__first="<script>alert(1)</script>", other_amount="31.07", designated__1__id="1001",
             designated__1__amount="31")  # fmt: skip
    site.refund(site.code(other_amount="8.00"))
    page = requests.get(f"{site.url}/", timeout=5)
    assert page.headers["Content-Type"] == "text/html;charset=UTF-8"
    assert "<script" not in page.text
    for text in (
        "&lt;script&gt;",
        "31.07",
        "1001: 31.00",
        "8.00 (full)",
        "demo-api-key",
        "demo-other-password",
        "1262",
    ):
        assert text in page.text


def test_a_donation_has_every_documented_key(site):
    site.refund(site.code(sub_source="ch_1"), refund_amount="5")
    gift = site.donations()[0]
    assert {"organization", "confirmation_code", "transaction_id", "cons_id", "form_id", "level_id", "amount", "email",
            "designations", "refunds", "params", "login", "recorded_at", "current_amount"} <= set(gift)  # fmt: skip
    assert {"amount", "recorded_at", "full"} <= set(gift["refunds"][0])
    assert (gift["organization"], gift["amount"], gift["current_amount"]) == (site.name, "25.00", "20.00")
    assert {"n", "organization", "method", "recorded", "fault", "answered", "sub_source", "refund_user_confirm_code",
            "transaction_id", "at"} <= set(site.calls()[0])  # fmt: skip


def test_every_switch_is_described_in_the_documentation():
    text = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")
    for name, positions in SWITCHES.items():
        [row] = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert all(position in row for position in positions), name
