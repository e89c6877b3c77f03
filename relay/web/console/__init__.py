"""The finance console: one module a screen, all on one blueprint. ``attach`` puts it into the application."""

from relay.web.console import (
    account,
    acts,
    attention,
    audit,
    connections,
    correct,
    funds,
    gift,
    gifts,
    identity,
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

SCREENS = (
    account,
    acts,
    attention,
    audit,
    connections,
    correct,
    funds,
    gift,
    gifts,
    identity,
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

__all__ = ["SCREENS", "attach", "failed", "is_of_the_console"]
