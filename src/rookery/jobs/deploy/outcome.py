"""What became of a deployment, and what is said where it was refused."""

from dataclasses import dataclass, field

from rookery.core.deployment_calls import Call
from rookery.errors import Interrupted, Refused, RookeryError, Unavailable

# what an image that does not come up, or does not answer, is reported under
OF_THE_IMAGE = ("IMAGE", "predict")


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
    away_seconds: float | None = None  # for which nothing answered
    calls: list[Call] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def refused(
    error: RookeryError, image: str, now: str, log: str = "", *, returned: bool = True
) -> RookeryError:
    """The error of an image that does not serve: why, what serves now, and its last lines.

    It is the image's fault, so `Refused`, unless a part outside failed, or what was there before
    could not be `returned`. One that was stopped stays `Interrupted`.
    """
    outside = isinstance(error, Unavailable) and error.field not in OF_THE_IMAGE
    kind: type[RookeryError] = Unavailable if outside or not returned else Refused
    if isinstance(error, Interrupted):
        kind = Interrupted
    said = "is refused" if kind is Refused else "was not deployed"
    lines = [f"{image} {said}: {error.message}", f"  now: {now}"]
    if log:
        lines += ["  its log:", *(f"  | {line}" for line in log.splitlines())]
    return kind(
        "\n".join(lines),
        field=error.field,
        value=error.value,
        allowed=error.allowed,
        next=error.next,
    )
