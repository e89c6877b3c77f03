"""The calls of CRDonationAPI: getDonationFormInfo, getDesignees, getDesignationTypes (facts 8.2).

They need no login and answer any address (H).
"""

from collections.abc import Mapping
from typing import Any

from .calls import Call
from .errors import UNABLE, CommonError
from .money import amount_node
from .site import Designee, Form, Level

Answer = tuple[str, Mapping[str, Any]]


def form_info(call: Call) -> Answer:
    """Levels and fields of a form. It tells neither a level's minimum nor whether offline gifts are allowed (M)."""
    form = _form(call)
    if form.kind == "offline_only" and call.switch("form_info_offline_only") == "error":
        raise CommonError(UNABLE, f"The donation form {call.get('form_id')} is not available.")
    levels = [_level(level_id, level) for level_id, level in form.levels.items() if level.published]
    return "getDonationFormInfoResponse", {
        "supportsWriteInDesignation": _flag(form.write_in),
        "supportsLevelAutorepeat": "false",
        "donationLevels": {"donationLevel": levels},
        "donationFields": {"donationField": [{"name": name, "required": "true"} for name in form.required_fields]},
        "paymentCards": {"paymentCard": ["VISA", "MASTERCARD", "AMEX", "DISCOVER"]},
    }


def _form(call: Call) -> Form:
    """A form that is published. An unknown one is an error whose text contains "not found" (L)."""
    form = call.organization.forms.get(call.get("form_id"))
    if form is None or not form.published:
        raise CommonError(UNABLE, f"The donation form {call.get('form_id')} was not found.")
    return form


def _level(level_id: str, level: Level) -> dict[str, Any]:
    """Here the decimal has two places always, and a donor-entered level the amount zero (L)."""
    amount = amount_node(level.amount or 0, "two_places")
    return {"level_id": level_id, "name": level.name, "amount": amount, "userSpecified": _flag(level.amount is None)}


def _flag(value: object) -> str:
    return "true" if value else "false"


def designees(call: Call) -> Answer:
    """The designees that are not archived; with form_id those the form offers (H)."""
    found = [
        {"id": designee_id, "name": designee.name, "typeId": designee.type_id}
        for designee_id, designee in _offered(call).items()
    ]
    return "getDesigneesResponse", {"designee": found}


def _offered(call: Call) -> dict[str, Designee]:
    everything = {key: one for key, one in call.organization.designees.items() if not one.archived}
    form = _form(call) if call.get("form_id") else None
    if form is None:
        return everything
    if not form.designations:
        return {}
    return everything if form.designees is None else {k: v for k, v in everything.items() if k in form.designees}


def designation_types(call: Call) -> Answer:
    """The types that are not archived, by their sort order; with form_id those of its designees (H)."""
    wanted = {one.type_id for one in _offered(call).values()} if call.get("form_id") else None
    types = sorted(call.organization.designation_types.items(), key=lambda item: item[1].sort)
    found = [
        {"id": type_id, "name": one.name, "sort": str(one.sort)}
        for type_id, one in types
        if not one.archived and (wanted is None or type_id in wanted)
    ]
    return "getDesignationTypesResponse", {"type": found}
