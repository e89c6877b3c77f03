"""What the model Luminate answers: real bytes, which relay's own readers read."""

from __future__ import annotations

import json
from typing import Any

from relay.luminate.client import Answer
from tests.prove.simulation.luminate import Recorded, constituent

HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>"


def donation(gift: Recorded, amount: int) -> dict[str, Any]:
    told = {"confirmation_code": gift.code, "transaction_id": f"t{gift.code}"}
    told["cons_id"] = constituent(gift.parameters["donor.email"])
    return {"donationResponse": {"donation": told | {"amount": {"decimal": f"{amount / 100:.2f}"}}}}


def ok(body: dict[str, Any]) -> Answer:
    return Answer(200, json.dumps(body).encode())


def error(code: str, message: str) -> Answer:
    return Answer(403, json.dumps({"errorResponse": {"code": code, "message": message}}).encode())


def field_error(text: str) -> Answer:
    told = {"code": "101", "reason": "FIELD_VALIDATION", "message": "There was a problem.", "fieldError": [text]}
    return Answer(200, json.dumps({"donationResponse": {"errors": told}}).encode())
