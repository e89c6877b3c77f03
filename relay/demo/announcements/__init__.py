"""One gift from each provider, as data: what it announces, how it proves it, what its API tells when it is asked."""

from __future__ import annotations

from relay.demo.announcements import fetched, platforms, processors
from relay.demo.announcements.announced import Announced, Asked, Sent, Stamp

# In the order of their names, as a person looks for them. A test holds it equal to the registry of providers.
ANNOUNCEMENTS: dict[str, Announced] = {
    one.provider: one for one in sorted((*processors.ALL, *fetched.ALL, *platforms.ALL), key=lambda one: one.provider)
}

__all__ = ["ANNOUNCEMENTS", "Announced", "Asked", "Sent", "Stamp"]
