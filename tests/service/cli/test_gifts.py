"""`flask gifts` and `flask events`: what a person sees and what a program reads."""

import json

from relay.gifts import Name

KEYS = [
    "id",
    "organization",
    "provider",
    "kind",
    "status",
    "reason",
    "amount",
    "currency",
    "provider_transaction_id",
    "parent_transaction_id",
    "confirmation_code",
    "luminate_transaction_id",
]


def test_json_has_the_documented_keys_first_and_a_decimal_amount(house):
    house.give("ch_1", "25.00")
    house.post()
    (row,) = house.lines("gifts")
    assert list(row)[: len(KEYS)] == KEYS
    assert (row["kind"], row["status"], row["amount"], row["currency"]) == ("gift", "posted", "25.00", "USD")
    assert (row["confirmation_code"], row["luminate_transaction_id"]) == ("0-1001", "1001")
    assert row["provider_transaction_id"] == "ch_1"


def test_json_names_no_donor_unless_asked(house):
    house.give()
    assert "mary" not in house.run("gifts", "--json").stdout.lower()
    (row,) = house.lines("gifts", "--donor")
    assert (row["donor_name"], row["donor_email"]) == ("Mary Stone", "mary@example.org")


def test_a_refund_names_its_payment(house):
    house.give("ch_1")
    house.refund("re_1", "ch_1", "10.00")
    _, refund = house.lines("gifts")
    assert (refund["kind"], refund["parent_transaction_id"], refund["status"]) == ("refund", "ch_1", "waiting")


def test_the_table_tells_time_and_money_as_the_organization_counts(house):
    house.give("ch_1", "1250.00", email="")
    shown = house.run("gifts").stdout
    assert "Mary Stone" in shown
    assert "$1,250.00" in shown
    assert "The donor has no e-mail address." in shown


def test_the_balance_adds_up_for_gifts_and_for_refunds(house):
    house.give("ch_1", "1000.00")
    house.post()
    house.give("ch_2", "34.00", email="")
    house.give("ch_3", "200.00")
    house.refund("re_1", "ch_1", "100.00")
    shown = house.run("gifts").stdout
    line = (
        "hope, gifts in USD: received 1,234.00 = posted 1,000.00 + on its way 200.00 + needs a person 34.00 "
        "+ closed 0.00"
    )
    assert line in shown
    assert "hope, refunds in USD: received 100.00 = posted 0.00 + on its way 100.00" in shown


def test_a_filtered_listing_shows_totals_but_no_balance(house):
    house.give("ch_1", email="")
    house.give("ch_2")
    shown = house.run("gifts", "--status", "held").stdout
    assert "received 25.00" not in shown
    assert "held" in shown
    assert "ch_2" not in shown


def test_filters_join_by_and(house):
    house.give("ch_1", email="")
    house.give("ch_2", fund="WATER")
    house.give("ch_3", organization="care")
    assert [row["id"] for row in house.lines("gifts", "--reason", "no_email", "--organization", "hope")] == [1]
    assert [row["id"] for row in house.lines("gifts", "--fund", "WATER", "--status", "queued", "--kind", "gift")] == [2]
    assert house.lines("gifts", "--fund", "WATER", "--organization", "care") == []
    assert [row["id"] for row in house.lines("gifts", "--provider", "stripe", "--organization", "care")] == [3]


def test_search_finds_a_donor_an_amount_an_id_and_a_code(house):
    house.give("ch_1", "42.50")
    house.post()
    for search in ("mary stone", "STONE", "42.50", "$42.50", "ch_1", "0-1001", "1001", "1", "mary@example.org"):
        assert [row["id"] for row in house.lines("gifts", search)] == [1], search
    assert [row["id"] for row in house.lines("gifts", "mary", "stone")] == [1]
    assert house.lines("gifts", "nobody") == []
    assert [row["id"] for row in house.lines("gifts", " ch_1 ")] == [1]


def test_days_are_days_of_the_organization(house):
    house.give()
    (row,) = house.lines("gifts")
    assert house.lines("gifts", "--since", "2000-01-01", "--until", "2000-12-31") == []
    assert len(house.lines("gifts", "--since", "2000-01-01", "--until", "2999-01-01")) == 1
    assert len(house.lines("gifts", "--since", row["received_at"])) == 1
    assert house.lines("gifts", "--until", row["received_at"]) == []


def test_an_unknown_organization_is_a_slip_of_the_pen(house):
    result = house.run("gifts", "--organization", "hop", code=2)
    assert 'did you mean "hope"?' in result.stderr


def test_an_unreadable_day_is_refused(house):
    assert "2025-12-31" in house.run("gifts", "--since", "yesterday", code=2).stderr


def test_limit_shows_the_newest_in_the_order_received(house):
    for number in range(1, 5):
        house.give(f"ch_{number}")
    assert [row["id"] for row in house.lines("gifts", "--limit", 2)] == [3, 4]
    assert "the newest 2" in house.run("gifts", "--limit", 2).stdout
    assert "the newest" not in house.run("gifts", "--limit", 4).stdout


def test_totals_alone(house):
    house.give("ch_1", email="")
    house.give("ch_2")
    house.give("ch_3")
    rows = house.lines("gifts", "--totals")
    assert [(row["status"], row["count"], row["amount"]) for row in rows] == [
        ("held", 1, "25.00"),
        ("queued", 2, "50.00"),
    ]
    assert "Mary" not in house.run("gifts", "--totals").stdout


def test_a_hostile_name_cannot_steer_the_terminal(house):
    house.give("ch_1", name=Name(first="\x1b[2JEve", last="\u202eLong" * 20))
    shown = house.run("gifts").stdout
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_log_lines_stay_out_of_json(house):
    house.give()
    for line in house.run("gifts", "--json").stdout.splitlines():
        json.loads(line)


def test_without_a_database_it_says_so_and_exits_with_3(house):
    house.relay.database.engine.dispose()
    with house.relay.database.write() as tx:
        tx.exec_driver_sql("DROP TABLE pauses")
        tx.exec_driver_sql("ALTER TABLE entries RENAME TO gone")
    result = house.run("gifts", code=3)
    assert result.stdout == ""
    assert "The database" in result.stderr


# --- events ---------------------------------------------------------------------------------------------------------


def test_events_tell_verdict_and_entries(house):
    house.give("ch_1")
    house.take(house.gift("ch_1"))
    house.take(note="a payout moves no gift")
    house.dispute()
    rows = house.lines("events")
    assert [row["verdict"] for row in rows] == ["entry", "duplicate", "ignored", "flagged"]
    assert [row["entries"] for row in rows] == [[1], [1], [], [1]]
    assert list(rows[0])[:7] == ["event_id", "organization", "provider", "type", "verdict", "entries", "received_at"]
    assert rows[0]["event_id"] == "evt_1"


def test_events_filter_by_verdict_and_limit(house):
    house.give("ch_1")
    house.take(note="not ours")
    house.take(note="not ours either")
    assert [row["id"] for row in house.lines("events", "--verdict", "ignored", "--limit", 1)] == [3]
    shown = house.run("events", "--verdict", "ignored").stdout
    assert "not ours either" in shown
    assert "evt" not in shown.replace("event", "")
    assert house.run("events", "--organization", "care").stdout == "Nothing matches.\n"


# --- the words of the search box --------------------------------------------------------------------------------------


def test_a_search_may_hold_fields_and_joins_with_the_options(house):
    house.give("ch_1", "25.00", email="")
    house.give("ch_2", "1000.00")
    house.give("ch_3", "40.00", organization="care")
    assert [row["id"] for row in house.lines("gifts", "status:needs")] == [1]
    assert [row["id"] for row in house.lines("gifts", "amount:>=40", "stone")] == [2, 3]
    assert [row["id"] for row in house.lines("gifts", "amount:>=40", "--organization", "care")] == [3]
    assert house.lines("gifts", "status:needs", "--status", "queued") == []
    assert house.lines("gifts", "organization:hope", "--organization", "hope", "id:1,3", "--status", "queued") == []


def test_an_unknown_field_is_refused_with_those_that_are(house):
    assert 'did you mean "status"?' in house.run("gifts", "satus:held", code=1).stderr
