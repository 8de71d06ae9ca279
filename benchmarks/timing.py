"""Paired rounds: the engines take turns, so what disturbs the machine disturbs them alike.

    round 1:  ours  torch  |  round 2:  torch  ours  |  round 3:  ours  torch  ...

Each turn is one untimed call (caches and threads are the engine's own again; a call of LONG or more
refills them in a small part of its time) and then as many timed ones as fill a few milliseconds.  The
ratio is taken within each round, and the median of those ratios is far steadier on a shared machine
than the ratio of two medians.  Rounds end early, but not before FEWEST of them, when the median is
known well enough: when its standard error, about 0.93 · (quartile range) / √rounds, is below STEADY of
it for every ratio; or when BUDGET is spent.

On a machine that is busy with other work even that is not enough: the "processor" clock counts only
the time in which the engine's own process ran, which for one thread is the time it would take alone.

With several threads each turn is preceded by a REST: the threads of OpenMP and BLAS spin for some
milliseconds after their last work, and would take the cores from the engine whose turn it is.  After
a rest the untimed calls last WARM: the system wakes a thread on the core of the one that woke it, and
moves it to an idle one only some ten milliseconds later (a linear layer: 8.9 ms in the first two calls
after a rest, 5.1 from then on).
"""

from __future__ import annotations

import gc
import resource
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

TURN = 0.01  # seconds that a turn should at least take
MOST_CALLS = 20_000
LONG = 0.1  # seconds of a call that needs none before it
BUDGET = 1.8  # seconds for the rounds of one job
FEWEST = 5  # rounds
STEADY, ENOUGH = 0.01, 9  # of the median, and rounds before its error is believed
REST = WARM = 0.03  # seconds


def paired(
    runs: Mapping[str, Any], rounds: int, enough: float = TURN, cold: bool = False,
    rest: float = 0.0, budget: float = BUDGET, fewest: int = FEWEST,
) -> tuple[dict[str, list[float]], int]:  # fmt: skip
    """Seconds per call for each engine in each round, and the calls in a turn (equal for all)."""
    once, calls = _calls(runs, enough) if not cold else (dict.fromkeys(runs, 0.0), 1)
    names = list(runs)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        start = time.perf_counter()
        for number in range(rounds):
            spent = time.perf_counter() - start > budget
            if number >= fewest and (spent or number >= ENOUGH and _steady(seconds)):
                break
            for name in names if number % 2 == 0 else reversed(names):
                time.sleep(rest)
                seconds[name].append(turn(runs[name], calls, cold or once[name] >= LONG))
    finally:
        if collecting:
            gc.enable()
    return seconds, calls


def _steady(seconds: Mapping[str, Sequence[float]]) -> bool:
    """Whether the median of every ratio (of the times, for one engine) is known to STEADY."""
    first, *others = seconds.values()
    ratios = [[a / b for a, b in zip(first, other, strict=True)] for other in others]
    return all(standard_error(values) < STEADY for values in ratios or [list(first)])


def standard_error(values: Sequence[float]) -> float:
    """Of the median, relative to it: 1.253 σ / √n, with σ from the quartiles (normal: 1.349 σ)."""
    kept = spread(values)
    quartiles = kept["high"] - kept["low"]
    return 1.253 / 1.349 * quartiles / len(values) ** 0.5 / kept["median"]


def _processor() -> float:
    """Seconds that this process and its ended children ran."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


CLOCKS = {"wall": time.perf_counter, "processor": _processor}


def turn(
    run: Any, calls: int, cold: bool = False, clock: str = "wall", warm: float = 0.0
) -> float:
    """Seconds of a call, over `calls` of them, after untimed ones unless `cold`: one, or `warm` s.

    `run` is the function, or something that can time a turn of it elsewhere (turns.py).
    """
    if hasattr(run, "turn"):
        return run.turn(calls, cold)
    if not cold:
        until = time.perf_counter() + warm
        run()
        while time.perf_counter() < until:
            run()
    now = CLOCKS[clock]
    start = now()
    for _ in range(calls):
        run()
    return (now() - start) / calls


def _calls(runs: Mapping[str, Any], enough: float) -> tuple[dict[str, float], int]:
    """Seconds of a call of each, and how many calls fill a turn of all of them."""
    once, most = {}, 1
    for name, run in runs.items():
        calls = 1
        while True:
            once[name] = turn(run, calls, cold=calls == 1)  # each was called when it was built
            if once[name] * calls >= enough / 2 or calls >= MOST_CALLS:
                break
            calls *= 4
        most = max(most, round(enough / once[name]))
    return once, min(MOST_CALLS, most)


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
