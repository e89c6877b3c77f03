"""The files in ops/ and docs/watch.md speak of metrics and labels that /metrics has, and leave none out."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from relay.app import create_app
from relay.bootstrap import build
from relay.ledger.refusals import Refusals
from relay.web.metrics import LIMITED
from relay.web.server import ENDED
from tests.builders import DONOR, make_gift, make_organization, make_relay

ROOT = Path(__file__).parents[2]
DASHBOARD = json.loads((ROOT / "ops/grafana.json").read_text(encoding="utf-8"))
RULES = yaml.safe_load((ROOT / "ops/alerts.yml").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/watch.md").read_text(encoding="utf-8")
TOKEN = "a-token-for-prometheus"


def panels():
    return {
        f"{panel['title']}/{one['refId']}": one["expr"] for panel in DASHBOARD["panels"] for one in panel["targets"]
    }


def rules():
    return {rule["alert"]: rule["expr"] for group in RULES["groups"] for rule in group["rules"]}


EXPRESSIONS = panels() | rules()


def names_in(expression):
    return set(re.findall(r"\brelay_\w+", expression))


def labels_in(expression):
    """The labels of selectors and groupings."""
    grouped = re.findall(r"\b(?:by|on|without|ignoring) \(([^)]*)\)", expression)
    selected = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    return set(selected) | {name.strip() for group in grouped for name in group.split(",")}


@pytest.fixture
def samples(sqlite_url):
    """The names of a scrape of a relay where something of everything has happened, each with its labels."""
    bench = make_relay(sqlite_url, make_organization(), metrics_token=TOKEN)
    bench.take(make_gift())
    bench.post()
    bench.take(make_gift(keys=("ch_2",), donor=replace(DONOR, email="")))
    counting = Refusals(bench.database)
    with bench.database.read() as tx:
        counting.count("alder", "acme", "bad_signature", bench.database.now(tx))
    counting.write()
    relay = build(bench.settings, database=bench.database)
    client = create_app(relay).test_client()
    client.post("/webhooks/nobody/stripe", data=b"{}")
    LIMITED.labels("alder", "acme").inc()
    ENDED.labels("408").inc()
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    found = {}
    for family in text_string_to_metric_families(answer.get_data(as_text=True)):
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_an_expression_names_only_metrics_and_labels_that_there_are(name, samples):
    expression = EXPRESSIONS[name]
    names = names_in(expression)
    assert names
    assert names - samples.keys() == set()
    assert labels_in(expression) - set().union(*(samples[one] for one in names)) == set()
    assert expression.count("(") == expression.count(")")


def test_every_metric_is_on_the_page_and_the_dashboard_and_the_reverse(samples):
    families = {re.sub(r"_(bucket|count|sum|created)$", "", name) for name in samples if "webhook_seconds" in name}
    ours = {name for name in samples if re.match("relay_(?!webhook_seconds).*(?<!_created)$", name)} | families
    documented = dict(re.findall(r"^\| `(relay_\w+)` \|([^|]*)\|", PAGE, re.MULTILINE))
    assert set(documented) == ours
    for name, cell in documented.items():
        labels = samples.get(name, samples.get(f"{name}_count"))
        assert set(re.findall(r"`(\w+)`", cell)) == labels, name
    shown = {re.sub(r"_(bucket|count|sum)$", "", one) for expr in panels().values() for one in names_in(expr)}
    assert shown == ours


def test_the_dashboard_has_no_two_panels_of_one_number_or_place():
    places = [
        (x, y)
        for panel in DASHBOARD["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(places)) == len(places)
    assert max(x for x, _ in places) < 24
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])


def test_every_rule_says_how_bad_it_is_and_what_to_do():
    for group in RULES["groups"]:
        for rule in group["rules"]:
            assert rule["labels"]["severity"] in {"critical", "warning", "info"}
            assert {"summary", "description"} == set(rule["annotations"])
            told = set(re.findall(r"\$labels\.(\w+)", json.dumps(rule["annotations"])))
            assert told <= {"organization", "provider"}
    assert len(rules()) == sum(len(group["rules"]) for group in RULES["groups"])
