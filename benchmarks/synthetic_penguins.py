"""Writes penguins that were never measured to a Parquet file, the same for the same seed.

Each is a real penguin with its measures moved a little; some lack a value, some hold one that
cannot be, some are exact repeats.
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from measuring import tell, timed
from palmerpenguins import load_penguins

PART = 250_000  # rows in memory at once
# how far a measure moves (one standard deviation) and to how many decimals it is kept
MOVES = {
    "bill_length_mm": (1.5, 2),
    "bill_depth_mm": (0.7, 2),
    "flipper_length_mm": (3.0, 1),
    "body_mass_g": (150.0, 0),
}
MISSING, INVALID, REPEATED = 0.03, 0.01, 0.01  # shares of the rows


def rows(count: int, rng: np.random.Generator) -> pd.DataFrame:
    """So many rows in the columns of the package, faults among them."""
    real = load_penguins().dropna()
    drawn = real.iloc[rng.integers(len(real), size=count)].reset_index(drop=True)
    for name, (spread, decimals) in MOVES.items():
        drawn[name] = (drawn[name] + rng.normal(0, spread, count)).round(decimals)
    return _repeated(_invalid(_missing(drawn, rng), rng), rng)


def _missing(drawn: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    names = [*MOVES, "sex"]
    column = rng.integers(len(names), size=len(drawn))
    chosen = rng.random(len(drawn)) < MISSING
    for position, name in enumerate(names):
        drawn[name] = drawn[name].mask(chosen & (column == position))
    return drawn


def _invalid(drawn: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    kind = rng.random(len(drawn)) / INVALID  # below 1: a fault, of one of four kinds
    drawn["body_mass_g"] = drawn["body_mass_g"].mask(kind < 1 / 4, np.inf)
    drawn["flipper_length_mm"] = drawn["flipper_length_mm"].mask((kind > 0.25) & (kind < 0.5), -1)
    drawn["island"] = drawn["island"].mask((kind > 0.5) & (kind < 0.75), "Atlantis")
    swapped = (kind > 0.75) & (kind < 1)
    drawn["bill_depth_mm"] = drawn["bill_depth_mm"].mask(swapped, 29.9)
    drawn["bill_length_mm"] = drawn["bill_length_mm"].mask(swapped, 20.1)
    return drawn


def _repeated(drawn: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    position = np.arange(len(drawn))
    chosen = rng.random(len(drawn)) < REPEATED
    position[chosen] = rng.integers(len(drawn), size=int(chosen.sum()))
    return drawn.iloc[position].reset_index(drop=True)


def write(path: Path, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    writer = None
    for start in range(0, count, PART):
        part = pa.Table.from_pandas(rows(min(PART, count - start), rng), preserve_index=False)
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=42)
    given = parser.parse_args()
    done = timed(lambda: write(given.path, given.rows, given.seed))
    tell(done, rows=given.rows)


if __name__ == "__main__":
    main()
