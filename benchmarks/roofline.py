"""The machine's two peaks, and with them the time no implementation of a job can go below.

    floor = max(multiply-adds / peak of a matrix product,  bytes / speed of a copy)

The product is BLAS's own, of two 1024 x 1024 matrices; the copy is of 4 MB, as large as most jobs'
operands.  Both are the best of several tries, in a process of their own, with as many threads as the
jobs get: `python -m benchmarks.roofline`.  One thread is timed by the processor's clock, so that other
work on the machine does not lower its peaks.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np

from .job import Work

SIDE = 1024  # of the matrices
COPIED = 4 << 20  # bytes
TRIES = 15


class Peaks(NamedTuple):
    """What the machine can do in a second."""

    multiply_adds: float
    bytes: float


def floor(work: Work, peaks: Peaks) -> float:
    """Seconds that the work takes at the machine's peak; 0 if it is not known what it takes."""
    return max(work.multiply_adds / peaks.multiply_adds, work.bytes / peaks.bytes)


def peaks(threads: int) -> Peaks:
    """Measure both peaks; BLAS has to be on that many threads already."""
    a, out = np.ones((SIDE, SIDE), np.float32), np.empty((SIDE, SIDE), np.float32)
    product = _best(lambda: np.matmul(a, a, out=out), threads)
    arrays = [(np.ones(COPIED // 4, np.float32), np.ones(COPIED // 4, np.float32))] * threads
    with ThreadPoolExecutor(threads) as pool:
        copying = _best(lambda: list(pool.map(lambda pair: np.copyto(*pair), arrays)), threads)
    return Peaks(SIDE**3 / product, 2 * COPIED * threads / copying)


def _best(run: Callable[[], Any], threads: int) -> float:
    now = time.process_time if threads == 1 else time.perf_counter
    run()
    best = float("inf")
    for _ in range(TRIES):
        start = now()
        run()
        best = min(best, now() - start)
    return best


def main() -> None:
    """Measure, print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.roofline")
    parser.add_argument("--threads", type=int, default=1)
    print(json.dumps(peaks(parser.parse_args().threads)._asdict()))


if __name__ == "__main__":
    main()
