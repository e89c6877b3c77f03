"""Every list of Luminate that may show a gift is read: of the form by SOAP, of the donor by each key there is.

A gift is found by any of them; absent it is only by all of them.
"""

import contextlib
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from relay.config import FormLevel
from relay.errors import MaybeSent, ReadRefused
from relay.gifts import Donor, Tender, TenderKind
from relay.ledger import entries
from relay.luminate.client import LuminateClient
from relay.luminate.readback import RestReader
from relay.luminate.seen import Seen
from relay.luminate.soap import SoapReader
from relay.outbound.probing import Probing
from relay.sandbox.fault_shapes import faults
from relay.status import Status
from tests.builders import DONOR, make_gift, make_luminate, make_organization, make_refund, make_relay
from tests.fakes import donation
from tests.service.test_probing import FakeReader, unknown

CARD = Tender(kind=TenderKind.CARD, last4="4242")
SEVERAL = ReadRefused("several_constituents", "More than one constituent matches.")
OURS, STRANGERS = "mary@example.org", "stranger@example.org"


class FakeSoap:
    """Shows what a test put there, or refuses."""

    def __init__(self, *rows):
        self.rows, self.refuses, self.asked = rows, None, []

    def seen(self, *, begin, end, amount, form_id=""):
        self.asked.append((amount, form_id))
        if self.refuses and amount is None:
            raise self.refuses
        return tuple(row for row in self.rows if amount in (None, row.amount) and begin <= row.at <= end)


@pytest.fixture
def reader(relay):
    return FakeReader(relay)


def at(relay):
    return relay.attempts()[-1]["started_at"]


def in_form(relay, code, sub_source="", email="", amount="25.00", **more):
    told = {"sub_source": sub_source, "email": email, "form_id": "1", "creation_method": "0", "by_form": True}
    row = Seen(kind="DONATION", confirmation_code=code, amount=Decimal(amount), at=at(relay), transaction_id=code)
    return replace(row, **told | more)


def look_up(relay, reader, soap=None):
    """Long after the settling time."""
    relay.later(hours=1)
    return Probing(relay.database, relay.organization, reader, soap).run()


# --- our own id in the list of the form -----------------------------------------------------------------------------


@pytest.mark.parametrize("sub_source", ["ch_1", "CH_1"])
@pytest.mark.parametrize("told", [{"email": "mary@new.example.org"}, {"tender": "cash", "email": ""}])
def test_our_own_id_tells_whose_it_is_whatever_else_is_told(relay, reader, sub_source, told):
    """The address of a constituent changes; a cons_id that was sent wins over the address; a site changes case."""
    entry = unknown(relay, "lost")
    assert look_up(relay, reader, FakeSoap(in_form(relay, "C1", sub_source, **told))).recorded == [entry.id]
    assert relay.entry(entry.id).luminate_transaction_id == "C1"
    assert reader.asked == []  # nothing else needs to be read


@pytest.fixture
def templated(sqlite_url):
    template = make_luminate(sub_source="{provider}-{provider_transaction_id}-{organization}")
    return make_relay(sqlite_url, make_organization(luminate=template))


@pytest.mark.parametrize(
    ("cut", "recorded"),
    [("acme-ch_1-al", [1]), ("acme-ch_1-", [1]), ("acme-ch_1", []), ("acme-ch", []), ("-ch_1-", [])],
)
def test_a_sub_source_that_was_cut_off_is_ours_if_it_has_our_whole_id(templated, cut, recorded):
    unknown(templated, "lost")
    shown = in_form(templated, "C1", cut, "mary@new.example.org")
    assert look_up(templated, FakeReader(templated), FakeSoap(shown)).recorded == recorded


@pytest.mark.parametrize("spelt", ["acme-ch", "acme-ch_1", "ch_1", "something else"])
def test_a_gift_of_the_donor_under_a_sub_source_that_may_be_ours_proves_nothing(templated, spelt):
    entry = unknown(templated, "lost")
    probed = look_up(templated, FakeReader(templated), FakeSoap(in_form(templated, "C1", spelt, OURS)))
    assert (probed.later, probed.absent) == ([entry.id], [])


def test_a_gift_under_our_own_id_with_another_amount_proves_nothing(relay, reader):
    entry = unknown(relay, "lost")
    soap = FakeSoap(in_form(relay, "C1", "ch_1", OURS, amount="100.00"), in_form(relay, "X", "ch_9", STRANGERS))
    assert look_up(relay, reader, soap).later == [entry.id]
    assert soap.asked == [(None, "1")]


@pytest.mark.parametrize("method", ["1", "2"])
@pytest.mark.parametrize("sub_source", ["", "ch_1"])
def test_a_gift_that_was_not_made_offline_is_a_person_s(relay, reader, method, sub_source):
    entry = unknown(relay, "lost")
    soap = FakeSoap(in_form(relay, "WEB", sub_source, OURS, creation_method=method))
    assert look_up(relay, reader, soap).person == [entry.id]
    found = relay.entry(entry.id)
    assert (found.status, found.reason) == (Status.UNKNOWN, "look_alikes")
    assert "made online" in found.reason_text


def test_our_own_id_under_a_code_that_another_gift_of_the_donor_has_is_a_person_s(relay, reader):
    relay.luminate.script = [lambda _parameters: donation("C1", "25.00")]
    relay.take(make_gift(keys=("ch_0",), tender=CARD))
    relay.post()
    entry = unknown(relay, "recorded", keys=("ch_2",))
    assert look_up(relay, reader, FakeSoap(in_form(relay, "C1", "ch_2", OURS))).person == [entry.id]
    assert relay.entry(entry.id).reason == "answers_mixed_up"


# --- both lists -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("others", [[], [("X", "ch_9", STRANGERS)], [("X", "ch_9", STRANGERS, "3.00")]])
def test_what_the_form_does_not_show_the_donor_s_list_may(relay, reader, others):
    entry = unknown(relay, "recorded")
    soap = FakeSoap(*(in_form(relay, *other) for other in others))
    assert look_up(relay, reader, soap).recorded == [entry.id]


def test_a_stranger_s_gift_on_the_form_is_neither_ours_nor_in_the_way(relay, reader):
    entry = unknown(relay, "lost")
    soap = FakeSoap(in_form(relay, "X", "", STRANGERS), in_form(relay, "Y", "", "", amount="3.00"))
    assert look_up(relay, reader, soap).absent == [entry.id]


def test_an_equal_gift_of_nobody_s_address_is_not_ours_and_proves_nothing(relay, reader):
    entry = unknown(relay, "lost")
    assert look_up(relay, reader, FakeSoap(in_form(relay, "X"))).later == [entry.id]


def test_one_gift_that_both_lists_show_is_one(relay, reader):
    entry = unknown(relay, "recorded")
    soap = FakeSoap(in_form(relay, "C1", "", "mary@new.example.org", last4="4242"))
    assert look_up(relay, reader, soap).recorded == [entry.id]
    assert relay.entry(entry.id).luminate_transaction_id == "C1"


def test_what_one_list_tells_counts_for_the_row_of_the_other(relay, reader):
    """The donor's list tells no sub-source: it is another gift of the same donor, so a person must say."""
    entry = unknown(relay, "recorded")
    soap = FakeSoap(in_form(relay, "C1", "ch_9", OURS))
    probed = look_up(relay, reader, soap)
    assert (probed.recorded, probed.later) == ([], [entry.id])


def test_a_person_is_shown_no_strangers(relay, reader):
    entry = unknown(relay, "recorded")
    soap = FakeSoap(in_form(relay, "C1", "", OURS), in_form(relay, "X", "ch_9", STRANGERS), in_form(relay, "Y", "", ""))
    shown = Probing(relay.database, relay.organization, reader, soap).look(relay.entry(entry.id))
    assert sorted(row.confirmation_code for row in shown) == ["C1", "Y"]


def test_refunds_are_read_in_the_donor_s_list_only(relay, reader):
    relay.take(make_gift())
    relay.post()
    relay.luminate.script = ["recorded"]
    relay.take(make_refund("5.00"))
    relay.post()
    soap = FakeSoap()
    assert look_up(relay, reader, soap).recorded == [2]
    assert soap.asked == []


# --- one of them refused --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("sub_source", ["ch_1", ""])
def test_the_form_s_list_finds_what_the_donor_s_must_not_show(relay, reader, sub_source):
    entry = unknown(relay, "recorded")
    reader.refuses = SEVERAL
    assert look_up(relay, reader, FakeSoap(in_form(relay, "C1", sub_source, OURS))).recorded == [entry.id]


@pytest.mark.parametrize("others", [[], [("X", "ch_9", STRANGERS)]])
def test_the_form_s_list_alone_proves_no_absence(relay, reader, others):
    entry = unknown(relay, "lost")
    reader.refuses = SEVERAL
    soap = FakeSoap(*(in_form(relay, *other) for other in others))
    assert look_up(relay, reader, soap).person == [entry.id]
    found = relay.entry(entry.id)
    assert (found.status, found.reason, found.reason_text) == (
        Status.UNKNOWN,
        "probe_several_constituents",
        "More than one constituent matches.",
    )


def test_what_the_form_s_list_may_show_late_is_not_a_person_s_yet(relay, reader):
    entry = unknown(relay, "recorded")
    reader.refuses = SEVERAL
    soap = FakeSoap()
    assert Probing(relay.database, relay.organization, reader, soap).run().later == [entry.id]
    soap.rows = [in_form(relay, "C1", "ch_1", OURS)]
    assert look_up(relay, reader, soap).recorded == [entry.id]


@pytest.mark.parametrize("error", [ReadRefused("session_in_use", "Another session."), MaybeSent("read_timeout: No.")])
def test_the_donor_s_list_proves_no_absence_while_the_form_s_cannot_be_read(relay, reader, error):
    entry = unknown(relay, "lost")
    soap = FakeSoap()
    soap.refuses = error
    assert look_up(relay, reader, soap).later == [entry.id]
    assert str(error) in relay.entry(entry.id).reason_text
    soap.refuses = None
    assert look_up(relay, reader, soap).absent == [entry.id]


def test_the_donor_s_list_finds_what_the_form_s_cannot_show(relay, reader):
    entry = unknown(relay, "recorded")
    soap = FakeSoap()
    soap.refuses = ReadRefused("not_permitted", "Wrong login.")
    assert look_up(relay, reader, soap).recorded == [entry.id]


def test_where_neither_can_be_read_the_refusal_of_the_donor_s_list_is_the_reason(relay, reader):
    entry = unknown(relay, "recorded")
    soap, reader.refuses = FakeSoap(), SEVERAL
    soap.refuses = ReadRefused("not_permitted", "Wrong login.")
    assert Probing(relay.database, relay.organization, reader, soap).run().person == [entry.id]  # at the first look-up
    assert relay.entry(entry.id).reason == "probe_several_constituents"


def test_a_form_with_too_many_gifts_is_asked_for_those_of_the_amount(relay, reader):
    entry = unknown(relay, "lost")
    soap = FakeSoap()
    soap.refuses = ReadRefused("too_many_rows", "Too many.")
    assert look_up(relay, reader, soap).absent == [entry.id]
    assert soap.asked == [(None, "1"), (Decimal("25.00"), "1")]


# --- every constituent that it may lie under ------------------------------------------------------------------------


class ByKey(FakeReader):
    """Shows rows by the one key that it is asked with."""

    def __init__(self, relay, **shown):
        super().__init__(relay)
        self.shown, self.refused = shown, {}

    def seen(self, *, email, cons_id="", begin, end, kind="DONATION"):
        key = f"c{cons_id}" if cons_id else "email"
        self.asked.append(key)
        if key in self.refused:
            raise self.refused[key]
        return tuple(
            self.row(Decimal("25.00"), code, at(self.relay), tender="credit") for code in self.shown.get(key, ())
        )


def with_cons_id(relay, word):
    return unknown(relay, word, donor=replace(DONOR, cons_id="77"))


@pytest.mark.parametrize("key", ["email", "c77"])
def test_a_constituent_and_an_address_that_disagree_are_both_read(relay, key):
    """Which of the two wins is the site's matter."""
    entry = with_cons_id(relay, "recorded")
    reader = ByKey(relay, **{key: ["C1"]})
    assert look_up(relay, reader).recorded == [entry.id]
    assert sorted(reader.asked) == ["c77", "email"]


def test_absent_it_is_where_both_show_nothing(relay):
    entry = with_cons_id(relay, "lost")
    assert look_up(relay, ByKey(relay)).absent == [entry.id]


def test_one_gift_under_both_is_one_and_two_are_two(relay):
    entry = with_cons_id(relay, "recorded")
    assert look_up(relay, ByKey(relay, email=["C1"], c77=["C1", "C2"])).person == [entry.id]
    assert sorted(row["confirmation_code"] for row in relay.entry(entry.id).candidates) == ["C1", "C2"]


@pytest.mark.parametrize("error", [SEVERAL, MaybeSent("read_timeout: No answer.")])
@pytest.mark.parametrize("key", ["email", "c77"])
def test_where_one_of_the_two_is_refused_the_other_finds_and_proves_no_absence(relay, key, error):
    entry = with_cons_id(relay, "recorded")
    reader, other = ByKey(relay), {"email": "c77", "c77": "email"}[key]
    reader.refused = {key: error}
    probed = look_up(relay, reader)
    assert (probed.absent, probed.person + probed.later) == ([], [entry.id])
    if probed.later:
        reader.shown = {other: ["C1"]}
        assert look_up(relay, reader).recorded == [entry.id]


def test_a_donor_s_earlier_gifts_tell_the_constituent(relay):
    """The address of the constituent may have changed since: then nobody has the address that is asked for."""
    relay.take(make_gift(keys=("ch_0",), tender=CARD))
    relay.take(make_gift(keys=("ch_x",), tender=CARD, donor=Donor(name=DONOR.name, email="other@example.org")))
    relay.post()
    entry = unknown(relay, "recorded")
    reader = ByKey(relay, c9=["NEW"])
    assert look_up(relay, reader).recorded == [entry.id]
    assert reader.asked == ["email", "c9"]


# --- after a restore ------------------------------------------------------------------------------------------------


@pytest.fixture
def since(relay):
    """A gift that was in line by the backup, which was restored an hour later: it may have been corrected and sent."""
    relay.take(make_gift(tender=CARD))
    (entry,) = relay.gifts()
    with relay.database.write() as tx:
        begin = relay.database.now(tx)
        now = begin + timedelta(hours=1)
        assert entries.move(tx, entry, Status.UNKNOWN, now, doubtful_from=begin, probe_at=now, reason="restored")
    relay.later(hours=1)
    return begin + timedelta(minutes=30)


@pytest.mark.parametrize("corrected", [{"amount": Decimal("20.00"), "tender": "check"}, {"last4": "1111"}])
def test_any_gift_of_the_donor_may_be_the_one_as_it_was_corrected(relay, reader, since, corrected):
    rows = [replace(reader.row(Decimal("25.00"), "C9", since), **corrected)]
    reader.seen = lambda **_asked: rows
    relay.luminate.script = [lambda _parameters: donation("C9", "25.00")]
    assert look_up(relay, reader).later == [1]
    assert "does not show it yet" in relay.entry(1).reason_text
    relay.take(make_gift(keys=("ch_2",)))
    relay.post()
    relay.later(hours=24)
    assert look_up(relay, reader).absent == [1]  # since then it is known whose that is


def test_its_address_may_have_been_corrected_too_and_its_form(relay, reader, since):
    shown = {"email": "mary@right.example.org", "sub_source": "ch_1", "form_id": "9", "creation_method": "0"}
    row = reader.row(Decimal("25.00"), "C9", since, by_form=True, **shown)
    soap = FakeSoap(row)
    assert look_up(relay, reader, soap).recorded == [1]
    assert soap.asked == [(None, "")]


def test_it_is_absent_where_nothing_is_shown_of_the_donor(relay, reader, since):
    strangers = {"email": STRANGERS, "form_id": "1", "by_form": True}
    soap = FakeSoap(reader.row(Decimal("3.00"), "X", since, **strangers))
    reader.seen = lambda **_asked: ()
    assert look_up(relay, reader, soap).absent == [1]


# --- against the sandbox, over HTTP ---------------------------------------------------------------------------------

HOPE = {"form": FormLevel(form_id=1260, level_id=1523)}
ACCOUNT = {"api_key": "demo-api-key", "login_name": "demo-api-user", "login_password": "demo-api-password"}
SOAP = {"soap_user": "demo-soap-user", "soap_password": "demo-soap-password"}


class Hope:
    """A relay with both readers, on an organization of the sandbox."""

    def __init__(self, sqlite_url, sandbox, **changed):
        urls = {"url": f"{sandbox.url}/hope/site", "soap_url": f"{sandbox.url}/1.0/hope"}
        site = make_luminate(**urls, **ACCOUNT, **SOAP | changed)
        self.client, self.soap = LuminateClient(site), SoapReader(site, sleep=lambda _seconds: None)
        organization = make_organization(luminate=site, **HOPE)
        self.relay, self.sandbox = make_relay(sqlite_url, organization, luminate=self.client), sandbox.sandbox

    def site(self, **posted):
        self.sandbox.change("hope", posted)

    def unanswered(self, fault="reset_after", **donor):
        """A gift whose answer was lost, recorded or not."""
        self.sandbox.faults.replace(*faults({"faults": [{"fault": fault, "method": "addOfflineDonation", "times": 1}]}))
        self.relay.take(make_gift(tender=CARD, donor=replace(DONOR, **donor)))
        self.relay.posting().run()
        (entry,) = self.relay.unknown()
        return entry

    def look_up(self):
        return look_up(self.relay, RestReader(self.client), self.soap)

    def asked(self):
        return {call["method"] for call in self.sandbox.calls.listed("hope")} & {"getUserTransactions", "Query"}

    @property
    def codes(self):
        return [gift["confirmation_code"] for gift in self.sandbox.donations("hope")]


@pytest.fixture
def hope(sqlite_url, sandbox):
    with contextlib.ExitStack() as stack:

        def build(**changed):
            made = Hope(sqlite_url, sandbox, **changed)
            stack.callback(made.client.close)
            stack.callback(made.soap.close)
            return made

        yield build


def another(cons_id, email=OURS):
    return {"email": email, "first": "Mary", "last": "Stone", "cons_id": cons_id}


@pytest.mark.parametrize(("readable", "asked"), [("true", {"Query"}), ("false", {"Query", "getUserTransactions"})])
def test_a_gift_is_found_with_its_code_by_either_way(hope, readable, asked):
    hope = hope()
    hope.site(switches={"sub_source_readable": readable})
    entry = hope.unanswered()
    assert hope.look_up().recorded == [entry.id]
    assert [hope.relay.entry(entry.id).confirmation_code] == hope.codes
    assert hope.asked() == asked


@pytest.mark.parametrize("readable", ["true", "false"])
def test_what_never_arrived_is_sent_again_once(hope, readable):
    hope = hope()
    hope.site(switches={"sub_source_readable": readable})
    entry = hope.unanswered("reset_before")
    assert hope.look_up().absent == [entry.id]
    hope.relay.post()
    assert [hope.relay.entry(entry.id).confirmation_code] == hope.codes


@pytest.mark.parametrize("readable", ["true", "false"])
@pytest.mark.parametrize("position", ["cons_id_wins", "email_wins"])
def test_a_gift_is_found_under_whichever_constituent_the_site_chose(hope, readable, position):
    hope = hope()
    people = [another("77", "mary@new.example.org"), another("78")]
    hope.site(switches={"sub_source_readable": readable, "cons_id_conflict": position}, constituents=people)
    entry = hope.unanswered(cons_id="77")
    assert hope.look_up().recorded == [entry.id]
    assert [hope.relay.entry(entry.id).confirmation_code] == hope.codes


@pytest.mark.parametrize("readable", ["true", "false"])
def test_a_gift_of_an_address_that_several_have_is_found_by_its_form(hope, readable):
    hope = hope()
    switches = {"sub_source_readable": readable, "ambiguous_email": "first"}
    hope.site(switches=switches, constituents=[another("77"), another("78")])
    entry = hope.unanswered()
    assert hope.look_up().recorded == [entry.id]


def test_of_an_address_that_several_have_nothing_is_proven_absent(hope):
    hope = hope()
    hope.site(switches={"sub_source_readable": "true"}, constituents=[another("77"), another("78")])
    entry = hope.unanswered("reset_before")
    assert hope.look_up().person == [entry.id]
    assert hope.relay.entry(entry.id).reason == "probe_several_constituents"


@pytest.mark.parametrize(("fault", "became"), [("reset_after", "recorded"), ("reset_before", "later")])
def test_while_the_second_account_is_refused_a_gift_is_found_but_not_proven_absent(hope, fault, became):
    hope = hope(soap_password="wrong")
    entry = hope.unanswered(fault)
    assert getattr(hope.look_up(), became) == [entry.id]
