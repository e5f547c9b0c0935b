"""The sides of `bench_mysql.py`, in a container: what `DATABASE_URL` names is theirs alone."""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from bench_tables import check_sum, penguins, speed
from measuring import Measured, describe_machine, environment, fresh, scratch, table, verdict

OURS, EACH, LOAD = "our ingest", "one execute a row, one commit", "LOAD DATA of a finished file"
START_SECONDS = 120


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs=2, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    given = parser.parse_args()
    describe_machine()
    address = os.environ["DATABASE_URL"]
    wait_for(address)
    with scratch() as folder:
        bench = Bench(folder, address)
        compare(bench, given.rows[0], given.rounds)
        show_jobs({rows: (bench.ingest(rows), bench.clean()) for rows in given.rows})


def wait_for(address: str) -> None:
    """Until it answers over TCP, which it does not while it initialises."""
    engine, deadline = sa.create_engine(address), time.monotonic() + START_SECONDS
    while True:
        try:
            engine.connect().close()
        except sa.exc.OperationalError as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"MySQL did not start: {error.orig}") from error
            time.sleep(0.5)
        else:
            return


@dataclass(frozen=True)
class Bench:
    """A folder with the files, and a server whose raw table each ingest replaces."""

    folder: Path
    address: str

    def ingest(self, rows: int) -> Measured:
        """Into a database without tables: the same rows twice would be known."""
        with sa.create_engine(self.address).connect() as connection:
            for name in sa.inspect(connection).get_table_names():
                connection.execute(sa.text(f"DROP TABLE {name}"))
        return self._run("one_job.py", "ingest", "--source", penguins(rows, self.folder))

    def clean(self) -> Measured:
        return self._run("one_job.py", "clean")

    def other(self, how: str, rows: int) -> Measured:
        return self._run("mysql_inserts.py", how, penguins(rows, self.folder))

    def _run(self, script: str, *arguments: object) -> Measured:
        environ = environment(self.folder / "home", DATABASE_URL=self.address)
        return fresh(script, *arguments, environ=environ, folder=self.folder)


def compare(bench: Bench, rows: int, rounds: int) -> None:
    """The sides in turn, on one file."""
    sides: dict[str, list[Measured]] = {OURS: [], EACH: [], LOAD: []}
    penguins(rows, bench.folder)
    for _ in range(rounds):
        sides[OURS].append(bench.ingest(rows))
        sides[EACH].append(bench.other("each", rows))
        sides[LOAD].append(bench.other("load", rows))
    speeds = {name: speed(runs, "seconds") for name, runs in sides.items()}
    table(
        f"Into MySQL, {rows:,} rows of one file",
        ["side", "rows", "rounds", "rows/s", "of LOAD DATA"],
        [
            [
                name,
                runs[0].report["rows"],
                len(runs),
                int(speeds[name]),
                speeds[name] / speeds[LOAD],
            ]
            for name, runs in sides.items()
        ],
    )
    share = verdict(speeds[OURS] / speeds[LOAD], 0.3, at_least=True)
    print(f"\nIngest reaches {share} of LOAD DATA,")
    print(f"and is {speeds[OURS] / speeds[EACH]:.1f} times faster than one execute a row.")


def show_jobs(many: dict[int, tuple[Measured, Measured]]) -> None:
    rows = []
    for count, both in many.items():
        for name, one in zip(("ingest", "clean"), both, strict=True):
            rows.append([name, count, one.seconds, int(count / one.seconds), int(one.peak_mb)])
        check_sum(count, both[1].report)
    table("Many rows in MySQL", ["job", "rows", "s", "rows/s", "peak MB"], rows)
    (few, many_rows) = many.values()
    grown = [large.peak_mb / small.peak_mb for small, large in zip(few, many_rows, strict=True)]
    for name, ratio in zip(("ingest", "clean"), grown, strict=True):
        print(
            f"\n{name}: {verdict(ratio, 1.25, at_least=False)} times the memory for the larger file"
        )


if __name__ == "__main__":
    main()
