"""Champion against challenger on the hold-out, and what the gate says of it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from rookery.core.checks import Result
from rookery.core.checks import faults as check_faults
from rookery.core.comparison import compare, faults, metrics_of
from rookery.core.gate import Verdict, judge
from rookery.core.holdout import unseen_under
from rookery.core.resampling import Answers
from rookery.core.shape import answers_on
from rookery.core.tags import CHALLENGER, CHAMPION, PASSED, UNSEEN, VERDICT
from rookery.core.task import Task
from rookery.errors import Refused
from rookery.jobs.checking import check_target
from rookery.jobs.comparison_runs import Compared, log_comparison
from rookery.jobs.project import Project
from rookery.jobs.standing import Champion, champion_of
from rookery.jobs.target import Target


@dataclass(frozen=True)
class Examined:
    """What the gate says of a model, with its metrics and checks, and the comparison if any."""

    metrics: dict[str, float]
    verdict: Verdict
    compared: Compared | None
    checks: list[Result] = field(default_factory=list)


def examine(project: Project, target: Target, holdout: pd.DataFrame) -> Examined:
    """Judges a model on the hold-out, by the task's checks and beside what is promoted.

    Raises:
        Refused: its columns or classes are not those of the task, or it cannot be packed.
    """
    said = answers_on(target.model, holdout, project.task, target.columns)
    checks = check_target(project, target, holdout, said)
    examined = _judged(project, target, said, holdout, check_faults(checks))
    return replace(examined, checks=checks)


def _judged(
    project: Project,
    target: Target,
    said: Answers,
    holdout: pd.DataFrame,
    further: Sequence[str],
) -> Examined:
    champion = champion_of(project)
    if isinstance(champion, Champion):
        theirs = _answers_of(project, champion, holdout)
        if isinstance(theirs, Answers):
            return _compared(project, champion, theirs, target, said, holdout, further)
        champion = theirs
    metrics = metrics_of(said)
    return Examined(metrics, judge(project.task, metrics, None, champion, further), None)


def _answers_of(project: Project, champion: Champion, holdout: pd.DataFrame) -> Answers | str:
    """The champion's answers, or why there are none: it is of another table."""
    try:
        return answers_on(champion.model, holdout, project.task, champion.columns)
    except Refused as error:
        return f"not compared with version {champion.version}: {error.message}"


def _compared(
    project: Project,
    champion: Champion,
    theirs: Answers,
    target: Target,
    said: Answers,
    holdout: pd.DataFrame,
    further: Sequence[str],
) -> Examined:
    task = project.task
    rows, unseen = unseen_by_both(
        task, holdout, {f"version {champion.version}": champion.task, target.name: target.task}
    )
    found = compare(task, theirs.among(rows), said.among(rows), holdout.iloc[rows])
    verdict = judge(
        task, found.challenger, found.champion, further=[*faults(task, found), *further]
    )
    tags = {
        CHAMPION: champion.version,
        CHALLENGER: target.version or target.name,
        PASSED: verdict.passed,
        VERDICT: verdict.reason,
        UNSEEN: unseen,
    }
    compared = log_comparison(project, found, tags)
    linked = Verdict(verdict.passed, f"{verdict.reason}; comparison {compared.run_id}")
    return Examined(found.challenger, linked, compared)


def unseen_by_both(
    task: Task, holdout: pd.DataFrame, trained_under: dict[str, Task | None]
) -> tuple["np.ndarray[Any, Any]", str]:
    """Positions of the hold-out rows that no model was trained on, and how that is known.

    `trained_under` has each model's copy of the task, None where it has none. What cannot be
    known, or would leave no row, is said and leaves the rows of that model in.
    """
    kept, unknown = np.ones(len(holdout), dtype=bool), []
    for name, then in trained_under.items():
        held = None if then is None else unseen_under(holdout, task, then)
        if held is None:
            how = "was logged by hand" if then is None else "was trained on differently read rows"
            unknown.append(f"{name} {how}")
        elif not (kept & held).any():
            unknown.append(f"{name} had another hold-out")
        else:
            kept &= held
    known = (
        f"whether they are new to both cannot be known: {', '.join(unknown)}"
        if unknown
        else "neither was trained on them, because a row's content decides its side"
    )
    if task.split.column and not unknown:
        known = f"neither was trained on them, as the column {task.split.column} says"
    return np.flatnonzero(kept), f"{kept.sum()} of {len(holdout)} hold-out rows; {known}"
