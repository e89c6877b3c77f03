"""What every call is asked before its method runs (facts 13.2): address, key, login, method, permission, parameters.

The order address, login, permission is the vendor's (M); the rest is the switch `check_order`.
"""

import ipaddress
from collections.abc import Callable, Iterable

from .calls import Call
from .errors import BAD_ADDRESS, BAD_KEY, BAD_METHOD, MISSING, NOT_AUTHORIZED, CommonError
from .methods import METHODS, Method
from .parameters import missing

WRONG_KEY = ("Incorrect API key.  Verify that the value of the parameter api_key matches the value of the SDP "
             "CONVIO_API_KEY.")  # fmt: skip


def method_of(call: Call) -> Method:
    """The method the call asks for, or code 6. Names are case-sensitive and belong to one servlet (H)."""
    method = METHODS.get(call.params.get("method", ""))
    if method is None or method.servlet != call.servlet:
        raise CommonError(BAD_METHOD, "Invalid method.  The value of the parameter method is missing or not known.")
    return method


def listed(address: str, allowed: Iterable[str]) -> bool:
    """Whether an address stands on an allow-list."""
    caller = ipaddress.ip_address(address)
    return any(caller in ipaddress.ip_network(entry) for entry in allowed)


def _address(call: Call) -> None:
    if call.servlet.startswith("CR"):
        return
    if not listed(call.address, call.organization.ip_allow):
        raise CommonError(BAD_ADDRESS, f"Unauthorized IP address {call.address}.  Verify CONVIO_API_IP_FILTER.")


def _key(call: Call) -> None:
    if call.params.get("api_key") != call.organization.api_key:
        raise CommonError(BAD_KEY, WRONG_KEY)


def _login(call: Call) -> None:
    if call.servlet.startswith("CR"):
        return
    login = call.organization.logins.get(call.params.get("login_name", ""))
    if login is None or login.password != call.params.get("login_password") or "soap" in login.rights:
        raise CommonError(NOT_AUTHORIZED, "Authorization failed.  Verify login_name and login_password.")


def _method(call: Call) -> None:
    method_of(call)


def _permission(call: Call) -> None:
    right = method_of(call).right
    if right == "read" and call.switch("read_permission") == "included":
        return
    login = call.organization.logins.get(call.params.get("login_name", ""))
    if right and (login is None or right not in login.rights):
        raise CommonError(NOT_AUTHORIZED, "Authorization failed.  The account lacks the permission for this method.")


def _parameters(call: Call) -> None:
    absent = missing(call.params, ("v", *method_of(call).required))
    if absent:
        raise CommonError(MISSING, f"One or more required parameters are missing: {', '.join(absent)}.")
    if call.get("v") != "1.0":
        raise CommonError(MISSING, "The parameter v must be 1.0.")


Check = Callable[[Call], None]
ORDERS: dict[str, tuple[Check, ...]] = {
    "as in 13.2": (_address, _key, _login, _method, _permission, _parameters),
    "method_first": (_method, _address, _key, _login, _permission, _parameters),
    "parameters_first": (_method, _parameters, _address, _key, _login, _permission),
}


def check(call: Call) -> Method:
    """The method that may run now. Raises CommonError for the first check that fails."""
    for one in ORDERS[call.switch("check_order")]:
        one(call)
    return method_of(call)
