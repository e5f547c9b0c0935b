"""Tables of a task's runs: the leaderboard, the versions, the ledger."""

from html import escape

import numpy as np
import pandas as pd

from rookery.core.metrics import DIRECTIONS
from rookery.errors import InputError
from rookery.jobs.comparison_runs import last_comparison
from rookery.jobs.last_sweep import read_last_sweep
from rookery.jobs.leaderboard import Row, Sweep
from rookery.jobs.project import open_project
from rookery.jobs.status import status
from rookery.notebook.display import say


def leaderboard(sweep: Sweep) -> None:
    """Shows the candidates, the best first, sortable by a click, each linked to its run."""
    from itables import show

    board, metric = sweep.leaderboard, sweep.metric
    named = {
        "rank": "rank",
        f"cv_{metric}": f"{metric}: mean of the folds",
        f"cv_{metric}_std": "± std",
        f"holdout_{metric}": f"{metric}: hold-out",
        "holdout_log_loss": "log loss: hold-out",
        "error": "failed because",
    }
    shown = board[[name for name in named if name in board and board[name].notna().any()]]
    shown = shown.rename(columns=named)
    shown.insert(1, "candidate", [_linked(row) for row in sweep.rows])
    if "failed because" in shown:
        shown["failed because"] = shown["failed because"].fillna("").map(escape)
    show(
        shown.round(4),
        showIndex=False,
        allow_html=True,
        lengthMenu=[10, 25, 100],
        classes="display compact",
    )


def batches(task: str | None = None) -> pd.DataFrame:
    """What became of each batch, in the order of loading; no row for a task without batches."""
    shown = ["number", "rows", "rejected", "duplicates", "state", "decision", "reason",
             "unseen_share", "model_version", "at"]  # fmt: skip
    found = pd.DataFrame(status(task)["batches"], columns=["position", *shown])
    return found.set_index("position")


def tied(sweep: Sweep) -> pd.DataFrame:
    """The candidates that share the best hold-out value, in the order of the leaderboard."""
    board, name = sweep.leaderboard, f"holdout_{sweep.metric}"
    best = board[name].max() if DIRECTIONS[sweep.metric] == "maximize" else board[name].min()
    shown = [column for column in (f"cv_{sweep.metric}", name) if column in board]
    best_rows = np.isclose(board[name], best, atol=1e-12)
    return board.loc[best_rows, ["rank", "name", *shown, "run_id"]].set_index("rank")


def weakest(sweep: Sweep) -> Row:
    """The candidate with the worst hold-out value."""
    sign = 1 if DIRECTIONS[sweep.metric] == "maximize" else -1
    scored = [row for row in sweep.rows if sweep.metric in row.holdout]
    return min(scored, key=lambda row: sign * row.holdout[sweep.metric])


def last_sweep(task: str | None = None) -> Sweep:
    """The last finished sweep, as it stands in MLflow.

    Raises:
        InputError: there is none yet.
    """
    project = open_project(task)
    found, name = read_last_sweep(project), project.task.name
    if found is None:
        raise InputError(
            f"there is no sweep of {name} yet",
            field="TASK",
            value=name,
            next=f"rookery sweep {name}",
        )
    return found


def comparison(task: str | None = None) -> pd.DataFrame:
    """The last comparison of a champion with a challenger, a row a metric; empty before one.

    `low` and `high` are the ends of the difference's 95 % interval.
    """
    found = last_comparison(open_project(task))
    if found is None:
        return pd.DataFrame()
    names = {
        "champion": f"champion: {found.champion}",
        "challenger": f"challenger: {found.challenger}",
    }
    table = pd.DataFrame(found.metrics).set_index("metric").rename(columns=names).round(4)
    say(f"{escape(found.unseen)} ([the run]({found.link}))")
    return table


def ledger(task: str | None = None) -> pd.DataFrame:
    """Every attempt at a promotion, the last one first."""
    entries = pd.DataFrame(status(task)["ledger"])
    if entries.empty:
        return entries
    shown = ["id", "at", "outcome", "from", "to", "reason", "who"]
    return entries[shown].iloc[::-1].fillna("").set_index("id")


def versions(task: str | None = None) -> pd.DataFrame:
    """The registered versions, the newest first, with the aliases they carry."""
    found = pd.DataFrame(status(task)["versions"])
    if found.empty:
        return found
    found["aliases"] = found["aliases"].map(", ".join)
    return found.set_index("version")[["aliases", "family", "run_id"]].fillna("")


def _linked(row: Row) -> str:
    return f'<a href="{escape(row.link)}" target="_blank">{escape(row.name)}</a>'
