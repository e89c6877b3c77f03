"""Alerts people act on: what is wrong is raised once, told by e-mail and webhook, and told again when it is over.

Nothing of a donor is in a message: counts, money, and causes in our own words, never in words that were typed or
sent by anybody else. docs/alerts.md has each alert for the people who get them.
"""

from relay.alerting.running import Alerting
from relay.alerting.signs import Kind

__all__ = ["Alerting", "Kind"]
