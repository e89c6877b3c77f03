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
    Reinstate,
    Settings,
    WholeUnits,
)

__all__ = [
    "DEFAULT_TENDERS",
    "SUB_SOURCE_FIELDS",
    "AmountRule",
    "FieldRule",
    "FormLevel",
    "Fund",
    "LuminateSettings",
    "Mail",
    "Mode",
    "OptIn",
    "Organization",
    "Pace",
    "Probe",
    "ProviderSettings",
    "Reinstate",
    "Settings",
    "WholeUnits",
    "load_settings",
]
