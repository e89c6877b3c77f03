"""What relay is told about one organization: its Luminate site, forms, funds, mails, providers.

Plain frozen data with safe defaults. ``relay/config/load.py`` reads it from the environment or from TOML and
reports every mistake at once; nothing else reads ``os.environ``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from zoneinfo import ZoneInfo

from relay.config.front import Oidc
from relay.config.outlets import Alerts, MailServer

UTC = ZoneInfo("UTC")


class Mode(StrEnum):
    """Which events an organization takes. BOTH is for demonstrations against a sandbox."""

    LIVE = "live"
    TEST = "test"
    BOTH = "both"


class OptIn(StrEnum):
    """When ``donor.email_opt_in`` is sent: only a recorded consent, always as known, or never."""

    OPTED_IN = "opted_in"
    ALWAYS = "always"
    NEVER = "never"


class Reinstate(StrEnum):
    """What to do with money that came back after its refund was recorded (refund failed, dispute won): hold it for
    a person, or record a new gift by itself.
    """

    HOLD = "hold"
    AUTOMATIC = "automatic"


class RefundedUnposted(StrEnum):
    """What to do with a gift that was refunded in full before it was posted: post neither, or both."""

    NEITHER = "neither"
    BOTH = "both"


class WholeUnits(StrEnum):
    """What to do with cents in a designation (Luminate takes whole units): hold, put them on the first, or
    send them as they are where the site is known to accept cents.
    """

    HOLD = "hold"
    FIRST = "first"
    SEND_CENTS = "send_cents"


# What a ``sub_source`` template may name, as ``{field}``.
SUB_SOURCE_FIELDS = ("provider", "provider_transaction_id", "kind", "fund", "organization")


@dataclass(frozen=True, slots=True, kw_only=True)
class LuminateSettings:
    """How to reach one Luminate site. Times in seconds."""

    url: str
    api_key: str = field(repr=False)
    login_name: str
    login_password: str = field(repr=False)
    center_id: str = ""
    source: str = "relay"
    # A template of SUB_SOURCE_FIELDS, cut to 255 characters.
    sub_source: str = "{provider_transaction_id}"
    v: str = "1.0"
    response_format: str = "json"
    suppress_response_codes: bool = False
    validate: bool = False
    # The HTTP proxy with the fixed address that Luminate's allow-list knows; "" calls Luminate directly.
    proxy: str = field(default="", repr=False)
    connect_timeout: float = 5.0
    read_timeout: float = 60.0
    # The SOAP web services, a second way to look up; all three or none. The address ends with the short name.
    soap_url: str = ""
    soap_user: str = ""
    soap_password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLevel:
    """A shadow donation form and a level of it; the level should be donor-entered."""

    form_id: int
    level_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AmountRule:
    """Gifts of at least ``minimum`` minor units go to this form and level; the highest that fits wins."""

    minimum: int
    form: FormLevel


@dataclass(frozen=True, slots=True, kw_only=True)
class Fund:
    """Where the money of one provider-side fund code goes; any of the three may be absent.

    ``designee_id``: Luminate's designee. ``write_in``: the name of a write-in designation.
    ``form``: another form and level. All absent: the code is known, the gift carries no designation.
    """

    code: str
    designee_id: int | None = None
    write_in: str = ""
    form: FormLevel | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRule:
    """One addOfflineDonation parameter taken from the provider's object by a JMESPath expression.

    It wins over relay's own mapping; ``default`` serves where the expression finds nothing; ``required``
    holds the gift when neither does.
    """

    parameter: str
    path: str = ""
    default: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Which mails Luminate may send by itself. Default: none."""

    receipt: bool = False
    registration: bool = False
    refund: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast to post for this organization, and how patiently."""

    max_in_flight: int = 1
    per_minute: int = 0  # 0: no limit
    settle_seconds: float = 5.0
    # Waits before each further attempt at what surely was not recorded (seconds); then a person.
    retry_ladder: tuple[int, ...] = (10, 60, 300, 1800, 7200, 21600, 43200, 43200, 43200, 43200, 43200)
    # Waits before a paused site is tried with a harmless read (seconds); the last one repeats.
    check_ladder: tuple[int, ...] = (60, 300, 900)


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How an unknown entry is looked up in Luminate (seconds since it became unknown).

    Not seen is proof of absence only ``settle_seconds`` after the attempt ended: Luminate may show it late.
    """

    ladder: tuple[int, ...] = (120, 600, 3600, 21600, 86400)
    settle_seconds: int = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """For how long payloads are kept once their payment is settled, in days; 0: for ever."""

    payload_days: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One provider of one organization: its secrets (several during a rotation) and its own options."""

    secrets: tuple[str, ...] = field(repr=False)
    tolerance: int = 300
    options: Mapping[str, str] = field(default_factory=dict, repr=False)


# TenderKind -> Luminate's offline_payment_method.
DEFAULT_TENDERS: Mapping[str, str] = {
    "card": "credit",
    "wallet": "credit",
    "check": "check",
    "cash": "cash",
    "bank_debit": "check",
    "other": "cash",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Organization:
    """One charity, strictly apart from the others. ``name`` stands in webhook URLs."""

    name: str
    luminate: LuminateSettings
    form: FormLevel
    title: str = ""
    mode: Mode = Mode.LIVE
    currency: str = "USD"
    time_zone: ZoneInfo = UTC
    amount_rules: tuple[AmountRule, ...] = ()
    funds: Mapping[str, Fund] = field(default_factory=dict)
    # The fund of gifts that name none; "" sends them without a designation.
    default_fund: str = ""
    fields: tuple[FieldRule, ...] = ()
    tenders: Mapping[str, str] = field(default_factory=lambda: DEFAULT_TENDERS)
    mail: Mail = Mail()
    opt_in: OptIn = OptIn.OPTED_IN
    whole_units: WholeUnits = WholeUnits.HOLD
    refunded_unposted: RefundedUnposted = RefundedUnposted.NEITHER
    reinstate: Reinstate = Reinstate.HOLD
    # Send a gift with one designation as single_designated_id (never beside designated.X.*).
    single_designated_id: bool = False
    # The month in which the fiscal year begins (1: January).
    fiscal_year_start: int = 1
    # Hold a gift that would be recorded in another fiscal year than it was paid in.
    hold_other_year: bool = False
    # A correction of a gift above this many currency units needs a second person; None: none does.
    second_person_above: int | None = None
    pace: Pace = Pace()
    probe: Probe = Probe()
    alerts: Alerts = field(default_factory=Alerts)
    retention: Retention = Retention()
    providers: Mapping[str, ProviderSettings] = field(default_factory=dict)
    # The organizations on the same Luminate site, sorted, itself among them; Settings fills it in where there are more.
    neighbours: tuple[str, ...] = field(default=(), repr=False, compare=False)

    @property
    def on_site(self) -> tuple[str, ...]:
        """Whose gifts lie on its Luminate site: a confirmation code is of one gift among all of them."""
        return self.neighbours or (self.name,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything relay is told, read once at start."""

    database_url: str = field(repr=False)
    redis_url: str = field(repr=False)
    # Over rediss://: only a server with a certificate that a known authority signed.
    redis_verified: bool = True
    secret_key: str = field(repr=False)
    # What donor data is sealed with, newest first; "open" before them seals nothing any more. None: it lies plain.
    encryption_keys: tuple[str, ...] = field(default=(), repr=False)
    # Whether it outlives this process; one made up at the start does not.
    secret_is_kept: bool = True
    organizations: Mapping[str, Organization]
    # The largest webhook body taken, in bytes.
    max_body_bytes: int = 1_000_000
    metrics_token: str = field(default="", repr=False)
    log_format: str = "json"
    log_level: str = "INFO"
    # Where errors are reported, without what they were about; "": nowhere.
    sentry_dsn: str = field(default="", repr=False)
    # How many proxies stand in front and say who asked, and how.
    proxies: int = 0
    # Who else vouches for people who sign in.
    oidc: Oidc | None = None
    # Who takes relay's mail; None: it sends none.
    mail: MailServer | None = None
    # Where people reach the console, for links in alerts; "": alerts carry none.
    public_url: str = ""
    # Certificates (PEM) that prove PayPal's signatures in the demo, in place of DigiCert's; never beside real gifts.
    demo_authority: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        """Tell organizations that share a Luminate site of each other."""
        sites: dict[str, list[str]] = {}
        for name, one in sorted(self.organizations.items()):
            sites.setdefault(one.luminate.url.rstrip("/").lower(), []).append(name)
        shared = {name: tuple(names) for names in sites.values() if len(names) > 1 for name in names}
        known = {
            name: replace(one, neighbours=shared[name]) if name in shared else one
            for name, one in self.organizations.items()
        }
        object.__setattr__(self, "organizations", known)
