"""PayPal IPN, the older webhook behind Donate buttons: unsigned; PayPal is asked whether it sent these very bytes.

https://developer.paypal.com/api/nvp-soap/ipn/IPNandPDTVariables/. What to set at PayPal, and why the odd ones are read
as they are: docs/providers/paypal_ipn.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl

from relay.config import ProviderSettings
from relay.errors import BadSignature, FetchFailed, MoneyError, NotUnderstood, Unreadable
from relay.gifts import (
    Address,
    Designation,
    Donor,
    Fact,
    Flag,
    Gift,
    Name,
    Refund,
    RefundReason,
    Reinstatement,
    Tender,
    TenderKind,
)
from relay.money import Money
from relay.providers import letters, metadata
from relay.providers.asking import LIVE, SANDBOX, address, completed
from relay.providers.base import MAX_ID, Delivery, Parsed, Provider, delivery_key, present, text, understood_as
from relay.providers.calling import Caller
from relay.providers.signatures import place_of_token

ADDRESSES = {
    LIVE: "https://ipnpb.paypal.com/cgi-bin/webscr",
    SANDBOX: "https://ipnpb.sandbox.paypal.com/cgi-bin/webscr",
}
QUESTION = b"cmd=_notify-validate&"
# What intake leaves of anything that looks like a card number: PayPal would not know such bytes.
MASK = b"************"
MAX_TYPE = 100
MAX_FIELDS = 1000

# txn_type of money that comes in, where payment_status is Completed -> whether it is a member of a recurring gift.
GIFTS: Mapping[str, bool] = {
    **dict.fromkeys(("web_accept", "express_checkout", "cart", "send_money", "virtual_terminal", "pro_hosted"), False),
    **dict.fromkeys(("subscr_payment", "recurring_payment", "recurring_payment_outstanding_payment"), True),
}
COMPLETED, REFUNDED, REVERSED, RETURNED = "Completed", "Refunded", "Reversed", "Canceled_Reversal"
# Chargeback settlement, and the opening of a dispute.
ADJUSTMENT, NEW_CASE = "adjustment", "new_case"
# payment_status -> why there is no gift.
STATUSES: Mapping[str, str] = {
    "Created": "the money is on its way",
    "In-Progress": "the money is on its way",
    "Pending": "the money is on its way",
    "Processed": "the money is on its way",
    "Denied": "the payment was denied",
    "Expired": "the authorization expired",
    "Failed": "the payment failed",
    "Voided": "the authorization was voided",
}
# What never brings money, by the beginnings of txn_type.
NO_MONEY = ("subscr_", "recurring_payment_", "mp_", "masspay", "merch_cancel")
_CHARSETS = (  # nothing else decodes a body: a codec is code
    "utf-8 us-ascii windows-1250 windows-1251 windows-1252 windows-1253 windows-1254 iso-8859-1 iso-8859-2 iso-8859-15 "
    "koi8-r gb2312 gbk big5 shift_jis euc-jp euc-kr"
)
CHARSETS = frozenset(_CHARSETS.split())
ZONES = {"PST": -8, "PDT": -7, "GMT": 0, "UTC": 0}
# The address under which PayPal Giving Fund pays out what others gave; letters in either case.
GIVING_FUND = "ppgfuspay@paypalgivingfund.org"
GRANTED = "PayPal Giving Fund pays out gifts of donors whom only its report names: a person records them."


# --- verify and parse ------------------------------------------------------------------------------------------------


def verify(delivery: Delivery, settings: ProviderSettings, now: datetime) -> int:  # noqa: ARG001  # nothing is signed
    """The place of the secret that ends the address. What proves the message is PayPal's word, in ``fetch``."""
    return place_of_token(settings.secrets, delivery.token)


@dataclass(frozen=True, slots=True)
class Message:
    """The variables of one message, decoded."""

    said: Mapping[str, str]

    def __getitem__(self, name: str) -> str:
        """One variable, trimmed; blank where it is not there."""
        return self.said.get(name, "").strip()

    @property
    def id(self) -> str:
        """Its own transaction."""
        return self["txn_id"][:MAX_ID]

    @property
    def parents(self) -> tuple[str, ...]:
        """The payment it is about."""
        return present(self["parent_txn_id"][:MAX_ID])

    def money(self, name: str = "mc_gross") -> Money:
        """An amount; negative where money goes out. Raises MoneyError."""
        return Money.parse(self[name], self["mc_currency"])


def read(body: bytes) -> Message:
    """The form, decoded as its own ``charset`` says. Raises Unreadable."""
    try:
        written = body.decode("latin-1").strip()
        charset = dict(parse_qsl(written, max_num_fields=MAX_FIELDS)).get("charset", "").strip().lower()
        charset = charset.replace("_", "-") if charset != "shift_jis" else charset
        known = charset if charset in CHARSETS else "windows-1252"
        pairs = parse_qsl(written, True, encoding=known, errors="replace", max_num_fields=MAX_FIELDS)
    except ValueError:
        raise Unreadable("the body is not the form that PayPal sends") from None
    if not pairs:
        raise Unreadable("the body is not the form that PayPal sends")
    return Message({name.replace("\x00", ""): value.replace("\x00", "") for name, value in reversed(pairs)})


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:  # noqa: ARG001  # no option matters
    """What a message says, to be believed once PayPal has confirmed it. Raises Unreadable or NotUnderstood."""
    message = read(delivery.body)
    kind = ".".join(present(message["txn_type"], message["payment_status"]))[:MAX_TYPE]
    digest = hashlib.sha256(delivery.body).hexdigest()[:16]
    about = Parsed(
        event_id=message["ipn_track_id"][:MAX_ID],
        type=kind,
        delivery_key=delivery_key(delivery.body, message.id or message["ipn_track_id"][:MAX_ID], kind, digest),
        live=message["test_ipn"] != "1",
        occurred_at=_moment(message["payment_date"]),
    )
    with understood_as(about):
        if not kind:
            raise NotUnderstood("the message has neither a txn_type nor a payment_status")
        if note := _no_money(message):
            return completed(about, note=note)
    return completed(about, wanted=f"PayPal's word on {message.id or 'a message'}")


def _no_money(message: Message) -> str:
    """Why a message needs no proof: it moves no money whoever sent it; "" where it may."""
    kind, status = message["txn_type"], message["payment_status"]
    if status in STATUSES:
        return STATUSES[status]
    if kind.startswith(NO_MONEY) and kind not in GIFTS:
        return "outgoing payments" if kind == "masspay" else "not about the money of a gift"
    return ""


def _moment(written: str) -> datetime | None:
    """``19:14:02 Jan 18, 2016 PST``; None for anything else."""
    clock, _, zone = written.rpartition(" ")
    try:
        found = datetime.strptime(clock, "%H:%M:%S %b %d, %Y").replace(tzinfo=UTC)
        return found.replace(tzinfo=timezone(timedelta(hours=ZONES[zone]))).astimezone(UTC)
    except (ValueError, LookupError, OverflowError):
        return None


# --- fetch: https://developer.paypal.com/api/nvp-soap/ipn/IPNImplementation/ -----------------------------------------


def fetch(delivery: Delivery, settings: ProviderSettings, caller: Caller, received_at: datetime) -> Parsed:  # noqa: ARG001  # no age is judged
    """Ask PayPal whether it sent these bytes, then read them. Raises FetchFailed, BadSignature, NotUnderstood."""
    about = parse(delivery, settings)
    if not about.wanted:
        return about
    message = read(delivery.body)
    with understood_as(about):
        _confirm(delivery.body, settings, caller, live=about.live is True)
        _check_receiver(message, settings)
        try:
            facts = _facts(message, settings.options.get("fund_from", "") or "item_number")
        except MoneyError as error:
            raise NotUnderstood(f"{about.type}: {error}") from error
    return completed(about, facts=facts)


def _confirm(body: bytes, settings: ProviderSettings, caller: Caller, *, live: bool) -> None:
    """The same bytes go back, behind a question; which of PayPal's worlds is asked depends on the message itself."""
    if MASK in body:
        raise NotUnderstood("a number that looks like a card's was masked, so PayPal cannot confirm it: look at PayPal")
    world = {"environment": LIVE if live else SANDBOX, "api_url": settings.options.get("api_url", "")}
    asked = ProviderSettings(secrets=(), options=world)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "relay"}
    answer = caller.post(address(asked, ADDRESSES), QUESTION + body, headers=headers).body.strip()
    if answer == b"INVALID":
        raise BadSignature("PayPal says that it did not send this")
    if answer != b"VERIFIED":
        raise FetchFailed("PayPal answered neither VERIFIED nor INVALID", again=True)


def _check_receiver(message: Message, settings: ProviderSettings) -> None:
    """PayPal confirms messages about any account; only the organization's own are its gifts."""
    ours = set(settings.options.get("receiver", "").lower().replace(",", " ").split())
    told = {message[name].lower() for name in ("receiver_email", "receiver_id", "business")} - {""}
    if told and not told & ours:
        raise BadSignature("it is about another PayPal account than the configured receiver")


def _facts(message: Message, fund_from: str) -> tuple[Fact, ...]:
    kind, status = message["txn_type"], message["payment_status"]
    about = present(message.id, *message.parents)
    if kind == NEW_CASE:
        case = message["case_type"].replace("_", " ")[:60] or "dispute"
        return (Flag(text=f"A {case} was opened at PayPal.", parent_keys=about),)
    if kind == ADJUSTMENT or status == REVERSED:
        return (_reversed(message),)
    if status == REFUNDED:
        return (_refund(message, (message.id,), RefundReason.REFUND),)
    if status == RETURNED:
        return (_returned(message),)
    if status == COMPLETED and kind in GIFTS and message.money().minor > 0:
        return (_gift(message, fund_from),)
    said = f"A message of PayPal's that relay does not know ({kind or 'no type'}, {status or 'no status'})."
    return (Flag(text=said[:200], parent_keys=about),)


def _refund(message: Message, keys: tuple[str, ...], reason: RefundReason) -> Refund:
    """Money that went out: ``mc_gross`` is negative, and of this refund alone."""
    gross = message.money()
    if not all(keys) or gross.minor >= 0:
        raise NotUnderstood("money went back, but the message does not tell which or how much")
    return Refund(
        keys=keys,
        parent_keys=message.parents,
        amount=Money(-gross.minor, gross.currency),
        reason=reason,
        occurred_at=_moment(message["payment_date"]),
        sources=(_source(message),),
    )


def _reversal(message: Message) -> str:
    """What ties together the reversal, its settlement and its end: none of them names another, all name the payment."""
    if not message.parents:
        raise NotUnderstood("money was taken back, but the message does not name the payment")
    return f"{message.parents[0]}:reversal"


def _reversed(message: Message) -> Refund:
    return _refund(message, (_reversal(message),), RefundReason.CHARGEBACK)


def _returned(message: Message) -> Reinstatement:
    gross = message.money()
    return Reinstatement(
        refund_keys=(_reversal(message),),
        parent_keys=message.parents,
        amount=gross if gross.minor > 0 else None,
        text="The reversal was canceled; PayPal gave the money back.",
        reason=RefundReason.CHARGEBACK,
        occurred_at=_moment(message["payment_date"]),
    )


def _gift(message: Message, fund_from: str) -> Gift:
    if not message.id:
        raise NotUnderstood("a payment without a transaction id could be booked twice")
    granted = message["payer_email"].lower() == GIVING_FUND
    words = _words(message)
    return Gift(
        keys=(message.id,),
        amount=message.money(),
        occurred_at=_moment(message["payment_date"]),
        donor=Donor() if granted else metadata.completed(_donor(message), words),
        tender=Tender(kind=TenderKind.BANK_DEBIT if message["payment_type"] == "echeck" else TenderKind.WALLET),
        designations=_designations(message, words, fund_from),
        recurring=GIFTS[message["txn_type"]],
        fee=message.money("mc_fee") if message["mc_fee"] else None,
        hold=GRANTED if granted else "",
        sources=(_source(message),),
        **({} if granted else metadata.gift_fields(words)),
    )


def _source(message: Message) -> dict[str, str]:
    return {name: value for name, value in sorted(message.said.items()) if name not in ("verify_sign", "auth")}


def _donor(message: Message) -> Donor:
    name = Name(first=message["first_name"], last=message["last_name"])
    street, _, more = message["address_street"].replace("\r", "").partition("\n")
    return Donor(
        name=name if name != Name() else Name(full=message["payer_business_name"] or message["address_name"]),
        email=message["payer_email"],
        phone=message["contact_phone"],
        address=Address(
            street1=street.strip(),
            street2=more.strip(),
            city=message["address_city"],
            state=message["address_state"],
            zip=message["address_zip"],
            country=message["address_country_code"] or message["address_country"],
        ),
    )


def _words(message: Message) -> metadata.Words:
    """What the button asked (``option_name1`` and ``option_selection1``, ...), and ``custom`` where it is JSON."""
    asked = {message[f"option_name{number}"]: message[f"option_selection{number}"] for number in range(1, 11)}
    try:
        custom: Any = letters.inside(message["custom"])
    except (ValueError, RecursionError):
        custom = {}
    return {name: value for name, value in metadata.merged(asked, custom).items() if name}


def _designations(message: Message, words: metadata.Words, fund_from: str) -> tuple[Designation, ...]:
    gross = message.money()
    if found := metadata.designations(words, gross.currency):
        return found
    if items := _items(message):
        return _of_items(items, gross)
    fund = "" if fund_from == "none" else message[fund_from]
    return (Designation(fund=fund[: metadata.MAX_CODE]),) if fund and fund[:1] != "{" else ()


def _items(message: Message) -> list[tuple[str, str]]:
    """The items of a cart with a code: code and amount."""
    numbers = range(1, metadata.MAX_PARTS + 1)
    return [(code, message[f"mc_gross_{place}"]) for place in numbers if (code := message[f"item_number{place}"])]


def _of_items(items: list[tuple[str, str]], gross: Money) -> tuple[Designation, ...]:
    """A share for each item, where they add up to the whole; else their codes as one text, which no fund has."""
    codes = tuple(text(code)[: metadata.MAX_CODE] for code, _ in items)
    if len(set(codes)) == 1:
        return (Designation(fund=codes[0]),)
    try:
        amounts = [Money.parse(amount, gross.currency) for _, amount in items]
        if sum(amount.minor for amount in amounts) == gross.minor and min(amounts).minor > 0:
            return tuple(Designation(fund=code, amount=one) for code, one in zip(codes, amounts, strict=True))
    except MoneyError:
        pass
    return (Designation(fund=", ".join(codes)[: metadata.MAX_CODE]),)


PAYPAL_IPN = Provider(name="paypal_ipn", verify=verify, parse=parse, fetch=fetch)
