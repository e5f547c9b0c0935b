"""Whether a model's image starts and answers as its model did, before anybody gets it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rookery.core.examples import Examples, examples_of
from rookery.errors import InputError, Refused, RookeryError, Unavailable
from rookery.stores import engine, served_api

STARTS_SECONDS = 60.0
PORT = 8000
EXAMPLES = "/model/examples.json"


@dataclass(frozen=True)
class ImageCheck:
    """An image that answered all its examples as expected."""

    image: str
    id: str
    model: str
    version: str
    examples: int
    size_bytes: int
    seconds_to_first_answer: float


def check_image(image: str, seconds: float = STARTS_SECONDS) -> ImageCheck:
    """Starts an image, asks it the examples that it holds, and compares the answers.

    It runs as it has to run anywhere: read-only, without a capability, not as root, and reaching
    nothing outside. The seconds are from its start to the first answer.

    Raises:
        InputError: there is no such image, or it holds no packaged model. Unavailable: it does not
            come up in time, or there is no engine. Refused: it runs as root, or an answer is
            another than expected. Of a container that was started, the message ends with its log.
    """
    if not image or image.startswith("-") or any(letter.isspace() for letter in image):
        raise InputError(
            f"{image!r} is no name of an image", field="IMAGE", value=image, allowed="NAME:TAG"
        )
    engine.require()
    found = engine.image(image) or engine.pull(image)
    _require_user(image, found.user)
    with engine.inward_network() as network, _container(found.id, network) as container:
        examples = examples_in(container, image)
        try:
            first = _ask(container, image, examples, seconds)
        except RookeryError as error:
            raise _with_log(error, container) from None
    return ImageCheck(
        image=image,
        id=found.id,
        model=examples.model,
        version=examples.version,
        examples=len(examples.records),
        size_bytes=found.size_bytes,
        seconds_to_first_answer=first,
    )


def examples_in(container: str, image: str) -> Examples:
    """The examples of a packaged model in a container, which need not run.

    Raises:
        InputError: there are none that can be read.
    """
    data = engine.read_file(container, EXAMPLES)
    try:
        if data is None:
            raise ValueError("there is no such file")  # noqa: TRY301
        return examples_of(data)
    except ValueError as error:
        raise InputError(
            f"{image} holds no packaged model: {EXAMPLES}: {error}",
            field="IMAGE",
            value=image,
            allowed="an image that rookery package made",
        ) from None


def check_answers(address: str, examples: Examples, key: str | None = None) -> None:
    """Asks an API all the examples.

    Raises:
        Refused: an answer is another than expected. Unavailable: there is none.
    """
    for place, record in enumerate(examples.records):
        difference = examples.difference(place, served_api.predict(address, record, key))
        if difference is not None:
            raise Refused(
                f"{examples.model} version {examples.version} answers otherwise than its model "
                f"did: {difference}",
                field="predict",
                value=record,
                allowed=examples.answers[place],
            )


def _require_user(image: str, user: str) -> None:
    if user.partition(":")[0] in ("", "0", "root"):
        raise Refused(
            f"{image} runs as root",
            field="USER",
            value=user or "root",
            allowed="an image that rookery package made, which runs as 1000:1000",
        )


@contextmanager
def _container(image: str, network: str) -> Iterator[str]:
    container = engine.create(
        image,
        *engine.CONFINED,
        "--no-healthcheck",
        f"--network={network}",
        f"--publish=127.0.0.1::{PORT}",
        f"--env=PORT={PORT}",
    )
    try:
        yield container
    finally:
        engine.remove(container)


def _ask(container: str, image: str, examples: Examples, seconds: float) -> float:
    """The seconds from the start to the first answer; all answers are right."""
    started = time.monotonic()
    engine.start(container)
    state = engine.state(container)
    address = f"http://127.0.0.1:{state.port}" if state and state.port else ""
    if not (address and served_api.wait_healthy(address, seconds, lambda: _ended(container))):
        raise _did_not_come_up(container, image, seconds)
    served_api.predict(address, examples.records[0])
    first = time.monotonic() - started
    check_answers(address, examples)
    return first


def _ended(container: str) -> bool:
    state = engine.state(container)
    return state is None or not state.running


def _did_not_come_up(container: str, image: str, seconds: float) -> Unavailable:
    state = engine.state(container)
    ended = state is not None and not state.running
    how = f"it ended with {state.exit_code}" if state and ended else f"no answer in {seconds:g} s"
    return Unavailable(
        f"{image} did not come up: {how}",
        field="IMAGE",
        value=image,
        allowed="an image that answers GET /health",
        next=f"docker run --rm --read-only {image}",
    )


def _with_log(error: RookeryError, container: str) -> RookeryError:
    """The same error, with what the container wrote."""
    written = engine.logs(container) or "nothing"
    error.message = "\n".join([error.message, "  its log:", *_indented(written)])
    return error


def _indented(text: str) -> list[str]:
    return [f"  | {line}" for line in text.splitlines()]
