"""What an image must show where it is to serve: life, right answers, and that it stays."""

import time
from collections.abc import Callable

from rookery.core.examples import Examples
from rookery.errors import InputError, Refused
from rookery.jobs.image_check import check_answers, examples_in
from rookery.stores import engine, served_api


def require_answers(
    address: str,
    examples: Examples | None,
    seconds: float,
    key: str | None,
    has_ended: Callable[[], bool] = lambda: False,
) -> float:
    """Waits for `/health`, then asks the examples; the seconds until it was healthy.

    Raises:
        Refused: it did not come up in time, or an answer is another than expected.
    """
    began = time.monotonic()
    if not served_api.wait_healthy(address, seconds, has_ended):
        how = "it ended" if has_ended() else f"no 200 within {seconds:g} s"
        raise Refused(f"GET {address}/health: {how}", field="health", allowed=200)
    healthy = time.monotonic() - began
    if examples is not None:
        check_answers(address, examples, key)
    return healthy


def require_staying(why_not: Callable[[], str | None], seconds: float, pause: float) -> None:
    """Looks for a while whether what answers is still there.

    Raises:
        Refused: with what `why_not` says.
    """
    deadline = time.monotonic() + seconds
    while True:
        if fault := why_not():
            raise Refused(f"it did not stay: {fault}", field="health")
        if time.monotonic() >= deadline:
            return
        time.sleep(min(pause, max(0.0, deadline - time.monotonic())))


def examples_of_image(image: str, task: str) -> Examples:
    """The examples that an image of this engine, or of its registry, holds.

    Raises:
        InputError: there is none of that name, it holds no packaged model, or another task's.
    """
    found = engine.image(image) or engine.pull(image)
    container = engine.create(found.id)
    try:
        examples = examples_in(container, image)
    finally:
        engine.remove(container)
    require_model(examples.model, image, task)
    return examples


def require_model(model: str, image: str, task: str) -> None:
    """The image holds the task's model.

    Raises:
        InputError: it holds another.
    """
    if model != task:
        raise InputError(
            f"{image} holds the model {model}, not {task}",
            field="--image",
            value=image,
            allowed=f"an image of {task}",
            next=f"rookery deploy {model} --image {image}",
        )
