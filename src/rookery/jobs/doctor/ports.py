"""Ports: free, our own, or taken, and by whom."""

import errno
import socket
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from types import MappingProxyType

import psutil

from rookery.jobs.doctor.findings import Finding, Level, error, fine

# of the option of scripts/local.py, or of .env
OPTION = "--"


@dataclass(frozen=True)
class Port:
    """A port that a server is to listen on, and the variable that moves it."""

    variable: str
    number: int
    use: str
    address: str = "127.0.0.1"


def ports(
    wanted: Sequence[Port],
    own: Collection[int] = (),
    containers: Mapping[int, str] = MappingProxyType({}),
    level: Level = "warning",
) -> Iterator[Finding]:
    """One line for all that is well, and one for each port that is not.

    `own` are those that servers of ours hold; `containers` names the containers that hold a port.
    """
    yield from twice(wanted)
    free: list[int] = []
    for port in wanted:
        fault = None if port.number in own else fault_of(port, containers)
        if fault:
            said = f"port {port.number}, for {port.use}, {fault}"
            yield Finding(level, said, _mend(port, wanted))
        elif port.number not in own:
            free.append(port.number)
    if own:
        yield fine(f"held by this stack: {', '.join(map(str, sorted(own)))}")
    if free:
        yield fine(f"free: {', '.join(map(str, sorted(free)))}")


def twice(wanted: Sequence[Port]) -> Iterator[Finding]:
    """Two servers on one port."""
    first: dict[int, Port] = {}
    for port in wanted:
        other = first.setdefault(port.number, port)
        if other is not port:
            yield error(
                f"{other.variable} and {port.variable} are both {port.number}",
                _mend(port, wanted),
            )


def fault_of(port: Port, containers: Mapping[int, str] = MappingProxyType({})) -> str | None:
    """Why nothing could listen there; None where it can."""
    family = socket.AF_INET6 if ":" in port.address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((port.address, port.number))
        except OSError as failed:
            if failed.errno == errno.EADDRNOTAVAIL:
                return f"is to be bound to {port.address}, which is no address of this machine"
            if failed.errno == errno.EADDRINUSE:
                holder = containers.get(port.number)
                return f"is taken by {holder}" if holder else f"is taken{_by(port.number)}"
            # the engine may use what we may not, such as a port below 1024
    return None


def _by(number: int) -> str:
    """Which process listens there, where we may know."""
    with suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            local = connection.laddr
            if connection.status == psutil.CONN_LISTEN and local and local.port == number:
                return _named(connection.pid)
    return ""


def _named(pid: int | None) -> str:
    if pid is None:
        return " by a process of another user"
    return f" by {psutil.Process(pid).name()} (process {pid})"


def _mend(port: Port, wanted: Sequence[Port]) -> str:
    other = free_port(port, {each.number for each in wanted})
    if other is None:
        return "BIND_ADDRESS=127.0.0.1 in .env, or the address of a network of this machine"
    if port.variable.startswith(OPTION):
        return f"scripts/local.py {port.variable} {other}; or stop what uses {port.number}"
    return f"{port.variable}={other} in .env; or stop what uses {port.number}"


def free_port(port: Port, not_these: Collection[int]) -> int | None:
    """The next one up that is free and that nothing of ours wants."""
    above = range(port.number + 1, min(port.number + 200, 65536))
    others = (replace(port, number=number) for number in above if number not in not_these)
    return next((other.number for other in others if fault_of(other) is None), None)
