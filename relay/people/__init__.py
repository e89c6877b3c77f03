"""People who use the console: who may come in (``entering``), and who may do what (``managing``)."""

from relay.people.entering import Entering, Visit
from relay.people.managing import People

__all__ = ["Entering", "People", "Visit"]
