"""What is known of answers to live traffic: how far the rows have moved, how many came true."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from statistics import fmean
from typing import Any

import pandas as pd

from rookery.core.frames import frame_of
from rookery.core.judging import known, live_metrics
from rookery.core.records import InvalidRecords, Row
from rookery.core.shape import inputs_for
from rookery.core.shift import shifts
from rookery.errors import Refused
from rookery.jobs.project import Project
from rookery.jobs.report.section import Section, missing
from rookery.jobs.report.standing import Compared
from rookery.stores.live import Judged, judged_predictions, recent_answers, recent_inputs
from rookery.stores.versions import LoadedVersion

# enough for a distance of a hundredth; the newest count
MOST_ROWS = 10_000
SEED = 7
ASKING = "rookery serve"


def drift(project: Project, compared: Compared, rows: pd.DataFrame | None, days: int) -> Section:
    """The clean rows against those that were asked lately, column by column."""
    champion = compared.champion
    if champion is None or champion.model is None or rows is None:
        return missing("nothing serves whose rows could be compared", ASKING)
    asked = recent_inputs(project.tables.engine, project.task.name, _since(days), MOST_ROWS)
    read = [row for row in _read(champion.model, asked) if row is not None]
    if not read:
        what = f"of {len(asked)} records that were asked in the last {days} days"
        return missing(f"{what}, version {champion.version} takes none", ASKING)
    before = rows.sample(MOST_ROWS, random_state=SEED) if len(rows) > MOST_ROWS else rows
    try:
        learned = inputs_for(before, project.task, champion.columns)
    except Refused as error:
        return missing(error.message, f"rookery status {project.task.name}")
    now = frame_of(champion.model.description.fields, read)
    found = shifts(learned, now, champion.columns)
    return {
        "columns": [vars(one) for one in found],
        "before": len(before),
        "now": len(read),
        "unread": len(asked) - len(read),
        "days": days,
    }


def live(project: Project, compared: Compared, days: int) -> Section:
    """Answers that got feedback: as the champion gave them, and as the challenger would have."""
    champion, task = compared.champion, project.task
    if champion is None:
        return missing("nothing serves that could be judged", ASKING)
    found = judged_predictions(
        project.tables.engine, task.name, champion.version, _since(days), MOST_ROWS
    )
    judged = [one for one in found if None not in _both(one, project)]
    if not judged:
        what = (
            f"no answer of version {champion.version} got feedback in the last {days} days that "
            f"is a value of {task.target}"
        )
        return missing(what, "POST /feedback with the id of an answer and its outcome")
    said = {champion.version: [known(one.prediction, task) for one in judged]}
    challenger = compared.challenger
    if challenger is not None and challenger.model is not None:
        asked = [one.input for one in judged]
        said[challenger.version] = _replayed(challenger.model, asked, project)
    return _scored(project, judged, said) | {"days": days, "other": len(found) - len(judged)}


def agreement(project: Project, compared: Compared, days: int) -> Section | None:
    """How far the challenger says what the champion has answered; None where nothing is known.

    `same` is the share of equal labels, `apart` the mean difference of numbers.
    """
    champion, challenger = compared.champion, compared.challenger
    if champion is None or challenger is None or challenger.model is None:
        return None
    task, engine = project.task, project.tables.engine
    found = recent_answers(engine, task.name, champion.version, _since(days), MOST_ROWS)
    replayed = _replayed(challenger.model, [given for given, _ in found], project)
    said = [known(answer, task) for _, answer in found]
    both = [pair for pair in zip(said, replayed, strict=True) if None not in pair]
    if not both:
        return None
    if task.kind == "regressor":
        measured = {"apart": fmean(abs(one - other) for one, other in both)}
    else:
        measured = {"same": fmean(one == other for one, other in both)}
    return {"rows": len(both), "days": days} | measured


def _since(days: int) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


def _both(one: Judged, project: Project) -> tuple[Any, Any]:
    return known(one.truth, project.task), known(one.prediction, project.task)


def _replayed(model: LoadedVersion, asked: Sequence[Any], project: Project) -> list[Any]:
    """What a version says of records that were asked; None where it does not take one."""
    rows = _read(model, asked)
    taken = [row for row in rows if row is not None]
    labels = iter(_answers(model, taken))
    return [None if row is None else known(next(labels), project.task) for row in rows]


def _answers(model: LoadedVersion, rows: list[Row]) -> list[Any]:
    """A label each; None for a row that the estimator has no answer for, such as one with a gap."""
    try:
        return model.answers(rows)[0] if rows else []
    except ValueError:
        if len(rows) == 1:
            return [None]
        half = len(rows) // 2
        return [*_answers(model, rows[:half]), *_answers(model, rows[half:])]


def _scored(project: Project, judged: Sequence[Judged], said: dict[str, list[Any]]) -> Section:
    """Each version on the rows that all of them answer, so that the numbers can be compared."""
    task = project.task
    everyone = list(zip(*said.values(), strict=True))
    common = [at for at, answers in enumerate(everyone) if None not in answers]
    truth = [known(judged[at].truth, task) for at in common]
    versions = [
        {"version": version, "metrics": live_metrics(truth, [each[at] for at in common], task)}
        for version, each in said.items()
    ]
    names = list(dict.fromkeys(name for each in versions for name in each["metrics"]))
    return {
        "judged": len(judged),
        "common": len(common),
        "versions": versions,
        "metrics": names,
    }


def _read(model: LoadedVersion, records: Sequence[Any]) -> list[Row | None]:
    """Records as a version takes them; None for one that it refuses."""
    reader = model.description.reader(strict=False)
    try:
        return list(reader.rows(records))
    except InvalidRecords:
        return [_row(reader, record) for record in records]


def _row(reader: Any, record: Any) -> Row | None:
    try:
        found: Row = reader.rows([record])[0]
    except InvalidRecords:
        return None
    return found
