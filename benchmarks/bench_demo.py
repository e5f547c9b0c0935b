"""`make demo` on a clean clone with a warm package cache: time to the first prediction."""

import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
from measuring import (
    Timed,
    clone_of,
    describe_machine,
    median,
    parser_with_repository,
    scratch,
    table,
    timed,
    verdict,
    without_settings,
)

AIM = 90
ANSWERED = "POST /predict"  # the demo prints question and answer together, once it has both
STEPS = re.compile(r"(\w+) (\d+\.\d+)(?=[,)])")


@dataclass(frozen=True)
class Demo:
    """One demo: seconds to the prediction, and of each step as the demo says."""

    to_prediction: float
    to_end: float
    steps: dict[str, float]

    @property
    def setup(self) -> float:
        """What the steps do not explain: the environment is made, Python starts."""
        return self.to_prediction - sum(self.steps.values())


def main() -> None:
    parser = parser_with_repository(__doc__)
    parser.add_argument("--rounds", type=int, default=1)
    given = parser.parse_args()
    describe_machine()
    with scratch() as folder:
        warm = warm_up(given.repository, folder / "warm")
        print(f"first set-up, which fills the package caches, not counted: {warm.seconds:.0f} s")
        demos = [demo(given.repository, folder / f"clone-{n}") for n in range(given.rounds)]
    show(demos)


def warm_up(repository: Path, clone: Path) -> Timed:
    clone_of(repository, clone)
    command = ["make", "--silent", "setup"]
    return timed(lambda: subprocess.run(command, cwd=clone, env=without_settings(), check=True))


def demo(repository: Path, clone: Path) -> Demo:
    """Raises SystemExit where the demo fails, gives no answer, or leaves a process."""
    clone_of(repository, clone)
    began, answered, steps = time.perf_counter(), 0.0, dict[str, float]()
    for moment, line in lines_of(["make", "demo"], clone):
        print(f"  {moment - began:6.1f}  {line}")
        if ANSWERED in line and not answered:
            answered = moment - began
        if "s to the answer" in line:
            steps = {name: float(seconds) for name, seconds in STEPS.findall(line)}
    taken = time.perf_counter() - began
    if not (answered and steps):
        raise SystemExit("the demo printed no prediction, or not where its time went")
    if left := processes_of(clone):
        raise SystemExit(f"the demo left processes: {left}")
    return Demo(answered, taken, steps)


def lines_of(command: list[str], folder: Path) -> Iterator[tuple[float, str]]:
    """Lines of output with the moment each arrived."""
    with subprocess.Popen(
        command, cwd=folder, env=without_settings(), stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            yield time.perf_counter(), line.rstrip()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")


def processes_of(clone: Path) -> list[str]:
    """Commands of processes that run from the clone."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if str(clone) in line:
            found.append(line)
    return found


def show(demos: list[Demo]) -> None:
    total = median(one.to_prediction for one in demos)
    parts = {"set-up": median(one.setup for one in demos)}
    parts |= {name: median(one.steps[name] for one in demos) for name in demos[0].steps}
    rows = [[name, taken, f"{taken / total:.0%}"] for name, taken in parts.items()]
    ended = median(one.to_end for one in demos)
    rows += [["to the first prediction", total, "100%"], ["to the end", ended, ""]]
    table(f"make demo, {len(demos)} rounds", ["part", "s", "share"], rows)
    print(f"\nFirst prediction after {verdict(total, AIM, at_least=False)} s.")


if __name__ == "__main__":
    main()
