"""Which process something belongs to, and whether that process still lives."""

import os
import socket
import threading
import time

import psutil


def this_process() -> str:
    """Names this process so that another can tell whether it still lives."""
    process = psutil.Process()
    return f"{socket.gethostname()}:{process.pid}:{process.create_time():.2f}"


def is_gone(owner: str | None) -> bool:
    """Whether the process of that name is known to have ended; never said of another host's."""
    host, pid, started = _parts(owner)
    if not (host == socket.gethostname() and pid.isdigit()):
        return False
    return ended(int(pid)) or abs(psutil.Process(int(pid)).create_time() - float(started)) > 1


def ended(pid: int) -> bool:
    """Whether no process of that number runs; a killed one that nobody waited for has ended."""
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def end_with(parent: int) -> None:
    """Ends this process soon after that one: a worker whose owner was killed would wait forever."""

    def watch() -> None:
        while not ended(parent):
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _parts(owner: str | None) -> tuple[str, str, str]:
    """Host, process number and start time in seconds; empty where there is no owner."""
    place, _, started = (owner or "").rpartition(":")
    host, _, pid = place.rpartition(":")
    return host, pid, started
