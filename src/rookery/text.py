"""Results as text for people; `--json` has everything."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from rookery.errors import RookeryError, Unavailable
from rookery.text_batches import batch_ingested, batch_lines, batches_ran

if TYPE_CHECKING:
    from rookery.jobs.batches.running import BatchRuns
    from rookery.jobs.clean import CleanedTable
    from rookery.jobs.doctor import Finding
    from rookery.jobs.ingest import Ingested
    from rookery.jobs.leaderboard import Sweep
    from rookery.jobs.new import NewTask
    from rookery.jobs.promote import Promotion
    from rookery.jobs.report import Report
    from rookery.jobs.run import Run

MARKS = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}


def failure(error: RookeryError) -> str:
    """What is wrong, what is allowed, what to do."""
    lines = [f"error: {error.message}"]
    if error.allowed is not None and str(error.allowed) not in error.message:
        lines.append(f"  allowed: {error.allowed}")
    if isinstance(error, Unavailable) and error.field and error.field not in error.message:
        lines.append(f"  setting: {error.field}")
    if error.next:
        lines.append(f"  next: {error.next}")
    return "\n".join(lines)


def drafted(result: "NewTask", most: int = 12) -> str:
    """What was seen and chosen, the longest part of which stands in the file."""
    looked = "" if result.looked_at == result.rows else f", {result.looked_at:,} of them looked at"
    lines = [
        f"{result.file}: {result.problem} of {result.target}; {result.rows:,} rows{looked}, "
        f"{result.columns} columns, {len(result.features)} features, "
        f"{len(result.candidates)} families"
    ]
    left = [f"  left out    {name}: {reason}" for name, reason in result.left_out.items()]
    odd = [f"  suspicious  {name}: {reason}" for name, reason in result.warnings.items()]
    lines += [*left, *odd][:most]
    if len(left) + len(odd) > most:
        lines.append(f"  and {len(left) + len(odd) - most} more, in the comments of the file")
    return "\n".join([*lines, f"next: {result.next}"])


def ingested(result: "Ingested") -> str:
    if result.number is not None or result.ended is not None:
        return batch_ingested(result)
    if result.unchanged:
        return (
            f"{result.table}: {result.rows} rows, unchanged (batch {result.batch} of "
            f"{result.source} is loaded already)"
        )
    return f"{result.table}: {result.rows} rows from {result.source} (batch {result.batch})"


def cleaned(result: "CleanedTable") -> str:
    return (
        f"{result.task}_clean: {result.clean} rows; {result.rejected} rejected, "
        f"{result.duplicates} duplicates, of {result.raw} raw"
    )


def swept(result: "Sweep", most: int = 5) -> str:
    """The first rows of the leaderboard, and what became of the best."""
    metric = result.metric
    lines = [f"{'rank':>4}  {'candidate':<26}{'cv_' + metric:>20}  {'holdout_' + metric:>20}"]
    for row in result.rows[:most]:
        if row.error:
            lines.append(f"{row.rank:>4}  {row.name:<26}failed: {row.error[:60]}")
        if not row.fitted:
            continue
        mean, spread = (row.metrics.get(f"cv_{metric}{end}") for end in ("", "_std"))
        cv = f"{mean:.4f} ± {spread:.4f}" if mean is not None and spread is not None else "-"
        held = row.metrics.get(f"holdout_{metric}")
        shown = f"{held:.4f}" if held is not None else "-"
        few = f"  on {row.sampled} rows" if row.sampled else ""
        lines.append(f"{row.rank:>4}  {row.name:<26}{cv:>20}  {shown:>20}{few}")
    lines += [f"      {row.name}: skipped, {row.skipped}" for row in result.rows if row.skipped]
    failed = sum(row.failed for row in result.rows)
    lines.append(f"{len(result.rows)} candidates, {failed} failed; run {result.run_id}")
    outcome = f"registered as version {result.version}" if result.version else "not registered"
    lines.append(f"{result.best.name}: {outcome} ({result.verdict})")
    if result.configuration:
        lines.append(f"configuration: {result.configuration} ({result.configuration_note})")
    elif result.configuration_note:
        lines.append(f"no configuration written: {result.configuration_note}")
    return "\n".join(lines)


def promoted(result: "Promotion") -> str:
    before = f", before it version {result.previous}" if result.previous else ""
    carries = f"carries {result.alias!r}{before} ({result.reason})"
    lines = [
        f"{result.task}: version {result.version} {carries if result.changed else result.reason}"
    ]
    if result.comparison:
        lines += compared(asdict(result.comparison))
    return "\n".join([*lines, *([result.api] if result.api else [])])


def compared(found: dict[str, Any]) -> list[str]:
    """Both models' metrics, and the interval of their differences."""
    names = (f"champion {found['champion']}"[:24], f"challenger {found['challenger']}"[:24])
    lines = [f"  {'metric':<24}{names[0]:>24}{names[1]:>24}  difference [95 %]"]
    for row in found["metrics"]:
        sure = f" [{row['low']:+.4f}, {row['high']:+.4f}]" if row["low"] is not None else ""
        lines.append(
            f"  {row['metric']:<24}{row['champion']:>24.4f}{row['challenger']:>24.4f}  "
            f"{row['difference']:+.4f}{sure}"
        )
    return [*lines, f"  {found['unseen']}", f"  {found['link']}"]


def ran(result: "Run | BatchRuns") -> str:
    from rookery.jobs.batches.running import BatchRuns  # it is loaded: the result comes from there

    if isinstance(result, BatchRuns):
        return batches_ran(result)
    return "\n".join(
        [
            ingested(result.ingested),
            cleaned(result.cleaned),
            swept(result.swept),
            promoted(result.promoted),
        ]
    )


def predicted(result: dict[str, Any]) -> str:
    if "file" in result:
        return f"{result['rows']} answers written to {result['file']}"
    return "\n".join(_answer(answer) for answer in result["predictions"])


def _answer(answer: dict[str, Any]) -> str:
    scores = answer.get("probabilities") or {}
    shown = ", ".join(f"{label} {score:.3f}" for label, score in scores.items())
    return (
        f"{answer['prediction']}"
        + (f"  ({shown})" if shown else "")
        + f"  {answer['model']} version {answer['version']}"
    )


def standing(found: dict[str, Any]) -> str:
    tables, lines = found["tables"], [f"task        {found['task']}"]
    if tables["raw"] is None:
        lines.append("tables      none yet")
    elif tables["clean"] is None:
        lines.append(f"tables      {tables['raw']} raw, not cleaned yet")
    else:
        lines.append(
            f"tables      {tables['raw']} raw = {tables['clean']} clean + "
            f"{tables['rejected']} rejected + {tables['duplicates']} duplicates"
        )
    lines += batch_lines(found["batches"])
    sweep = found["sweep"]
    lines.append(
        f"last sweep  {sweep['family']}  {sweep['link']}" if sweep else "last sweep  none yet"
    )
    production = found["production"]
    lines.append(
        f"promoted    version {production['version']} ({production['alias']})"
        if production
        else "promoted    nothing yet"
    )
    if found["challenger"]:
        lines.append(f"challenger  version {found['challenger']['version']}")
    for row in found["ledger"][-5:]:
        lines.append(
            f"  {row['at']}  {row['from'] or '-'} -> {row['to'] or '-'}  "
            f"{row['outcome']}  {row['reason']}"
        )
    if found["comparison"]:
        said = "passed" if found["comparison"]["passed"] else "refused"
        lines += [f"compared    last time, {said}", *compared(found["comparison"])]
    lines += [f"repaired    {note}" for note in found["repaired"]]
    lines += [f"warning     {note}" for note in found["warnings"]]
    return "\n".join([*lines, f"next        {found['next']}"])


def reported(result: "Report") -> str:
    """Where the page is, and what it could not say yet."""
    lines = [f"{result.task}: {result.file}", f"  run     {result.run_id}  {result.link}"]
    lines += [f"  object  {result.object}"] if result.object else []
    lines += [f"  nothing yet: {', '.join(result.missing)}"] if result.missing else []
    return "\n".join([*lines, f"next: {result.next}"])


def pruned(result: dict[str, Any]) -> str:
    return f"{result['forgotten']:,} predictions from before {result['before']} are deleted"


def task_list(found: Sequence[dict[str, Any]]) -> str:
    if not found:
        return "no task yet: rookery new NAME --from FILE --target COLUMN"
    return "\n".join(f"{item['task']:<20}{item['error'] or _about(item)}" for item in found)


def _about(item: dict[str, Any]) -> str:
    kind = f"{item['kind']} of {item['target']}"
    return f"{kind}, {item['candidates']} candidates  {item['title']}"


def findings(found: Sequence["Finding"]) -> str:
    """Grouped by area, and how many of each kind at the end."""
    lines: list[str] = []
    area = None
    for finding in found:
        if finding.area != area:
            area = finding.area
            lines += ["", area] if lines else [area]
        lines.append(f"  {MARKS[finding.level]}  {finding.check:<14}  {finding.message}")
        if finding.mend:
            lines.append(f"{'':<27}mend: {finding.mend}")
    levels = [finding.level for finding in found]
    counts = [f"{levels.count(level)} {level}" for level in ("error", "warning", "ok")]
    return "\n".join([*lines, "", ", ".join(counts)])
