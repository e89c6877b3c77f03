"""The variables of the process itself: database, Redis, secret key, limits, logs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError

from relay.config.alerts import incomplete_mail, take_mail, wrong_dsn, wrong_email, wrong_public_url, wrong_smtp
from relay.config.encryption import listed_keys, wrong_keys
from relay.config.fields import Choice, StrictSchema, Text, WholeNumber
from relay.config.front import incomplete_oidc, take_oidc, wrong_issuer
from relay.config.problems import Problem, flatten, sentence

# A variable that a platform sets -> the platform. Disks there vanish, and web and worker do not share one.
PLATFORMS: Mapping[str, str] = {
    "DYNO": "Heroku",
    "RENDER": "Render",
    "FLY_APP_NAME": "Fly.io",
    "RAILWAY_ENVIRONMENT": "Railway",
    "K_SERVICE": "Cloud Run",
    "GAE_APPLICATION": "App Engine",
    "WEBSITE_SITE_NAME": "Azure App Service",
    "VCAP_APPLICATION": "Cloud Foundry",
    "KOYEB_APP_NAME": "Koyeb",
    "PLATFORM_APPLICATION_NAME": "Upsun",
}
DEFAULT_DATABASE = "sqlite:///var/relay.sqlite3"
DEFAULT_REDIS = "redis://127.0.0.1:6379/0"
_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")
_LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_KEY_LENGTH = 16
# A key made of such words only is one that anybody would try.
_OBVIOUS = re.compile(
    "(change|replace|please|this|me|your?|my|the|secret|key|password|default|example|insecure|super|very|not|in|"
    "flask|relay|development|production|dev|test)+"
)


def _scheme(url: str) -> str:
    """The scheme of a usable address, "" for anything else."""
    try:
        parts = urlsplit(url)
        _port = parts.port
    except ValueError:
        return ""
    return parts.scheme if "://" in url and not any(letter.isspace() for letter in url) else ""


def _wrong_database(url: str) -> str:
    scheme = _scheme(url)
    if scheme == "sqlite" and url.partition("?")[0] in ("sqlite://", "sqlite:///", "sqlite:///:memory:"):
        return "must name a file, because a ledger in memory is lost when the process ends"
    if scheme not in (*_POSTGRES, "sqlite") or (scheme == "sqlite" and not url.startswith("sqlite:///")):
        return "must begin with postgresql://, postgres:// or sqlite:///, and be a complete address"
    return ""


def _database(url: str) -> str:
    """The address as SQLAlchemy wants it, with the driver named."""
    scheme, _colon, rest = url.partition(":")
    return f"postgresql+psycopg:{rest}" if scheme.lower() in _POSTGRES else f"{scheme.lower()}:{rest}"


def _wrong_redis(url: str) -> str:
    if _scheme(url) in ("redis", "rediss", "unix"):
        return ""
    return "must begin with redis://, rediss:// or unix://, and be a complete address"


def _wrong_secret_key(key: str) -> str:
    plain = "".join(letter for letter in key.lower() if letter.isalpha())
    if _OBVIOUS.fullmatch(plain) or len(set(key)) < 5:
        return "is a word that anybody would try; make one with: python -c 'import secrets; print(secrets.token_hex())'"
    return f"must have at least {_KEY_LENGTH} characters" if len(key) < _KEY_LENGTH else ""


def _wrong_metrics_token(token: str) -> str:
    return f"must have at least {_KEY_LENGTH} characters" if 0 < len(token) < _KEY_LENGTH else ""


class ProcessSchema(StrictSchema):
    """The variables, by the names of Settings; RELAY_CONFIG is read elsewhere."""

    database_url = Text(data_key="DATABASE_URL", check=_wrong_database, post_load=_database)
    redis_url = Text(data_key="REDIS_URL", check=_wrong_redis)
    secret_key = Text(data_key="SECRET_KEY", check=_wrong_secret_key)
    encryption_keys = Text(data_key="RELAY_ENCRYPTION_KEYS", check=wrong_keys, post_load=listed_keys)
    max_body_bytes = WholeNumber(data_key="RELAY_MAX_BODY_BYTES", least=10_000, most=100_000_000)
    log_format = Choice({"json": "json", "console": "console"}, data_key="RELAY_LOG_FORMAT")
    log_level = Choice({level.lower(): level for level in _LOG_LEVELS}, data_key="RELAY_LOG_LEVEL")
    # Whether Redis must show a certificate that a known authority signed.
    redis_verified = Choice({"verify": True, "encrypt": False}, data_key="RELAY_REDIS_TLS")
    proxies = WholeNumber(data_key="RELAY_PROXIES", least=0, most=10)
    oidc_issuer = Text(data_key="OIDC_ISSUER", check=wrong_issuer)
    oidc_client_id = Text(data_key="OIDC_CLIENT_ID")
    oidc_client_secret = Text(data_key="OIDC_CLIENT_SECRET")
    # Whoever shows it may read /metrics; without one nobody may.
    metrics_token = Text(data_key="RELAY_METRICS_TOKEN", check=_wrong_metrics_token)
    sentry_dsn = Text(data_key="SENTRY_DSN", check=wrong_dsn)
    smtp_url = Text(data_key="RELAY_SMTP_URL", check=wrong_smtp)
    mail_from = Text(data_key="RELAY_MAIL_FROM", check=wrong_email)
    public_url = Text(data_key="RELAY_PUBLIC_URL", check=wrong_public_url, post_load=lambda url: url.rstrip("/"))
    config = Text(data_key="RELAY_CONFIG")
    demo_authority = Text(data_key="RELAY_DEMO_AUTHORITY")


PROCESS_VARIABLES = tuple(str(field.data_key) for field in ProcessSchema().fields.values())


def platform(environ: Mapping[str, str]) -> str:
    """``Heroku (DYNO is set)``, or "" on a machine of one's own."""
    return next((f"{name} ({variable} is set)" for variable, name in PLATFORMS.items() if environ.get(variable)), "")


def read_process(environ: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """The fields of Settings that stand in variables, with their defaults, and what is wrong with them."""
    given = {name: environ[name] for name in PROCESS_VARIABLES if environ.get(name, "").strip()}
    problems: list[Problem] = []
    try:
        values = dict(ProcessSchema().load(given))
    except ValidationError as error:
        problems, values = list(flatten(error.messages)), dict(error.valid_data)  # type: ignore[arg-type]  # one schema, one dict
    if where := platform(environ):
        problems += _unfit(where, given, values)
    values.pop("config", None)
    values.pop("demo_authority", None)
    problems += [*incomplete_oidc(frozenset(given)), *incomplete_mail(frozenset(given))]
    values["oidc"], values["mail"] = take_oidc(values), take_mail(values)
    # A platform's router is one; on a machine of one's own nobody may say who asked.
    values.setdefault("proxies", 1 if platform(environ) else 0)
    values.setdefault("database_url", DEFAULT_DATABASE)
    values.setdefault("redis_url", DEFAULT_REDIS)
    # Heroku's Redis signs for itself (https://devcenter.heroku.com/articles/connecting-heroku-redis).
    values.setdefault("redis_verified", "DYNO" not in environ)
    values["secret_is_kept"] = "SECRET_KEY" in given
    values.setdefault("secret_key", secrets.token_urlsafe(48))
    return values, [sentence(str(problem.path[0]), problem.text) for problem in problems]


def _unfit(where: str, given: Mapping[str, str], values: Mapping[str, Any]) -> list[Problem]:
    """What will do on a machine of one's own, but not on a platform."""
    found = []
    if "DATABASE_URL" not in given:
        text = (
            f"is not set, and on {where} a ledger in a file vanishes with the next restart; add a PostgreSQL database"
        )
        found.append(Problem(("DATABASE_URL",), text))
    elif values.get("database_url", "").startswith("sqlite"):
        text = f"names a SQLite file, and on {where} web and worker share no disk; add a PostgreSQL database"
        found.append(Problem(("DATABASE_URL",), text))
    if "REDIS_URL" not in given:
        found.append(Problem(("REDIS_URL",), f"is not set, and {where} has no Redis on this machine; add one"))
    if "SECRET_KEY" not in given:
        text = f"is not set, and on {where} sessions must outlive a restart; set a long random text"
        found.append(Problem(("SECRET_KEY",), text))
    return found
