"""The page and the code say the same: every variable and every key, in both directions."""

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest
from marshmallow import fields

from relay.config import load_settings, organization
from relay.config.environment import OPTIONAL, ORGANIZATION_VARIABLES, REQUIRED, VARIABLES
from relay.config.field_rules import FieldRules, FieldRuleSchema
from relay.config.fields import TableOf
from relay.config.parameters import LOCKED, MAPPABLE
from relay.config.process import DEFAULT_DATABASE, DEFAULT_REDIS, PLATFORMS, PROCESS_VARIABLES
from relay.config.provider_names import PROVIDERS
from relay.config.schemas import OrganizationSchema

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "configuration.md").read_text(encoding="utf-8")
# What stands for the keys that the reader chooses.
CHOSEN = {
    "funds": ["<code>"],
    "providers": ["<name>"],
    "options": ["<option>"],
    "tenders": organization.DEFAULT_TENDERS,
}


def section(title):
    return re.split(r"^##+ ", PAGE.partition(f"\n{title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def cells_of(line):
    return [cell.strip() for cell in line.removeprefix("|").removesuffix("|").split("|")]


def rows(text):
    """The first two cells of each row of the tables in ``text``."""
    table = [cells_of(line) for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip("`"): cells[1] for cells in table}


def keys_of(schema):
    for name, field in schema.fields.items():
        yield from keys_of_field(field, field.data_key or name)


def keys_of_field(field, key):
    if isinstance(field, fields.Nested):
        yield from (f"{key}.{inner}" for inner in keys_of(field.schema))
    elif isinstance(field, FieldRules):
        yield from (f"{key}.<parameter>.{inner}" for inner in keys_of(FieldRuleSchema()) if inner != "parameter")
    elif isinstance(field, TableOf):
        for chosen in CHOSEN[key.rpartition(".")[2]]:
            yield from keys_of_field(field.inner, f"{key}.{chosen}")
    elif isinstance(field, fields.List) and isinstance(field.inner, fields.Nested):
        yield from keys_of_field(field.inner, f"{key}[]")
    else:
        yield key


KEYS = set(keys_of(OrganizationSchema()))
DOCUMENTED_KEYS = rows(PAGE.partition("\n## The keys of the file\n")[2].partition("\n## ")[0])


def test_every_variable_is_documented_and_the_reverse():
    assert set(rows(section("### The process"))) == set(PROCESS_VARIABLES)
    assert set(rows(section("### One organization"))) == set(ORGANIZATION_VARIABLES)


def test_every_key_is_documented_and_the_reverse():
    assert set(DOCUMENTED_KEYS) == KEYS


def test_every_variable_is_said_to_be_the_key_it_is():
    for line in section("### One organization").splitlines():
        if line.startswith("| `"):
            variable, _, key = cells_of(line)
            if path := {**REQUIRED, **OPTIONAL}.get(variable.strip("`")):
                assert key == f"`{'.'.join(path)}`"


def test_every_field_of_an_organization_can_be_configured():
    """A field added to the dataclasses is a key, or a table of keys."""
    tables = {
        "": organization.Organization,
        "luminate.": organization.LuminateSettings,
        "mail.": organization.Mail,
        "pace.": organization.Pace,
        "funds.<code>.": organization.Fund,
        "providers.<name>.": organization.ProviderSettings,
        "fields.<parameter>.": organization.FieldRule,
        "amount_rules[].": organization.AmountRule,
    }
    from_the_key = {"name", "code", "parameter"}
    worked_out = {"neighbours"}
    for prefix, kind in tables.items():
        for field in dataclasses.fields(kind):
            key = prefix + ("form_id" if field.name == "form" else field.name)
            begins = (f"{key}.", f"{key}[")
            known_otherwise = field.name in from_the_key | worked_out
            assert known_otherwise or key in KEYS or any(known.startswith(begins) for known in KEYS), key


@pytest.mark.parametrize(
    ("prefix", "kind"),
    [
        ("luminate.", organization.LuminateSettings),
        ("mail.", organization.Mail),
        ("pace.", organization.Pace),
        ("retention.", organization.Retention),
    ],
)
def test_the_defaults_on_the_page_are_the_defaults(prefix, kind):
    for field in dataclasses.fields(kind):
        if field.default is not dataclasses.MISSING and field.default != "":
            told = tomllib.loads(f"x = {DOCUMENTED_KEYS[prefix + field.name].strip('`')}")["x"]
            assert (tuple(told) if isinstance(told, list) else told) == field.default


def test_the_defaults_of_tenders_and_the_process_are_on_the_page():
    for kind, word in organization.DEFAULT_TENDERS.items():
        assert DOCUMENTED_KEYS[f"tenders.{kind}"] == f'`"{word}"`'
    process = rows(section("### The process"))
    assert process["DATABASE_URL"] == f"`{DEFAULT_DATABASE}`"
    assert process["REDIS_URL"] == f"`{DEFAULT_REDIS}`"
    defaults = {field.name: field.default for field in dataclasses.fields(organization.Settings)}
    for name in ("max_body_bytes", "log_format", "log_level"):
        assert process[f"RELAY_{name.upper()}"] == f"`{defaults[name]}`"


def test_every_parameter_that_can_be_mapped_is_listed_and_the_reverse():
    text = section("## Field mapping without code")
    assert sorted(text.partition("These can be mapped:\n\n```\n")[2].partition("```")[0].split()) == list(MAPPABLE)
    assert rows(text) == dict(LOCKED)


def test_every_provider_and_platform_is_named():
    assert all(f"`{name}`" in section("### Providers") for name in PROVIDERS)
    assert all(name in section("## One organization, no file") for name in PLATFORMS.values())


def test_the_example_says_everything_that_can_be_said():
    document = tomllib.loads((DOCS / "relay.example.toml").read_text(encoding="utf-8"))["organizations"]["acme"]
    assert KEYS - set(_written(document)) == set()


def _written(table, path=""):
    """The keys of a document in the words of KEYS."""
    for key, value in table.items():
        if path == "fields.":
            rule = value if isinstance(value, dict) else {"path": value}
            yield from (f"fields.<parameter>.{part}" for part in rule)
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for item in value:
                yield from _written(item, f"{path}{key}[].")
        elif isinstance(value, dict):
            chosen = {"funds.": "<code>", "providers.": "<name>"}.get(path, key)
            yield from _written(value, f"{path}{chosen}.")
        else:
            yield path + ("<option>" if path.endswith("options.") else key)


@pytest.mark.parametrize("block", re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL))
def test_every_piece_of_toml_on_the_page_loads(block, tmp_path):
    named = set(re.findall(r"\$\{(\w+)\}", block))
    whole = "luminate.url" in block or ".luminate]" in block
    rest = """
        [organizations.acme]
        form_id = 1
        level_id = 2
        luminate = {url = "https://give.acme.org/site", api_key = "k", login_name = "n", login_password = "p"}
        providers.stripe.secrets = ["whsec_a"]
    """
    file = tmp_path / "relay.toml"
    file.write_text(block if whole else rest + block, encoding="utf-8")
    assert load_settings({"RELAY_CONFIG": str(file), **dict.fromkeys(named, "x")}).organizations


def test_variables_are_named_once():
    assert len(set(VARIABLES)) == len(VARIABLES)
