"""The front door of a relay on this machine: signed events in, answers out, as a processor would do it."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from relay.demo.child import ServerError
from relay.demo.place import ORGANIZATION, STANDARD_SECRET, STRIPE_SECRET, Place
from relay.demo.samples import Sample
from relay.demo.signing import standard_headers, stripe_headers

TIMEOUT = 10.0


class Door:
    """Talks to this machine only, past any proxy the environment names."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._session = requests.Session()
        self._session.trust_env = False

    def get(self, url: str) -> Any:
        """The JSON behind a URL; None while it does not answer with 200."""
        try:
            reply = self._session.get(url, timeout=TIMEOUT)
            return reply.json() if reply.status_code == 200 else None
        except (requests.RequestException, ValueError):
            return None

    def post(self, sample: Sample) -> int:
        """Sign and post one sample, and give back the number of its event. Raises ServerError if it is not taken."""
        body = json.dumps(sample.body).encode()
        url = f"{self._place.web}/webhooks/{ORGANIZATION}/{sample.provider}"
        headers = {"content-type": "application/json", **signed(sample, body, int(time.time()))}
        try:
            reply = self._session.post(url, data=body, headers=headers, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise ServerError(f"The web server did not take '{sample.arrives}' ({type(error).__name__}).") from error
        if reply.status_code != 200:
            raise ServerError(
                f"The web server answered {reply.status_code} to '{sample.arrives}': {reply.text.strip()}"
            )
        return int(reply.json()["event"])


def signed(sample: Sample, body: bytes, now: int) -> dict[str, str]:
    """The headers that prove the sample, as its provider makes them."""
    if sample.provider == "stripe":
        return stripe_headers(body, STRIPE_SECRET, now)
    return standard_headers(body, STANDARD_SECRET, now, str(sample.body["id"]))
