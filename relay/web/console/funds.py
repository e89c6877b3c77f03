"""``/console/funds``: the fund map as it counts; edited here over the file, after a look at what that does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from relay import words
from relay.access import Permission
from relay.config import Fund, Organization
from relay.config.funds import as_told
from relay.errors import ConfigurationError, ReplayRefused
from relay.luminate.designees import Designees
from relay.money import Money, sums
from relay.office.funding import Row
from relay.office.remapping import mails
from relay.office.trying import Trial
from relay.reports.story import differences
from relay.status import Kind
from relay.web.console import door
from relay.web.console.blueprint import console

console.add_app_template_filter(words.parameter, "parameter")
# Gifts of a trial that are shown one by one.
SHOWN = 50
# A way that was chosen -> the field it needs, and what is said where that is empty: never "no designation" unasked.
_NEEDS = {
    "designee": ("designee_id", "Choose the designee, or say that the money goes to no designation."),
    "write_in": ("write_in", "Write the name of the write-in designation."),
}


@console.get("/funds")
def funds() -> ResponseReturnValue:
    """The map of each organization in view, codes that nobody has mapped first."""
    relay, actor = door.relay_parts(), door.actor()
    maps = [
        (charity, relay.funding.rows(charity.name, actor=actor), relay.designees.of(charity))
        for charity in map(relay.settings.organizations.__getitem__, door.in_view())
    ]
    may = [charity.name for charity, _, _ in maps if actor.may(Permission.MAP, charity.name)]
    return render_template("funds.html", maps=maps, may=may, named=named)


@console.get("/funds/edit")
def funds_edit() -> ResponseReturnValue:
    """The form of one code, filled with what counts now."""
    charity, code = _charity(Permission.MAP), request.args.get("code", "").strip()
    rows = door.relay_parts().funding.rows(charity.name, actor=door.actor())
    row = next((one for one in rows if one.code == code), None)
    return _form(charity, code, _typed(row.fund if row else None), row=row)


@console.post("/funds/edit")
def funds_try() -> ResponseReturnValue:
    """What the edit would do. Nothing is changed; where something is wrong, the form says what."""
    charity, form = _charity(Permission.MAP), request.form
    code, back = form.get("code", "").strip(), form.get("kind") == "file"
    if missing := _missing(form):
        return _form(charity, code, form, wrong=missing), _wrong_status()
    try:
        trial = door.relay_parts().funding.trial(charity.name, code, None if back else _told(form), actor=door.actor())
    except ConfigurationError as error:
        return _form(charity, code, form, wrong=" ".join(error.problems)), _wrong_status()
    except ReplayRefused as error:
        return _form(charity, code, form, wrong=f"{str(error)[:1].upper()}{str(error)[1:]}."), _wrong_status()
    return _form(charity, code, form, trial=trial)


@console.post("/funds/save")
def funds_save() -> ResponseReturnValue:
    """Let the edit count, and the gifts go that were shown."""
    charity, form, relay = _charity(Permission.MAP), request.form, door.relay_parts()
    code, told = form.get("code", ""), None if form.get("kind") == "file" else _told(form)
    said = {"seen": form.get("seen", ""), "reason": form.get("reason", "")}
    if missing := _missing(form):
        flash(f"Not saved. {missing}", "warn")
        return redirect(url_for("console.funds_edit", **_at(charity, code=code)), 303)
    try:
        saved = relay.funding.save(charity.name, code, told, actor=door.actor(), mail=form.get("mail") == "yes", **said)
    except ReplayRefused as error:
        flash(f"Not saved: {error}.", "warn")
        return redirect(url_for("console.funds_edit", **_at(charity, code=code)), 303)
    relay.bell.ring(charity.name)
    if saved.plan:
        flash(f"Fund {code} is saved, and its gifts are let go one by one.", "ok")
        return redirect(url_for("console.replay", number=saved.plan), 303)
    flash(f"Fund {code} is saved.", "ok")
    return redirect(url_for("console.funds", **_at(charity)), 303)


@console.get("/funds/history")
def funds_history() -> ResponseReturnValue:
    """Every version of one code, or of all."""
    charity, code = _charity(Permission.READ), request.args.get("code", "")
    versions = door.relay_parts().funding.history(charity.name, code, actor=door.actor(), limit=500)
    designees = door.relay_parts().designees.of(charity)
    return render_template(
        "funds_history.html", charity=charity, code=code, versions=versions, designees=designees, named=named
    )


def _charity(permission: Permission) -> Organization:
    """The one organization that is spoken of: it must be named where there are several."""
    within = door.in_view()
    if len(within) != 1:
        abort(404)
    return door.relay_parts().funding.charity(door.actor(), permission, within[0])


def _at(charity: Organization, **more: Any) -> dict[str, Any]:
    """``in`` is a word of Python's."""
    return {"in": charity.name, **more}


def _wrong_status() -> int:
    """A part of a page must be shown; htmx shows no answer that is an error."""
    return 200 if request.headers.get("HX-Request") else 422


def _missing(form: Mapping[str, str]) -> str:
    """What to say where the way that was chosen lacks what it needs; "" where it has it."""
    name, sentence = _NEEDS.get(form.get("kind", ""), ("", ""))
    return sentence if name and not form.get(name, "").strip() else ""


def _told(form: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, blanks left out: its kind decides which of designee and write-in counts."""
    kind = form.get("kind", "")
    wanted = {"designee": ("designee_id",), "write_in": ("write_in",)}.get(kind, ())
    return {name: form[name].strip() for name in (*wanted, "form_id", "level_id") if form.get(name, "").strip()}


def _typed(fund: Fund | None) -> dict[str, str]:
    if fund is None:
        return {"kind": "designee"}
    kind = "designee" if fund.designee_id else "write_in" if fund.write_in else "none"
    return {"kind": kind} | {name: str(value) for name, value in as_told(fund).items()}


def _form(
    charity: Organization,
    code: str,
    typed: Mapping[str, str],
    *,
    row: Row | None = None,
    trial: Trial | None = None,
    wrong: str = "",
) -> str:
    relay = door.relay_parts()
    rows = relay.funding.rows(charity.name, actor=door.actor()) if row is None else [row]
    row = next((one for one in rows if one.code == code), None)
    return render_template(
        "funds_edit.html", charity=charity, code=code, typed=typed, row=row, trial=trial, wrong=wrong,
        designees=relay.designees.of(charity), named=named, differences=differences, shown=SHOWN, total=_total,
        mails=mails(charity, Kind.GIFT),
    )  # fmt: skip


def _total(trial: Trial) -> tuple[Money, ...]:
    return sums(one.entry.amount for one in trial.goes)


def named(fund: Fund | None, designees: Designees) -> str:
    """Where the money of a fund goes, as a person says it."""
    if fund is None:
        return "nowhere yet"
    if fund.write_in:
        return f'write-in "{fund.write_in}"'
    if not fund.designee_id:
        return "no designation"
    name = designees.names.get(fund.designee_id, "")
    return f"{name} ({fund.designee_id})" if name else f"designee {fund.designee_id}"
