"""The page as one file of HTML: style and pictures inside, nothing that a browser would load."""

import base64
import io
import math
from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from matplotlib.figure import Figure

DOTS = 80  # an inch


def render(facts: Mapping[str, Any], pictures: Mapping[str, Figure]) -> str:
    """Everything that comes from data is escaped; a name that the template lacks is an error."""
    environment = Environment(
        loader=PackageLoader("rookery.jobs.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share}
    drawn = {name.replace("_", " "): _inline(figure) for name, figure in pictures.items()}
    return environment.get_template("page.html").render(**facts, pictures=drawn)


def number(value: float | None) -> str:
    """Four digits that count, and a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "-"
    if isinstance(value, int) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.4g}" if 0 < abs(value) < 0.01 else f"{value:.4f}"


def share(value: float) -> str:
    return f"{value:.1%}"


def _inline(figure: Figure) -> str:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DOTS)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
