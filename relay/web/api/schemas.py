"""What the API gives: the shapes of the document."""

from __future__ import annotations

from marshmallow import Schema, fields

from relay.access import Permission
from relay.ledger.plans import PlanStatus
from relay.status import Kind, Outcome, Status, Verdict


def _one_of(*words: str) -> fields.String:
    return fields.String(required=True, metadata={"enum": [str(word) for word in words]})


def _text(about: str = "") -> fields.String:
    return fields.String(required=True, metadata={"description": about} if about else {})


def _moment(about: str = "", *, never: bool = False) -> fields.DateTime:
    return fields.DateTime(required=True, allow_none=never, metadata={"description": about} if about else {})


def _number(about: str = "", *, none: bool = False) -> fields.Integer:
    return fields.Integer(required=True, allow_none=none, metadata={"description": about} if about else {})


_NEXT = {"description": "The cursor of the next page; null on the last."}


class Amount(Schema):
    """Money: a decimal text, exact, and its currency."""

    amount = _text("A decimal number as text, such as 25.00.")
    currency = _text("ISO 4217.")


class Entry(Schema):
    """One gift, refund or reinstatement."""

    id = _number()
    kind = _one_of(*Kind)
    status = _one_of(*Status)
    reason = _text("Why it stands where it stands: a short code to group by.")
    reason_text = _text("The same in a sentence; after a refusal Luminate's own words.")
    flag = _text("Something to look at although the status is final.")
    amount = _text("A decimal number as text, such as 25.00.")
    currency = _text("ISO 4217.")
    provider = _text()
    provider_transaction_id = _text()
    parent_transaction_id = _text("Of a refund: the payment it gives back.")
    confirmation_code = _text("Luminate's.")
    luminate_transaction_id = _text()
    donor_name = _text()
    donor_email = _text()
    fund = _text()
    occurred_at = _moment("When the donor paid.", never=True)
    received_at = _moment()
    posted_at = _moment("Luminate's date of it.", never=True)
    merged_into = _number("The entry of the same payment that counts instead.", none=True)
    erased = _text("What is erased of it: `age`, all but the donor's name and address; `donor`, those too.")


class EntryPage(Schema):
    """A page of entries, the newest first."""

    items = fields.List(fields.Nested(Entry), required=True)
    next = fields.String(required=True, allow_none=True, metadata=_NEXT)


class Attempt(Schema):
    """One call to Luminate, written before it was made."""

    id = _number()
    number = _number("Which attempt at this entry it is, from 1.")
    started_at = _moment()
    finished_at = _moment(never=True)
    outcome = fields.String(required=True, allow_none=True, metadata={"enum": [*(str(one) for one in Outcome), None]})
    reason = _text()
    reason_text = _text("Luminate's own words where it said any.")
    http_status = _number(none=True)
    seconds = fields.Float(required=True, allow_none=True)


class Change(Schema):
    """What a person or program did to an entry, with before and after."""

    at = _moment()
    who = _text()
    action = _text()
    reason = _text()
    before = fields.Dict(required=True)
    after = fields.Dict(required=True)


class EntryStory(Entry):
    """An entry with all that is known of it."""

    parameters = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    corrected = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    gift = _number("Of a refund: its gift, once it is known.", none=True)
    refunds = fields.List(fields.Integer(), required=True)
    events = fields.List(fields.Integer(), required=True)
    attempts = fields.List(fields.Nested(Attempt), required=True)
    corrections = fields.List(fields.Nested(Change), required=True)


class Attempts(Schema):
    """Every attempt at an entry, oldest first."""

    items = fields.List(fields.Nested(Attempt), required=True)


class Changes(Schema):
    """Everything that was done to an entry, oldest first."""

    items = fields.List(fields.Nested(Change), required=True)


class Standing(Schema):
    """Where an entry stands now."""

    id = _number()
    status = _one_of(*Status)
    proposal = _number("A second person must agree first: the number of the proposal.", none=True)
    released = fields.List(
        fields.Integer(), required=True, metadata={"description": "Other entries that moved with it."}
    )


class Event(Schema):
    """One webhook as received; what it held is not told."""

    id = _number()
    event_id = _text("The provider's.")
    provider = _text()
    type = _text()
    verdict = _one_of(*Verdict)
    note = _text()
    live = fields.Boolean(required=True, allow_none=True)
    duplicate_of = _number(none=True)
    occurred_at = _moment(never=True)
    received_at = _moment()
    erased_at = _moment("When what it held was erased.", never=True)
    entries = fields.List(fields.Integer(), required=True)


class EventPage(Schema):
    """A page of events, the newest first."""

    items = fields.List(fields.Nested(Event), required=True)
    next = fields.String(required=True, allow_none=True, metadata=_NEXT)


class PlanSum(Amount):
    """What goes, in one kind and currency."""

    kind = _one_of(*Kind)
    count = _number()


class PlanSkipped(Schema):
    """Why some entries of a plan stay as they are."""

    why = _text()
    count = _number()


class Plan(Schema):
    """A replay of many entries as it was agreed, and how far it is."""

    id = _number()
    status = _one_of(*PlanStatus)
    search = _text()
    reason = _text()
    mail = fields.Boolean(required=True)
    made_by = _text()
    made_at = _moment()
    changed_by = _text()
    changed_at = _moment()
    sums = fields.List(fields.Nested(PlanSum), required=True)
    skipped = fields.List(fields.Nested(PlanSkipped), required=True)
    going = _number("How many entries go.")
    done = _number("How many had their turn.")
    mailable = _number("Donors whom Luminate may e-mail if the start asks for it.")


class PlanPage(Schema):
    """A page of replay plans, the newest first."""

    items = fields.List(fields.Nested(Plan), required=True)
    next = fields.String(required=True, allow_none=True, metadata=_NEXT)


class PlanItem(Schema):
    """One entry of a plan."""

    place = _number()
    entry = _number()
    status = _one_of(*Status)
    skipped = _text("Why it stays as it is; empty for what goes.")
    effect = _text("What will be sent.")
    result = _text("What was done; empty until its turn.")


class PlanItems(Schema):
    """A page of a plan's entries, in the order received."""

    items = fields.List(fields.Nested(PlanItem), required=True)
    next = fields.String(required=True, allow_none=True, metadata=_NEXT)


class Fund(Schema):
    """Where the money of one code goes; what is absent is not there."""

    designee_id = fields.Integer()
    write_in = fields.String()
    form_id = fields.Integer()
    level_id = fields.Integer()


class FundRow(Schema):
    """One code of the map as it counts now."""

    code = _text()
    fund = fields.Nested(Fund, required=True, allow_none=True)
    in_file = fields.Nested(Fund, required=True, allow_none=True)
    edited_here = fields.Boolean(required=True)
    edited_by = _text()
    edited_at = _moment(never=True)
    is_default = fields.Boolean(required=True)
    waiting = _number("Gifts that wait for it.")
    amounts = fields.List(fields.Nested(Amount), required=True)


class FundMap(Schema):
    """The map as it counts now; codes that nobody has mapped come first."""

    items = fields.List(fields.Nested(FundRow), required=True)


class FundVersion(Schema):
    """One version of one code; a fund of null: the edit was taken back, and the file counts."""

    version = _number()
    code = _text()
    fund = fields.Nested(Fund, required=True, allow_none=True)
    who = _text()
    at = _moment()
    reason = _text()


class FundVersions(Schema):
    """Every version, newest first."""

    items = fields.List(fields.Nested(FundVersion), required=True)


class FundTried(Schema):
    """One gift under an edit of the map."""

    entry = _number()
    status = _one_of(*Status)
    why = _text("Why it stays; empty where it goes.")
    amount = fields.Nested(Amount, required=True)
    before = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    after = fields.Dict(keys=fields.String(), values=fields.String(), required=True)


class FundTrial(Schema):
    """What an edit would do."""

    code = _text()
    before = fields.Nested(Fund, required=True, allow_none=True)
    after = fields.Nested(Fund, required=True, allow_none=True)
    goes = fields.List(fields.Nested(FundTried), required=True)
    stays = fields.List(fields.Nested(FundTried), required=True)
    in_line = fields.List(fields.Nested(FundTried), required=True)
    more = _number("Gifts that wait beyond those listed.")
    sums = fields.List(fields.Nested(Amount), required=True, metadata={"description": "Of what goes."})
    seen = _text("The mark of this trial, which saving it wants.")


class FundSaved(Schema):
    """A new version, and the replay plan that lets its gifts go."""

    version = _number()
    plan = _number("Null: no gift waited.", none=True)
    released = _number()
    mapped_again = _number("Gifts that were in line, or stay held, and go by the new map.")


class BalanceRow(Schema):
    """Money of one kind and currency: received = posted + on its way + needs a person + closed."""

    kind = _one_of(*Kind)
    currency = _text()
    received = _text()
    posted = _text()
    on_its_way = _text()
    needs_a_person = _text()
    closed = _text()
    holds = fields.Boolean(required=True)
    counts = fields.Dict(keys=fields.String(), values=fields.Integer(), required=True)


class BalanceSheet(Schema):
    """The balance of the token's organization."""

    organization = _text()
    items = fields.List(fields.Nested(BalanceRow), required=True)


class Mistake(Schema):
    """One thing that is wrong with a request."""

    where = _text()
    detail = _text()


class Problem(Schema):
    """An error, as RFC 9457 has it."""

    type = _text("about:blank, or a name to tell apart problems of one status.")
    title = _text()
    status = _number()
    detail = _text()
    errors = fields.List(fields.Nested(Mistake))


SCOPES = {
    Permission.READ: "look at gifts, donors, figures",
    Permission.ACT: "correct, replay, resolve, close, reopen",
    Permission.MAP: "edit the fund map",
}
