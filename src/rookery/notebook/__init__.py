"""What notebooks show: tables, pictures, links and the API's answer.

`from rookery import notebook as nb` beside `import rookery as rk`: `rk` does the work, `nb` shows
it. Importing it in a notebook makes the jobs' results show as tables and their errors as one
message.
"""

from rookery.notebook.api import ask_api
from rookery.notebook.display import install, refusals, show
from rookery.notebook.pictures import distributions, missing, pairs, spread
from rookery.notebook.rows import (
    against,
    arrived,
    clue,
    columns,
    example,
    kind,
    reasons,
    rejected,
    sides,
)
from rookery.notebook.runs import (
    batches,
    comparison,
    last_sweep,
    leaderboard,
    ledger,
    tied,
    versions,
    weakest,
)

__all__ = [
    "against",
    "arrived",
    "ask_api",
    "batches",
    "clue",
    "columns",
    "comparison",
    "distributions",
    "example",
    "kind",
    "last_sweep",
    "leaderboard",
    "ledger",
    "missing",
    "pairs",
    "reasons",
    "refusals",
    "rejected",
    "show",
    "sides",
    "spread",
    "tied",
    "versions",
    "weakest",
]

install()
