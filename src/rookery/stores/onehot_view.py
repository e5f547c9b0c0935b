"""The view `<task>_onehot`."""

from typing import Any

import sqlalchemy as sa

from rookery.core.onehot import onehot_columns, target_codes
from rookery.core.task import Task


def onehot_query(task: Task) -> sa.Select[Any]:
    """Clean rows with a number per class and a column per category, as `core.onehot` computes."""
    codes = target_codes(task)
    target: sa.ColumnClause[Any] = sa.column(task.target)
    # a boolean is stored as 0 or 1
    cases = [(target == (int(k) if isinstance(k, bool) else k), code) for k, code in codes.items()]
    shown: list[Any] = [sa.case(*cases).label(task.target) if cases else target]
    shown += [
        sa.column(name)
        for name, column in task.columns.items()
        if not column.values and name != task.target
    ]
    for name, source, value in onehot_columns(task):
        shown.append(sa.case((sa.column(source) == value, 1), else_=0).label(name))
    return sa.select(*shown).select_from(sa.table(f"{task.name}_clean"))
