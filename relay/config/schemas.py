"""The shape of one organization in the configuration, one schema for TOML and environment alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from marshmallow import ValidationError, fields, post_load, pre_load, validates_schema

from relay.config import checks
from relay.config.alerts import AlertsSchema
from relay.config.field_rules import FieldRules
from relay.config.fields import Choice, Flag, Password, Seconds, StrictSchema, TableOf, Text, WholeNumber, WholeNumbers
from relay.config.funds import FundSchema, fund_of, wrong_code
from relay.config.mapping_options import UNFIT
from relay.config.organization import (
    DEFAULT_TENDERS,
    AmountRule,
    FormLevel,
    LuminateSettings,
    Mail,
    Mode,
    OptIn,
    Organization,
    Pace,
    Probe,
    ProviderSettings,
    RefundedUnposted,
    Reinstate,
    Retention,
    WholeUnits,
)
from relay.config.problems import Problem, did_you_mean, not_one_of
from relay.config.provider_names import OPTIONS, PROVIDERS, split_secrets
from relay.errors import MoneyError
from relay.money import Money

E = TypeVar("E", bound=StrEnum)
TENDER_WORDS = ("cash", "check", "credit")
LEAST_DAYS = 30
SOAP = ("soap_url", "soap_user", "soap_password")


def _words(*words: str) -> dict[str, str]:
    return {word: word for word in words}


def _members(enum: type[E]) -> dict[str, E]:
    return {member.value: member for member in enum}


class LuminateSchema(StrictSchema):
    """``luminate``: how to reach the site."""

    url = Text(required=True, check=checks.wrong_site_url, post_load=checks.site_url)
    api_key = Text(required=True, blank=False)
    login_name = Text(required=True, blank=False)
    login_password = Password(required=True, blank=False)
    center_id = Text()
    source = Text()
    sub_source = Text(check=checks.wrong_sub_source)
    v = Choice(_words("1.0"))
    response_format = Choice(_words("json", "xml"))
    suppress_response_codes = Flag()
    validate_ = Flag(data_key="validate", attribute="validate")
    proxy = Text(check=checks.wrong_proxy)
    connect_timeout = Seconds(least=0.1, most=60)
    read_timeout = Seconds(least=0.1, most=300)
    soap_url = Text(check=checks.wrong_soap_url, post_load=checks.site_url)
    soap_user = Text()
    soap_password = Password()

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _fits_together(self, _data: dict[str, Any], original: Any, **_kwargs: Any) -> None:
        if isinstance(original, Mapping) and (wrong := dict(_soap(original))):
            raise ValidationError(wrong)

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> LuminateSettings:
        return LuminateSettings(**data)


def _soap(original: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
    """The values for SOAP that are missing where another one is given."""
    blank = [name for name in SOAP if not str(original.get(name, "")).strip()]
    if len(blank) < len(SOAP):
        yield from ((name, [f"is needed, too: {', '.join(SOAP)} belong together"]) for name in blank)


class AmountRuleSchema(StrictSchema):
    """``amount_rules[]``: the form and level of gifts from a minimum on."""

    minimum = fields.Raw(required=True)  # read with the organization's currency, below
    form_id = WholeNumber(least=1, required=True)
    level_id = WholeNumber(least=1, required=True)


class MailSchema(StrictSchema):
    """``mail``: what Luminate may send by itself."""

    receipt = Flag()
    registration = Flag()
    refund = Flag()

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> Mail:
        return Mail(**data)


def _rises(ladder: list[int]) -> None:
    """Each look-up comes after the one before, counted from when the gift became unknown."""
    if not ladder or ladder != sorted(set(ladder)):
        raise ValidationError("must be seconds that rise, at least one")


def _not_empty(ladder: list[int]) -> None:
    if not ladder:
        raise ValidationError("must be seconds, at least one")


class PaceSchema(StrictSchema):
    """``pace``: how fast, how patiently."""

    max_in_flight = WholeNumber(least=1, most=64)
    per_minute = WholeNumber(least=0, most=100_000)
    settle_seconds = Seconds(least=0, most=3600)
    retry_ladder = WholeNumbers(least=1, most=7 * 86_400, post_load=tuple)
    check_ladder = WholeNumbers(least=1, most=86_400, validate=_not_empty, post_load=tuple)

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> Pace:
        return Pace(**data)


class ProbeSchema(StrictSchema):
    """``probe``: how an unknown gift is looked up."""

    ladder = WholeNumbers(least=1, most=7 * 86_400, validate=_rises, post_load=tuple)
    settle_seconds = WholeNumber(least=0, most=7 * 86_400)

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> Probe:
        return Probe(**data)


def _long_enough(days: int) -> None:
    """A month is the least in which people notice what is amiss."""
    if 0 < days < LEAST_DAYS:
        raise ValidationError(f"must be at least {LEAST_DAYS} days, or 0 to keep payloads for ever")


class RetentionSchema(StrictSchema):
    """``retention``: how long payloads are kept."""

    payload_days = WholeNumber(least=0, most=36_500, validate=_long_enough)

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> Retention:
        return Retention(**data)


class Secrets(fields.Field[tuple[str, ...]]):
    """A list of texts, or one text; each may hold several secrets, separated by commas or blanks."""

    def _deserialize(self, value: Any, *_args: Any, **_kwargs: Any) -> tuple[str, ...]:
        texts = [value] if isinstance(value, str) else value
        if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
            raise ValidationError("must be a list of texts in quotes")
        secrets = split_secrets(" ".join(texts))
        if not secrets or not all(split_secrets(text) for text in texts):
            raise ValidationError("must not be empty")
        return tuple(secrets)


class ProviderSchema(StrictSchema):
    """``providers.<name>``: secrets and the provider's own options."""

    secrets = Secrets(required=True)
    tolerance = WholeNumber(least=1, most=86_400)
    options = TableOf(Text())

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> ProviderSettings:
        return ProviderSettings(**data)


def _wrong_provider(name: str) -> str:
    return "" if name in PROVIDERS else "is not a provider relay knows" + did_you_mean(name, PROVIDERS)


def _wrong_tender(kind: str) -> str:
    return "" if kind in DEFAULT_TENDERS else not_one_of(kind, DEFAULT_TENDERS)


class OrganizationSchema(StrictSchema):
    """Everything under ``organizations.<name>``."""

    title = Text()
    mode = Choice(_members(Mode))
    currency = Text(check=checks.wrong_currency, post_load=str.upper)
    time_zone = Text(check=checks.wrong_time_zone, post_load=ZoneInfo)
    form_id = WholeNumber(least=1, required=True)
    level_id = WholeNumber(least=1, required=True)
    luminate = fields.Nested(LuminateSchema)
    amount_rules = fields.List(fields.Nested(AmountRuleSchema))
    funds = TableOf(fields.Nested(FundSchema), check=wrong_code)
    default_fund = Text()
    field_rules = FieldRules(data_key="fields", attribute="fields")
    tenders = TableOf(Choice(_words(*TENDER_WORDS)), check=_wrong_tender)
    mail = fields.Nested(MailSchema)
    opt_in = Choice(_members(OptIn))
    refunded_unposted = Choice(_members(RefundedUnposted))
    reinstate = Choice(_members(Reinstate))
    whole_units = Choice(_members(WholeUnits))
    single_designated_id = Flag()
    fiscal_year_start = WholeNumber(least=1, most=12)
    hold_other_year = Flag()
    second_person_above = WholeNumber(least=0)
    pace = fields.Nested(PaceSchema)
    probe = fields.Nested(ProbeSchema)
    alerts = fields.Nested(AlertsSchema)
    retention = fields.Nested(RetentionSchema)
    providers = TableOf(fields.Nested(ProviderSchema), check=_wrong_provider)

    @pre_load
    def _open(self, data: Any, **_kwargs: Any) -> Any:
        """A missing ``luminate`` table is reported key by key, like one that is there and empty."""
        return {"luminate": {}, **data} if isinstance(data, Mapping) else data

    @validates_schema(skip_on_field_errors=False, pass_original=True)
    def _fits_together(self, data: dict[str, Any], original: Any, **_kwargs: Any) -> None:
        if not isinstance(original, Mapping):
            return
        wrong: dict[str, Any] = {}
        for problem in (*_providers(data, original), *_default_fund(original), *_minimums(data, original)):
            _put(wrong, problem)
        if wrong:
            raise ValidationError(wrong)


def _put(messages: dict[Any, Any], problem: Problem) -> None:
    """Set a problem into marshmallow's nested messages."""
    *way, last = problem.path
    for step in way:
        messages = messages.setdefault(step, {})
    messages.setdefault(last, []).append(problem.text)


def _providers(data: Mapping[str, Any], original: Mapping[str, Any]) -> Iterator[Problem]:
    if not original.get("providers"):
        yield Problem(("providers",), "needs at least one provider with a secret")
    for name, settings in data.get("providers", {}).items():
        # A table with another mistake in it is still a dict.
        known = settings.secrets if isinstance(settings, ProviderSettings) else settings.get("secrets", ())
        for place, secret in enumerate(known):
            if wrong := PROVIDERS[name](secret):
                yield Problem(("providers", name, "secrets", place), wrong)
        chosen = settings.options if isinstance(settings, ProviderSettings) else settings.get("options", {})
        yield from _provider_options(name, chosen, known)


def _provider_options(provider: str, chosen: Mapping[str, str], secrets: Sequence[str]) -> Iterator[Problem]:
    known = OPTIONS.get(provider, {})
    for option, value in chosen.items():
        wrong = known[option].wrong(value) if option in known else "is not an option" + did_you_mean(option, known)
        if wrong:
            yield Problem(("providers", provider, "options", option), wrong)
    for option in (name for name, rule in known.items() if rule.required and not chosen.get(name, "").strip()):
        yield Problem(("providers", provider, "options", option), "is needed")
    if provider in UNFIT:
        for option, wrong in UNFIT[provider](chosen, secrets):
            yield Problem(("providers", provider, "options", option), wrong)


def _default_fund(original: Mapping[str, Any]) -> Iterator[Problem]:
    chosen, funds = original.get("default_fund"), original.get("funds", {})
    if isinstance(chosen, str) and chosen.strip() and isinstance(funds, Mapping) and chosen.strip() not in funds:
        yield Problem(("default_fund",), "is not one of the funds" + did_you_mean(chosen, funds))


def _minimums(data: Mapping[str, Any], original: Mapping[str, Any]) -> Iterator[Problem]:
    currency = data.get("currency", "" if "currency" in original else "USD")
    rules = original.get("amount_rules")
    seen: set[int] = set()
    for place, rule in enumerate(rules if currency and isinstance(rules, list) else ()):
        if not isinstance(rule, Mapping) or "minimum" not in rule:
            continue
        path = ("amount_rules", place, "minimum")
        try:
            minimum = _minimum(rule["minimum"], currency)
        except MoneyError as error:
            yield Problem(path, f'must be an amount in {currency} such as "100" ({error})')
            continue
        if minimum < 0 or minimum in seen:
            yield Problem(path, "must not be negative" if minimum < 0 else "is the minimum of another rule, too")
        seen.add(minimum)


def _minimum(value: object, currency: str) -> int:
    return Money.parse(value.strip() if isinstance(value, str) else value, currency).minor


def organization(name: str, raw: object) -> Organization:
    """One organization from its table. Raises marshmallow's ValidationError with everything that is wrong."""
    data = OrganizationSchema().load(raw)  # type: ignore[arg-type]  # anything may stand there; the schema says so
    currency = data.get("currency", "USD")
    data["form"] = _take_form(data)
    data["amount_rules"] = tuple(
        AmountRule(minimum=_minimum(rule["minimum"], currency), form=_take_form(rule))
        for rule in data.get("amount_rules", ())
    )
    data["funds"] = {code: fund_of(code, fund) for code, fund in data.get("funds", {}).items()}
    data["tenders"] = {**DEFAULT_TENDERS, **data.get("tenders", {})}
    return Organization(name=name, **data)


def _take_form(data: dict[str, Any]) -> FormLevel:
    """The form and level in ``data``, which loses them."""
    return FormLevel(form_id=data.pop("form_id"), level_id=data.pop("level_id"))
