"""Images of models as text for people."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rookery.jobs.image_check import ImageCheck
    from rookery.serving.package import Package

MB_GOAL, SECONDS_GOAL = 400, 2.0


def packaged(result: "Package") -> str:
    named = f", which carries {result.alias!r}" if result.alias else ""
    why = f", because {result.why_not_compiled}" if result.why_not_compiled else ""
    return "\n".join(
        [
            f"{result.task}: version {result.version}{named} answers by {result.path}{why}",
            *(f"image {tag}" for tag in result.tags),
            *_measured(result),
            f"packages: {result.sbom}",
            f"next: docker run --rm --read-only --publish 8000:8000 {result.tags[0]}",
        ]
    )


def image_checked(result: "ImageCheck") -> str:
    return "\n".join(
        [f"{result.image}: version {result.version} of {result.model}", *_measured(result)]
    )


def _measured(result: "Package | ImageCheck") -> list[str]:
    size, seconds = result.size_bytes / 1e6, result.seconds_to_first_answer
    answers = f"{result.examples} answers" if result.examples > 1 else "its answer"
    return [
        f"  checked   {answers} as the model's own",
        f"  size      {size:.0f} MB{_against(size > MB_GOAL)} {MB_GOAL} MB)",
        f"  answered  {seconds:.2f} s after its start{_against(seconds > SECONDS_GOAL)} "
        f"{SECONDS_GOAL:g} s)",
    ]


def _against(is_over: bool) -> str:
    return " (OVER the goal of" if is_over else " (goal: at most"
