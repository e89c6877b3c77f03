"""The doctor on the SOAP web services, the second way to look up gifts: their description, the login, one query.

It opens a session and reads; it starts no synchronization, so it stands in nobody's way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from relay.config import Organization
from relay.doctor import egress
from relay.doctor.checks import Check, failed, ok, warning
from relay.doctor.site import LATER, TRANSPORT_TROUBLES
from relay.errors import ReadRefused, TransportError
from relay.luminate.soap import SoapReader

_SHAPE = (
    "Compare LUMINATE_SOAP_URL with Setup > Site Options > Open API Configuration; "
    "its shape is https://webservices.cluster2.convio.net/1.0/<shortname>, and relay appends /wsdl."
)
_OF_ITS_OWN = "Make an API administrator account that serves nothing but relay's SOAP."
# Where the address itself may be at fault; the rest is as for every call.
_ADDRESS = {"name_not_found", "bad_address", "connection_refused"}
# Reason of the refusal left; what to do right.
_AT_THE_DOOR = {
    "blocked": "Add this machine's address to the list of the web services; it is another list than the REST API's.",
    "unreadable": _SHAPE,
    "not_permitted": (
        "Compare LUMINATE_SOAP_USER and LUMINATE_SOAP_PASSWORD, blanks and capitals too, "
        'and see that the account\'s group has "Use Luminate Online APIs".'
    ),
}
_IN_THE_WAY = {"session_in_use", "session_lost"}


def soap(organization: Organization, reader: SoapReader | None) -> Iterator[Check]:
    """One check where the web services are configured, none where they are not."""
    if reader is None:
        return
    name = f"{organization.name}: SOAP"
    yield (
        _trouble(name, reader.enter, lambda refused: _not_let_in(organization, name, refused))
        or _trouble(name, reader.look, lambda refused: _not_answered(name, refused))
        or ok(name, "The web services describe themselves, accept the account and answer a query.")
    )


def _trouble(name: str, step: Callable[[], None], refusal: Callable[[ReadRefused], Check]) -> Check | None:
    try:
        step()
    except TransportError as error:
        return _no_answer(name, error)
    except ReadRefused as refused:
        return _in_the_way(name, refused) if refused.reason in _IN_THE_WAY else refusal(refused)
    return None


def _no_answer(name: str, error: TransportError) -> Check:
    code, _, said = str(error).partition(": ")
    what_to_do = _SHAPE if code in _ADDRESS else TRANSPORT_TROUBLES.get(code, LATER)
    return failed(name, f"The web services cannot be reached. {said or error}", what_to_do)


def _in_the_way(name: str, refused: ReadRefused) -> Check:
    return warning(name, f"{refused} Look-ups wait for it.", f"{_OF_ITS_OWN} If it is one, ask again in a minute.")


def _not_let_in(organization: Organization, name: str, refused: ReadRefused) -> Check:
    shared = organization.luminate.soap_user.lower() == organization.luminate.login_name.lower()
    if shared and refused.reason == "not_permitted":
        return failed(name, "The web services refuse the account, and it is the one that posts gifts.", _OF_ITS_OWN)
    what_to_do = _AT_THE_DOOR.get(refused.reason, LATER)
    if ours := egress.named(refused.luminate_says):
        what_to_do = f"Add {ours} to the list of the web services; it is another list than the REST API's."
    return failed(name, _with_their_words(str(refused), refused), what_to_do)


def _not_answered(name: str, refused: ReadRefused) -> Check:
    return failed(
        name,
        _with_their_words("The web services accept the account, but not its query for gifts.", refused),
        "Let the account's group see donations; until then relay looks gifts up over REST only.",
    )


def _with_their_words(sentence: str, refused: ReadRefused) -> str:
    """The query names no donor, so their words cannot either."""
    return f"{sentence} Luminate says: {refused.luminate_says}" if refused.luminate_says else sentence
