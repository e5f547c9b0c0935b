"""Candidates fitted several at a time; worker processes import this module, so it is light."""

import os
import pickle
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from pickle import PicklingError
from tempfile import TemporaryDirectory

import joblib
import pandas as pd

from rookery.core.budget import Budget
from rookery.core.candidates import Candidate, fit_candidate
from rookery.core.task import Task
from rookery.stores.owners import end_with
from rookery.stores.packing import pack

# with fewer of both, starting worker processes takes longer than the fits
FEW_ROWS, FEW_CANDIDATES = 5000, 8


@dataclass(frozen=True)
class Packed:
    """A fitted candidate as it is stored, and what it reached."""

    data: bytes
    metrics: dict[str, float]
    fit_seconds: float
    rows: int
    threshold: float | None


Outcome = tuple[int, Packed | Exception]  # position of the candidate, what came of it


@dataclass(frozen=True)
class Fitting:
    """What every candidate is fitted and scored with; the first one whatever the budget is."""

    task: Task
    train: pd.DataFrame
    holdout: pd.DataFrame
    cross_validate: bool
    budget: Budget | None = None

    def attempt(self, position: int, candidate: Candidate) -> Outcome:
        try:
            return position, self._packed(candidate, self.budget if position else None)
        except Exception as error:  # whatever an estimator raises is the result of this candidate
            return position, error

    def _packed(self, candidate: Candidate, budget: Budget | None) -> Packed:
        found = fit_candidate(
            candidate,
            self.task,
            self.train,
            self.holdout,
            cross_validate=self.cross_validate,
            budget=budget,
        )
        data = pack(found.pipeline)
        return Packed(data, found.metrics, found.fit_seconds, found.rows, found.threshold)


def fit_all(fitting: Fitting, candidates: Sequence[Candidate], jobs: int) -> Iterator[Outcome]:
    """Outcomes as they are ready, so that one is logged while the next is fitted.

    A candidate that kills its worker process takes the others there with it: these are fitted
    again, each with a worker of its own, so that only the one to blame fails.
    """
    few = len(fitting.train) < FEW_ROWS and len(candidates) < FEW_CANDIDATES
    processes = jobs > 1 and (fitting.cross_validate or not few)
    left = dict(enumerate(candidates))
    try:
        for position, outcome in _parallel(fitting, left, jobs, processes=processes):
            del left[position]
            yield position, outcome
    except (BrokenProcessPool, PicklingError):
        for position, candidate in left.items():
            yield _alone(fitting, position, candidate)


def _alone(fitting: Fitting, position: int, candidate: Candidate) -> Outcome:
    try:
        (outcome,) = _parallel(fitting, {position: candidate}, 2, processes=True)
    except (BrokenProcessPool, PicklingError) as error:
        return position, error
    return outcome


def _parallel(
    fitting: Fitting, candidates: dict[int, Candidate], jobs: int, *, processes: bool
) -> Iterator[Outcome]:
    waiting = list(candidates.items())  # the mapping shrinks meanwhile
    if not processes:
        yield from (fitting.attempt(*item) for item in waiting)
        return
    # a store that fails ends the sweep with one message; this one would come before it
    warnings.filterwarnings("ignore", message=r"\d+ tasks ", module="joblib")
    with TemporaryDirectory(prefix="rookery-") as folder:
        # the rows are written once; sent with every candidate they would cost more than small fits
        path = Path(folder, "fitting.pickle")
        path.write_bytes(pickle.dumps(fitting, protocol=pickle.HIGHEST_PROTOCOL))
        parallel = joblib.Parallel(
            n_jobs=jobs,
            backend="loky",
            return_as="generator_unordered",
            batch_size=1,
            pre_dispatch="all",
            # a worker whose owner was killed would wait for ever
            initializer=end_with,
            initargs=(os.getpid(),),
        )
        yield from parallel(joblib.delayed(_attempt)(path, *item) for item in waiting)


def _attempt(path: Path, position: int, candidate: Candidate) -> Outcome:
    return _read(path).attempt(position, candidate)


@lru_cache(maxsize=1)
def _read(path: Path) -> Fitting:
    found = pickle.loads(path.read_bytes())  # noqa: S301 - this sweep wrote it
    assert isinstance(found, Fitting)
    return found
