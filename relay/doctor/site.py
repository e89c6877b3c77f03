"""The doctor on one organization's Luminate site, by calls that only read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from relay.config import FormLevel, Organization
from relay.doctor import egress
from relay.doctor.checks import Check, Level, failed, ok, warning
from relay.doctor.house import clock
from relay.errors import TransportError
from relay.luminate.client import Answer, LuminateClient
from relay.luminate.replies import Reply, ReplyKind, read_reply
from relay.status import Kind

# The code that relay.luminate.client writes before the colon left, what to do right.
TRANSPORT_TROUBLES = {
    "name_not_found": "Put the right host into the organization's Luminate address.",
    "bad_address": "The shape is https://secure2.convio.net/<organization>/site.",
    "proxy_refused": "See whether LUMINATE_PROXY has the right address, user and password, and its plan has room.",
    "connection_refused": "See whether host and port of the Luminate address are right, and whether Luminate is up.",
    "connect_timeout": "See whether a firewall lets this machine out, and whether Luminate is up.",
    "certificate_refused": "See whether the host of the Luminate address is right and this machine's clock is.",
    "read_timeout": "Try again; if it stays so, ask Blackbaud whether the site is in maintenance.",
}
# Luminate's code left; what is wrong and what to do right
# (http://open.convio.com/api/apidoc/general/error_codes.html).
API_TROUBLES = {
    "1": ("Luminate was unable to process a harmless call.", "Try again later; if it stays so, ask Blackbaud."),
    "2": ("Luminate does not accept the API key.",
          "Compare it with Setup > Site Options > Open API Configuration in Luminate."),
    "3": ("Luminate does not accept the API account: the login is wrong, or it lacks a permission.",
          "Compare name and password of the API administrator account; a changed password counts at once."),
    "4": ("Luminate does not let this machine's address in.",
          "Add this machine's address to the allow-list of Open API Configuration; a platform needs a fixed one."),
    "5": ("Luminate restricts the method to signed-in constituents.", "Ask Blackbaud to enable the server API."),
    "6": ("Luminate does not know the method.", "See whether the Luminate address ends at /site."),
    "14": ("The API account may not call the method.", 'Give it a group with "Use Luminate Online APIs".'),
    "405": ("Something between here and Luminate does not accept POST.", "See whether the Luminate address is right."),
}  # fmt: skip
_SHAPE = "Use host and path of the site's own donation form: https://secure2.convio.net/<organization>/site."
LATER = "Try again later; if it stays so, ask Blackbaud."
_SLOW = 5.0


def site(organization: Organization, client: LuminateClient, proven: Collection[Kind]) -> Iterator[Check]:
    """Address, key and login; forms, levels and designees; what can be read back; what has been proven by doing."""
    checks = list(_door(organization, client))
    yield from checks
    yield from egress.own_address(organization)
    if not any(check.level == "failed" for check in checks):
        yield from _forms(organization, client)
        yield from _designees(organization, client)
        yield _read_back(organization, client)
    yield from _permission(organization, proven)


# --- the door: address, key, login --------------------------------------------------------------------------------


def _door(organization: Organization, client: LuminateClient) -> Iterator[Check]:
    name = f"{organization.name}: Luminate"
    answer = _asked(client.is_email_valid)
    if isinstance(answer, TransportError):
        yield _no_answer(name, answer)
        return
    trouble = _trouble(name, answer, "isEmailValidResponse")
    if trouble is not None:
        yield trouble
        return
    host = urlsplit(organization.luminate.url).hostname
    if answer.elapsed > _SLOW:
        yield warning(name, f"{host} lets us in, but took {answer.elapsed:.1f} s to answer.", LATER)
    else:
        yield ok(name, f"{host} answers in {answer.elapsed:.1f} s and accepts key, login and this machine's address.")
    yield from _clock(organization, answer)


def _asked(call: Callable[[], Answer]) -> Answer | TransportError:
    try:
        return call()
    except TransportError as error:
        return error


def _no_answer(name: str, error: TransportError) -> Check:
    code, _, said = str(error).partition(": ")
    return failed(name, said or str(error), TRANSPORT_TROUBLES.get(code, LATER))


def _trouble(name: str, answer: Answer, root: str) -> Check | None:
    """What is wrong with an answer that should have this root; None: nothing."""
    reply = read_reply(answer)
    if reply.root == root:
        return None
    if 300 <= answer.status < 400:
        return failed(name, "The Luminate address leads somewhere else (a redirect).", f"{_moved(answer)}{_SHAPE}")
    if reply.kind is ReplyKind.ERROR_RESPONSE:
        sentence, what_to_do = API_TROUBLES.get(reply.code, (f"Luminate refuses (code {reply.code}).", LATER))
        if reply.code == "4" and (ours := egress.named(reply.message)):
            what_to_do = f"Add {ours} to the allow-list of Open API Configuration; a platform needs a fixed address."
        return failed(name, f"{sentence} Luminate says: {reply.message}" if reply.message else sentence, what_to_do)
    if answer.status == 405:
        return failed(name, *API_TROUBLES["405"])
    if answer.status >= 500:
        return failed(name, f"Luminate is out of order (HTTP {answer.status}).", LATER)
    return _not_luminate(name, answer, reply)


def _not_luminate(name: str, answer: Answer, reply: Reply) -> Check:
    if answer.status == 404:
        return failed(name, "There is no Luminate API at this address (HTTP 404).", _SHAPE)
    if reply.kind is ReplyKind.HTML:
        return failed(name, f"A web page answers instead of Luminate's API (HTTP {answer.status}): "
                      "the address is wrong, or the site is in maintenance.", _SHAPE)  # fmt: skip
    if reply.kind is ReplyKind.EMPTY:
        return failed(name, f"The answer is empty (HTTP {answer.status}).", LATER)
    return failed(name, f"What answers does not speak Luminate's language (HTTP {answer.status}).", _SHAPE)


def _moved(answer: Answer) -> str:
    host = urlsplit(answer.headers.get("location", "")).hostname
    return f"It leads to {host}. " if host else ""


def _clock(organization: Organization, answer: Answer) -> Iterator[Check]:
    """Luminate's clock against ours, told only where they differ."""
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    found = clock(f"{organization.name}: clock", "Luminate's", theirs, datetime.now(UTC))
    if found.level != "ok":
        yield found


# --- forms and levels ---------------------------------------------------------------------------------------------


def _forms(organization: Organization, client: LuminateClient) -> Iterator[Check]:
    wanted = _wanted_forms(organization)
    for form_id in sorted({form.form_id for form in wanted}):
        yield from _form(organization, client, form_id, {form.level_id for form in wanted if form.form_id == form_id})


def _wanted_forms(organization: Organization) -> list[FormLevel]:
    of_funds = [fund.form for fund in organization.funds.values() if fund.form is not None]
    return [organization.form, *(rule.form for rule in organization.amount_rules), *of_funds]


def _form(organization: Organization, client: LuminateClient, form_id: int, levels: set[int]) -> Iterator[Check]:
    name = f"{organization.name}: form {form_id}"
    answer = _asked(lambda: client.get_donation_form_info(form_id))
    if isinstance(answer, TransportError):
        yield warning(name, str(answer).partition(": ")[2] or str(answer), LATER)
        return
    trouble = _trouble(name, answer, "getDonationFormInfoResponse")
    if trouble is not None:
        # Whether this call answers for an offline-only form is not documented.
        yield warning(
            name,
            f"Luminate does not tell about this form. {trouble.text}",
            "See in Luminate whether it is published; a form for offline gifts only may not show.",
        )
        return
    told = read_reply(answer).data.get("getDonationFormInfoResponse")
    yield from (_level(name, level, _levels_in(told)) for level in sorted(levels))
    if organization.form.form_id == form_id:
        yield from _write_ins(organization, name, told)


def _levels_in(told: Any) -> dict[str, dict[str, Any]]:
    part = told.get("donationLevels") if isinstance(told, dict) else None
    found = part.get("donationLevel") if isinstance(part, dict) else None
    levels = found if isinstance(found, list) else []
    return {str(level.get("level_id")): level for level in levels if isinstance(level, dict)}


def _level(name: str, level_id: int, levels: dict[str, dict[str, Any]]) -> Check:
    level = levels.get(str(level_id))
    if level is None:
        shown = ", ".join(sorted(levels)) or "none"
        return failed(name, f"It has no level {level_id}.", f"Its levels are: {shown}. Choose a donor-entered one.")
    if str(level.get("userSpecified", "")).lower() == "false":
        return failed(
            name,
            f"Its level {level_id} has a fixed amount; Luminate may record that.",
            "Choose a level whose amount the donor enters.",
        )
    return ok(name, f"It is there, and its level {level_id} takes any amount.")


def _write_ins(organization: Organization, name: str, told: Any) -> Iterator[Check]:
    wants = any(fund.write_in for fund in organization.funds.values())
    if wants and isinstance(told, dict) and str(told.get("supportsWriteInDesignation", "")).lower() == "false":
        yield warning(
            name,
            "It takes no write-in designations, and a fund is mapped to one.",
            "Allow them on the form in Luminate, or map the fund to a designee.",
        )


# --- designees ----------------------------------------------------------------------------------------------------


def _designees(organization: Organization, client: LuminateClient) -> Iterator[Check]:
    funds = {code: fund.designee_id for code, fund in organization.funds.items() if fund.designee_id is not None}
    if not funds:
        return
    name = f"{organization.name}: designees"
    everywhere = _offered(client, None)
    if everywhere is None:
        yield warning(name, "Luminate does not list its designees.", "Compare the table of funds by hand.")
        return
    gone = [code for code, designee in sorted(funds.items()) if str(designee) not in everywhere]
    if gone:
        told = ", ".join(f"{code} -> {funds[code]}" for code in gone)
        yield failed(
            name,
            f"Luminate does not offer the designee of these funds: {told}.",
            "It does not exist or is archived: put the right id into the table of funds.",
        )
    yield from _on_form(organization, client, name, {code: funds[code] for code in funds if code not in gone})


def _on_form(organization: Organization, client: LuminateClient, name: str, funds: dict[str, int]) -> Iterator[Check]:
    """Whether the form that each fund's gifts go to offers its designee."""
    missing = []
    for code, designee in sorted(funds.items()):
        form = organization.funds[code].form or organization.form
        offered = _offered(client, form.form_id)
        if offered is not None and str(designee) not in offered:
            missing.append(f"{code} on form {form.form_id}")
    if missing:
        yield warning(
            name,
            f"The form does not offer the designee of these funds: {', '.join(missing)}.",
            "Offer them on the form in Luminate; a strict site refuses such gifts.",
        )
    elif funds:
        yield ok(name, f"Luminate offers those of {len(funds)} funds.")


def _offered(client: LuminateClient, form_id: int | None) -> set[str] | None:
    """The ids of the designees, of a form or of the site; None: Luminate does not say."""
    answer = _asked(lambda: client.get_designees(form_id))
    if isinstance(answer, TransportError) or _trouble("", answer, "getDesigneesResponse") is not None:
        return None
    told = read_reply(answer).data.get("getDesigneesResponse")
    found = told.get("designee") if isinstance(told, dict) else None
    designees = found if isinstance(found, list) else []
    return {str(one.get("id")) for one in designees if isinstance(one, dict)}


# --- what an account may do ---------------------------------------------------------------------------------------

# Nobody's address: whether the call is allowed is all that is asked.
_NOBODY = "relay@example.org"
_NO_SUCH_PERSON = {"8", "15", "16"}


def _read_back(organization: Organization, client: LuminateClient) -> Check:
    name = f"{organization.name}: look-up"
    answer = _asked(lambda: client.get_user_transactions(primary_email=_NOBODY, list_page_size="1"))
    if isinstance(answer, TransportError):
        return warning(name, str(answer).partition(": ")[2] or str(answer), LATER)
    trouble, reply = _trouble(name, answer, "getConsTransactionsResponse"), read_reply(answer)
    if trouble is None or reply.code in _NO_SUCH_PERSON:
        return ok(name, "The account may read transactions, so relay can find out by itself whether a gift arrived.")
    # The login was accepted at the door, so of a refusal only Luminate's words help.
    why = f"Luminate says: {reply.message}" if reply.code and reply.message else trouble.text
    return warning(
        name,
        f"The account cannot read transactions. {why}",
        "Give it the permission; without it a person must look up every gift that stays unknown.",
    )


def _permission(organization: Organization, proven: Collection[Kind]) -> Iterator[Check]:
    """Only a gift that was recorded proves that the account may record gifts; we make none to find out.

    A doubt is no fault: programs know it by ``proven``.
    """
    name = f"{organization.name}: permission"
    if Kind.GIFT in proven:
        also = " and refunds" if Kind.REFUND in proven else ""
        yield ok(name, f"This account has recorded gifts{also} before.")
    if Kind.GIFT not in proven or Kind.REFUND not in proven:
        what = "refund" if Kind.GIFT in proven else "add and refund"
        yield Check(
            name,
            Level.WARNING,
            f"Whether the account may {what} offline gifts cannot be proven by reading.",
            'See that its group has "Add and Refund Offline Donations via API"; the first one will show.',
            {"proven": False},
        )
