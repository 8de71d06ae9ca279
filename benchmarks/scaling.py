"""How the cost grows as the work grows: on log-log axes a straight line, flat per unit of work.

Four series, each with both engines in turn: LeNet-5's step over its batch, a chain of multiplications
over its length, a convolution over its image, and over its channels.  A point is timed a few times,
the slow ones once: what is looked for is a bend, a factor and not a percent.

`python -m benchmarks.scaling` is the process that measures; `plot` draws what came out.
"""

from __future__ import annotations

import argparse
import importlib
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from .job import Build
from .operators import chain, convolution
from .training import lenet5_step

ENOUGH = 0.3  # seconds for one point of one engine
MOST = 9  # turns


class Series(NamedTuple):
    """`build(size)` is a job; its time is divided by `units(size)`."""

    name: str
    along: str  # what grows
    per: str  # what the time is divided by
    sizes: Sequence[int]
    build: Callable[[int], Build]
    units: Callable[[int], int]


def _training(images: tuple[int, ...], weights: tuple[int, ...]) -> Build:
    return convolution("", "", images, weights, padding=1)[1].build


SERIES = [
    Series("batch", "images in a LeNet-5 step", "image", [4**i for i in range(7)],
           lenet5_step, lambda n: n),
    Series("chain", "multiplications in a chain", "multiplication", [10**i for i in range(1, 7)],
           chain, lambda n: n),
    Series("image", "side of the image, 3x3 convolution 16->16", "pixel", [8 << i for i in range(6)],
           lambda n: _training((4, 16, n, n), (16, 16, 3, 3)), lambda n: 4 * n * n),
    Series("channels", "channels of a 3x3 convolution on 14x14", "pair of channels",
           [4 << i for i in range(7)],
           lambda n: _training((4, n, 14, 14), (n, n, 3, 3)), lambda n: n * n),
]  # fmt: skip


def measure(engines: Sequence[str], threads: int) -> dict[str, Any]:
    """Seconds per unit of work: {series: {"sizes": [...], engine: [...]}}."""
    modules = [importlib.import_module(engine) for engine in engines]
    for module in modules:
        module.set_num_threads(threads)
    found: dict[str, Any] = {}
    for series in SERIES:
        times: dict[str, list[float]] = {engine: [] for engine in engines}
        for size in series.sizes:
            for module in modules:
                run = series.build(size)(module)
                times[module.__name__].append(_seconds(run) / series.units(size))
        found[series.name] = {"sizes": list(series.sizes), **times}
    return found


def _seconds(run: Callable[[], Any]) -> float:
    """The best of a few turns after one to warm up; of none but that one if it takes long."""
    started = time.perf_counter()
    best = float("inf")
    for turn in range(MOST):
        start = time.perf_counter()
        run()
        taken = time.perf_counter() - start
        best = min(best, taken)
        if turn and time.perf_counter() - started > ENOUGH or taken > 5 * ENOUGH:
            break
    return best


def plot(found: dict[str, Any], title: str, path: Path) -> None:
    """One picture of all series."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8))
    FigureCanvasAgg(figure)
    for axes, series in zip(figure.subplots(2, 2).flat, SERIES, strict=True):
        values = found[series.name]
        for engine in [name for name in values if name != "sizes"]:
            axes.loglog(values["sizes"], [1e6 * t for t in values[engine]], "o-", label=engine)
        axes.set_xlabel(series.along)
        axes.set_ylabel(f"µs per {series.per}")
        axes.grid(True, which="both", alpha=0.3)
        axes.legend()
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def main() -> None:
    """Measure, print a line of JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scaling")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--engines", nargs="+", required=True)
    given = parser.parse_args()
    print(json.dumps(measure(given.engines, given.threads)))


if __name__ == "__main__":
    main()
