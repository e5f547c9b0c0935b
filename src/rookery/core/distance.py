"""How far two columns of values are apart: 0 is the same, 1 has nothing in common."""

import pandas as pd
from scipy.stats import chi2_contingency


def tallies(before: pd.Series, now: pd.Series) -> pd.DataFrame:
    """Rows by value, columns `before` and `now`; both hold texts without gaps."""
    return pd.DataFrame({"before": before.value_counts(), "now": now.value_counts()}).fillna(0)


def total_variation(counts: pd.DataFrame) -> float:
    """Half the sum of the differences of the shares."""
    shares = counts / counts.sum()
    return float((shares["before"] - shares["now"]).abs().sum() / 2)


def chance(counts: pd.DataFrame) -> float:
    """The chi-square test's probability of such a difference; for two values or more."""
    return float(chi2_contingency(counts.to_numpy()).pvalue)
