"""What is said of a one-shot that was stopped."""

import os
import signal

import pytest

from rookery.errors import Unavailable
from rookery.jobs.stopping import stops_raise
from rookery.stack.oneshot import finish
from rookery.stack.restore import _all_or_message


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_is_one_message_whatever_the_work_takes_for_its_own_failures(number, capsys):
    def work() -> str:
        try:
            os.kill(os.getpid(), number)
        except Exception:
            return "went on"
        return "was not stopped"

    with stops_raise():
        assert finish(work) == 130
    assert capsys.readouterr() == ("", f"error: stopped by {number.name}\n")


def test_a_stopped_restore_says_that_part_of_the_backup_is_there():
    with (
        pytest.raises(Unavailable, match=r"stopped by SIGTERM\. The stack holds a part") as caught,
        stops_raise(),
        _all_or_message("2026-11-20T00-00-00Z"),
    ):
        os.kill(os.getpid(), signal.SIGTERM)
    assert caught.value.next.startswith("docker compose down -v")
