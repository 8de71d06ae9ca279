"""The command line: choose jobs, measure each in its own process, show, save, compare.

Exit status: 0 measured; 1 a job failed or got slower than `--compare` allows; 2 a bad argument.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import compare, jobs, machine, report, worker

PEERS = ("torch",)
ROUNDS = 21


def count(text: str) -> int:
    """A positive whole number, for argparse."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {value}")
    return value


def parser() -> argparse.ArgumentParser:
    """The arguments."""
    p = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Time the engine's hot loops beside torch.",
        epilog="jobs: " + ", ".join(jobs.JOBS),
    )
    p.add_argument("job", nargs="*", help="a job, or the first words of several (conv, lenet5)")
    p.add_argument("--threads", type=count, nargs="+", default=[1], help="one run for each (1)")
    p.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="(torch)")
    p.add_argument("--rounds", type=count, default=ROUNDS, help=f"paired rounds ({ROUNDS})")
    p.add_argument("--json", type=Path, metavar="FILE", help="also save the figures here")
    p.add_argument("--compare", type=Path, metavar="OLD.json", help="list what got slower")
    p.add_argument("--out", type=Path, default=Path("out/benchmarks"), metavar="DIR")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    p = parser()
    given = p.parse_args(arguments)
    try:
        chosen = jobs.select(given.job)
        old = compare.load(given.compare) if given.compare else None
    except (jobs.UnknownJobError, compare.BadFileError, OSError) as error:
        p.error(str(error))
    peers = [peer for peer in given.peers if importlib.util.find_spec(peer)]
    for peer in given.peers:
        if peer not in peers:
            print(f"left out, not installed: {peer}", file=sys.stderr)
    results, failures = measure_all(chosen, list(dict.fromkeys(given.threads)), peers, given.rounds)
    document = {
        "format": compare.FORMAT,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": worker.OURS,
        "peers": peers,
        "machine": machine.describe(),
        "results": results,
    }
    show(document, given.out, given.json)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    worse = old is not None and told_slower(old, document)
    return 1 if failures or worse else 0


def measure_all(
    chosen: Sequence[jobs.Job], threads: Sequence[int], peers: Sequence[str], rounds: int
) -> tuple[list[dict[str, Any]], list[str]]:
    """Every job with every number of threads, with a progress bar; results and failures."""
    from rich.console import Console
    from rich.progress import Progress

    results: list[dict[str, Any]] = []
    failures: list[str] = []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(chosen) * len(threads))
        for job in chosen:
            for number in threads:
                progress.update(task, description=f"{job.name}, {number} thread(s)")
                try:
                    results.append(
                        worker.measure(job.name, number, [worker.OURS, *peers], rounds)
                    )
                except worker.JobFailedError as error:
                    failures.append(str(error))
                progress.advance(task)
    return results, failures


def show(document: dict[str, Any], out: Path, extra: Path | None) -> None:
    """Print the table; write the JSON and the chart."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=150)  # a pipe has no width to fit
    console.print(report.table(document))
    for path in dict.fromkeys([out / "benchmarks.json", extra or out / "benchmarks.json"]):
        compare.save(path, document)
        print(f"wrote {path}")
    if document["peers"] and document["results"]:
        report.chart(document, out / "ratios.png")
        print(f"wrote {out / 'ratios.png'}")


def told_slower(old: dict[str, Any], new: dict[str, Any]) -> bool:
    """Print what got slower; True if anything did."""
    changes, both = compare.slower(old, new)
    if old["machine"]["processor"] != new["machine"]["processor"]:
        print(f"note: the earlier run was on another processor, {old['machine']['processor']}")
    print(f"{both} of {len(new['results'])} measurements were in the earlier run too")
    for change in changes:
        measure = "seconds" if change.unit == "s" else f"times {change.unit}'s time"
        print(
            f"slower: {change.job} ({change.threads} thread(s)): "
            f"{change.old:.3g} -> {change.new:.3g} {measure} (x{change.factor:.2f})"
        )
    if not changes:
        print("nothing got slower beyond the spread")
    return bool(changes)


if __name__ == "__main__":
    sys.exit(main())
