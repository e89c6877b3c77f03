"""GoFundMe Pro (Classy): signed by Svix, mapped by configuration, because the schema of its bodies is not public.

docs.svix.com/receiving/verifying-payloads/how-manual; GoFundMe Pro help, article 41221411214619. What to switch on and
how to map: docs/providers/gofundmepro.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from relay.config import ProviderSettings
from relay.errors import NotUnderstood
from relay.providers.base import Delivery, Parsed, Provider, understood_as
from relay.providers.generic import envelope, read_object_or_list
from relay.providers.mapping import Mapped, facts_of, is_mapped
from relay.providers.standard.signature import message_id, verify

# Where the type may stand, as long as no option says so.
TYPES = {"type": "type || event_type || eventType || event"}
# Families of types that bring no money.
NOISE = ("supporter.", "recurring_donation_plan.", "campaign.", "fundraising_page.", "fundraising_team.")
UNMAPPED = (
    "this event is not mapped yet: see what it holds, set the options of gofundmepro (is_gift, payment_id, "
    "amount, ...), and replay it"
)


def parse(delivery: Delivery, settings: ProviderSettings | None = None) -> Parsed:
    """What the organization's mapping makes of a stored body. Raises Unreadable or NotUnderstood.

    Without a mapping nothing is guessed and nothing lost: what may be money waits for one.
    """
    options: Mapping[str, str] = TYPES | dict(settings.options if settings else {})
    mapped = Mapped(options, read_object_or_list(delivery.body))
    about = envelope(delivery, mapped, default_type="", event_id=message_id(delivery.headers))
    with understood_as(about):
        if not about.type:
            raise NotUnderstood("the event has no type")
        if about.type.startswith(NOISE):
            return replace(about, note="not about the money of a gift")
        if not is_mapped(options):
            raise NotUnderstood(UNMAPPED)
        read = facts_of(mapped)
    return replace(about, note=read) if isinstance(read, str) else replace(about, facts=read)


GOFUNDMEPRO = Provider(name="gofundmepro", verify=verify, parse=parse)
