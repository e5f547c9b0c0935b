"""wrk: as many requests as a server answers on so many connections."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from environments import CannotRun
from serving.cores import Cores
from serving.forms import Form, Row

SCRIPT = Path(__file__).with_name("post.lua")
ANSWER_SECONDS = 30  # a request without an answer by then has failed


@dataclass(frozen=True)
class Load:
    """What wrk counted; `p50` and `p99` in seconds.

    `stolen` is the share of all cores' time that the host of a virtual machine gave to others.
    """

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int
    stolen: float

    @property
    def rate(self) -> float:
        return self.requests / self.seconds


def need_wrk() -> None:
    """Raises SystemExit where wrk is not installed, with the command that does it."""
    if not shutil.which("wrk"):
        raise SystemExit(
            "wrk, which makes the load, is not installed. Next: sudo apt install wrk "
            "(macOS: brew install wrk)"
        )


def write_bodies(folder: Path, form: Form, batches: Sequence[Sequence[Row]]) -> Path:
    """One request body a line, as post.lua reads them."""
    lines = (form.encode(batch) for batch in batches)
    path = folder / "bodies.jsonl"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def post(url: str, bodies: Path, connections: int, seconds: float, cores: Cores) -> Load:
    """Posts the bodies in turn.

    Raises:
        CannotRun: wrk failed, or got errors only.
    """
    command = ["wrk", "--threads", "1", "--connections", str(connections)]
    command += ["--duration", f"{seconds:g}s", "--timeout", f"{ANSWER_SECONDS}s"]
    command += ["--script", str(SCRIPT), url, "--", str(bodies)]
    before = psutil.cpu_times()
    done = subprocess.run(
        cores.ask(command),
        capture_output=True,
        text=True,
        timeout=seconds + 2 * ANSWER_SECONDS,
        check=False,
    )
    stolen = _stolen(before, psutil.cpu_times())
    if done.returncode:
        raise CannotRun(f"wrk failed: {(done.stderr or done.stdout).strip()[-300:]}")
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    failed = said["refused"] + said["socket"] + said["timeout"]
    if failed and said["requests"] <= said["refused"]:
        raise CannotRun(f"no answer but errors under load: {failed}")
    answered = said["requests"] - said["refused"]
    return Load(answered, said["seconds"], said["p50"], said["p99"], failed, stolen)


def _stolen(before: Any, after: Any) -> float:
    """0 where the system does not say."""
    total = sum(after) - sum(before)
    return (getattr(after, "steal", 0.0) - getattr(before, "steal", 0.0)) / total if total else 0.0
