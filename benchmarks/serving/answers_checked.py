"""Whether a server says what `pipeline.predict` says, asked by several clients at a time."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import requests
from environments import CannotRun
from serving.forms import Form, Row

CLIENTS = 16
ANSWER_SECONDS = 60


@dataclass(frozen=True)
class Question:
    """Rows that are sent together, and the labels that `pipeline.predict` gives them."""

    rows: list[Row]
    labels: list[Any]


def require_right(url: str, form: Form, questions: Sequence[Question]) -> None:
    """Raises CannotRun at the first answer that is not what the pipeline says."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        for wrong in clients.map(fault, repeat(url), repeat(form), questions):
            if wrong:
                raise CannotRun(f"wrong answer: {wrong}")


def fault(url: str, form: Form, asked: Question) -> str:
    """What is wrong with the answer, or nothing."""
    body = form.encode(asked.rows)
    headers = {"Content-Type": "application/json"}
    try:
        answer = requests.post(url + form.path, body, headers=headers, timeout=ANSWER_SECONDS)
    except requests.RequestException as error:
        return type(error).__name__
    if answer.status_code != 200:
        return f"{answer.status_code} {answer.text[:120]}"
    return _difference(form, asked, body, answer)


def _difference(form: Form, asked: Question, body: str, answer: requests.Response) -> str:
    if form.labels is None:
        return "" if answer.text == body else "not what was sent"
    try:
        labels = form.labels(answer.json())
    except (ValueError, LookupError, TypeError):
        return f"no labels in {answer.text[:120]}"
    return "" if labels == asked.labels else f"{labels[:3]} instead of {asked.labels[:3]}"
