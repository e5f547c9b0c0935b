"""Answers as bytes of JSON, written by a template that is made once for each version."""

import json
import math
from collections.abc import Sequence
from typing import Any

from rookery.core.served import Description

_json = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode


class NoFiniteAnswer(ValueError):
    """JSON has neither NaN nor Infinity, and neither is an answer."""


class Renderer:
    """Writes what `Description.answer` describes, some ten times as fast as from dictionaries."""

    def __init__(self, description: Description) -> None:
        # 1, 1.0 and True are equal, and not the same in JSON
        self._labels = {(type(one), one): json.dumps(one) for one in description.labels or ()}
        shares = ",".join(f"{_literal(str(one))}:%r" for one in description.classes)
        probabilities = f',"probabilities":{{{shares}}}' if description.classes else ""
        name, version = _literal(description.name), _literal(description.version)
        self._template = (
            f'{{"prediction":%s{probabilities},"model":{name},"version":{version},"id":"%s"}}'
        )

    def answer(self, label: Any, scores: Sequence[float] | None, number: str) -> bytes:
        """The answer to one record, `number` being its id.

        Raises:
            NoFiniteAnswer: the label or a probability is NaN or infinite.
        """
        shown = self._labels.get((type(label), label)) if self._labels else None
        shown = shown or _finite(label)
        if scores is None:
            return (self._template % (shown, number)).encode()
        if not math.isfinite(sum(scores)):
            raise NoFiniteAnswer
        return (self._template % (shown, *scores, number)).encode()


def _finite(label: Any) -> str:
    try:
        return _json(label)
    except ValueError:
        raise NoFiniteAnswer from None


def _literal(text: str) -> str:
    return json.dumps(text).replace("%", "%%")
