"""Pictures of a comparison."""

from matplotlib.figure import Figure

from rookery.core.canvas import PALE, PALETTE, canvas, number, short
from rookery.core.comparison import Comparison
from rookery.core.task import Task

MOST_ROWS = 30  # of segments that can still be read; the worst are drawn


def comparison_figures(task: Task, found: Comparison) -> dict[str, Figure]:
    """The pictures by file name; what there is nothing to draw of is left out."""
    drawn = {}
    if len(found.resampled):
        drawn["difference"] = _difference(found)
    if found.segments:
        drawn["segments"] = _segments(task, found)
    return drawn


def _difference(found: Comparison) -> Figure:
    """The bootstrap's differences, with their interval and where there is none."""
    main = found.of(found.metric)
    figure, ax = canvas(4.2, f"Challenger minus champion: {found.metric} on {found.rows} rows")
    ax.hist(found.resampled, bins=40, color=PALETTE[0], alpha=0.7)
    ax.axvline(0, color="black", linestyle="--", linewidth=1, label="no difference")
    if main is not None:
        shown = f"measured: {number(main.change)}"
        ax.axvline(main.change, color=PALETTE[4], linewidth=2, label=shown)
    if main is not None and main.low is not None and main.high is not None:
        shown = f"95 %: {number(main.low)} to {number(main.high)}"
        ax.axvspan(main.low, main.high, color=PALE, alpha=0.5, zorder=0, label=shown)
    ax.set(xlabel=f"difference in {found.metric}", ylabel="bootstrap samples")
    ax.legend(loc="best")
    return figure


def _segments(task: Task, found: Comparison) -> Figure:
    """Both models in each segment; what the challenger does worst stands above."""
    shown = sorted(found.segments, key=lambda segment: segment.difference.gain)[:MOST_ROWS]
    places = range(len(shown))
    better = "higher" if task.higher_is_better else "lower"
    title = f"{found.metric} by segment ({better} is better)"
    figure, ax = canvas(1.8 + 0.3 * len(shown), title)
    for place, segment in zip(places, shown, strict=True):
        ends = [segment.difference.champion, segment.difference.challenger]
        ax.plot(ends, [place, place], color=PALE, zorder=0)
    for place, name in enumerate(("champion", "challenger")):
        values = [getattr(segment.difference, name) for segment in shown]
        ax.scatter(values, places, color=PALETTE[place], label=name, zorder=1 + place)
    labels = [f"{short(s.column)} = {short(s.value)} ({s.rows})" for s in shown]
    ax.set_yticks(places, labels)
    ax.invert_yaxis()
    ax.set(xlabel=found.metric)
    figure.legend(loc="outside lower center", ncols=2)
    return figure
