"""Settings and organizations: read once, every mistake reported together."""

from relay.config.load import load_settings
from relay.config.organization import (
    DEFAULT_TENDERS,
    SUB_SOURCE_FIELDS,
    AmountRule,
    FieldRule,
    FormLevel,
    Fund,
    LuminateSettings,
    Mail,
    Mode,
    OptIn,
    Organization,
    Pace,
    Probe,
    ProviderSettings,
    RefundedUnposted,
    Reinstate,
    Settings,
    WholeUnits,
)
from relay.config.outlets import Alerts, MailServer

__all__ = [
    "DEFAULT_TENDERS",
    "SUB_SOURCE_FIELDS",
    "Alerts",
    "AmountRule",
    "FieldRule",
    "FormLevel",
    "Fund",
    "LuminateSettings",
    "Mail",
    "MailServer",
    "Mode",
    "OptIn",
    "Organization",
    "Pace",
    "Probe",
    "ProviderSettings",
    "RefundedUnposted",
    "Reinstate",
    "Settings",
    "WholeUnits",
    "load_settings",
]
