"""One job of ours in a fresh process: imports first, then the clock, then a line of JSON."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Timed, on_the_clock, tell, timed

if TYPE_CHECKING:
    from rookery.jobs.project import Project

Done = tuple[Timed, dict[str, Any]]


def prepare(_: argparse.Namespace) -> Done:
    """Clean penguins, the experiment, and the rows of a split for those who want files."""
    from rookery.jobs.clean import clean
    from rookery.jobs.ingest import ingest
    from rookery.jobs.project import open_project

    ingest()
    clean()
    project = open_project()
    done = timed(lambda: project.experiment)
    project.settings.home.mkdir(parents=True, exist_ok=True)
    for name, rows in zip(("train", "holdout"), parts(project), strict=True):
        rows.to_parquet(project.settings.home / f"{name}.parquet")
    return done, {}


def parts(project: "Project") -> Any:
    """Training and hold-out rows, as the sweep takes them."""
    from rookery.core.holdout import in_order, split
    from rookery.jobs.rows import read_clean

    rows = read_clean(project)
    return split(in_order(rows), project.task)


def sweep(given: argparse.Namespace) -> Done:
    """Registers the best; with `--register-all` every other candidate's model as well."""
    from rookery.jobs.project import open_project
    from rookery.jobs.sweep import sweep as sweep_candidates

    def job() -> int:
        found = sweep_candidates(cross_validate=given.cross_validate, jobs=given.jobs)
        others = [row for row in found.rows if row.run_id not in found.versions]
        for row in others if given.register_all else ():
            project = open_project()
            model = project.tracking.model_of_run(row.run_id)
            project.tracking.register(project.task.name, model, row.run_id, {})
        return len(found.rows)

    done = timed(job)
    return done, {"candidates": done.result}


def fits(given: argparse.Namespace) -> Done:
    """The floor: the same fits and folds in new worker processes, and nothing logged."""
    import joblib

    from rookery.core.candidates import expand, fit_candidate
    from rookery.jobs.project import open_project

    def job() -> list[Any]:
        project = open_project()
        train, holdout = parts(project)
        return list(
            joblib.Parallel(given.jobs, backend="loky", batch_size=1)(
                joblib.delayed(fit_candidate)(
                    candidate, project.task, train, holdout, cross_validate=given.cross_validate
                )
                for _, candidate in expand(project.task)
            )
        )

    done = timed(job)
    return done, {"candidates": len(done.result)}


def ingest(given: argparse.Namespace) -> Done:
    from rookery.jobs.ingest import ingest as ingest_rows

    done = timed(lambda: ingest_rows(source=given.source))
    return done, {"rows": done.result.rows}


def clean(_: argparse.Namespace) -> Done:
    from rookery.jobs.clean import clean as clean_rows

    done = timed(clean_rows)
    found = done.result
    sums = {"rows": found.raw, "clean": found.clean, "rejected": found.rejected}
    return done, sums | {"duplicates": found.duplicates}


def run(given: argparse.Namespace) -> Done:
    """What `rookery run` does, the seconds of each step, and the leaderboard."""
    from rookery.jobs import run as steps

    taken: dict[str, float] = {}
    for step in ("ingest", "clean", "sweep", "promote"):
        setattr(steps, step, on_the_clock(taken, step, getattr(steps, step)))
    done = timed(lambda: steps.run(jobs=given.jobs, time_budget=given.time_budget))
    swept = done.result.swept
    board = [[row.name, row.metrics.get(f"cv_{swept.metric}")] for row in swept.rows if row.fitted]
    skipped = [f"{row.name}: {row.skipped}" for row in swept.rows if row.skipped]
    return done, {"steps": taken, "board": board, "skipped": skipped}


def hand_out(given: argparse.Namespace) -> Done:
    """Training and hold-out rows with all columns, and what the promoted version says, as files."""
    from new_table.handing_out import hand_out as write

    from rookery.jobs.project import open_project

    project = open_project()
    return timed(lambda: write(project, parts(project), given.out)), {}


JOBS = {job.__name__: job for job in (prepare, sweep, fits, ingest, clean, run, hand_out)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("job", choices=JOBS)
    parser.add_argument("--source", help="ingest: a file")
    parser.add_argument("--out", type=Path, help="hand_out: a folder")
    parser.add_argument("--time-budget", type=float, help="run: seconds")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--cross-validate", action="store_true")
    parser.add_argument("--register-all", action="store_true")
    given = parser.parse_args()
    done, more = JOBS[given.job](given)
    tell(done, **more)


if __name__ == "__main__":
    main()
