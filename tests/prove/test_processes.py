"""The proof with real processes, in its short form. The long one: `python -m tests.prove.processes`."""

import pytest

from tests.prove.processes.breaking import killing_and_flushing, killing_postgres, refusing_login, second_worker
from tests.prove.processes.house import POSTGRESQL, SQLITE, House
from tests.prove.processes.scenarios import Scenario, paused_once, play

pytestmark = [pytest.mark.long, pytest.mark.timeout(180)]

LOST_ANSWERS = ("reset_after_recording", "black_hole_after", "half_answer", "late_request")
NEVER_APPLIED = ("reset_after_body", "reset_during_body", "html_502", "black_hole")
GIFTS = 40


def played(tmp_path, scenario, kind=POSTGRESQL, gifts=GIFTS):
    with House(tmp_path, kind) as house:
        done = play(scenario, house, range(gifts))
    assert done.good, done
    assert done.count.accepted == done.count.posted == gifts
    assert done.injected, "nothing was broken"
    return done


def test_an_answer_lost_on_the_wire_is_found_and_a_gift_never_applied_is_sent_once(tmp_path):
    scenario = Scenario("wire", "", wire=(*LOST_ANSWERS, *NEVER_APPLIED), share=0.5)
    done = played(tmp_path, scenario)
    assert done.count.found
    assert done.count.resent


def test_kill_9_of_workers_and_web_and_flushall_lose_and_double_nothing(tmp_path):
    scenario = Scenario(
        "kill", "", wire=("slow_in_time",), share=1.0, breaking=second_worker(killing_and_flushing), per_second=4
    )
    played(tmp_path, scenario, SQLITE)


def test_kill_9_of_postgresql_loses_and_doubles_nothing(tmp_path):
    played(tmp_path, Scenario("postgres", "", breaking=killing_postgres, per_second=10))


def test_a_refused_login_pauses_once_uses_nothing_up_and_resumes_by_itself(tmp_path):
    scenario = Scenario("login", "", breaking=refusing_login(3), per_second=15, check=paused_once)
    done = played(tmp_path, scenario, gifts=2 * GIFTS)
    assert done.count.blocked
