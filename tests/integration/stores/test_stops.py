"""A stop while a database is asked: it ends the job as a stop, whenever it comes."""

import subprocess
import sys
from pathlib import Path

TIMES = 60


def test_a_stop_is_a_stop_and_not_a_failure_of_the_database(database):
    process = Path(__file__).with_name("stopped_process.py")
    ended = subprocess.run(
        [sys.executable, str(process), database, str(TIMES)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    # and nothing is said of a cursor or a connection
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == ["stopped by SIGTERM"] * TIMES
