"""A shop whose rows come as files of a folder, each a batch."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd
from tests.integration.jobs.conftest import HEADER, Shop

import rookery as rk


def files_of(shop: Shop) -> Callable[..., Path]:
    """Makes the shop read its folder `months`; what comes back writes a file there."""
    place = shop.place / "months"
    place.mkdir()
    shop.task(source={"batches": {"folder": str(place)}}, retrain={"drift": None})

    def write(name: str, *lines: str) -> Path:
        path = place / f"{name}.csv"
        path.write_text(HEADER + "".join(f"{line}\n" for line in lines), "utf-8")
        return path

    (place / "notes.txt").write_text("not a batch")
    return write


def audit() -> pd.DataFrame:
    return pd.read_sql("SELECT * FROM shop_batches ORDER BY position", rk.connect())


def ingest_and_clean() -> None:
    rk.ingest("shop")
    rk.clean("shop")
