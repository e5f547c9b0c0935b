"""Clients that ask without a pause, and compare every answer with the pipeline of its version."""

import random
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from rookery.stores.tracking import Tracking
from rookery.stores.versions import load_version

Record = dict[str, Any]
CLIENTS = 8
# sums in another order end in other digits
CLOSE = 1e-9


@dataclass(frozen=True)
class Said:
    """What one version's own pipeline says of each record."""

    labels: list[Any]
    scores: list[list[float]]


def said_by(tracking: Tracking, version: str, records: Sequence[Record]) -> Said:
    found = load_version(tracking, "penguins", version)
    labels, scores = found.answers(found.description.reader(strict=True).rows(records))
    assert scores is not None
    return Said(labels, scores)


@dataclass
class Load:
    """What the clients have seen: answers by path and version, and everything that was wrong."""

    url: str
    records: list[Record]
    said: Mapping[str, Said]
    seen: Counter[tuple[str, str]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)

    def versions(self) -> set[str]:
        return {version for _, version in self.seen}

    def ask(self, seed: int) -> None:
        draw = random.Random(seed)
        forms = (_one, _batch, _invocations, _infer)
        with httpx.Client(base_url=self.url, timeout=60) as client:
            while not self.stopping.is_set():
                form = draw.choice(forms)
                places = draw.choices(range(len(self.records)), k=draw.choice([1, 3, 40]))
                if form is _one:
                    places = places[:1]
                try:
                    version, labels, scores = form(client, [self.records[p] for p in places])
                    self._check(version, places, labels, scores)
                except Exception as error:  # of any kind: each is a failed request
                    self.wrong.append(f"{form.__name__}: {type(error).__name__}: {error}")
                else:
                    self.seen[form.__name__, version] += 1

    def _check(
        self, version: str, places: list[int], labels: list[Any], scores: list[list[float]] | None
    ) -> None:
        said = self.said[version]
        assert labels == [said.labels[place] for place in places], f"labels of {version}"
        for place, found in zip(places, scores or [], strict=scores is not None):
            assert found == pytest.approx(said.scores[place], abs=CLOSE), f"scores of {version}"


@contextmanager
def asking(url: str, records: list[Record], said: Mapping[str, Said]) -> Iterator[Load]:
    """Eight clients for the time of a with-block."""
    load = Load(url, records, said)
    threads = [threading.Thread(target=load.ask, args=(seed,)) for seed in range(CLIENTS)]
    for thread in threads:
        thread.start()
    try:
        yield load
    finally:
        load.stopping.set()
        for thread in threads:
            thread.join(90)
    assert not any(thread.is_alive() for thread in threads)


def _answered(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, f"{answer.status_code} {answer.text[:200]}"
    return answer.json()


def _one(client: httpx.Client, records: list[Record]) -> Any:
    answer = _answered(client.post("/predict", json=records[0]))
    return answer["version"], [answer["prediction"]], [list(answer["probabilities"].values())]


def _batch(client: httpx.Client, records: list[Record]) -> Any:
    answers = _answered(client.post("/predict/batch", json=records))["predictions"]
    (version,) = {answer["version"] for answer in answers}
    scores = [list(answer["probabilities"].values()) for answer in answers]
    return version, [answer["prediction"] for answer in answers], scores


def _invocations(client: httpx.Client, records: list[Record]) -> Any:
    data = [list(record.values()) for record in records]
    split = {"dataframe_split": {"columns": list(records[0]), "data": data}}
    response = client.post("/invocations", json=split)
    return response.headers["x-model-version"], _answered(response)["predictions"], None


def _infer(client: httpx.Client, records: list[Record]) -> Any:
    tensors = [_tensor(name, [record[name] for record in records]) for name in records[0]]
    answer = _answered(client.post("/v2/models/penguins/infer", json={"inputs": tensors}))
    labels, scores = (output["data"] for output in answer["outputs"])
    width = len(scores) // len(records)
    rows = [scores[start : start + width] for start in range(0, len(scores), width)]
    return answer["model_version"], labels, rows


def _tensor(name: str, values: list[Any]) -> Record:
    kind = "BYTES" if isinstance(values[0], str) else "FP64"
    return {"name": name, "datatype": kind, "shape": [len(values)], "data": values}
