"""The tables that are brought: CSV files as a user has them."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from environments import CannotRun
from measuring import ROOT
from new_table import generated

DATA = "ROOKERY_TEST_DATA"


@dataclass(frozen=True)
class Table:
    """A file to be made, the column to predict, and what answers are compared by."""

    name: str
    target: str
    metrics: tuple[str, ...]
    write: Callable[[Path, Path], None]  # to a file; below a folder that may keep what is fetched
    others: bool = True  # whether other programs get it, too


def write_adult(path: Path, cache: Path) -> None:
    """Both of UCI's files as one, with a first line of names, and the labels written alike."""
    import pandas as pd

    from rookery.core.taskfile import parse_task
    from rookery.stores.web_files import open_web

    file = ROOT / "tasks" / "adult.yaml"
    source = parse_task(file.read_text(encoding="utf-8"), file.name).source
    if source.web is None:
        raise AssertionError("Adult comes from the web")
    copies = Path(os.environ[DATA], "adult") if os.environ.get(DATA) else None
    batch = open_web(source.web, source, cache, copies)
    rows = pd.concat(batch.chunks()).drop(columns="split")
    rows["income"] = rows["income"].str.strip().str.removesuffix(".")
    rows.to_csv(path, index=False)


def write_king_county(path: Path, _: Path) -> None:
    """Raises CannotRun where there is no copy: the file has no address that is sure to stay."""
    copy = Path(os.environ.get(DATA, ""), "houses", "kc_house_data.csv")
    if not os.environ.get(DATA) or not copy.is_file():
        raise CannotRun(f"{DATA} names no folder with houses/kc_house_data.csv")
    path.write_bytes(copy.read_bytes())


def write_loans(path: Path, _: Path) -> None:
    generated.write(path, 50_000)


SCORES = ("roc_auc", "accuracy")
TABLES = (
    Table("adult", "income", SCORES, write_adult),
    Table("king_county", "price", ("rmse", "mae"), write_king_county),
    Table("loans", generated.TARGET, SCORES, write_loans, others=False),
)
