"""Memory and processor time of containers, as the engine counts them for their cgroups."""

import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

import docker

MB = 1_000_000
BETWEEN_SAMPLES = 0.25


class Engine:
    """The engine that the `docker` command talks to."""

    def __init__(self) -> None:
        shown = ["docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}"]
        done = subprocess.run(shown, capture_output=True, text=True, check=True)
        self.client = docker.DockerClient(base_url=done.stdout.strip())

    def stats(self, container: str) -> dict[str, Any]:
        found: dict[str, Any] = self.client.api.stats(container, stream=False, one_shot=True)
        return found

    def memory(self, container: str) -> float:
        """Without the page cache, which the kernel gives back when it is asked for memory.

        Pages of shared memory and of a tmpfs stay in: the kernel counts them as anonymous.
        """
        memory = self.stats(container)["memory_stats"]
        inside = memory["stats"]
        cached = sum(
            inside.get(f"total_{kind}", inside.get(kind, 0))
            for kind in ("active_file", "inactive_file")
        )
        return float(memory["usage"] - cached) / MB

    def cpu_seconds(self, container: str) -> float:
        return float(self.stats(container)["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    def image_size(self, name: str) -> float:
        return float(self.client.images.get(name).attrs["Size"]) / MB

    def layers(self, name: str) -> list[str]:
        found: list[str] = self.client.images.get(name).attrs["RootFS"]["Layers"]
        return found


def idle_cpu(engine: Engine, containers: Mapping[str, str], seconds: float) -> dict[str, float]:
    """Share of one core by service, in %, health checks included."""
    started = time.monotonic()
    before = {name: engine.cpu_seconds(ident) for name, ident in containers.items()}
    time.sleep(seconds)
    after = {name: engine.cpu_seconds(ident) for name, ident in containers.items()}
    taken = time.monotonic() - started
    return {name: 100 * (after[name] - before[name]) / taken for name in containers}


@dataclass
class Peaks:
    """The most memory of each container while a with-block runs, looked at four times a second."""

    engine: Engine
    containers: Mapping[str, str]
    by_service: dict[str, float] = field(default_factory=dict)
    together: float = 0.0

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._watch = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: object, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._over.is_set():
            now = {name: self.engine.memory(ident) for name, ident in self.containers.items()}
            for name, used in now.items():
                self.by_service[name] = max(used, self.by_service.get(name, 0.0))
            self.together = max(self.together, sum(now.values()))
            self._over.wait(BETWEEN_SAMPLES)
