"""The command line: choose jobs, measure each in its own process, show, save, compare.

The JSON file is written anew after every job, so that a run that is cut short leaves what it has.

Exit status: 0 measured; 1 a job failed or got slower than `--compare` allows; 2 a bad argument.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from . import compare, engines, jobs, machine, report, scaling, timing, worker

ROUNDS = 21
MEMORY_OF = "lenet5-256"  # the job whose memory is measured as well


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
    p.add_argument("--peers", nargs="*", choices=engines.PEERS, default=["torch"],
                   help="beside which to time it: " + ", ".join(engines.PEERS) + " (torch)")
    p.add_argument("--rounds", type=count, default=ROUNDS, help=f"paired rounds ({ROUNDS})")
    p.add_argument("--clock", choices=timing.CLOCKS, default="wall",
                   help="processor: time in which the engine itself ran, for a busy machine (wall)")
    p.add_argument("--json", type=Path, metavar="FILE", help="also save the figures here")
    p.add_argument("--scaling", action="store_true", help="also measure how the cost grows, a plot")
    p.add_argument("--compare", type=Path, metavar="OLD.json", help="list what got slower")
    p.add_argument("--out", type=Path, default=Path("out/benchmarks"), metavar="DIR")
    return p


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    p = parser()
    given = p.parse_args(arguments)
    if given.clock == "processor" and set(given.threads) != {1}:
        p.error("the processor's time is the time a job takes only with one thread")
    try:
        chosen = jobs.select(given.job)
        old = compare.load(given.compare) if given.compare else None
    except (jobs.UnknownJobError, compare.BadFileError, OSError) as error:
        p.error(str(error))
    own = given.out / "benchmarks.json"
    paths = list(dict.fromkeys([own, given.json or own]))
    try:
        for path in paths:  # before anything is measured
            path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        p.error(str(error))
    peers = [peer for peer in dict.fromkeys(given.peers) if engines.installed(peer)]
    for peer in given.peers:
        if peer not in peers:
            print(f"left out, not installed: {peer}", file=sys.stderr)
    started = time.perf_counter()
    document: dict[str, Any] = {
        "format": compare.FORMAT,
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
        "engine": engines.OURS,
        "peers": peers,
        "machine": machine.describe(),
        "clock": given.clock,
        "results": [],
    }
    threads = list(dict.fromkeys(given.threads))
    failures = measure_all(chosen, threads, given.rounds, document, paths)
    if given.scaling:
        failures += measure_growth(threads, document, given.out / "scaling.png")
    document["took"] = round(time.perf_counter() - started, 1)
    for path in paths:
        compare.save(path, document)
    show(document, given.out, paths)
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    worse = old is not None and told_slower(old, document)
    return 1 if failures or worse else 0


def measure_all(
    chosen: Sequence[jobs.Job], threads: Sequence[int], rounds: int, document: dict[str, Any],
    paths: Sequence[Path],
) -> list[str]:  # fmt: skip
    """Every job with every number of threads into the document, saved after each; the failures."""
    from rich.console import Console
    from rich.progress import Progress

    names, failures = [engines.OURS, *document["peers"]], []
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(chosen) * len(threads))
        document["peaks"] = {str(n): peaks(n) for n in threads if any(any(j.work) for j in chosen)}
        document["memory"] = {str(n): {} for n in threads}
        for job in chosen:
            for number in threads:
                progress.update(task, description=f"{job.name}, {number} thread(s)")
                try:
                    result = worker.measure(job.name, number, names, rounds, document["clock"])
                    document["results"].append(result)
                except worker.JobFailedError as error:
                    failures.append(str(error))
                if job.name == MEMORY_OF:
                    document["memory"][str(number)] = memory(number)
                for path in paths:
                    compare.save(path, document)
                progress.advance(task)
    return failures


def peaks(threads: int) -> dict[str, float]:
    """The machine's peaks with this many threads; none if they cannot be measured."""
    try:
        return worker.process("roofline", [], threads, "roofline")
    except worker.JobFailedError as error:
        print(f"no floor: {error}", file=sys.stderr)
        return {}


def memory(threads: int) -> dict[str, int]:
    """Peak memory of a step on this engine and on torch, where both are and the system tells it."""
    names = [name for name in (engines.OURS, "torch") if engines.installed(name)]
    try:
        return {name: worker.process("memory", [name], threads, "memory") for name in names}
    except worker.JobFailedError as error:
        print(f"no peak memory: {error}", file=sys.stderr)
        return {}


def measure_growth(threads: Sequence[int], document: dict[str, Any], path: Path) -> list[str]:
    """The scaling series into the document and, with the first number of threads, a picture."""
    from rich.console import Console

    document["scaling"], document["lines"], failures = {}, {}, []
    names = [engines.OURS, *[peer for peer in document["peers"] if peer == "torch"]]
    for number in threads:
        try:
            with Console(stderr=True).status("") as status:
                found = scaling.measure(names, number, document["clock"], status.update)
        except worker.JobFailedError as error:
            failures.append(str(error))
            continue
        document["scaling"][str(number)] = found
        document["lines"][str(number)] = {
            series: {engine: fit._asdict() for engine, fit in each.items()}
            for series, each in scaling.lines(found).items()
        }
        print(f"growth, {number} thread(s)", *scaling.told_lines(found), sep="\n  ")
    if str(threads[0]) in document["scaling"]:
        found = document["scaling"][str(threads[0])]
        scaling.plot(found, f"{document['machine']['processor']}, {threads[0]} thread(s)", path)
        print(f"wrote {path}")
    return failures


def show(document: dict[str, Any], out: Path, paths: Sequence[Path]) -> None:
    """Print the table; write the chart."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        console = Console(width=160)  # a pipe has no width to fit
    console.print(report.table(document))
    for line in report.memory_lines(document):
        print(line)
    print(f"took {document['took']:.0f} s")
    for path in paths:
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
