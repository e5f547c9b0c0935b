"""Which cores the servers have, and which the one that asks them."""

import os
import shutil
from dataclasses import dataclass


@dataclass(frozen=True)
class Cores:
    """Every server has the same cores, whatever asks has the last; empty where it cannot be set."""

    servers: str = ""
    load: str = ""

    def serve(self, command: list[str]) -> list[str]:
        return on_cores(self.servers, command)

    def ask(self, command: list[str]) -> list[str]:
        return on_cores(self.load, command)

    def __str__(self) -> str:
        if not self.servers:
            return "servers and load share all cores: there is no taskset here, or one core only"
        return f"cores by taskset: {self.servers} for each server, {self.load} for the load"


def shared_out() -> Cores:
    """The cores that this process may use, but the last, for the servers."""
    if not shutil.which("taskset") or not hasattr(os, "sched_getaffinity"):
        return Cores()
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        return Cores()
    return Cores(",".join(map(str, usable[:-1])), str(usable[-1]))


def on_cores(cores: str, command: list[str]) -> list[str]:
    return ["taskset", "--cpu-list", cores, *command] if cores else command
