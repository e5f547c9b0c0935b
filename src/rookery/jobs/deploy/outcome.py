"""What became of a deployment, and what is said where it was refused."""

from dataclasses import dataclass, field

from rookery.core.deployment_calls import Call
from rookery.errors import Refused, RookeryError, Unavailable


@dataclass(frozen=True)
class Deployment:
    """An image that serves now; with `dry_run` one that would, after `calls`."""

    task: str
    target: str
    image: str
    url: str
    previous: str | None = None
    model: str | None = None
    version: str | None = None
    dry_run: bool = False
    changed: bool = True
    away_seconds: float | None = None  # for which nothing answered
    calls: list[Call] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def refused(error: RookeryError, image: str, now: str, log: str = "") -> RookeryError:
    """The error of an image that failed its gate: why, what serves now, and its last lines."""
    lines = [f"{image} is refused: {error.message}", f"  now: {now}"]
    if log:
        lines += ["  its log:", *(f"  | {line}" for line in log.splitlines())]
    kind = type(error) if isinstance(error, Unavailable) and error.field == "docker" else Refused
    return kind(
        "\n".join(lines),
        field=error.field,
        value=error.value,
        allowed=error.allowed,
        next=error.next,
    )
