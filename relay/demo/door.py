"""The front door of a relay on this machine: signed events in, answers out, as a processor would do it."""

from __future__ import annotations

import json
import time
from typing import Any

import requests

from relay.demo.announcements import Announced, Sent, Stamp
from relay.demo.announcements.processors import STANDARD_SECRET, STRIPE_SECRET
from relay.demo.child import ServerError
from relay.demo.paypal_key import PayPalKey
from relay.demo.place import ORGANIZATION, Place
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

    def post(self, arrival: Sample | Announced, key: PayPalKey) -> None:
        """Sign and post one event as its provider does. Raises ServerError if it is not taken."""
        sent = signed(arrival, Stamp(int(time.time()), key.key, key.url))
        url = f"{self._place.web}/webhooks/{ORGANIZATION}/{arrival.provider}"
        address = f"{url}/{sent.token}" if sent.token else url
        headers = {"content-type": "application/json", **sent.headers}
        try:
            reply = self._session.post(address, data=sent.body, headers=headers, timeout=TIMEOUT)
        except requests.RequestException as error:
            raise ServerError(f"The web server did not take '{arrival.arrives}' ({type(error).__name__}).") from error
        if reply.status_code != 200:
            raise ServerError(
                f"The web server answered {reply.status_code} to '{arrival.arrives}': {reply.text.strip()}"
            )


def signed(arrival: Sample | Announced, stamp: Stamp) -> Sent:
    """The delivery, with what proves it."""
    if isinstance(arrival, Announced):
        return arrival.send(stamp)
    body = json.dumps(arrival.body).encode()
    if arrival.provider == "stripe":
        return Sent(body, stripe_headers(body, STRIPE_SECRET, stamp.now))
    return Sent(body, standard_headers(body, STANDARD_SECRET, stamp.now, str(arrival.body["id"])))
