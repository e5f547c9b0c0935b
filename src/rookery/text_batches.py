"""Results of batches as text for people."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rookery.jobs.batches.running import BatchRun, BatchRuns
    from rookery.jobs.ingest import Ingested

MOST_LINES = 12


def batch_ingested(result: "Ingested") -> str:
    """The rows that a batch added, or that there is no further batch."""
    if result.ended is not None:
        return f"{result.table}: the batches have ended ({result.ended})"
    if result.unchanged:
        return f"{result.table}: batch {result.number} brings no row that is not loaded already"
    return (
        f"{result.table}: {result.rows} rows of batch {result.number} added "
        f"({result.source}, {result.batch})"
    )


def batches_ran(result: "BatchRuns") -> str:
    """What each batch led to, and whether there may be more."""
    lines = [line for one in result.batches for line in _lines_of(one)]
    if result.ended is not None:
        lines.append(f"{result.task}: the batches have ended ({result.ended})")
    return "\n".join(lines)


def _lines_of(one: "BatchRun") -> list[str]:
    lines = batch_lines([one.entry.as_dict()])
    if one.swept:
        best, metric = one.swept.best, one.swept.metric
        held = best.metrics.get(f"holdout_{metric}", float("nan"))
        lines.append(
            f"    {len(one.swept.rows)} candidates, the best {best.name}: {metric} {held:.4f} on "
            f"the hold-out; run {one.swept.run_id}"
        )
    if one.promoted:
        lines.append(f"    version {one.promoted.version} carries {one.promoted.alias!r}")
    return lines


def batch_lines(batches: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line for each of the last batches, from the rows of the audit table."""
    return [_line(batch) for batch in batches[-MOST_LINES:]]


def _line(batch: Mapping[str, Any]) -> str:
    counts = f"{batch['rows']} rows"
    if batch["rejected"] is not None:
        counts += f", {batch['rejected']} rejected, {batch['duplicates']} duplicates"
    version = f" -> version {batch['model_version']}" if batch["model_version"] else ""
    decided = f": {batch['decision']} ({batch['reason']}){version}" if batch["decision"] else ""
    return f"batch {batch['number']:<5} {batch['state']:<8} {counts}{decided}"
