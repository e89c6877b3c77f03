"""Settings and organizations: read once, every mistake reported together."""

from relay.config.organization import (
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
    ProviderSettings,
    Settings,
    WholeUnits,
)

__all__ = [
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
    "ProviderSettings",
    "Settings",
    "WholeUnits",
]
