"""The file: what it becomes, and each mistake's sentence."""

import re
from pathlib import Path

import pytest

from relay.config import DEFAULT_TENDERS, FieldRule, FormLevel, Fund, Mail, Mode, OptIn, WholeUnits, load_settings
from relay.errors import ConfigurationError

EXAMPLE = Path(__file__).parents[3] / "docs" / "relay.example.toml"
STANDARD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
# Whatever the example names; those whose shape is checked, or that a test looks at, are below.
NAMED = {name: name.lower().replace("_", "-") for name in re.findall(r"\$\{(\w+)\}", EXAMPLE.read_text("utf-8"))}
SECRETS = {name: value for name, value in NAMED.items() if name != "NAME"} | {
    "SHELTER_API_KEY": "shelter-api-key",
    "SHELTER_LOGIN_NAME": "shelter_api",
    "SHELTER_LOGIN_PASSWORD": "shelter-password",
    "SHELTER_STRIPE_SECRET": "whsec_shelter",
    "ACME_API_KEY": "acme-api-key",
    "ACME_LOGIN_NAME": "acme_api",
    "ACME_LOGIN_PASSWORD": "acme-password",
    "ACME_PROXY": "http://acme:acme-proxy-password@proxy.example.com:9293",
    "ACME_SOAP_USER": "acme_soap",
    "RELAY_SMTP_URL": "smtps://acme:acme-mail-password@mail.example.com",
    "RELAY_MAIL_FROM": "relay@example.com",
    "ACME_SLACK_WEBHOOK": "https://hooks.slack.com/services/T0/B0/acme-slack-secret",
    "ACME_SOAP_PASSWORD": "acme-soap-password",
    "ACME_STRIPE_SECRET": "whsec_acme1",
    "ACME_STRIPE_SECRET_NEXT": "whsec_acme2",
    "ACME_STANDARD_SECRET": STANDARD_SECRET,
    "ACME_DONORBOX_SECRET": "donorbox-secret",
    "ACME_EVERYORG_TOKEN": "a-token-that-ends-the-address",
    "ACME_GIVEBUTTER_SECRET": "givebutter-secret",
    "ACME_RAISELY_SECRET": "raisely-secret",
    "ACME_GOFUNDMEPRO_SECRET": STANDARD_SECRET,
    "ACME_GENERIC_SECRET": "generic-secret",
    "ACME_ADYEN_HMAC_KEY": "0123456789abcdef" * 4,
    "ACME_AUTHORIZENET_SIGNATURE_KEY": "0123456789ABCDEF" * 8,
    "ACME_AUTHORIZENET_LOGIN": "acme-anet-login",
    "ACME_AUTHORIZENET_KEY": "acme-anet-transaction-key",
    "ACME_PAYPAL_IPN_PATH_SECRET": "acme-99aa5b8e9d2a7736",
    "ACME_MOLLIE_PATH_SECRET": "acme-4f1c5b8e9d2a7736",
    "ACME_MOLLIE_API_KEY": "live_acmeMollieKey",
    "ACME_GOCARDLESS_SECRET": "gocardless-secret",
    "ACME_GOCARDLESS_TOKEN": "live_acmeGocardlessToken",
}
NEEDED = """
form_id = 2101
level_id = 3101
luminate = {url = "https://secure2.convio.net/acme/site", api_key = "k", login_name = "n", login_password = "p"}
providers.stripe.secrets = ["whsec_a"]
"""


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "relay.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return {"RELAY_CONFIG": str(path)}

    return write


@pytest.fixture
def load(write):
    """Settings of a file with one good organization, ``acme``, and ``text`` in its table."""

    def load(text="", **environ):
        return load_settings({**write(f"[organizations.acme]\n{NEEDED}\n{text}"), **environ}).organizations["acme"]

    return load


def problems_of(environ):
    with pytest.raises(ConfigurationError) as raised:
        load_settings(environ)
    return list(raised.value.problems)


@pytest.fixture
def problems(load):
    def problems(text="", **environ):
        with pytest.raises(ConfigurationError) as raised:
            load(text, **environ)
        return list(raised.value.problems)

    return problems


def test_the_example_says_everything():
    settings = load_settings({"RELAY_CONFIG": str(EXAMPLE), **SECRETS})
    assert list(settings.organizations) == ["shelter", "acme"]
    acme = settings.organizations["acme"]
    assert (acme.title, acme.mode, acme.currency, acme.time_zone.key) == (
        "Acme Water Fund",
        Mode.LIVE,
        "USD",
        "America/Chicago",
    )
    assert acme.form == FormLevel(form_id=2101, level_id=3101)
    assert [(rule.minimum, rule.form.form_id) for rule in acme.amount_rules] == [(100_000, 2102), (1_000_000, 2103)]
    assert acme.funds["WATER"] == Fund(code="WATER", designee_id=1001)
    assert acme.funds["School 7"] == Fund(code="School 7", write_in="School No. 7 roof")
    assert acme.funds["GALA"].form == FormLevel(form_id=2110, level_id=3201)
    assert acme.funds[acme.default_fund] == Fund(code="GENERAL")
    assert acme.fields[0] == FieldRule(parameter="donor.employer", path="metadata.employer")
    assert acme.fields[2] == FieldRule(parameter="source", path="metadata.utm_source", default="relay")
    assert acme.mail == Mail(receipt=True)
    assert (acme.opt_in, acme.whole_units) == (OptIn.OPTED_IN, WholeUnits.HOLD)
    assert acme.pace.retry_ladder == (10, 60, 300, 1800, 7200, 21600, 43200)
    assert acme.providers["stripe"].secrets == ("whsec_acme1", "whsec_acme2")
    assert acme.luminate.login_password == "acme-password"


def test_no_secret_of_the_example_is_in_the_repr():
    shown = repr(load_settings({"RELAY_CONFIG": str(EXAMPLE), **SECRETS}))
    for name, secret in SECRETS.items():
        assert secret not in shown or name.endswith(("LOGIN_NAME", "SOAP_USER", "MAIL_FROM"))


def test_variables_and_the_file_are_served_together(write):
    own = {
        "LUMINATE_URL": "https://secure2.convio.net/wells/site",
        "LUMINATE_API_KEY": "k",
        "LUMINATE_LOGIN_NAME": "n",
        "LUMINATE_LOGIN_PASSWORD": "p",
        "LUMINATE_FORM_ID": "1",
        "LUMINATE_LEVEL_ID": "2",
        "STRIPE_WEBHOOK_SECRET": "whsec_x",
    }
    file = write(f"[organizations.acme]\n{NEEDED}")
    assert set(load_settings({**own, **file}).organizations) == {"wells", "acme"}
    assert problems_of({**own, **file, "RELAY_ORGANIZATION": "acme"}) == [
        "relay.toml: organizations.acme: is also described by environment variables (RELAY_ORGANIZATION); rename one."
    ]


def test_two_organizations_may_share_a_luminate_site(write):
    file = write(f"[organizations.one]\n{NEEDED}\n[organizations.two]\n{NEEDED}")
    assert set(load_settings(file).organizations) == {"one", "two"}


def test_a_variable_stands_for_any_value(load):
    acme = load(
        'title = "${TITLE} of $${X}"\ndefault_fund = "${F}"\n'
        'funds.WATER.designee_id = "${ID}"\nmail.receipt = "${YES}"',
        TITLE="Friends",
        F="WATER",
        ID="12",
        YES="true",
    )
    assert acme.title == "Friends of ${X}"
    assert acme.funds["WATER"].designee_id == 12
    assert acme.mail.receipt is True


def test_a_variable_the_file_uses_describes_no_organization_by_itself(write):
    text = NEEDED.replace('"k"', '"${LUMINATE_API_KEY}"').replace('"whsec_a"', '"${SQUARE_WEBHOOK_SECRET}"')
    file = write(f"[organizations.acme]\n{text}")
    settings = load_settings({**file, "LUMINATE_API_KEY": "k", "SQUARE_WEBHOOK_SECRET": "whsec_s"})
    assert list(settings.organizations) == ["acme"]


@pytest.mark.parametrize("value", ["", "  "])
def test_a_variable_that_is_not_set_is_one_problem(problems, value):
    assert problems('default_fund = "${NOPE}"\nfunds.A.form_id = "${NOPE}"\nfunds.A.level_id = 3', NOPE=value) == [
        "relay.toml: organizations.acme.default_fund: the variable NOPE is not set.",
        "relay.toml: organizations.acme.funds.A.form_id: the variable NOPE is not set.",
    ]


def test_a_missing_secret_is_one_problem(write):
    text = NEEDED.replace("whsec_a", "${NOPE}")
    assert problems_of(write(f"[organizations.acme]\n{text}")) == [
        "relay.toml: organizations.acme.providers.stripe.secrets[0]: the variable NOPE is not set."
    ]


@pytest.mark.parametrize("text", ["${", "${}", "${A-B}", "${A B}", "a ${ b"])
def test_a_mark_without_a_name_is_a_problem(problems, text):
    (problem,) = problems(f'title = "{text}"')
    assert problem == (
        "relay.toml: organizations.acme.title: has a ${ that names no variable; write $${ for the signs themselves."
    )


def test_what_a_variable_holds_is_not_replaced_again(load):
    assert load('title = "${A}"', A="${B}").title == "${B}"


@pytest.mark.parametrize(
    "text",
    [
        '[organizations.acme.fields]\n"donor.employer" = "metadata.employer"',
        '[organizations.acme.fields]\ndonor.employer = "metadata.employer"',
        '[organizations.acme.fields]\ndonor.employer = {path = "metadata.employer"}',
        '[organizations.acme.fields.donor.employer]\npath = "metadata.employer"',
        '[[organizations.acme.fields]]\nparameter = "donor.employer"\npath = "metadata.employer"',
    ],
)
def test_a_field_rule_may_be_written_in_many_ways(load, text):
    assert load(text).fields == (FieldRule(parameter="donor.employer", path="metadata.employer"),)


def test_a_field_rule_with_more_to_say(load):
    text = 'fields.donor.cons_id = {path = \'metadata."cons-id" || `7`\', default = "12", required = true}'
    assert load(text).fields == (
        FieldRule(parameter="donor.cons_id", path='metadata."cons-id" || `7`', default="12", required=True),
    )


def test_tenders_not_listed_keep_their_default(load):
    assert load('tenders = {bank_debit = "cash"}').tenders == {**DEFAULT_TENDERS, "bank_debit": "cash"}


@pytest.mark.parametrize(
    ("currency", "minimum", "minor"),
    [("USD", '"100.00"', 10_000), ("USD", '"0.01"', 1), ("USD", "100", 10_000), ("JPY", '"100"', 100)],
)
def test_a_minimum_is_read_exactly_in_its_currency(load, currency, minimum, minor):
    text = f'currency = "{currency}"\namount_rules = [{{minimum = {minimum}, form_id = 1, level_id = 2}}]'
    assert load(text).amount_rules[0].minimum == minor


def test_secrets_may_be_one_text(write):
    text = NEEDED.replace('["whsec_a"]', '"${BOTH}"')
    settings = load_settings({**write(f"[organizations.acme]\n{text}"), "BOTH": "new, old"})
    assert settings.organizations["acme"].providers["stripe"].secrets == ("new", "old")


def test_a_byte_order_mark_and_windows_lines_do_no_harm(write):
    text = f"[organizations.acme]\n{NEEDED}".replace("\n", "\r\n")
    assert load_settings(write(b"\xef\xbb\xbf" + text.encode()))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"[organizations.acme", "RELAY_CONFIG: relay.toml: is not TOML: "),
        (b"\xff\xfe", "RELAY_CONFIG: relay.toml: is not a text file in UTF-8."),
        (b"organizations = 3", "relay.toml: organizations: must be a table."),
        (b"organizations.acme = 3", "relay.toml: organizations.acme: must be a table."),
        (b"", "LUMINATE_URL or RELAY_CONFIG: no organization is configured"),
    ],
)
def test_a_file_that_says_nothing(write, content, sentence):
    (problem,) = problems_of(write(content))
    assert problem.startswith(sentence)


def test_a_folder_is_no_file(tmp_path):
    (problem,) = problems_of({"RELAY_CONFIG": str(tmp_path)})
    assert problem.endswith(": cannot be read: Is a directory.")


def test_an_empty_organization_lacks_each_thing_by_name(write):
    assert problems_of(write("[organizations.acme]")) == [
        f"relay.toml: organizations.acme.{key}"
        for key in (
            "form_id: is missing.",
            "level_id: is missing.",
            "luminate.url: is missing.",
            "luminate.api_key: is missing.",
            "luminate.login_name: is missing.",
            "luminate.login_password: is missing.",
            "providers: needs at least one provider with a secret.",
        )
    ]


def test_the_name_of_an_organization_is_part_of_an_address(write):
    problems = problems_of(write(f'[organizations."Acme Inc"]\n{NEEDED}\n[organizations.-x]\n{NEEDED}'))
    assert [problem.partition(": the name of an organization has lower-case")[0] for problem in problems] == [
        'relay.toml: organizations."Acme Inc"',
        "relay.toml: organizations.-x",
    ]


def test_an_unknown_key_at_the_top(write):
    assert problems_of(write(f"[organisations.acme]\n[organizations.acme]\n{NEEDED}")) == [
        'relay.toml: organisations: is not known; did you mean "organizations"?'
    ]


LOCKED = "cannot be mapped: "
MISTAKES = [
    ("titel = 'x'", 'titel: is not known; did you mean "title"?'),
    ("title = 5", "title: must be a text in quotes."),
    ("mode = 'tests'", 'mode: must be live, test or both; did you mean "test"?'),
    ("mode = true", "mode: must be live, test or both."),
    ("currency = 'US'", "currency: is not a currency; three letters such as USD are needed."),
    ("time_zone = 'Chicago'", "time_zone: is not a time zone such as America/Chicago"),
    ("time_zone = 2026-01-01", "time_zone: must be a text in quotes."),
    ("default_fund = 'WATR'\nfunds.WATER = {}", 'default_fund: is not one of the funds; did you mean "WATER"?'),
    ("default_fund = 'WATER'", "default_fund: is not one of the funds."),
    ("opt_in = 'liberal'", "opt_in: must be opted_in, always or never."),
    ("whole_units = 'send'", "whole_units: must be hold, first or send_cents"),
    ("single_designated_id = 1", "single_designated_id: must be true or false."),
    ("funds = []", "funds: must be a table."),
    ("funds.A = 1001", "funds.A: must be a table."),
    ("funds.A = {designee = 1}", 'funds.A.designee: is not known; did you mean "designee_id"?'),
    ("funds.A = {designee_id = 1.0}", "funds.A.designee_id: must be a whole number."),
    ("funds.A = {designee_id = true}", "funds.A.designee_id: must be a whole number."),
    ("funds.A = {write_in = ' '}", "funds.A.write_in: must not be empty."),
    (
        "funds.A = {designee_id = 1, write_in = 'x'}",
        "funds.A: has a designee_id and a write_in; only one of them can be",
    ),
    ("funds.A = {form_id = 1}", "funds.A: needs form_id and level_id together, or neither."),
    ("funds.' A ' = {}", 'funds." A ": the code of a fund must not be empty or have blanks around it.'),
    ("amount_rules = {}", "amount_rules: must be a list."),
    ("amount_rules = ['x']", "amount_rules[0]: must be a table."),
    ("amount_rules = [{form_id = 1, level_id = 2}]", "amount_rules[0].minimum: is missing."),
    ("amount_rules = [{minimum = '5', level_id = 2}]", "amount_rules[0].form_id: is missing."),
    (
        "amount_rules = [{minimum = 9.5, form_id = 1, level_id = 2}]",
        'amount_rules[0].minimum: must be an amount in USD such as "100" (amount is not a decimal text).',
    ),
    (
        "amount_rules = [{minimum = '9.555', form_id = 1, level_id = 2}]",
        'amount_rules[0].minimum: must be an amount in USD such as "100" (amount has more decimals than USD has).',
    ),
    (
        "currency = 'JPY'\namount_rules = [{minimum = '9.5', form_id = 1, level_id = 2}]",
        "amount_rules[0].minimum: must be an amount in JPY",
    ),
    (
        "amount_rules = [{minimum = '$100', form_id = 1, level_id = 2}]",
        "amount_rules[0].minimum: must be an amount in USD",
    ),
    ("amount_rules = [{minimum = '-5', form_id = 1, level_id = 2}]", "amount_rules[0].minimum: must not be negative."),
    (
        "amount_rules = [{minimum = '5', form_id = 1, level_id = 2}, {minimum = '5.00', form_id = 1, level_id = 3}]",
        "amount_rules[1].minimum: is the minimum of another rule, too.",
    ),
    ("tenders = {crd = 'credit'}", "tenders.crd: must be card, wallet, check, cash, bank_debit or other; did you mean"),
    ("tenders = {bank_debit = 'ach'}", "tenders.bank_debit: must be cash, check or credit"),
    ("mail = {reciept = true}", 'mail.reciept: is not known; did you mean "receipt"?'),
    ("mail = {receipt = 'yes'}", "mail.receipt: must be true or false."),
    ("mail = true", "mail: must be a table."),
    ("pace = {max_in_flight = 65}", "pace.max_in_flight: must be a whole number from 1 to 64."),
    ("pace = {per_minute = -1}", "pace.per_minute: must be a whole number from 0 to 100000."),
    ("pace = {settle_seconds = nan}", "pace.settle_seconds: must be a number of seconds."),
    ("pace = {settle_seconds = true}", "pace.settle_seconds: must be a number of seconds."),
    ("pace = {retry_ladder = 60}", "pace.retry_ladder: must be a list."),
    ("pace = {retry_ladder = [60, 0]}", "pace.retry_ladder[1]: must be a whole number from 1 to 604800."),
    ("providers.strip = {secrets = ['x']}", 'providers.strip: is not a provider relay knows; did you mean "stripe"?'),
    ("providers.standard = {}", "providers.standard.secrets: is missing."),
    ("providers.standard = {secrets = []}", "providers.standard.secrets: must not be empty."),
    (
        f"providers.standard = {{secrets = ['{STANDARD_SECRET}', ' ']}}",
        "providers.standard.secrets: must not be empty.",
    ),
    ("providers.standard = {secrets = [5]}", "providers.standard.secrets: must be a list of texts in quotes."),
    ("providers.standard = {secrets = ['whsec_x']}", "providers.standard.secrets[0]: is not base64 after whsec_."),
    (
        f"providers.standard = {{secrets = '{STANDARD_SECRET}', tolerance = 0}}",
        "providers.standard.tolerance: must be a whole number from 1 to 86400.",
    ),
    (
        f"providers.standard = {{secrets = '{STANDARD_SECRET}', options = {{a = 1}}}}",
        "providers.standard.options.a: must be a text in quotes.",
    ),
    (
        f"providers.standard = {{secrets = '{STANDARD_SECRET}', secret = 'x'}}",
        'providers.standard.secret: is not known; did you mean "secrets"?',
    ),
    ("fields = 'x'", "fields: must be a table or an array of tables."),
    (
        "fields.other_amount = 'amount'",
        f"fields.other_amount: {LOCKED}relay sends the exact amount of the gift itself.",
    ),
    ("fields.method = 'x'", f"fields.method: {LOCKED}it belongs to the call itself"),
    ("fields.login_password = 'x'", f"fields.login_password: {LOCKED}it is a credential"),
    ("fields.send_receipt = 'x'", f"fields.send_receipt: {LOCKED}the mails Luminate sends are chosen under `mail`."),
    ("fields.card_number = 'x'", f"fields.card_number: {LOCKED}relay sends only the mask"),
    ("fields.'designated.7.id' = 'x'", f'fields."designated.7.id": {LOCKED}designations come from `funds`'),
    (
        "fields.donor.emial = 'x'",
        'fields."donor.emial": is not a parameter of addOfflineDonation; did you mean "donor.em',
    ),
    ("fields.'set.custom.x' = 'x'", 'fields."set.custom.x": is not a parameter of addOfflineDonation'),
    ("fields.donor.email = 'a['", 'fields."donor.email".path: is not a JMESPath expression (at character'),
    ("fields.donor.email = 'a b'", 'fields."donor.email".path: is not a JMESPath expression (at character'),
    ("fields.donor.email = ''", 'fields."donor.email": needs a path, a default, or both.'),
    ("fields.donor.email = {required = true}", 'fields."donor.email": needs a path, a default, or both.'),
    ("fields.donor.email = {pth = 'a'}", 'fields."donor.email".pth: is not known; did you mean "path"?'),
    ("fields.donor.email = 5", 'fields."donor.email".path: must be a text in quotes.'),
    ("fields.donor.cons_id = {default = 'x'}", 'fields."donor.cons_id".default: must be a whole number'),
    ("fields.anonymous = {default = 'yes'}", "fields.anonymous.default: must be true or false"),
    (
        "fields.form_id = 'x'",
        "fields: maps form_id alone; form_id and level_id belong together, so map both or neither.",
    ),
    ("fields = [5]", "fields[0]: must be a table."),
    ("fields = [{path = 'x'}]", "fields[0].parameter: is missing."),
    (
        "fields = [{parameter = 'donor.email', path = 'a'}, {parameter = 'donor.email', path = 'b'}]",
        "fields[1]: has a rule already.",
    ),
    ("fields = [{parameter = 'api_key', path = 'a'}]", f"fields[0].parameter: {LOCKED}it is a credential"),
]


@pytest.mark.parametrize(("text", "sentence"), MISTAKES)
def test_each_mistake_has_its_sentence(problems, text, sentence):
    (problem,) = problems(text)
    assert problem.startswith(f"relay.toml: organizations.acme.{sentence}")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("v = '2.0'", "v: must be 1.0"),
        ("url = 'https://secure2.convio.net/acme/site/SRDonationAPI'", "url: must end at /site"),
        ("login_password = ''", "login_password: must not be empty."),
        ("login_name = ' '", "login_name: must not be empty."),
        ("read_timeout = 0", "read_timeout: must be a number of seconds from 0.1 to 300."),
        ("validte = true", 'validte: is not known; did you mean "validate"?'),
        ("sub_source = '{gift}'", "sub_source: may only use {provider}, {provider_transaction_id}, {kind}, {fund} or"),
    ],
)
def test_each_mistake_about_luminate_has_its_sentence(write, line, sentence):
    values = {"url": "'https://give.acme.org/site'", "api_key": "'k'", "login_name": "'n'", "login_password": "'p'"}
    key, _, value = line.partition(" = ")
    table = "\n".join(f"{name} = {text}" for name, text in {**values, key: value}.items())
    head, _, tail = NEEDED.partition("luminate = ")
    rest = tail.partition("\n")[2]
    (problem,) = problems_of(write(f"[organizations.acme]\n{head}\n{rest}\n[organizations.acme.luminate]\n{table}"))
    assert problem.startswith(f"relay.toml: organizations.acme.luminate.{sentence}")


def test_ten_mistakes_at_once_are_ten_sentences(problems):
    text = """
    titel = "x"
    mode = "tests"
    currency = "US"
    time_zone = "Chicago"
    default_fund = "B"
    funds.A = {designee_id = 1, write_in = "x"}
    tenders.card = "debit"
    mail.receipt = "yes"
    pace.max_in_flight = 0
    fields.other_amount = "amount"
    """
    assert len(problems(text)) == 10


def test_no_sentence_repeats_a_value(problems):
    secret = "hunter2-Fq9"
    text = f"""
    title = ["{secret}"]
    mode = "{secret}"
    currency = "{secret}"
    time_zone = "{secret}"
    default_fund = "{secret}"
    opt_in = "{secret}"
    single_designated_id = "{secret}"
    funds.A = {{designee_id = "{secret}"}}
    amount_rules = [{{minimum = "{secret}", form_id = "{secret}", level_id = 1}}]
    tenders.card = "{secret}"
    mail.receipt = "{secret}"
    pace = {{max_in_flight = "{secret}", settle_seconds = "{secret}", retry_ladder = ["{secret}"]}}
    fields = {{donor.email = "{secret}["}}
    providers.standard = {{secrets = ["{secret}!"], tolerance = "{secret}"}}
    """
    found = problems(text)
    assert len(found) == 17
    assert not any("hunter2" in problem for problem in found)
