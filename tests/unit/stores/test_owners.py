"""Who owns a run or an attempt, and whether that process still lives."""

import os
import socket
import subprocess
import sys

import psutil
import pytest

from rookery.stores.owners import ended, is_gone, this_process


def test_this_process_is_not_gone():
    assert not is_gone(this_process())


def test_a_process_of_the_same_number_that_started_later_is_another():
    host, pid, started = this_process().rsplit(":", 2)
    assert is_gone(f"{host}:{pid}:{float(started) - 60:.2f}")


@pytest.mark.parametrize(
    "owner", [None, "", "elsewhere:1:1.00", "nonsense", f"{socket.gethostname()}:abc:1.00"]
)
def test_nothing_is_said_of_an_owner_that_cannot_be_looked_up(owner):
    assert not is_gone(owner)


def test_a_killed_process_is_gone_although_nobody_has_waited_for_it():
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = psutil.Process(child.pid).create_time()
    owner = f"{socket.gethostname()}:{child.pid}:{started:.2f}"
    assert not is_gone(owner)
    assert not ended(child.pid)
    child.kill()
    # as a parent that never reaps: waits for the end, leaves the zombie
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert is_gone(owner)
    assert ended(child.pid)
    child.wait()
    assert is_gone(owner)
