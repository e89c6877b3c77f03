"""Small gifts and organizations for the tests of relay.luminate: plain functions, small defaults."""

from pathlib import Path

from relay.config import FormLevel, Fund, LuminateSettings, Organization
from relay.gifts import Address, Designation, Donor, Gift, Name
from relay.luminate.client import Answer
from relay.luminate.schemas import Mapped, map_gift
from relay.money import Money

REPLIES = Path(__file__).parents[2] / "replies"
SITE = LuminateSettings(
    url="http://127.0.0.1:1/demo/site", api_key="the-key", login_name="the-login", login_password="the-password"
)
FUNDS = {
    "WATER": Fund(code="WATER", designee_id=1003),
    "LIBRARY": Fund(code="LIBRARY", designee_id=1001),
    "BOOKS": Fund(code="BOOKS", designee_id=1001),
    "SCHOOL": Fund(code="SCHOOL", designee_id=1002),
    "GARDEN": Fund(code="GARDEN", write_in="Garden"),
    "GENERAL": Fund(code="GENERAL"),
    "GALA": Fund(code="GALA", designee_id=1003, form=FormLevel(form_id=1261, level_id=1530)),
    "BALL": Fund(code="BALL", form=FormLevel(form_id=1262, level_id=1540)),
}


def usd(text):
    return Money.parse(text, "USD")


def organization(**changes):
    given = {"name": "demo", "luminate": SITE, "form": FormLevel(form_id=1260, level_id=1523), "funds": FUNDS}
    return Organization(**given | changes)


def donor(**changes):
    given = {
        "name": Name(first="Jane", last="Doe"),
        "email": "jane@example.org",
        "address": Address(street1="1 Road", city="Austin", state="TX", zip="78701", country="US"),
    }
    return Donor(**given | changes)


def gift(amount="25.00", **changes):
    given = {"keys": ("ch_1",), "amount": amount if isinstance(amount, Money) else usd(amount), "donor": donor()}
    return Gift(**given | changes)


def share(fund="", amount=None, **more):
    return Designation(fund=fund, amount=usd(amount) if amount else None, **more)


def mapped(one=None, house=None, **more) -> Mapped:
    return map_gift(one or gift(), house or organization(), **{"provider": "stripe"} | more)


def parameters(one=None, house=None, **more):
    """The parameters of a gift that has no problems."""
    result = mapped(one, house, **more)
    assert result.problems == ()
    return result.parameters


def reasons(one=None, house=None, **more):
    return [problem.reason for problem in mapped(one, house, **more).problems]


def answer(body, status=200):
    """An answer from bytes, or from a file of tests/replies by name."""
    return Answer(status=status, body=body if isinstance(body, bytes) else (REPLIES / body).read_bytes())
