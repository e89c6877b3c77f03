"""The finance console: one module a screen, all on one blueprint. ``attach`` puts it into the application."""

from relay.web.console import (
    account,
    audit,
    invitation,
    people,
    sign_in,
    today,
)
from relay.web.console.blueprint import attach, failed, is_of_the_console
from relay.web.console.identity import attach_oidc

SCREENS = (account, audit, invitation, people, sign_in, today)

__all__ = ["SCREENS", "attach", "attach_oidc", "failed", "is_of_the_console"]
