"""What the other programs share: rows that are handed out, a budget, answers that are handed in.

Runs in their environments, so of libraries it has pandas only. A script of theirs is called with
the folder of the rows, the seconds from the start of its process to a fitted model, and a number
of cores.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

Answers = tuple[Any, Any]  # of the hold-out rows: labels or numbers, and scores of a class, or None
Ask = Callable[[pd.DataFrame], Answers]


@dataclass(frozen=True)
class Handed:
    """Rows with all columns of the file, and what is to be said of which."""

    train: pd.DataFrame
    test: pd.DataFrame
    target: str
    metric: str
    positive: str | None  # the class whose probability counts; None for a number
    folder: Path
    seconds: float  # from now on
    cores: int


def answer(fit: Callable[[Handed], Ask], began: float) -> None:
    """Fits, answers the hold-out rows into `NAME.csv`, and tells the seconds as one line of JSON.

    `began` is the moment at which the process started, by `time.perf_counter`.
    """
    handed = _handed(began)
    ready = time.perf_counter()
    ask = fit(handed)
    fitted = time.perf_counter()
    labels, scores = ask(handed.test.drop(columns=handed.target))
    said = pd.DataFrame({"said": list(labels)})
    if scores is not None:
        said["score"] = list(scores)
    said.to_csv(handed.folder / f"{Path(sys.argv[0]).stem}.csv", index=False)
    print(json.dumps({"start": ready - began, "fit": fitted - ready, "all": fitted - began}))


def _handed(began: float) -> Handed:
    folder, seconds, cores = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    told = json.loads((folder / "told.json").read_text(encoding="utf-8"))
    train, test = (
        pd.read_csv(folder / f"{name}.csv", parse_dates=told["dates"], dtype=told["types"])
        for name in ("train", "test")
    )
    told["types"].pop(told["target"], None)
    for name in told["types"]:
        # the same codes in both parts, whatever the library makes of them
        known = pd.CategoricalDtype(pd.concat([train[name], test[name]]).dropna().unique())
        train[name], test[name] = train[name].astype(known), test[name].astype(known)
    left = seconds - (time.perf_counter() - began)
    target, metric, positive = (told[key] for key in ("target", "metric", "positive"))
    return Handed(train, test, target, metric, positive, folder, left, cores)
