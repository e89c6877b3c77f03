"""The exception tree is what its docstring draws, and each refusal has its own answer."""

import inspect
import re

from relay import errors
from relay.errors import IntakeRefused, RelayError

CLASSES = {name: one for name, one in vars(errors).items() if inspect.isclass(one) and issubclass(one, Exception)}


def test_every_error_is_drawn_and_every_drawn_error_exists():
    drawn = set(re.findall(r"[├└]── (\w+)", errors.__doc__)) | {"RelayError"}
    assert drawn == {name for name, one in CLASSES.items() if issubclass(one, RelayError)}


def test_the_drawing_shows_each_error_below_its_parent():
    path = ["RelayError"]
    for line in errors.__doc__.splitlines():
        if found := re.match(r"    ([│ ]*)[├└]── (\w+)", line):
            depth = len(found.group(1)) // 4 + 1
            del path[depth:]
            assert issubclass(CLASSES[found.group(2)], CLASSES[path[-1]])
            path.append(found.group(2))


def test_every_refusal_has_a_status_of_the_contract_and_a_reason_of_its_own():
    refusals = IntakeRefused.__subclasses__()
    assert {one.status for one in refusals} <= {400, 401, 403, 404, 413, 503}
    assert len({one.reason for one in refusals}) == len(refusals)


def test_not_sent_is_no_kind_of_maybe_sent():
    assert not issubclass(errors.NotSent, errors.MaybeSent)
    assert not issubclass(errors.MaybeSent, errors.NotSent)
