"""Models from files, and versions held against one another, as text for people."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rookery.core.changes import Flips, Pair, RowChanges
    from rookery.jobs.diff import Difference
    from rookery.jobs.query import Carried
    from rookery.jobs.register import Registration
    from rookery.jobs.reproduce import Reproduction
    from rookery.jobs.train import Training
    from rookery.jobs.verify import Verification
    from rookery.serving.replay import Replay

MOST_ROWS = 5


def trained(result: "Training") -> str:
    lines = [
        f"{result.task}: {result.rows} clean rows of {result.origin} ({result.rejected} rejected, "
        f"{result.duplicates} duplicates), digest {result.digest}",
        f"{result.family}: {result.compared}",
    ]
    lines += [f"  {name:<32}{value:.6f}" for name, value in result.metrics.items()]
    lines += [f"written: {path}" for path in result.files]
    return "\n".join(lines + ([f"run {result.run_id}  {result.link}"] if result.run_id else []))


def registered(result: "Registration") -> str:
    if not result.new:
        return f"{result.task}: run {result.run_id} {result.reason}: {result.version}"
    return f"{result.task}: run {result.run_id} is version {result.version} ({result.reason})"


def carried(result: "Carried") -> str:
    lines = [f"{result.task}: version {result.version} carries {result.alias!r}"]
    about = {
        "load it": result.uri,
        "files": result.source,
        "run": result.run_id,
        "page": result.link,
        "family": result.family,
        "rows": result.digest,
        "commit": result.commit,
    }
    lines += [f"  {name:<10}{value}" for name, value in about.items() if value]
    return "\n".join(lines + [f"  {name:<32}{value}" for name, value in result.metrics.items()])


def verified(result: "Verification", most: int = 3) -> str:
    """A line a check, and below what failed its worst rows."""
    lines = [
        f"{result.task}: {result.model} on {result.rows} hold-out rows, at most {result.sampled} "
        "of them asked again with changed values"
    ]
    for each in result.checks:
        value = "-" if each.value is None else _short(each.value)
        bound = f"{each.sense} {_short(each.bound)}"
        mark = "ok    " if each.passed else "FAILED"
        lines.append(f"{mark} {each.kind:<12}{each.name:<28}{value:>10}  {bound:<18}{each.says}")
        if not each.passed:
            lines += [f"         {_asked(example)}" for example in each.examples[:most]]
    failed = sum(not each.passed for each in result.checks)
    if not result.checks:
        return f"{lines[0]}\nno check is declared: add `checks:` to the task (docs/checks.md)"
    return "\n".join([*lines, f"{len(result.checks)} checks, {failed} failed"])


def _asked(example: Mapping[str, Any]) -> str:
    """A row, what was changed in it, and what was said."""
    changed = example.get("changed")
    was = f"{_short(example['was'])} -> " if "was" in example else ""
    how = f" with {_record(changed)}" if changed else ""
    return f"{was}{_short(example['now'])}{how}: {_record(example['row'])}"


def reproduced(result: "Reproduction") -> str:
    rows = f"{result.rows} rows (digest {result.digest})"
    lines = [
        f"{result.task}: version {result.version} trained again on {rows}, from {result.source}"
    ]
    if not result.other_metrics:
        lines.append(f"metrics     all {len(result.metrics)} equal")
    lines += [f"METRIC      {each}" for each in result.other_metrics]
    answers = result.answers
    lines.append(
        f"{'ANSWERS' if answers.different else 'answers':<12}{answers.different} of {answers.rows} "
        f"hold-out rows differ, numbers by {answers.largest_gap:g} at most"
    )
    lines += [f"not as then {what}" for what in result.differs]
    lines.append("equal" if result.equal else "NOT equal")
    return "\n".join(lines + ([f"next        {result.next}"] if result.next else []))


def replayed(result: "Replay") -> str:
    lines = [
        f"{result.id}: answered {result.at:%Y-%m-%d %H:%M:%S} UTC by {result.model} version "
        f"{result.version}",
        f"then  {_answer(result.then)}",
        f"now   {_answer(result.now)}",
    ]
    gap = f"numbers differ by {result.largest_gap:g} (allowed: {result.tolerance:g})"
    return "\n".join([*lines, f"{'equal' if result.equal else 'NOT equal'}: {gap}"])


def _answer(answer: Mapping[str, Any]) -> str:
    scores = answer.get("probabilities") or {}
    shown = ", ".join(f"{label} {score:.6f}" for label, score in scores.items())
    return f"{answer['prediction']}" + (f"  ({shown})" if shown else "")


def difference(result: "Difference") -> str:
    lines = [f"{result.task}: version {result.before} -> {result.after}"]
    lines += _rows(result.rows, result.digest) if result.rows else []
    for name, changes in (result.columns or {}).items():
        lines += _pairs(changes, f"column {name}: ")
    lines += _pairs(result.features, "feature ")
    named = {"family": result.family, "commit": result.commit}
    lines += _pairs({name: pair for name, pair in named.items() if pair[0] != pair[1]}, "")
    lines += _pairs(result.parameters, "parameter ")
    lines += _pairs(result.metrics, "")
    lines += _pairs(result.libraries, "library ")
    lines += _flips(result.predictions) if result.predictions else []
    lines += [f"  {note}" for note in result.notes]
    return "\n".join(lines if len(lines) > 1 else [*lines, "  nothing"])


def _pairs(pairs: "Mapping[str, Pair]", what: str) -> list[str]:
    return [f"  {what}{name}: {_short(old)} -> {_short(new)}" for name, (old, new) in pairs.items()]


def _rows(rows: "RowChanges", digest: "Pair") -> list[str]:
    counted = f"{rows.before} -> {rows.after} rows, {rows.added} added, {rows.gone} gone"
    lines = [f"  {counted} (digest {digest[0]} -> {digest[1]})"] if digest[0] != digest[1] else []
    lines += [f"    added {_record(row)}" for row in rows.first_added[:MOST_ROWS]]
    return lines + [f"    gone  {_record(row)}" for row in rows.first_gone[:MOST_ROWS]]


def _flips(found: "Flips") -> list[str]:
    how = (
        f"by {found.largest_gap:g} at most"
        if found.largest_gap is not None
        else f"{found.to_right} now right, {found.to_wrong} now wrong"
    )
    lines = [f"  answers: {found.flipped} of {found.rows} hold-out rows differ, {how}"]
    return lines + [
        f"    {_short(flip.before)} -> {_short(flip.after)}: {_record(flip.row)}"
        for flip in found.first[:MOST_ROWS]
    ]


def _record(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {_short(value)}" for name, value in row.items())


def _short(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.6g}" if isinstance(value, float) else str(value)
