"""Variables: what they become, and each mistake's sentence."""

import pytest

from relay.config import Mode, load_settings
from relay.config.environment import ORGANIZATION_VARIABLES, REQUIRED
from relay.config.process import PLATFORMS
from relay.errors import ConfigurationError

KEY = "Vt2uKx8sQ0bN5yHc9Lr7WmZe"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
GOOD = {
    "LUMINATE_URL": "https://secure2.convio.net/acme/site",
    "LUMINATE_API_KEY": "an-api-key",
    "LUMINATE_LOGIN_NAME": "relay_api",
    "LUMINATE_LOGIN_PASSWORD": "Pa55 word",
    "LUMINATE_FORM_ID": "2101",
    "LUMINATE_LEVEL_ID": "3101",
    "STRIPE_WEBHOOK_SECRET": "whsec_one",
}
PLATFORM = {"DYNO": "web.1", "DATABASE_URL": "postgres://u:p@db/x", "REDIS_URL": "rediss://r:1", "SECRET_KEY": KEY}


def problems_of(environ):
    with pytest.raises(ConfigurationError) as raised:
        load_settings(environ)
    return list(raised.value.problems)


def load(**changes):
    return load_settings({**GOOD, **changes})


def only(settings):
    (organization,) = settings.organizations.values()
    return organization


def test_seven_variables_are_one_organization():
    organization = only(load())
    assert organization.name == "acme"
    assert organization.luminate.url == "https://secure2.convio.net/acme/site"
    assert organization.luminate.login_password == "Pa55 word"
    assert (organization.form.form_id, organization.form.level_id) == (2101, 3101)
    assert organization.providers["stripe"].secrets == ("whsec_one",)


def test_without_more_everything_has_its_default():
    settings = load()
    assert settings.database_url == "sqlite:///var/relay.sqlite3"
    assert settings.redis_url == "redis://127.0.0.1:6379/0"
    assert (settings.max_body_bytes, settings.log_format, settings.log_level) == (1_000_000, "json", "INFO")
    assert only(settings).mode is Mode.LIVE


def test_every_optional_variable_arrives():
    organization = only(
        load(
            LUMINATE_CENTER_ID="77",
            LUMINATE_SOURCE="web",
            LUMINATE_SUB_SOURCE="{provider}-{kind}",
            LUMINATE_RESPONSE_FORMAT="XML",
            LUMINATE_SUPPRESS_RESPONSE_CODES="true",
            LUMINATE_VALIDATE="True",
            LUMINATE_CONNECT_TIMEOUT="2.5",
            LUMINATE_READ_TIMEOUT="90",
            RELAY_ORGANIZATION="wells",
            RELAY_MODE="test",
            RELAY_CURRENCY="cad",
            RELAY_TIME_ZONE="America/Toronto",
            RELAY_SETTLE_SECONDS="0",
            RELAY_MAX_IN_FLIGHT="8",
            RELAY_PER_MINUTE="60",
            RELAY_RETRY_LADDER="1, 2,2",
            RELAY_CHECK_LADDER="1",
            RELAY_PROBE_LADDER="1 2 4",
            RELAY_PROBE_SETTLE_SECONDS="3",
            STANDARD_WEBHOOK_SECRET=STANDARD_SECRET,
        )
    )
    site = organization.luminate
    assert (site.center_id, site.source, site.sub_source, site.response_format) == (
        "77",
        "web",
        "{provider}-{kind}",
        "xml",
    )
    assert (site.suppress_response_codes, site.validate) == (True, True)
    assert (site.connect_timeout, site.read_timeout) == (2.5, 90.0)
    assert (organization.name, organization.mode, organization.currency) == ("wells", Mode.TEST, "CAD")
    assert organization.time_zone.key == "America/Toronto"
    assert (organization.pace.settle_seconds, organization.pace.max_in_flight, organization.pace.per_minute) == (
        0.0,
        8,
        60,
    )
    assert (organization.pace.retry_ladder, organization.pace.check_ladder) == ((1, 2, 2), (1,))
    assert (organization.probe.ladder, organization.probe.settle_seconds) == ((1, 2, 4), 3)
    assert set(organization.providers) == {"stripe", "standard"}


@pytest.mark.parametrize(
    ("ladder", "sentence"),
    [
        ({"RELAY_PROBE_LADDER": "4 2"}, "RELAY_PROBE_LADDER: must be seconds that rise, at least one."),
        ({"RELAY_PROBE_LADDER": "4 x"}, "RELAY_PROBE_LADDER: number 2 must be a whole number."),
        ({"RELAY_CHECK_LADDER": ","}, "RELAY_CHECK_LADDER: must be seconds, at least one."),
        ({"RELAY_RETRY_LADDER": "0"}, "RELAY_RETRY_LADDER: number 1 must be a whole number from 1 to 604800."),
    ],
)
def test_a_ladder_in_a_variable_is_checked_like_one_in_the_file(ladder, sentence):
    assert problems_of(GOOD | ladder) == [sentence]


@pytest.mark.parametrize("text", ["new,old", "new old", " new ,\n old ", "new,old,new"])
def test_several_secrets_in_one_variable(text):
    assert only(load(STRIPE_WEBHOOK_SECRET=text)).providers["stripe"].secrets == ("new", "old")


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" https://secure2.convio.net/acme/site/ ", "https://secure2.convio.net/acme/site"),
        ("https://give.acme.org/site", "https://give.acme.org/site"),
        ("http://127.0.0.1:8000/acme/site", "http://127.0.0.1:8000/acme/site"),
        ("http://localhost:8000/acme/site", "http://localhost:8000/acme/site"),
        ("http://[::1]:8000/acme/site", "http://[::1]:8000/acme/site"),
    ],
)
def test_a_luminate_address_has_one_spelling(given, kept):
    assert only(load(LUMINATE_URL=given)).luminate.url == kept


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://secure2.convio.net/acme/site", "acme"),
        ("https://give.acme.org/site", "main"),
        ("https://secure2.convio.net/ACME_1/site", "main"),
    ],
)
def test_the_organization_is_named_after_its_address(url, name):
    assert only(load(LUMINATE_URL=url)).name == name


@pytest.mark.parametrize(
    ("given", "used"),
    [
        ("postgres://u:p@db:5432/x?sslmode=require", "postgresql+psycopg://u:p@db:5432/x?sslmode=require"),
        ("postgresql://u:p@db/x", "postgresql+psycopg://u:p@db/x"),
        ("postgresql+psycopg://u:p@db/x", "postgresql+psycopg://u:p@db/x"),
        ("postgresql:///x?host=/run/pg", "postgresql+psycopg:///x?host=/run/pg"),
        ("sqlite:////var/lib/relay.sqlite3", "sqlite:////var/lib/relay.sqlite3"),
    ],
)
def test_the_database_address_names_its_driver(given, used):
    assert load(DATABASE_URL=given).database_url == used


@pytest.mark.parametrize("url", ["redis://r:6379/1", "rediss://:pw@r:6380", "unix:///run/redis.sock"])
def test_redis_addresses(url):
    assert load(REDIS_URL=url).redis_url == url


def test_a_secret_key_is_made_up_anew_for_each_process():
    assert len({load().secret_key, load().secret_key, load(SECRET_KEY=" ").secret_key}) == 3


def test_a_blank_variable_counts_as_not_set():
    assert load(LUMINATE_CENTER_ID="  ", RELAY_MODE="", RELAY_LOG_LEVEL=" ", STANDARD_WEBHOOK_SECRET="") is not None
    assert problems_of({**GOOD, "LUMINATE_API_KEY": " "}) == ["LUMINATE_API_KEY: is not set, although LUMINATE_URL is."]


SHAPE = "the shape is https://secure2.convio.net/<organization>/site."
MISTAKES = [
    ("DATABASE_URL", "mysql://h/d", "must begin with postgresql://, postgres:// or sqlite:///, and be a complete"),
    ("DATABASE_URL", "postgresql:db", "must begin with postgresql://"),
    ("DATABASE_URL", "postgresql://h:port/d", "must begin with postgresql://"),
    ("DATABASE_URL", "postgresql+psycopg2://h/d", "must begin with postgresql://"),
    ("DATABASE_URL", "sqlite://", "must name a file"),
    ("DATABASE_URL", "sqlite:///:memory:", "must name a file"),
    ("REDIS_URL", "127.0.0.1:6379", "must begin with redis://, rediss:// or unix://"),
    ("REDIS_URL", "http://r", "must begin with redis://"),
    ("SECRET_KEY", "change-me", "is a word that anybody would try"),
    ("SECRET_KEY", "please-change-this-secret-key", "is a word that anybody would try"),
    ("SECRET_KEY", "aaaaaaaaaaaaaaaaaaaaaaaaaa", "is a word that anybody would try"),
    ("SECRET_KEY", "Vt2uKx8s", "must have at least 16 characters"),
    ("RELAY_MAX_BODY_BYTES", "5.7", "must be a whole number."),
    ("RELAY_MAX_BODY_BYTES", "1_000_000", "must be a whole number."),
    ("RELAY_MAX_BODY_BYTES", "0", "must be a whole number from 10000 to 100000000."),
    ("RELAY_PROXIES", "-1", "must be a whole number from 0 to 10."),
    ("RELAY_LOG_FORMAT", "jsn", 'must be json or console; did you mean "json"?'),
    ("RELAY_LOG_LEVEL", "loud", "must be debug, info, warning, error or critical."),
    ("RELAY_CONFIG", "/no/such/relay.toml", "relay.toml: cannot be read: No such file or directory."),
    ("LUMINATE_URL", "secure2.convio.net/acme/site", f"is not an https address; {SHAPE}"),
    ("LUMINATE_URL", "https://secure2.convio.net/acme /site", f"is not an https address; {SHAPE}"),
    ("LUMINATE_URL", "https://[::1/site", f"is not an address; {SHAPE}"),
    ("LUMINATE_URL", "ftp://secure2.convio.net/acme/site", f"is not an https address; {SHAPE}"),
    ("LUMINATE_URL", "http://secure2.convio.net/acme/site", "must begin with https, because credentials travel"),
    ("LUMINATE_URL", "http://10.0.0.1/acme/site", "must begin with https"),
    (
        "LUMINATE_URL",
        "https://u:p@secure2.convio.net/acme/site",
        f"must not carry a login, a question mark or a #; {SHAPE}",
    ),
    (
        "LUMINATE_URL",
        "https://secure2.convio.net/acme/site?x=1",
        f"must not carry a login, a question mark or a #; {SHAPE}",
    ),
    ("LUMINATE_URL", "https://secure2.convio.net/acme", f"must end with /site; {SHAPE}"),
    ("LUMINATE_URL", "https://secure2.convio.net/acme/website", f"must end with /site; {SHAPE}"),
    (
        "LUMINATE_URL",
        "https://secure2.convio.net/acme/site/SRDonationAPI",
        f"must end at /site, without the servlet behind it; {SHAPE}",
    ),
    ("LUMINATE_API_KEY", "a\nb", "must not contain control characters or line breaks."),
    ("LUMINATE_LOGIN_PASSWORD", " secret-pw", "must not begin or end with a blank or line break."),
    ("LUMINATE_FORM_ID", "12x", "must be a whole number."),
    ("LUMINATE_FORM_ID", "0", "must be a whole number of at least 1."),
    ("LUMINATE_LEVEL_ID", "-3", "must be a whole number of at least 1."),
    ("LUMINATE_SUB_SOURCE", "{donor}", "may only use {provider}, {provider_transaction_id}, {kind}, {fund} or {organ"),
    ("LUMINATE_SUB_SOURCE", "{provider.__class__}", "may only use {provider}"),
    ("LUMINATE_SUB_SOURCE", "{}", "may only use {provider}"),
    ("LUMINATE_SUB_SOURCE", "{kind:>9999999}", "may only use {provider}"),
    ("LUMINATE_SUB_SOURCE", "{kind", "has a brace that is not closed or not opened"),
    ("LUMINATE_RESPONSE_FORMAT", "yaml", "must be json or xml."),
    ("LUMINATE_SUPPRESS_RESPONSE_CODES", "on", "must be true or false."),
    ("LUMINATE_VALIDATE", "1", "must be true or false."),
    ("LUMINATE_CONNECT_TIMEOUT", "0", "must be a number of seconds from 0.1 to 60."),
    ("LUMINATE_READ_TIMEOUT", "inf", "must be a number of seconds."),
    ("LUMINATE_READ_TIMEOUT", "3600", "must be a number of seconds from 0.1 to 300."),
    ("RELAY_ORGANIZATION", "Acme Inc", "the name of an organization has lower-case letters, digits and dashes"),
    ("RELAY_ORGANIZATION", "a" * 64, "the name of an organization has lower-case letters"),
    ("RELAY_MODE", "liv", 'must be live, test or both; did you mean "live"?'),
    ("RELAY_CURRENCY", "ABC", "is not a currency; three letters such as USD are needed."),
    ("RELAY_CURRENCY", "dollar", "is not a currency; three letters such as USD are needed."),
    (
        "RELAY_TIME_ZONE",
        "America/Chicgo",
        'is not a time zone such as America/Chicago; did you mean "America/Chicago"?',
    ),
    ("RELAY_TIME_ZONE", "../etc/passwd", "is not a time zone"),
    ("RELAY_TIME_ZONE", "America", "is not a time zone"),
    ("RELAY_SETTLE_SECONDS", "-1", "must be a number of seconds."),
    ("RELAY_MAX_IN_FLIGHT", "0", "must be a whole number from 1 to 64."),
    ("RELAY_MAX_IN_FLIGHT", "65", "must be a whole number from 1 to 64."),
    ("RELAY_PER_MINUTE", "-1", "must be a whole number from 0 to 100000."),
    (
        "STRIPE_WEBHOOK_SECRET",
        "sk_live_abc",
        "secret 1 is an API key; a signing secret of a webhook endpoint is needed",
    ),
    ("STANDARD_WEBHOOK_SECRET", "whsec_!!!", "secret 1 is not base64 after whsec_."),
    (
        "STANDARD_WEBHOOK_SECRET",
        f"{STANDARD_SECRET} whsec_c2hvcnQ=",
        "secret 2 decodes to 5 bytes; 24 to 64 are needed.",
    ),
    ("STANDARD_WEBHOOK_SECRET", "whpk_abc", "secret 1 is a public key (whpk_...); only symmetric secrets"),
    ("LUMINATE_FROM_ID", "1", 'is not known; did you mean "LUMINATE_FORM_ID"?'),
    ("RELAY_MAX_INFLIGHT", "1", 'is not known; did you mean "RELAY_MAX_IN_FLIGHT"?'),
    ("STRIPE_WEBHOOK_SECRETS", "x", 'is not known; did you mean "STRIPE_WEBHOOK_SECRET"?'),
    ("GITHUB_WEBHOOK_SECRET", "x", "names no provider relay knows; they are stripe, standard"),
]


@pytest.mark.parametrize(("variable", "value", "sentence"), MISTAKES)
def test_each_mistake_has_its_sentence(variable, value, sentence):
    (problem,) = problems_of({**GOOD, variable: value})
    assert problem.startswith(f"{variable}: {sentence}")


def test_every_mistake_is_reported_at_once():
    every = {variable: (value, sentence) for variable, value, sentence in MISTAKES}
    problems = problems_of({**GOOD, **{variable: value for variable, (value, _) in every.items()}})
    assert len(problems) == len(every) > 10
    for variable, (_, sentence) in every.items():
        assert any(problem.startswith(f"{variable}: {sentence}") for problem in problems)


@pytest.mark.parametrize("variable", REQUIRED)
def test_the_six_are_needed_together(variable):
    (problem,) = problems_of({name: value for name, value in GOOD.items() if name != variable})
    assert problem.startswith(f"{variable}: is not set, although LUMINATE_")


def test_an_organization_needs_a_provider():
    (problem,) = problems_of({**GOOD, "STRIPE_WEBHOOK_SECRET": ""})
    assert problem.startswith("STRIPE_WEBHOOK_SECRET, STANDARD_WEBHOOK_SECRET, ")
    assert problem.endswith("_WEBHOOK_SECRET: one of them must be set.")


@pytest.mark.parametrize("variable", sorted(set(ORGANIZATION_VARIABLES) - set(REQUIRED)))
def test_a_variable_of_no_organization_is_a_mistake(variable):
    (problem,) = problems_of({variable: "x"})
    assert problem.startswith(f"{variable}: is set, but describes nothing without LUMINATE_URL")


def test_nothing_at_all_is_a_mistake():
    (problem,) = problems_of({"PATH": "/bin", "HOME": "/"})
    assert problem.startswith("LUMINATE_URL or RELAY_CONFIG: no organization is configured")


def test_variables_of_others_do_not_matter():
    assert load(PATH="/bin", RELAY_PAYLOADS="/p", RELAY_VECTORS="/v", LUMINATE_PROXY_OF_SOMEBODY="x", PORT="80")


def test_a_platform_with_its_own_database_and_redis_will_do():
    settings = load(**PLATFORM)
    assert settings.database_url == "postgresql+psycopg://u:p@db/x"
    assert settings.secret_key == KEY


@pytest.mark.parametrize(("variable", "name"), PLATFORMS.items())
def test_on_a_platform_nothing_is_kept_on_its_disk(variable, name):
    problems = problems_of({**GOOD, variable: "x"})
    assert [problem.partition(":")[0] for problem in problems] == ["DATABASE_URL", "REDIS_URL", "SECRET_KEY"]
    assert f"on {name} ({variable} is set) a ledger in a file vanishes" in problems[0]


def test_a_sqlite_file_on_a_platform_is_refused():
    (problem,) = problems_of({**GOOD, **PLATFORM, "DATABASE_URL": "sqlite:////data/relay.sqlite3"})
    assert "web and worker share no disk" in problem


def test_a_platform_variable_that_is_mistaken_is_one_problem():
    (problem,) = problems_of({**GOOD, **PLATFORM, "DATABASE_URL": "mysql://h/d"})
    assert problem.startswith("DATABASE_URL: must begin with")


OIDC = {"OIDC_ISSUER": "https://login.example.org", "OIDC_CLIENT_ID": "relay", "OIDC_CLIENT_SECRET": "hidden"}


def test_an_identity_provider_needs_all_three():
    found = load(**OIDC).oidc
    assert (found.issuer, found.client_id, found.client_secret) == tuple(OIDC.values())
    assert "hidden" not in repr(found)
    assert load().oidc is None
    for name in OIDC:
        told = problems_of({**GOOD, **OIDC, name: ""})
        assert told == [f"{name}: is not set, but belongs to the other OIDC_ variables."]


@pytest.mark.parametrize("issuer", ["http://login.example.org", "login.example.org", "https://login.example.org/?t=1"])
def test_an_identity_provider_is_asked_over_https(issuer):
    (problem,) = problems_of({**GOOD, **OIDC, "OIDC_ISSUER": issuer})
    assert problem.startswith("OIDC_ISSUER: must be the https:// address")


def test_proxies_are_believed_where_there_is_a_router_and_nowhere_else():
    assert (load().proxies, load(**PLATFORM).proxies) == (0, 1)
    assert load(RELAY_PROXIES="2").proxies == 2


def test_no_secret_is_in_the_repr():
    values = {
        "DATABASE_URL": "postgres://u:db-password@db/x",
        "REDIS_URL": "redis://:redis-password@r",
        "SECRET_KEY": KEY,
        "LUMINATE_API_KEY": "the-api-key",
        "LUMINATE_LOGIN_PASSWORD": "the-login-password",
        "STRIPE_WEBHOOK_SECRET": "whsec_stripe1 whsec_stripe2",
        "STANDARD_WEBHOOK_SECRET": STANDARD_SECRET,
    }
    shown = repr(load(**values))
    for secret in ("password@", KEY, "the-api-key", "the-login-password", "whsec_"):
        assert secret not in shown


@pytest.mark.parametrize("variable", sorted({*ORGANIZATION_VARIABLES, "DATABASE_URL", "REDIS_URL", "RELAY_LOG_FORMAT"}))
def test_a_secret_in_the_wrong_variable_is_never_repeated(variable):
    problems = problems_of({**GOOD, variable: "hunter2-Fq9{[!", "LUMINATE_SOURCE": "\a", "LUMINATE_FORM_ID": "hunter2"})
    assert not any("hunter2" in problem for problem in problems)
