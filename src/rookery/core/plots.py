"""Pictures of a model on rows it has not seen."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from rookery.core.task import Task


def figures(model: Any, X: pd.DataFrame, y: pd.Series, task: Task) -> dict[str, Figure]:
    """The pictures by file name."""
    return {}
