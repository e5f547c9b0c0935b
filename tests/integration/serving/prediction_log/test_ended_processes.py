"""What is left of the log of a process that was ended, in good order or not."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.serving.conftest import eventually
from tests.integration.serving.prediction_log.conftest import Place

SCRIPT = Path(__file__).with_name("logging_process.py")
NOBODY = "mysql://nobody@127.0.0.1:1/none"  # refuses at once


@contextmanager
def logging(place: Place, url: str, count: int = 2000) -> Iterator[subprocess.Popen]:
    """The script while it runs."""
    command = [sys.executable, str(SCRIPT), str(place.spool), url, str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def said(process: subprocess.Popen, lines: int | None = None) -> dict[str, int]:
    """Ids and times up to so many of them, or to the end of its output."""
    found = {}
    for line in process.stdout:
        if line == "done\n":
            break
        prediction_id, at = line.split()
        found[prediction_id] = int(at)
        if len(found) == lines:
            break
    return found


@pytest.mark.parametrize("url", ["", NOBODY], ids=["database there", "database away"])
def test_a_killed_process_loses_at_most_the_last_second(place, url):
    with logging(place, url or place.url, 100_000) as process:
        logged = said(process, 2000)
        process.kill()
        logged |= said(process)
    kept = {id_ for id_, at in logged.items() if at < max(logged.values()) - 1_000_000}
    assert len(kept) > 100
    log = place.log()
    eventually(lambda: kept <= place.stored())
    eventually(lambda: not place.segments())
    assert len(place.stored() - logged.keys()) <= 1, "one was not said any more"
    assert log.lost == 0


@pytest.mark.parametrize("url", ["", NOBODY], ids=["database there", "database away"])
def test_a_process_that_is_told_to_end_loses_none(place, url):
    with logging(place, url or place.url, 100_000) as process:
        logged = said(process, 1000)
        process.terminate()
        logged |= said(process)
        assert process.wait(30) == 0
    if not url:
        assert logged.keys() <= place.stored()
    place.log()
    eventually(lambda: logged.keys() <= place.stored())
    assert len(place.stored() - logged.keys()) <= 1, "one was not said any more"


def test_a_living_process_takes_over_from_a_killed_one(place):
    with logging(place, NOBODY) as killed:
        logged = said(killed)
        eventually(lambda: sum(path.stat().st_size for path in place.segments()) > 100_000)
        living = place.log()
        assert living.find(next(iter(logged))), "the spool is everybody's"
        assert place.stored() == set(), "its process lives"
        killed.kill()
        killed.wait()
        eventually(lambda: len(place.stored()) > 1000)


def test_two_processes_at_once_store_all_of_both(place):
    with logging(place, place.url) as one, logging(place, place.url) as other:
        logged = said(one) | said(other)
        for process in (one, other):
            process.terminate()
            assert process.wait(30) == 0
    assert len(logged) == 4000
    place.log()
    eventually(lambda: place.stored() == logged.keys())
