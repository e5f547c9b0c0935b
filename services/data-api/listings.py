"""Listings of houses, made from a seed: six batches that differ as those of a real market do.

The model, for a house in a town of a state:

    price = dollars per square foot of the state · effect of the town · size · (size / 1800)^-0.25
            · 1.06^(baths - 2) · (1 + acres)^0.08 · noise

The effect of a town is log-normal (sigma 0.22) and the same in every batch; so is the noise (0.24).
Sizes are log-normal around what the number of bedrooms asks for; baths follow the size; plots are
log-normal, larger where land is cheap. A batch holds those houses whose price is within its range.
Then rows become as untidy as listings are: values are missing (of a plot of land bedrooms, baths
and size together), a few rows come twice, and a few have a price or plot that cannot be.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from places import STATES, TOWNS

COLUMNS = (
    "brokered_by", "status", "price", "bed", "bath", "acre_lot", "street", "city", "state",
    "zip_code", "house_size", "prev_sold_date",
)  # fmt: skip
Values = np.ndarray[Any, Any]
Table = dict[str, Values]

TOWNS_PER_STATE = 120
POOL = 4  # houses drawn for each that is still wanted
TWICE, IMPOSSIBLE, LAND = 0.004, 0.003, 0.06


@dataclass(frozen=True)
class Batch:
    """What sets one batch apart from the others."""

    rows: int
    low: float
    high: float
    sold: float  # share of rows with the status sold
    state: str | None = None  # all rows in that one


BATCHES = (
    Batch(73_784, 10_000, 300_000, 0.0),
    Batch(94_551, 8_000, 300_000, 0.0),
    Batch(230_366, 10_000, 300_000, 1.0),
    Batch(4_055, 10_000, 300_000, 0.6, "Connecticut"),
    Batch(320_696, 300_000, 500_000, 0.55),
    Batch(361_457, 500_000, 50_000_000, 0.5),
)


def rows_of(number: int, share: float) -> int:
    """How many rows a batch has when only a share of all is wanted: at least 20."""
    return max(20, round(BATCHES[number].rows * share))


def listings(number: int, seed: int, share: float = 1.0) -> Table:
    """One batch: an array for each of COLUMNS, None or NaN where a value is missing."""
    batch, rows = BATCHES[number], rows_of(number, share)
    rng = np.random.default_rng([seed, number])
    houses = _houses(rng, _town_effects(seed), batch, rows)
    table = _described(rng, houses, batch)
    _spoil(rng, table)
    return table


def _town_effects(seed: int) -> Values:
    """Shape (states, towns), the same for all batches of a seed."""
    rng = np.random.default_rng([seed, len(BATCHES)])
    effects: Values = np.exp(rng.normal(0, 0.22, (len(STATES), TOWNS_PER_STATE)))
    return effects


def _houses(rng: np.random.Generator, towns: Values, batch: Batch, rows: int) -> Table:
    """So many houses with a price in the range of the batch."""
    parts: list[Table] = []
    wanted = rows
    while wanted > 0:
        drawn = _draw(rng, towns, batch, max(1_000, min(1_000_000, POOL * wanted)))
        fitting = (drawn["price"] >= batch.low) & (drawn["price"] <= batch.high)
        kept = np.flatnonzero(fitting)[:wanted]
        parts.append({name: values[kept] for name, values in drawn.items()})
        wanted -= len(kept)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _draw(rng: np.random.Generator, towns: Values, batch: Batch, count: int) -> Table:
    weights = np.array([weight for _, weight, _ in STATES])
    if batch.state:
        weights = np.array([float(name == batch.state) for name, _, _ in STATES])
    dollars = np.array([dollar for _, _, dollar in STATES], dtype=float)
    state = rng.choice(len(STATES), count, p=weights / weights.sum())
    town = np.minimum(rng.exponential(25, count).astype(int), TOWNS_PER_STATE - 1)
    bed = rng.choice(np.arange(1, 9), count, p=[0.04, 0.17, 0.40, 0.25, 0.09, 0.03, 0.01, 0.01])
    size = np.exp(np.log(520 + 430 * bed) + rng.normal(0, 0.24, count))
    bath = np.clip(np.round(size / 950 + rng.normal(0, 0.55, count)), 1, 9)
    acres = np.exp(rng.normal(np.log(45 / dollars[state]), 1.0))
    price = dollars[state] * towns[state, town] * size * (size / 1800) ** -0.25
    price *= 1.06 ** (bath - 2) * (1 + acres) ** 0.08 * np.exp(rng.normal(0, 0.24, count))
    return {"state": state, "town": town, "bed": bed, "size": size, "bath": bath, "acres": acres,
            "price": price}  # fmt: skip


def _described(rng: np.random.Generator, houses: Table, batch: Batch) -> Table:
    """The columns of a listing; codes are numbers without a meaning, as in such services."""
    count = len(houses["price"])
    sold = rng.random(count) < batch.sold
    names = np.array([name for name, _, _ in STATES], dtype=object)
    shift = 7 * houses["state"]
    return {
        "brokered_by": _gaps(rng, rng.integers(1, 110_000, count).astype(float), 0.004),
        "status": np.where(sold, "sold", "for_sale").astype(object),
        "price": np.round(houses["price"], -2),
        "bed": houses["bed"].astype(float),
        "bath": houses["bath"],
        "acre_lot": _gaps(rng, np.maximum(np.round(houses["acres"], 2), 0.01), 0.11),
        "street": _gaps(rng, rng.integers(1, 2_000_000, count).astype(float), 0.006),
        "city": np.array(TOWNS, dtype=object)[(houses["town"] + shift) % len(TOWNS)],
        "state": names[houses["state"]],
        "zip_code": _gaps(rng, _zip_codes(rng, houses, count), 0.001),
        "house_size": _gaps(rng, np.round(houses["size"]), 0.07),
        "prev_sold_date": _dates(rng, sold),
    }


def _zip_codes(rng: np.random.Generator, houses: Table, count: int) -> Values:
    within = houses["town"] * 12 + rng.integers(0, 12, count)
    return (1_000 + houses["state"] * 1_800 + within).astype(float)


def _dates(rng: np.random.Generator, sold: Values) -> Values:
    """Sold houses mostly say when; most of those for sale were not sold before, as far as known."""
    ago = rng.exponential(np.where(sold, 400, 3_500)).astype(int)
    days = np.datetime64("2024-03-31") - np.minimum(ago, 18_000)
    texts: Values = days.astype(str).astype(object)
    texts[rng.random(len(sold)) < np.where(sold, 0.04, 0.55)] = None
    return texts


def _gaps(rng: np.random.Generator, values: Values, share: float) -> Values:
    values[rng.random(len(values)) < share] = np.nan
    return values


def _spoil(rng: np.random.Generator, table: Table) -> None:
    """Land without a house, prices and plots that cannot be, and rows that come twice."""
    count = len(table["price"])
    land = rng.random(count) < LAND
    for name in ("bed", "bath", "house_size"):
        table[name][land] = np.nan
    wrong = rng.random(count) < IMPOSSIBLE
    table["price"][wrong] = rng.choice([0.0, -1.0, 1.0, np.nan], wrong.sum())
    table["acre_lot"][rng.random(count) < IMPOSSIBLE / 5] = 100_000.0
    again = rng.choice(count, int(count * TWICE), replace=False)
    copied = rng.choice(count, len(again), replace=False)
    for values in table.values():
        values[again] = values[copied]


def records(table: Table, size: int = 50_000) -> Iterator[list[dict[str, Any]]]:
    """The rows as plain objects, in parts; None where a value is missing."""
    for rows in _parts(table, size):
        yield [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def lists(table: Table, size: int = 50_000) -> Iterator[list[list[str]]]:
    """The rows as lists of texts in the order of COLUMNS; empty where a value is missing."""
    for rows in _parts(table, size):
        yield [["" if value is None else str(value) for value in row] for row in rows]


def _parts(table: Table, size: int) -> Iterator[Iterator[tuple[Any, ...]]]:
    for start in range(0, len(table["price"]), size):
        columns = [_plain(table[name][start : start + size]) for name in COLUMNS]
        yield zip(*columns, strict=True)


def _plain(values: Values) -> list[Any]:
    plain = values.astype(object)
    if values.dtype != object:
        plain[np.isnan(values)] = None
    return list(plain.tolist())
