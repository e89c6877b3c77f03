"""A donor who was erased: looked for in every byte of the database, on every page, in every file and answer.

The gift came in as in earnest, through the front door; people searched, corrected, noted, exported. On both databases,
readable and sealed.
"""

import json
import re
import time

import pytest

from relay.demo import signing
from relay.ledger import search
from relay.luminate.client import Answer
from relay.providers import Delivery
from relay.status import Erased, Status
from tests.provider_cases import payloads
from tests.support.console import token
from tests.support.fortress import Fortress
from tests.support.sealed import NEW, everything

ANNA = "anna.berg@example.org"
TELLS = ("anna", "Anna", "berg", "Berg", "Alder Way", "503 555 0100", "97201", "Portland", "Alder Press", "Elm Street",
         '"4242"', "'4242'", "*4242")  # fmt: skip
CASE = ("--reason", "case 12", "--who", "ann", "--yes")
PAGES = ("", "gifts", "gifts/1", "gifts/2", "attention", "audit", "replays", "proposals", "sources", "gifts.csv",
         "audit.csv")  # fmt: skip
ANSWERS = ("entries", "entries/1", "entries/1/attempts", "entries/1/corrections", "events")
COMMANDS = (
    ("gifts", "--json", "--donor"),
    ("show", 1),
    ("show", 1, "--json"),
    ("events", "--json"),
    ("audit", "export"),
)


@pytest.fixture(params=["readable", "sealed"])
def fortress(request, database_url):
    made = Fortress(database_url, keys=(NEW,) if request.param == "sealed" else ())
    yield made
    made.database.engine.dispose()


def arrive(fortress, name):
    """A payload of Stripe's through the front door. Its ids stay, so they must not be made of a name."""
    body = payloads("stripe")[name].replace(b"Anna0", b"0").replace(b"cus_Anna", b"cus_0")
    answer = fortress.send("stripe", Delivery(body, signing.stripe_headers(body, "whsec_alder", int(time.time()))))
    assert answer.status_code == 200
    fortress.later(minutes=1)


def run(fortress, *words, code=0):
    result = fortress.app.test_cli_runner().invoke(args=[str(word) for word in words])
    assert result.exit_code == code, (result.output, result.exception)
    return result.output


def at_work(fortress):
    """Luminate refuses once, and says by name why; people find, open, export, correct, note."""
    refusal = {"code": "105", "reason": "FIELD_VALIDATION", "message": f"{ANNA}: Anna Berg's city is odd."}
    answer = json.dumps({"donationResponse": {"errors": refusal}}).encode()
    fortress.luminate.script = [lambda _parameters: Answer(403, answer)]
    fortress.post()
    browser = fortress.client("finance")
    for page in ("", "gifts?q=berg", "gifts/1", "gifts/1/events/1"):
        assert browser.get(f"/console/{page}").status_code == 200
    assert b"Berg" in browser.get("/console/gifts.csv?q=email:anna.berg").data
    fields = {"reason": "asked on the telephone", "donor.address.street1": "5 Elm Street"}
    fields |= token(browser, "/console/gifts/1/correct")
    assert browser.post("/console/gifts/1/correct", data=fields).status_code < 400
    fortress.api("alder", "POST", "/entries/search", json={"q": ANNA})
    fortress.post()
    run(fortress, "note", 1, "--reason", "seen to", "--who", "ann")


def left_of(text):
    # Digits that a moment's fraction of a second happens to have tell nothing.
    return [word for word in TELLS if re.search(rf"(?<![\d.]){re.escape(word)}(?!\d)", text)]


def shown(fortress):
    """Everything that tells of the ledger to whoever may see it."""
    browser = fortress.client("admin")
    told = [browser.get(f"/console/{page}").get_data(as_text=True) for page in PAGES]
    told += [fortress.api("alder", "GET", f"/{path}").get_data(as_text=True) for path in ANSWERS]
    return "\n".join([*told, *(run(fortress, *words) for words in COMMANDS)])


def money(fortress):
    with fortress.database.read() as tx:
        known = search.balance(tx)
    return {key: (sheet.received, sheet.posted, sheet.closed, sheet.holds) for key, sheet in known.items()}


def test_no_byte_page_or_file_tells_of_an_erased_donor(fortress):
    arrive(fortress, "charge_succeeded")
    arrive(fortress, "customer_created")
    at_work(fortress)
    arrive(fortress, "refund_created")
    fortress.post()
    assert [fortress.entry(number).status for number in (1, 2)] == [Status.POSTED, Status.POSTED]
    assert len(left_of(shown(fortress))) > 6
    before = money(fortress)

    run(fortress, "erase-donor", ANNA, *CASE)

    assert left_of(everything(fortress.database)) == []
    told = shown(fortress)
    assert left_of(told) == []
    assert "The donor is erased" in told
    assert money(fortress) == before
    assert "The audit is whole" in run(fortress, "audit", "verify")
    browser = fortress.client("finance")
    page = browser.get("/console/gifts/1/events/1")
    assert (page.status_code, "was erased on" in page.get_data(as_text=True)) == (409, True)
    assert b"Donor erased" in browser.get("/console/gifts").data
    assert b"/console/gifts/1" in browser.get("/console/gifts?q=C1").data


def test_what_a_provider_repeats_later_is_posted_and_goes_again(fortress):
    arrive(fortress, "charge_succeeded")
    fortress.post()
    run(fortress, "erase-donor", ANNA, *CASE)
    arrive(fortress, "charge_refunded_in_part")
    fortress.post()
    (sent,) = fortress.luminate.sent("refund")
    assert (sent["refund_user_confirm_code"], sent["refund_amount"]) == ("C1", "25.00")
    assert fortress.entry(2).erased is Erased.NOTHING
    fortress.relay.retention.run_due("a worker")
    assert [fortress.entry(number).erased for number in (1, 2)] == [Erased.DONOR, Erased.DONOR]
    assert left_of(everything(fortress.database)) == []


def test_a_donor_of_another_organization_is_not_erased(fortress):
    arrive(fortress, "charge_succeeded")
    fortress.post()
    refused = run(fortress, "erase-donor", ANNA, "--organization", "birch", *CASE, code=1)
    assert "There is no gift with this e-mail address in birch." in refused
    assert fortress.entry(1).donor_email == ANNA
