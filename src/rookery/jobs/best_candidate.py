"""The candidate of a task that does best on the folds, as a configuration; no store is asked."""

import joblib
import pandas as pd

from rookery.core.candidates import expand, ranking_key
from rookery.core.configuration import Configuration, configuration_of
from rookery.core.task import Task
from rookery.errors import InputError
from rookery.jobs.fitting import Fitting, Packed, fit_all
from rookery.jobs.progress import progress


def first_candidate(task: Task) -> Configuration:
    """The candidate that the task file names first: all share their pre-processing."""
    return _configured(task, expand(task)[0][0])


def best_candidate(task: Task, train: pd.DataFrame, holdout: pd.DataFrame) -> Configuration:
    """The first of a sweep's leaderboard.

    Raises:
        InputError: no candidate could be fitted.
    """
    named = expand(task)
    fitting = Fitting(task, train, holdout, cross_validate=True)
    fitted: dict[int, Packed] = {}
    failed: dict[int, Exception] = {}
    with progress("compare", total=len(named)) as bar:
        candidates = [candidate for _, candidate in named]
        for position, outcome in fit_all(fitting, candidates, joblib.cpu_count()):
            if isinstance(outcome, Packed):
                fitted[position] = outcome
            else:
                failed[position] = outcome
            bar.update(1)
    if not fitted:
        raise InputError(
            f"every candidate failed or was skipped; {named[0][0]}: {failed[0]}",
            field="candidates",
            value=named[0][0],
            next="mend `candidates` in the task file",
        )
    families = [candidate.family for candidate in candidates]
    best = min(fitted, key=lambda at: ranking_key(task, families[at], at, fitted[at].metrics))
    return _configured(task, named[best][0])


def _configured(task: Task, name: str) -> Configuration:
    found = configuration_of(task, name)
    assert found is not None  # a task file names no estimator that a file cannot hold
    return found
