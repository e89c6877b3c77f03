"""The audit: what stands in it, who reads it, and that nothing in it is changed unseen."""

import csv
import io
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import delete, insert, select, update

from relay.access import operator
from relay.ledger import audit
from relay.ledger.audit import Wanted
from relay.ledger.models import metadata
from relay.ledger.work_tables import audit as table
from relay.office.auditing import Auditing
from relay.web.console.audit import told
from tests.builders import ClockedDatabase
from tests.support.console import BOSS, email, token

ACTOR = operator("mary")


@pytest.fixture
def ledger(database_url):
    """An empty ledger on each database."""
    database = ClockedDatabase(database_url)
    metadata.create_all(database.engine)
    yield database
    database.engine.dispose()


def write(ledger, *subjects):
    for subject in subjects:
        with ledger.write() as tx:
            audit.record(tx, ACTOR, "saw", subject=subject, details={"n": 1, "words": ["é", None, True]})


def check(ledger, anchor=None):
    return Auditing(ledger, ()).check(anchor)


def test_a_chain_that_nobody_touched_is_whole(ledger):
    write(ledger, *(f"entry {number}" for number in range(5)))
    checked = check(ledger)
    assert checked.faults == ()
    assert (checked.last, len(checked.digest)) == (5, 64)


def test_an_empty_chain_is_whole(ledger):
    assert check(ledger) == check(ledger, None)
    assert check(ledger).last == 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("who", "somebody else"),
        ("at", datetime(2020, 1, 1, tzinfo=UTC)),
        ("through", "console"),
        ("organization", "birch"),
        ("action", "exported"),
        ("subject", "entry 9"),
        ("details", {}),
        ("digest", "0" * 64),
    ],
)
def test_a_changed_line_is_found(ledger, column, value):
    write(ledger, "a", "b", "c", "d")
    change(ledger, update(table).where(table.c.id == 2).values(**{column: value}))
    assert any("line 2" in fault for fault in check(ledger).faults)


def test_a_changed_line_with_a_digest_made_to_fit_is_found_by_the_next(ledger):
    write(ledger, "a", "b", "c", "d")
    forge(ledger, 2, subject="something else")
    (fault,) = check(ledger).faults
    assert "line 3 does not follow from line 2" in fault


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [((1,), "line 1 is missing"), ((2,), "line 2 is missing"), ((2, 3), "lines 2 to 3 are missing")],
)
def test_a_removed_line_is_found(ledger, gone, sentence):
    write(ledger, "a", "b", "c", "d")
    change(ledger, delete(table).where(table.c.id.in_(gone)))
    assert check(ledger).faults == (sentence,)


def test_a_line_put_in_is_found(ledger):
    write(ledger, "a", "b", "c")
    change(ledger, update(table).where(table.c.id == 3).values(id=4))
    with ledger.read() as tx:
        first = tx.execute(select(table).where(table.c.id == 1)).mappings().one()
    change(ledger, insert(table).values(**{**first, "id": 3}))
    assert [fault.split(" does")[0] for fault in check(ledger).faults] == ["line 3", "line 4"]


def test_lines_missing_from_the_end_are_found_with_what_was_kept_elsewhere(ledger):
    write(ledger, "a", "b", "c")
    kept = (3, check(ledger).digest)
    assert check(ledger, kept).faults == ()
    change(ledger, delete(table).where(table.c.id == 3))
    assert check(ledger).faults == ()
    assert "written anew" in check(ledger, kept).faults[0]
    write(ledger, "another c")
    assert "written anew" in check(ledger, kept).faults[0]


def test_two_who_write_at_once_make_one_chain(ledger):
    started = threading.Barrier(4)

    def writing(name):
        started.wait()
        write(ledger, *(f"{name} {number}" for number in range(5)))

    threads = [threading.Thread(target=writing, args=(name,)) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert check(ledger).faults == ()
    assert check(ledger).last == 20


def test_a_transaction_that_fails_leaves_no_line(ledger):
    write(ledger, "a")

    def failing():
        with ledger.write() as tx:
            audit.record(tx, ACTOR, "saw", subject="b")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        failing()
    write(ledger, "c")
    assert (check(ledger).last, check(ledger).faults) == (2, ())


def test_what_postgresql_cannot_keep_is_left_out(ledger):
    with ledger.write() as tx:
        audit.record(tx, operator("ma\x00ry"), "saw", subject="a\x00b", details={"x": "\u2028 \U0001f600"})
    assert check(ledger).faults == ()


def change(ledger, statement):
    with ledger.write() as tx:
        tx.execute(statement)


def forge(ledger, number, **columns):
    """What somebody would do who knows how digests are made."""
    with ledger.write() as tx:
        rows = {line.id: line for line in audit.lines(tx, Wanted())}
        values = audit._values(rows[number]) | columns
        digest = audit._digest(rows[number - 1].digest, values)
        tx.execute(update(table).where(table.c.id == number).values(**columns, digest=digest))


class TestThePage:
    PATH = "/console/audit"

    @pytest.fixture(autouse=True)
    def lines(self, house):
        with house.database.write() as tx:
            audit.record(tx, BOSS, "saw", organization="alder", subject="entry 1")
            audit.record(tx, BOSS, "corrected", organization="birch", subject="entry 2", details={"field": "=1+1"})
            audit.record(tx, BOSS, "signed in", subject="")

    def text(self, house, name, query=""):
        answer = house.client(name).get(self.PATH + query)
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    def test_an_admin_reads_the_lines_of_their_organization(self, house):
        told = self.text(house, "admin")
        assert "entry 1" in told
        assert "entry 2" not in told
        assert "corrected" not in told
        assert "signed in" not in told

    def test_an_admin_of_everything_reads_all(self, house):
        assert all(word in self.text(house, "root") for word in ("entry 1", "entry 2", "signed in"))

    @pytest.mark.parametrize("name", ["viewer", "finance"])
    def test_others_do_not(self, house, name):
        for path in (self.PATH, f"{self.PATH}.csv"):
            assert house.client(name).get(path).status_code == 403
        assert house.lines("exported") == []

    @pytest.mark.parametrize(
        ("query", "there", "gone"),
        [
            ("?action=saw", "entry 1", "entry 2"),
            ("?subject=entry+2", "entry 2", "entry 1"),
            ("?in=birch", "entry 2", "entry 1"),
            ("?who=nobody", "Nothing matches", "entry 1<"),
            ("?until=2020-01-01", "Nothing matches", "entry 1<"),
            ("?since=2020-01-01", "entry 1", "Nothing matches"),
        ],
    )
    def test_it_can_be_narrowed(self, house, query, there, gone):
        told = self.text(house, "root", query).split("</form>")[-1]
        assert there in told
        assert gone not in told

    def test_an_organization_out_of_reach_does_not_exist(self, house):
        assert house.client("admin").get(f"{self.PATH}?in=birch").status_code == 404
        assert house.client("admin").get(f"{self.PATH}.csv?in=birch").status_code == 404

    @pytest.mark.parametrize("query", ["?since=yesterday", "?until=9999-12-31"])
    def test_a_day_that_is_none_is_told(self, house, query):
        assert house.client("root").get(self.PATH + query).status_code == 400

    def test_pages(self, house):
        with house.database.write() as tx:
            for number in range(60):
                audit.record(tx, BOSS, "saw", organization="alder", subject=f"gift {number}.")
        assert "gift 59." in self.text(house, "admin")
        assert "gift 3." not in self.text(house, "admin")
        assert "gift 3." in self.text(house, "admin", "?page=2")

    def test_the_file_holds_no_formula_and_is_a_line_itself(self, house):
        client = house.client("root")
        answer = client.get(f"{self.PATH}.csv")
        rows = list(csv.DictReader(io.StringIO(answer.get_data(as_text=True))))
        assert [row["action"] for row in rows][:3] == ["saw", "corrected", "signed in"]
        assert all(not cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())
        (line,) = house.lines("exported")
        assert (line.who, line.subject, line.details["as"]) == (email("root"), "audit", "csv")


class TestTheCommand:
    @pytest.fixture
    def run(self, house):
        def running(*args, code=0):
            result = house.app.test_cli_runner().invoke(args=["audit", *args])
            assert result.exit_code == code, (result.output, result.exception)
            return result.output

        with house.database.write() as tx:
            audit.record(tx, BOSS, "saw", organization="alder", subject="entry 1")
            audit.record(tx, BOSS, "saw", organization="birch", subject="entry 2")
        return running

    def test_a_whole_chain_tells_what_to_keep(self, house, run):
        kept = run("verify").splitlines()[-1]
        assert run("verify", "--anchor", kept).startswith("The audit is whole: 2 lines")
        run("verify", "--anchor", "2:" + "0" * 64, code=1)
        run("verify", "--anchor", "x", code=2)

    def test_a_broken_chain_fails_and_names_the_line(self, house, run):
        change(house.database, update(table).where(table.c.id == 1).values(subject="entry 9"))
        assert "Line 1 was changed." in run("verify", code=1)
        assert '"line 1 was changed"' in run("verify", "--json", code=1)

    def test_lists_and_files(self, house, run):
        assert "entry 2" not in run("list", "--organization", "alder")
        assert run("list", "--limit", "1", "--json").count("\n") == 1
        assert run("list", "--person", "nobody") == "Nothing matches.\n"
        assert run("export", "--csv", "--subject", "entry 2").count("entry 2") == 1
        assert [json.loads(line)["action"] for line in run("export", "--action", "exported").splitlines()] == [
            "exported"
        ] * 2


def test_a_form_of_the_audit_asks_for_no_token_in_its_address(house):
    page = house.client("root").get("/console/audit").get_data(as_text=True)
    assert "csrf_token" not in page.split("<details")[1].split("</details>")[0]
    assert token(house.client("root"), "/console/audit")["csrf_token"]


def test_clock_is_utc(house):
    house.sign_in("viewer")
    assert abs(house.lines()[0].at - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"reason": "a slip"}, [("reason", "a slip")]),
        ({"not_looked_up": 0, "paused_by": "relay"}, [("not looked up yet", "0"), ("paused by", "relay")]),
        ({"rows": 1204, "as": "csv", "of": ["alder", "birch"]},
         [("rows found", "1,204"), ("as a file of kind", "csv"), ("of", "alder, birch")]),
        ({"before": None, "after": {"note": "", "owner": "Ann"}}, [("is now", "owner Ann")]),
        ({"everywhere": True, "again": False}, [("on every device", "yes"), ("again", "no")]),
        ({}, []),
    ],
)  # fmt: skip
def test_the_page_tells_details_in_words(details, said):
    assert told(details) == said
