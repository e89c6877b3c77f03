"""Every error of relay, named by what the caller should do.

::

    RelayError
    ├── ConfigurationError      every mistake of the configuration at once: mend it, nothing starts
    ├── MoneyError              not an exact amount of a known currency
    ├── TransitionRefused       the ledger does not allow this change of status
    ├── ReplayRefused           a person asked for something that would lose or double a gift
    │   ├── CorrectionRefused     the new values are wrong: a sentence for each field
    │   └── NotChecked            a code from Luminate that the look-up did not show: a person must insist
    ├── ErasingRefused          a donor cannot be erased (yet): the message says what must be settled first
    ├── SearchRefused           what was typed into the search box cannot be read: the message says what can
    ├── NotAllowed              whoever asks has no right to it: answered like something that does not exist
    ├── SignInRefused           this is not somebody who may come in; the sentence never says what was wrong
    ├── PersonRefused           what was asked about people, roles or passwords cannot be; the message says why
    ├── LedgerUnavailable       the database did not answer: the sender must try again
    │   └── KeyMissing            no key of RELAY_ENCRYPTION_KEYS opens what lies there: give relay the key again
    ├── IntakeRefused           the sender gets this status and sentence
    │   ├── Unreadable            400  the body is not what this provider sends
    │   ├── BadSignature          401  not proven to come from the provider
    │   │   └── TooManyWrong        429  the same, from a source that was wrong too often
    │   ├── WrongMode             403  a test event on a live organization, or the reverse
    │   ├── UnknownSource         404  no such organization, or it has no such provider
    │   ├── TooLarge              413  more bytes than the limit
    │   └── CouldNotStore         503  not stored: send it again
    ├── ProofPending            cannot be verified before something is fetched: stored, decided by a worker
    ├── FetchFailed             the provider's API did not tell what an event means; ``again`` says whether to retry
    ├── NotUnderstood           verified, yet we cannot read its meaning: stored, shown, replayable
    ├── NotDelivered            nobody has this alert: try again later
    ├── ReadRefused             Luminate answered a look-up, but not with rows: nothing is proven
    └── TransportError          the call to Luminate did not end in an answer
        ├── NotSent               surely no byte of the request left: safe to retry
        └── MaybeSent             Luminate may have it: never send again without proof
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class RelayError(Exception):
    """The root: everything relay raises on purpose."""


class ConfigurationError(RelayError):
    """The configuration has mistakes; ``problems`` holds one sentence for each, with its place."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class MoneyError(RelayError, ValueError):
    """Not an exact amount of a known currency."""


class TransitionRefused(RelayError):
    """The table of transitions does not allow this change of status."""


class ReplayRefused(RelayError):
    """What a person asked for would lose or double a gift; the message says why."""


class ErasingRefused(RelayError):
    """A donor cannot be erased, or not yet; the message says why, and names no donor."""


class SearchRefused(RelayError):
    """What was typed into the search box has a field or value that is not known; the message lists those that are."""


class CorrectionRefused(ReplayRefused):
    """The new values are wrong; ``wrong`` has one sentence for each field."""

    def __init__(self, wrong: Mapping[str, str]) -> None:
        self.wrong = dict(wrong)
        super().__init__(" ".join(self.wrong.values()))


class NotChecked(ReplayRefused):
    """A confirmation code could not be checked in Luminate; whoever has seen it there says so."""


class NotAllowed(RelayError):
    """Whoever asks has no right to it. To an outsider it looks like something that does not exist.

    ``organization`` is where it was asked for.
    """

    def __init__(self, message: str, organization: str = "") -> None:
        super().__init__(message)
        self.organization = organization


class SignInRefused(RelayError):
    """Not somebody who may come in. The same sentence whatever was wrong, so that it tells nobody who exists."""


class PersonRefused(RelayError):
    """What was asked about people, roles or passwords cannot be; the message says why."""


class LedgerUnavailable(RelayError):
    """The database did not answer; nothing was stored."""


class KeyMissing(LedgerUnavailable):
    """A sealed value does not open with any key that relay was given; the message names the key's mark, no value."""


class IntakeRefused(RelayError):
    """The sender is answered with ``status`` and a body that names ``reason``, never donor data."""

    status = 400
    reason = "refused"


class Unreadable(IntakeRefused):
    """The body is not what this provider sends."""

    status = 400
    reason = "unreadable"


class BadSignature(IntakeRefused):
    """Not proven to come from the provider: missing, wrong, too old or from the future."""

    status = 401
    reason = "bad_signature"


class TooManyWrong(BadSignature):
    """Not proven either, and its source was wrong too often; ``seconds`` until it counts anew."""

    status = 429

    def __init__(self, message: str, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(message)


class WrongMode(IntakeRefused):
    """A test event on a live organization, or the reverse."""

    status = 403
    reason = "wrong_mode"


class UnknownSource(IntakeRefused):
    """No such organization, or it has no such provider."""

    status = 404
    reason = "unknown_source"


class TooLarge(IntakeRefused):
    """The body has more bytes than the limit."""

    status = 413
    reason = "too_large"


class CouldNotStore(IntakeRefused):
    """The event could not be committed; the sender must send it again."""

    status = 503
    reason = "could_not_store"


class NotUnderstood(RelayError):
    """The event is genuine, but its meaning cannot be read; it is stored for a person.

    ``about`` is what could be read of it all the same (a provider's ``Parsed``): its id, type and mode.
    """

    about: object = None


class NotDelivered(RelayError):
    """A mail or webhook of an alert did not arrive; the message says why, and no secret.

    ``answered``: somebody is there, and others may have better luck.
    """

    def __init__(self, text: str, *, answered: bool = False) -> None:
        self.answered = answered
        super().__init__(text)


class ReadRefused(RelayError):
    """Luminate answered a look-up, but not with rows that can be relied on: nothing is proven.

    ``reason`` is a short stable code, the text plain words without donor data. ``luminate_says`` holds Luminate's
    own words, which may name the donor. Reasons: ``several_constituents`` a person must look;
    ``not_permitted``, ``blocked`` the account is kept out; ``no_email`` nothing to look by; ``refused``,
    ``list_criteria``, ``unreadable``, ``rows_moved``, ``too_many_rows``, ``session_in_use`` ask again later.
    """

    def __init__(self, reason: str, text: str, *, luminate_says: str = "") -> None:
        self.reason = reason
        self.luminate_says = luminate_says
        super().__init__(text)


class ProofPending(RelayError):
    """The event cannot be verified before something is fetched; a worker does that, the front door never."""


class FetchFailed(RelayError):
    """The provider's API did not tell what an event means; ``again``: asking later may help.

    ``silent``: the API as a whole does not answer us, so that asking for something else now is no use either.
    """

    def __init__(self, message: str, *, again: bool, silent: bool = False) -> None:
        """A sentence for a person, without secrets, addresses or donor data."""
        super().__init__(message)
        self.again = again
        self.silent = silent


class TransportError(RelayError):
    """The call to Luminate did not end in an answer."""


class NotSent(TransportError):
    """Surely no byte of the request left: safe to retry."""


class MaybeSent(TransportError):
    """The request may have reached Luminate: never send again without proof of absence."""
