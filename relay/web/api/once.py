"""Idempotency keys: a write that is sent again under its key is not done again; it gets the answer of the first time.

The key is taken in a transaction of its own before anything is done, and the answer is kept under it afterwards.
A process that dies in between leaves the key taken: after two minutes the same request may try again. What was done
already is then refused by its state (an entry that is closed cannot be closed), so nothing is ever done twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from flask import Response, request

from relay.errors import RelayError
from relay.ledger import answers
from relay.ledger.answers import Answer
from relay.ledger.tokens import Token
from relay.web.api import problems
from relay.web.api.door import parts
from relay.web.api.problems import Refusal

HEADER = "Idempotency-Key"
LONGEST = 255
# What a key is made of: everything that can be seen.
SIGNS = "[!-~]"


def once(token: Token, work: Callable[[], Response]) -> Response:
    """The answer to a write: of the first time, where it was sent under this key before."""
    key = _key()
    if not key:
        return work()
    if known := _begun(token, key):
        return _again(known)
    try:
        response = work()
    except (Refusal, RelayError) as error:
        response = problems.answer(problems.of_error(error))
    except Exception:
        _forget(token, key)
        raise
    if response.status_code >= 500:
        _forget(token, key)
    else:
        _keep(token, key, response)
    return response


def _key() -> str:
    key = request.headers.get(HEADER)
    if key is None:
        return ""
    if not re.fullmatch(f"{SIGNS}{{1,{LONGEST}}}", key, re.ASCII):
        text = f"must be 1 to {LONGEST} printable ASCII characters without blanks"
        raise Refusal(422, f"{HEADER} {text}.", kind="idempotency-key", wrong=[(HEADER, text)])
    return key


def _begun(token: Token, key: str) -> Answer | None:
    database = parts().database
    with database.write() as tx:
        return answers.begin(tx, token.id, key, _request(), database.now(tx))


def _request() -> str:
    """What this request is, in a line: the same key with another request is a mistake."""
    said = f"{request.method} {request.full_path}\n".encode() + request.get_data()
    return hashlib.sha256(said).hexdigest()


def _again(known: Answer) -> Response:
    if known.request != _request():
        detail = f"This {HEADER} came with another request before."
        raise Refusal(422, detail, kind="idempotency-key", wrong=[(HEADER, "was used for another request")])
    if known.status is None:
        detail = f"A request with this {HEADER} is under way; ask again in a while."
        raise Refusal(409, detail, kind="under-way", headers={"Retry-After": "5"})
    kind = "application/json" if known.status < 400 else problems.MEDIA_TYPE
    return Response(known.body or b"", known.status, {"Idempotency-Replayed": "true"}, content_type=kind)


def _keep(token: Token, key: str, response: Response) -> None:
    with parts().database.write() as tx:
        answers.keep(tx, token.id, key, response.status_code, response.get_data())


def _forget(token: Token, key: str) -> None:
    with parts().database.write() as tx:
        answers.forget(tx, token.id, key)
