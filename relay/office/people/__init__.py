"""People who use the console: who may come in (``entering``), and who may do what (``managing``)."""

from relay.office.people.entering import Entering, Visit
from relay.office.people.managing import People

__all__ = ["Entering", "People", "Visit"]
