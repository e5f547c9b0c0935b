"""Ingest and clean of many synthetic penguins from Parquet into SQLite: rows a second, memory.

Every measurement is a process of its own. Ingest is compared with one SQLAlchemy `execute` a row
in one transaction on the same file.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

from measuring import (
    Measured,
    describe_machine,
    environment,
    fresh,
    median,
    scratch,
    table,
    verdict,
)

MOST_MB = 1500
LOOP, REUSED = "one execute a row", "the same, the statement built once"


@dataclass(frozen=True)
class Bench:
    """A folder in which each measurement has its own home."""

    folder: Path

    def both_jobs(self, rows: int) -> tuple[Measured, Measured]:
        """Ingest, then clean of what it loaded."""
        with scratch() as home:
            source = penguins(rows, self.folder)
            loaded = self._run("one_job.py", "ingest", "--source", source, home=home)
            return loaded, self._run("one_job.py", "clean", home=home)

    def ingest(self, rows: int) -> Measured:
        with scratch() as home:
            source = penguins(rows, self.folder)
            return self._run("one_job.py", "ingest", "--source", source, home=home)

    def row_by_row(self, rows: int, *flags: str) -> Measured:
        with scratch() as home:
            source = penguins(rows, self.folder)
            return self._run("row_by_row.py", source, home / "tables.db", *flags)

    def _run(self, script: str, *arguments: object, home: Path | None = None) -> Measured:
        environ = environment(home or self.folder)
        return fresh(script, *arguments, environ=environ, folder=self.folder)


def penguins(rows: int, folder: Path) -> Path:
    """The file with so many synthetic rows in the folder, made where it is not there yet."""
    path = folder / f"{rows}.parquet"
    if not path.exists():
        script = ("synthetic_penguins.py", path, "--rows", rows)
        fresh(*script, environ=environment(folder), folder=folder)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 4_000_000])
    parser.add_argument("--same-rows", type=int, default=500_000, help="for row against row")
    parser.add_argument("--rounds", type=int, default=2, help="of row against row")
    given = parser.parse_args()
    describe_machine()
    with scratch() as folder:
        bench = Bench(folder)
        many = {count: bench.both_jobs(count) for count in given.rows}
        show_jobs(many)
        compare(bench, given.same_rows, given.rounds, many[given.rows[0]][0])


def show_jobs(many: dict[int, tuple[Measured, Measured]]) -> None:
    rows = []
    for count, both in many.items():
        for name, one in zip(("ingest", "clean"), both, strict=True):
            peak = verdict(one.peak_mb, MOST_MB, at_least=False)
            rates = int(count / one.seconds), int(count / one.cpu_seconds)
            rows.append([name, count, one.seconds, *rates, peak])
        check_sum(count, both[1].report)
    table("Many rows", ["job", "rows", "s", "rows/s", "rows/CPU s", "peak MB"], rows)
    for count, (_, cleaned) in many.items():
        found = ", ".join(f"{cleaned.report[k]:,} {k}" for k in ("clean", "rejected", "duplicates"))
        print(f"\n{count:,} raw rows = {found}")


def check_sum(count: int, done: dict[str, int]) -> None:
    """Speed means nothing if a row was lost, or if nothing was refused."""
    parts = [done["clean"], done["rejected"], done["duplicates"]]
    if sum(parts) != count or not all(parts):
        raise SystemExit(f"{count} rows went in, and {parts} came out")


def compare(bench: Bench, rows: int, rounds: int, large: Measured) -> None:
    """Row against row on one file, the sides in turn; and ours on the large file."""
    sides: dict[str, list[Measured]] = {"our ingest": [], LOOP: [], REUSED: []}
    for _ in range(rounds):
        sides["our ingest"].append(bench.ingest(rows))
        sides[LOOP].append(bench.row_by_row(rows))
        sides[REUSED].append(bench.row_by_row(rows, "--reuse"))
    sides[f"our ingest of {large.report['rows']:,} rows"] = [large]
    speeds = {name: speed(runs, "seconds") for name, runs in sides.items()}
    table(
        f"Ingest, {rows:,} rows of one file",
        ["side", "rounds", "rows/s", "rows/CPU s", "times"],
        [
            [name, len(runs), int(speeds[name]), int(speed(runs, "cpu_seconds")),
             speeds[name] / speeds[LOOP]]
            for name, runs in sides.items()
        ],
    )  # fmt: skip
    same, many = (rate / speeds[LOOP] for name, rate in speeds.items() if name.startswith("our"))
    print(f"\nIngest is {verdict(same, 5, at_least=True)} times faster on the same file;")
    print(f"on the large file it does {many:.1f} times as many rows a second.")


def speed(runs: list[Measured], clock: str) -> float:
    """Rows a second, the median."""
    return median(one.report["rows"] / getattr(one, clock) for one in runs)


if __name__ == "__main__":
    main()
