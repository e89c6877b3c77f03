"""The finance console: one module a screen, all on one blueprint. ``attach`` puts it into the application."""

from relay.web.console import (
    account,
    acts,
    attention,
    audit,
    correct,
    funds,
    gift,
    gifts,
    invitation,
    people,
    proposals,
    replays,
    settings,
    sign_in,
    sources,
    today,
    tokens,
    unknown,
)
from relay.web.console.blueprint import attach, failed, is_of_the_console
from relay.web.console.identity import attach_oidc

SCREENS = (
    account,
    acts,
    attention,
    audit,
    correct,
    funds,
    gift,
    gifts,
    invitation,
    people,
    proposals,
    replays,
    settings,
    sign_in,
    sources,
    today,
    tokens,
    unknown,
)

__all__ = ["SCREENS", "attach", "attach_oidc", "failed", "is_of_the_console"]
