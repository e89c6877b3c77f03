"""What one organization's site consists of and what it holds. Money is in minor units, times are aware UTC."""

import threading
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

FIRST_TRANSACTION = 100101
FIRST_CONSTITUENT = 1006001


@dataclass(frozen=True)
class Login:
    """An API administrator account. Rights: `add`, `refund`, `read` (asked for only by `read_permission`), and `soap`
    (the web services, and then nothing else: one account cannot serve both, M).
    """

    password: str = ""
    rights: tuple[str, ...] = ()


@dataclass(frozen=True)
class Level:
    """A donation level: a fixed amount, or None where the donor enters one of at least `minimum`."""

    name: str = "Other"
    amount: int | None = None
    minimum: int = 100
    published: bool = True


@dataclass(frozen=True)
class Form:
    """A donation form. `designees` None means all that are not archived; `required_fields` bind under validation."""

    name: str = "Form"
    kind: str = "online_offline"
    published: bool = True
    campaign_published: bool = True
    designations: bool = True
    write_in: bool = False
    designees: tuple[str, ...] | None = None
    required_fields: tuple[str, ...] = ()
    payment_methods: tuple[str, ...] = ("cash", "check", "credit")
    levels: dict[str, Level] = field(default_factory=dict)


@dataclass(frozen=True)
class Designee:
    """A target of a designation."""

    name: str = "Designee"
    type_id: str = "11"
    archived: bool = False


@dataclass(frozen=True)
class DesignationType:
    """A group of designees."""

    name: str = "Type"
    sort: int = 1
    archived: bool = False


@dataclass(frozen=True)
class Constituent:
    """A person's record."""

    cons_id: str
    email: str
    first: str = ""
    last: str = ""
    member_id: str = ""


@dataclass(frozen=True)
class Share:
    """A part of a gift: a designee by id, or a write-in by name."""

    amount: int
    id: str = ""
    name: str = ""
    contact: str = ""


@dataclass(frozen=True)
class Refund:
    """Money returned on a gift. `full` tells whether nothing was left of the gift afterwards."""

    amount: int
    full: bool
    recorded_at: datetime
    login: str
    auto_responder: bool


@dataclass(frozen=True)
class Gift:
    """A recorded gift. `params` is what was received, without credentials; `billing` is after the fall-back."""

    confirmation_code: str
    transaction_id: str
    cons_id: str
    form_id: str
    level_id: str
    amount: int
    email: str
    login: str
    recorded_at: datetime
    payment_method: str
    source: str
    sub_source: str
    receipt: bool
    registration_email: bool
    params: dict[str, str]
    billing: dict[str, str]
    designations: list[Share] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)

    @property
    def current_amount(self) -> int:
        """What is left after its refunds."""
        return self.amount - sum(refund.amount for refund in self.refunds)


@dataclass
class Organization:
    """One site: settings that tests may change, and what it has recorded. Hold `lock` to check and record."""

    name: str
    api_key: str
    logins: dict[str, Login]
    ip_allow: tuple[str, ...]
    soap_ip_allow: tuple[str, ...]
    switches: dict[str, str]
    forms: dict[str, Form]
    designees: dict[str, Designee]
    designation_types: dict[str, DesignationType]
    gifts: dict[str, Gift] = field(default_factory=dict)
    constituents: dict[str, Constituent] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    by_email: dict[str, list[str]] = field(default_factory=dict)
    by_constituent: dict[str, list[str]] = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)
    next_transaction: int = FIRST_TRANSACTION
    next_constituent: int = FIRST_CONSTITUENT

    def new_transaction_id(self) -> int:
        self.next_transaction += 1
        return self.next_transaction - 1

    def new_cons_id(self) -> str:
        while str(self.next_constituent) in self.constituents:
            self.next_constituent += 1
        return str(self.next_constituent)

    def keep_constituent(self, person: Constituent) -> None:
        """Adds a constituent, found afterwards by id and, whatever its case, by e-mail."""
        self.constituents[person.cons_id] = person
        self.by_email.setdefault(person.email.lower(), []).append(person.cons_id)

    def with_email(self, email: str) -> list[Constituent]:
        return [self.constituents[cons_id] for cons_id in self.by_email.get(email.lower(), [])]

    def keep_gift(self, gift: Gift) -> None:
        """Adds a gift and counts it and its e-mails."""
        self.gifts[gift.confirmation_code] = gift
        self.by_constituent.setdefault(gift.cons_id, []).append(gift.confirmation_code)
        self.next_transaction = max(self.next_transaction, int(gift.transaction_id) + 1)
        self.counts["gifts"] += 1
        self.counts["receipts"] += gift.receipt
        self.counts["registration_emails"] += gift.registration_email

    def keep_refund(self, gift: Gift, refund: Refund) -> None:
        """Adds a refund to its gift and counts it and its e-mail."""
        gift.refunds.append(refund)
        self.counts["refunds"] += 1
        self.counts["auto_responders"] += refund.auto_responder

    def gifts_of(self, cons_id: str) -> list[Gift]:
        return [self.gifts[code] for code in self.by_constituent.get(cons_id, [])]
