"""Held against the code itself: what no test of one attack would notice when somebody adds a line."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The sandbox and the demo are for development, and have secrets that everybody knows.
TREES = {
    path.relative_to(ROOT).as_posix(): ast.parse(path.read_text())
    for path in sorted((ROOT / "relay").rglob("*.py"))
    if not path.relative_to(ROOT).as_posix().startswith(("relay/sandbox/", "relay/demo/"))
}
# What must be compared in constant time, by how it is called.
SECRET = re.compile(r"(secret|digest|signature|token|password|hmac|mac|totp)s?$", re.IGNORECASE)
# (file, comparison) -> why its time tells nobody anything.
HARMLESS = {
    ("relay/alerting/running.py", "channel.digest == message.channel"): "both are ours; nobody sends either",
    ("relay/ledger/audit.py", "line.digest != _digest(digest, _values(line))"): "both are of the ledger, by a command",
    ("relay/ledger/tokens.py", "tokens.c.digest == digest"): "looked up by the SHA-256 of 256 random bits",
    ("relay/providers/braintree/__init__.py", "secret in publics"): "both are of the configuration",
    ("relay/providers/paypal/headers.py", "base64.b64encode(raw).decode() != signature"): "two spellings of one text",
    ("relay/providers/raisely.py", "secret in value"): "a secret of a body is blotted out of the same body",
    ("relay/providers/standard/signature.py", "secret in keys"): "both are of the configuration",
    ("relay/web/console/passwords.py", "password != request.form.get('again', '')"): "both were typed into one form",
}


def comparisons():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq | ast.NotEq | ast.In | ast.NotIn):
                yield path, node


def names_in(node):
    """The last name of a simple expression: ``given``, ``told.secret``, ``headers["token"]``, ``secret.strip()``."""
    if isinstance(node, ast.Call):
        return names_in(node.func)
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    if isinstance(node, ast.Attribute):
        inside = names_in(node.value)
        return (
            inside
            if node.attr in {"strip", "lower", "upper", "encode", "decode", "hexdigest"} and inside
            else node.attr
        )
    return node.id if isinstance(node, ast.Name) else ""


def is_plain(node):
    """A constant, a name in capitals, a list of those: what everybody can read."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Tuple | ast.Set | ast.List):
        return all(map(is_plain, node.elts))
    return names_in(node).isupper()


def suspicious(path, node):
    sides = (node.left, *node.comparators)
    if any(map(is_plain, sides)) or (path, ast.unparse(node)) in HARMLESS:
        return False
    names = [names_in(side) for side in sides]
    return any(map(SECRET.search, names)) and not any(name.endswith("_id") for name in names)


def test_no_secret_is_compared_letter_by_letter():
    """``==`` ends at the first letter that differs, and its time tells how many were right."""
    assert [(path, ast.unparse(node)) for path, node in comparisons() if suspicious(path, node)] == []


def test_what_is_called_harmless_is_still_there():
    assert {(path, ast.unparse(node)) for path, node in comparisons()} >= set(HARMLESS)


@pytest.mark.parametrize(
    "line", ["sent == secret", "settings.secret != given", "headers['token'] in tokens", "a.strip() == hmac"]
)
def test_the_test_above_sees_what_it_should(line):
    assert suspicious("relay/x.py", ast.parse(line, mode="eval").body)


def calls():
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                yield path, node


@pytest.mark.parametrize(
    "name",
    [
        "eval",
        "exec",
        "compile",
        "os.system",
        "os.popen",
        "pickle.loads",
        "marshal.loads",
        "yaml.load",
        "__import__",
        "jinja2.Template",
        "tempfile.mktemp",
    ],
)
def test_nothing_runs_what_came_in(name):
    assert [(path, node.lineno) for path, node in calls() if ast.unparse(node.func) == name] == []


def test_nothing_is_asked_without_checking_who_answers_nor_follows_where_it_leads():
    """Each call out says that it follows no redirect; none says that any certificate will do."""
    out = re.compile(r"(session|requests)\.(request|get|post|put|head)$")
    # Elsewhere ``session`` is the browser's, or one of Stripe's checkout.
    others = ("relay/web/", "relay/providers/stripe/")
    mine = [(path, node) for path, node in calls() if not path.startswith(others)]
    found = [(path, node) for path, node in mine if out.search(ast.unparse(node.func))]
    told = [{word.arg: ast.unparse(word.value) for word in node.keywords} for _, node in found]
    assert len(found) >= 3
    assert [words.get("allow_redirects") for words in told] == ["False"] * len(found)
    assert [words for words in told if words.get("verify") == "False"] == []


def test_xml_of_others_is_read_by_a_reader_without_entities():
    """The standard library's own modules give types only."""
    taken = [
        (path, name.name)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in {"xml", "lxml"}
        for name in node.names
    ]
    # soap_wire builds one element of its own with lxml.
    assert {one for one in taken if one[1] not in {"Element", "ParseError"}} == {
        ("relay/luminate/soap_wire.py", "etree")
    }


def test_jobs_are_json_and_never_pickle():
    queues = [node for path, node in calls() if ast.unparse(node.func) in {"Queue", "RelayWorker"}]
    told = [{word.arg: ast.unparse(word.value) for word in node.keywords} for node in queues]
    assert [words.get("serializer") for words in told] == ["'json'"] * len(queues)
    assert len(queues) >= 2
