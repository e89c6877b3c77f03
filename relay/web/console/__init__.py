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

SCREENS = (account, audit, invitation, people, sign_in, today)

__all__ = ["SCREENS", "attach", "failed", "is_of_the_console"]
