"""Sessions of the SOAP web services: a token from Login, good for 30 minutes of inactivity (H)."""

import secrets
import threading
from datetime import datetime, timedelta

IDLE = timedelta(minutes=30)


class SoapSessions:
    """The open sessions, each of one organization, by the moment of their last use."""

    def __init__(self) -> None:
        self._used: dict[tuple[str, str], datetime] = {}
        self._lock = threading.Lock()

    def open(self, organization: str, now: datetime) -> str:
        """A new session, in the form of the vendor's example (H)."""
        stamp = now.strftime("%Y-%m-%dT%H:%M:%SZ")
        session = f"{secrets.token_hex(20)}:JSESSIONID={secrets.token_hex(10)}:10000100:{stamp}"
        with self._lock:
            self._used = {key: used for key, used in self._used.items() if now - used <= IDLE}
            self._used[organization, session] = now
        return session

    def use(self, organization: str, session: str, now: datetime) -> bool:
        """Whether the session is open; its idle time begins again."""
        with self._lock:
            used = self._used.get((organization, session))
            if used is None or now - used > IDLE:
                return False
            self._used[organization, session] = now
        return True
