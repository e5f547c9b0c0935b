"""Loans that nobody had: a CSV as people export them, with all that `rookery new` has to see.

Dates by day, money as text, yes and no, gaps, a number of the loan, a column that is always the
same, one that says another again, and one that is only known when it is too late: what was
recovered of a loan that was not paid back.
"""

import csv
import random
from pathlib import Path

TARGET = "defaulted"
PURPOSES = ("car", "education", "home", "medical", "other")
BRANCHES = {"Aachen": 11, "Bonn": 12, "Essen": 13, "Köln": 14}


def write(path: Path, rows: int, seed: int = 7) -> None:
    """So many loans, the same for the same seed."""
    draw = random.Random(seed)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(_loan(draw, 0)))
        draw.seed(seed)
        writer.writeheader()
        writer.writerows(_loan(draw, number) for number in range(rows))


def _loan(draw: random.Random, number: int) -> dict[str, object]:
    income, age = draw.lognormvariate(10.6, 0.5), draw.randint(19, 80)
    amount, months = income * draw.uniform(0.05, 1.2), draw.choice((12, 24, 36, 48, 60))
    married, purpose = draw.random() < 0.5, draw.choice(PURPOSES)
    employed = min(age - 18, draw.expovariate(1 / 6))
    branch = draw.choice(list(BRANCHES))
    day, month, year = draw.randint(1, 28), draw.randint(1, 12), draw.randint(2019, 2025)
    risk = 3 * amount / income + months / 30 - employed / 6 - 0.4 * married - (age > 60)
    defaulted = risk + (purpose == "medical") + draw.gauss(0, 1) > 3.2
    return {
        "loan": f"L-{number * 7919 % 1_000_003:07}",
        "applied on": f"{day:02}.{month:02}.{year}",
        "amount": f"{amount:,.2f} €",
        "income": f"{income:,.2f} €" if draw.random() > 0.06 else "n/a",
        "months": months,
        "age": age,
        "married": "yes" if married else "no",
        "employed years": f"{employed:.1f}" if draw.random() > 0.1 else "",
        "purpose": purpose,
        "branch": branch,
        "branch number": BRANCHES[branch],
        "currency": "EUR",
        "recovered": f"{amount * draw.uniform(0.1, 0.6):.2f}" if defaulted else "0",
        TARGET: "yes" if defaulted else "no",
    }
