"""Paired rounds: the engines take turns, so what disturbs the machine disturbs them alike.

    round 1:  ours  torch  |  round 2:  torch  ours  |  round 3:  ours  torch  ...

Each turn is one untimed call (caches and threads are the engine's own again) and then as many timed
ones as fill a few milliseconds.  The ratio is taken within each round, and the median of those
ratios is far steadier on a shared machine than the ratio of two medians.  A job that would take
longer than BUDGET stops early, but not before FEWEST rounds.

On a machine that is busy with other work even that is not enough: the "processor" clock counts only
the time in which the engine's own process ran, which for one thread is the time it would take alone.

With several threads each turn is preceded by a REST: the threads of OpenMP and BLAS spin for some
milliseconds after their last work, and would take the cores from the engine whose turn it is.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

TURN = 0.01  # seconds that a turn should at least take
MOST_CALLS = 20_000
BUDGET = 2.5  # seconds for the rounds of one job
FEWEST = 3  # rounds
REST = 0.03  # seconds


def paired(
    runs: Mapping[str, Any], rounds: int, enough: float = TURN, cold: bool = False,
    rest: float = 0.0,
) -> tuple[dict[str, list[float]], int]:  # fmt: skip
    """Seconds per call for each engine in each round, and the calls in a turn (equal for all)."""
    calls = 1 if cold else max(_calls(run, enough) for run in runs.values())
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for number in range(rounds):
            if number >= FEWEST and time.perf_counter() - start > BUDGET:
                break
            for name in names if number % 2 == 0 else reversed(names):
                time.sleep(rest)
                seconds[name].append(turn(runs[name], calls, cold))
    finally:
        if collecting:
            gc.enable()
    return seconds, calls


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def turn(run: Any, calls: int, cold: bool = False, clock: str = "wall") -> float:
    """Seconds of a call, over `calls` of them, after one untimed call unless `cold`.

    `run` is the function, or something that can time a turn of it elsewhere (turns.py).
    """
    if hasattr(run, "turn"):
        return run.turn(calls, cold)
    if not cold:
        run()
    now = CLOCKS[clock]
    start = now()
    for _ in range(calls):
        run()
    return (now() - start) / calls


def _calls(run: Any, enough: float) -> int:
    """Warm up, then see how many calls fill a turn."""
    turn(run, 1)
    calls = 1
    while calls < MOST_CALLS:
        taken = turn(run, calls) * calls
        if taken >= enough / 2:
            return max(1, min(MOST_CALLS, round(calls * enough / taken)))
        calls *= 4
    return MOST_CALLS


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles."""
    if len(values) == 1:
        return {"median": values[0], "low": values[0], "high": values[0]}
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": median, "low": low, "high": high}


def summary(seconds: Mapping[str, Sequence[float]], ours: str) -> dict[str, Any]:
    """What is kept of a job: spread of each engine, and of our time over each peer's, per round."""
    ratios = {
        peer: spread([a / b for a, b in zip(seconds[ours], times, strict=True)])
        for peer, times in seconds.items()
        if peer != ours
    }
    return {
        "seconds": {engine: spread(times) for engine, times in seconds.items()},
        "ratios": ratios,
        "rounds": len(seconds[ours]),
    }
