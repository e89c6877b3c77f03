"""Calling the sandbox as a relay would, and reading what it answers."""

from dataclasses import dataclass, field
from typing import Any

import requests
from defusedxml import ElementTree

UTF8_FORM = {"Content-Type": "application/x-www-form-urlencoded; charset=UTF-8"}
CREDENTIALS = {
    "api_key": "demo-api-key",
    "v": "1.0",
    "login_name": "demo-api-user",
    "login_password": "demo-api-password",
}
OTHER = {"login_name": "demo-other-user", "login_password": "demo-other-password"}
GIFT = {
    "form_id": "1260",
    "level_id": "1523",
    "other_amount": "25.00",
    "offline_payment_method": "cash",
    "donor.email": "ada@example.org",
    "donor.name.first": "Ada",
    "donor.name.last": "Lovelace",
}
ADDRESS = {
    "donor.address.street1": "1 Road",
    "donor.address.city": "Austin",
    "donor.address.state": "TX",
    "donor.address.zip": "78701",
}


@dataclass
class Site:
    """One organization of the sandbox, called as a relay would call it: POST, JSON, nothing suppressed."""

    url: str
    name: str
    session: requests.Session = field(default_factory=requests.Session)

    def post(self, servlet: str, params: dict[str, str | None], **options: Any) -> requests.Response:
        """A call with credentials; a parameter that is None is left out."""
        whole = {"response_format": "json", **CREDENTIALS, **params}
        data = {name: value for name, value in whole.items() if value is not None}
        return self.session.post(
            f"{self.url}/{self.name}/site/{servlet}", data=data, headers=UTF8_FORM, timeout=10, **options
        )

    def add(self, **changed: str | None) -> requests.Response:
        """A gift of $25.00; a dot in a name is written as two underscores."""
        params = {name.replace("__", "."): value for name, value in changed.items()}
        return self.post("SRDonationAPI", {"method": "addOfflineDonation", **GIFT, **params})

    def code(self, **changed: str | None) -> str:
        """Adds a gift that is accepted."""
        code: str = self.add(**changed).json()["donationResponse"]["donation"]["confirmation_code"]
        return code

    def refund(self, code: str, **changed: str | None) -> requests.Response:
        params = {"method": "refundOfflineDonation", "refund_user_confirm_code": code, **changed}
        return self.post("SRDonationAPI", params)

    def rows(self, **changed: str | None) -> list[dict[str, Any]]:
        """What getUserTransactions tells, as a list."""
        body = self.transactions(**changed).json()["getConsTransactionsResponse"]
        found = body.get("transaction", [])
        return found if isinstance(found, list) else [found]

    def transactions(self, **changed: str | None) -> requests.Response:
        params = {"method": "getUserTransactions", "primary_email": GIFT["donor.email"], **changed}
        return self.post("SRConsAPI", params)

    def read_form(self, method: str, **params: str | None) -> requests.Response:
        bare = {"login_name": None, "login_password": None}
        return self.post("CRDonationAPI", {"method": method, **bare, **params})

    def set(self, **settings: Any) -> requests.Response:
        return self.session.post(f"{self.url}/sandbox/organizations/{self.name}", json=settings, timeout=10)

    def switch(self, **positions: str) -> None:
        assert self.set(switches=positions).status_code == 200

    def donations(self) -> list[dict[str, Any]]:
        return self.held()["donations"]

    def counts(self) -> dict[str, int]:
        return self.held()["counts"]

    def held(self) -> dict[str, Any]:
        return self.session.get(f"{self.url}/sandbox/donations?organization={self.name}", timeout=10).json()

    def calls(self) -> list[dict[str, Any]]:
        return self.session.get(f"{self.url}/sandbox/calls?organization={self.name}", timeout=10).json()["calls"]

    def faults(self, *faults: dict[str, Any], **more: Any) -> None:
        posted = {"faults": [{"organization": self.name, **fault} for fault in faults], **more}
        answer = self.session.post(f"{self.url}/sandbox/faults", json=posted, timeout=10)
        assert answer.status_code == 200, answer.text


def error_of(answer: requests.Response) -> dict[str, Any]:
    """The errorResponse of a JSON answer."""
    return answer.json()["errorResponse"]


def donation_errors(answer: requests.Response) -> list[str]:
    """The field texts of a refused gift, or the text of its page where there are none."""
    errors = answer.json()["donationResponse"]["errors"]
    assert errors["code"] == "101"
    found = errors.get("fieldError", [errors["pageError"]])
    return found if isinstance(found, list) else [found]


def local_names(xml: str) -> Any:
    """The XML as nested dicts by local name, a repeated name as a list, an empty element as None."""
    return _node(ElementTree.fromstring(xml))


def _node(element: Any) -> Any:
    children: dict[str, Any] = {}
    for child in element:
        name = child.tag.rpartition("}")[2]
        children.setdefault(name, []).append(_node(child))
    return {name: found[0] if len(found) == 1 else found for name, found in children.items()} or element.text
