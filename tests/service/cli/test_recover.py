"""``flask recover``: what a restored ledger may have forgotten is looked up before anything is posted again."""


def test_it_pauses_marks_and_says_from_when_to_send_again(house):
    number = house.give()
    result = house.run("recover", "--since", "2026-01-31T04:00", "--reason", "disk died", "--who", "Ada")
    assert "hope: posting is paused; 1 entries are looked up in Luminate first." in result.stdout
    (row,) = [one for one in house.lines("gifts") if one["id"] == number]
    assert (row["status"], row["reason"]) == ("unknown", "restored")


def test_every_configured_provider_is_to_send_again_everything_since_the_backup(house):
    """Not since its newest event, which may have come after the restore; and though none of it is in the ledger."""
    house.give()
    said = house.run("recover", "--since", "2026-01-31T04:00", "--reason", "disk died").stdout
    for name, organization in house.relay.settings.organizations.items():
        for provider in organization.providers:
            assert f"{name}: let {provider} send again everything since 30 January 2026" in said


def test_a_time_to_come_is_refused(house):
    refused = house.run("recover", "--since", "2126-01-31T04:00", "--reason", "disk died", code=1)
    assert "yet to come" in refused.stderr


def test_posting_stays_paused_until_everything_is_looked_up_or_somebody_overrules(house):
    house.give()
    house.run("recover", "--since", "2026-01-31", "--reason", "disk died")
    refused = house.run("resume", "hope", "--reason", "hurry", code=1)
    assert "posting could double a gift" in refused.stderr
    house.run("resume", "hope", "--reason", "we looked by hand", "--anyway")


def test_the_time_of_the_backup_must_be_one(house):
    house.run("recover", "--since", "yesterday", "--reason", "disk died", code=2)
