"""The settings of an organization: changed by POST, shown by GET."""

from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any

from . import shapes
from .money import two_places
from .shapes import Reader, Refused
from .site import Constituent, DesignationType, Designee, Form, Level, Login, Organization
from .switches import checked

RIGHTS = shapes.many(shapes.one_of("add", "refund", "read", "soap"))
LOGIN: dict[str, Reader] = {"password": shapes.text, "rights": RIGHTS}
LEVEL: dict[str, Reader] = {"name": shapes.text, "amount": shapes.maybe(shapes.money), "minimum": shapes.money,
                            "published": shapes.flag}  # fmt: skip
DESIGNEE: dict[str, Reader] = {"name": shapes.text, "type_id": shapes.text, "archived": shapes.flag}
TYPE: dict[str, Reader] = {"name": shapes.text, "sort": shapes.whole, "archived": shapes.flag}
PERSON: dict[str, Reader] = dict.fromkeys(("cons_id", "email", "first", "last", "member_id"), shapes.text)
FORM: dict[str, Reader] = {
    "name": shapes.text,
    "kind": shapes.one_of("online_offline", "offline_only", "online_only"),
    "published": shapes.flag,
    "campaign_published": shapes.flag,
    "designations": shapes.flag,
    "write_in": shapes.flag,
    "designees": shapes.maybe(shapes.many(shapes.text)),
    "required_fields": shapes.many(shapes.text),
    "payment_methods": shapes.many(shapes.text),
    "levels": shapes.mapping,
}


def _merged(
    where: str, posted: Any, now: Mapping[str, Any], readers: Mapping[str, Reader], empty: Any
) -> dict[str, Any]:
    """Entries by id: null takes one away, an object changes the fields it names or makes a new entry."""
    found = dict(now)
    for key, value in shapes.mapping(where, posted).items():
        if value is None:
            found.pop(key, None)
        else:
            found[key] = _entry(f"{where}.{key}", value, found.get(key, empty), readers)
    return found


def _entry(where: str, posted: Any, now: Any, readers: Mapping[str, Reader]) -> Any:
    changes = shapes.fields(where, posted, readers)
    if "levels" in changes:
        changes["levels"] = _merged(f"{where}.levels", changes["levels"], now.levels, LEVEL, Level())
    return replace(now, **changes)


def _people(where: str, posted: Any) -> tuple[dict[str, str], ...]:
    found: tuple[dict[str, str], ...] = shapes.many(lambda place, one: shapes.fields(place, one, PERSON))(where, posted)
    if any(not person.get("email") for person in found):
        raise Refused(f"{where}: every constituent needs an email.")
    return found


def _switches(where: str, posted: Any, now: Mapping[str, str]) -> dict[str, str]:
    try:
        return {**now, **checked(shapes.mapping(where, posted))}
    except Refused:
        raise
    except ValueError as problem:
        raise Refused(str(problem)) from None


def change(organization: Organization, posted: Any) -> None:
    """Changes only what is given, all of it or nothing. `constituents` adds people. Raises Refused."""
    with organization.lock:
        readers: dict[str, Reader] = {
            "switches": lambda w, v: _switches(w, v, organization.switches),
            "api_key": shapes.text,
            "logins": lambda w, v: _merged(w, v, organization.logins, LOGIN, Login()),
            "ip_allow": shapes.many(shapes.network),
            "soap_ip_allow": shapes.many(shapes.network),
            "forms": lambda w, v: _merged(w, v, organization.forms, FORM, Form()),
            "designees": lambda w, v: _merged(w, v, organization.designees, DESIGNEE, Designee()),
            "designation_types": lambda w, v: _merged(w, v, organization.designation_types, TYPE, DesignationType()),
            "constituents": _people,
        }
        changes = shapes.fields("The body", posted, readers)
        for person in changes.pop("constituents", ()):
            organization.keep_constituent(Constituent(**{"cons_id": organization.new_cons_id(), **person}))
        for name, value in changes.items():
            setattr(organization, name, value)


def shown(organization: Organization) -> dict[str, Any]:
    """All settings, in the shape in which they can be posted back."""
    with organization.lock:
        return {
            "organization": organization.name,
            "api_key": organization.api_key,
            "logins": {name: asdict(login) for name, login in organization.logins.items()},
            "ip_allow": list(organization.ip_allow),
            "soap_ip_allow": list(organization.soap_ip_allow),
            "switches": dict(organization.switches),
            "forms": {form_id: _shown_form(form) for form_id, form in organization.forms.items()},
            "designees": {key: asdict(one) for key, one in organization.designees.items()},
            "designation_types": {key: asdict(one) for key, one in organization.designation_types.items()},
            "constituents": [asdict(person) for person in organization.constituents.values()],
        }


def _shown_form(form: Form) -> dict[str, Any]:
    levels = {level_id: _shown_level(level) for level_id, level in form.levels.items()}
    return asdict(form) | {"levels": levels}


def _shown_level(level: Level) -> dict[str, Any]:
    amount = None if level.amount is None else two_places(level.amount)
    return asdict(level) | {"amount": amount, "minimum": two_places(level.minimum)}
