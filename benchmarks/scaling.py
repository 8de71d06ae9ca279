"""How the cost grows as the work grows: on log-log axes a straight line, flat per unit of work.

Four series, each with the engines in turn: LeNet-5's step over its batch, a chain of multiplications
over its length, a convolution over its image, and over its channels.  A point is a job like any other
(processes of its own, paired rounds), timed for a shorter while: what is looked for is a bend, a
factor and not a percent.

A line through the logarithms says how straight a series is:

    log seconds = slope · log work + constant          slope 1: the cost grows as the work

`off` is the factor by which a point is off its line at most; `tail` is the slope through the largest
half of the sizes, where what a call costs before it does anything no longer counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from . import worker
from .engines import OURS
from .job import Build, Job
from .operators import chain, convolution
from .training import LeNet5

ROUNDS, FEWEST, BUDGET = 9, 1, 0.4  # for a point; seconds


class Series(NamedTuple):
    """`build(size)` is a job; its time is divided by `units(size)`."""

    name: str
    along: str  # what grows
    per: str  # what the time is divided by
    sizes: Sequence[int]
    build: Callable[[int], Build]
    units: Callable[[int], int]

    def point(self, size: int) -> Job:
        """The job of one size."""
        return Job(f"scaling-{self.name}-{size}", f"{size} {self.along}", self.build(size))


def _training(images: tuple[int, ...], weights: tuple[int, ...]) -> Build:
    return convolution("", "", images, weights, padding=1)[1].build


SERIES = [
    Series("batch", "images in a LeNet-5 step", "image", [4**i for i in range(7)],
           LeNet5, lambda n: n),
    Series("chain", "multiplications in a chain", "multiplication", [10**i for i in range(1, 7)],
           chain, lambda n: n),
    Series("image", "side of the image, 3x3 convolution 16->16", "pixel", [8 << i for i in range(6)],
           lambda n: _training((4, 16, n, n), (16, 16, 3, 3)), lambda n: 4 * n * n),
    Series("channels", "channels of a 3x3 convolution on 14x14", "pair of channels",
           [4 << i for i in range(7)],
           lambda n: _training((4, n, 14, 14), (n, n, 3, 3)), lambda n: n * n),
]  # fmt: skip
POINTS: dict[str, Job] = {p.name: p for s in SERIES for p in map(s.point, s.sizes)}


def measure(
    engines: Sequence[str], threads: int, clock: str, told: Callable[[str], Any] = str
) -> dict[str, Any]:
    """Seconds per unit of work: {series: {"sizes": [...], engine: [...]}}; JobFailedError.

    `told` is called with the name of each point before it is timed.
    """
    found: dict[str, Any] = {}
    for series in SERIES:
        times: dict[str, list[float]] = {engine: [] for engine in engines}
        for size in series.sizes:
            name = series.point(size).name
            told(name)
            kept = worker.measure(name, threads, engines, ROUNDS, clock, BUDGET, FEWEST)["seconds"]
            for engine in engines:
                times[engine].append(kept[engine]["median"] / series.units(size))
        found[series.name] = {"sizes": list(series.sizes), **times}
    return found


# ---- straightness --------------------------------------------------------------------------------


class Line(NamedTuple):
    """The line through the logarithms of a series; see above."""

    slope: float
    off: float
    tail: float


def line(work: Sequence[float], seconds: Sequence[float]) -> Line:
    """Least squares through (log work, log seconds)."""
    points = [(math.log(w), math.log(s)) for w, s in zip(work, seconds, strict=True)]
    slope, constant = _fit(points)
    off = max(abs(y - slope * x - constant) for x, y in points)
    return Line(slope, math.exp(off), _fit(points[len(points) // 2 :])[0])


def _fit(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    mean_x, mean_y = (sum(values) / len(points) for values in zip(*points, strict=True))
    across = sum((x - mean_x) * (y - mean_y) for x, y in points)
    slope = across / sum((x - mean_x) ** 2 for x, _ in points)
    return slope, mean_y - slope * mean_x


def lines(found: dict[str, Any]) -> dict[str, dict[str, Line]]:
    """{series: {engine: Line}} of total time over total work."""
    return {
        series.name: {
            engine: line(
                work := [series.units(n) for n in series.sizes],
                [w * t for w, t in zip(work, found[series.name][engine], strict=True)],
            )
            for engine in found[series.name]
            if engine != "sizes"
        }
        for series in SERIES
    }


def told_lines(found: dict[str, Any]) -> list[str]:
    """What to print: a line for each series and engine."""
    return [
        f"{series}, {engine}: time grows as work^{fit.slope:.2f}, "
        f"^{fit.tail:.2f} in its upper half, off the line by at most x{fit.off:.2f}"
        for series, engines in lines(found).items()
        for engine, fit in engines.items()
    ]


# ---- picture -------------------------------------------------------------------------------------


def plot(found: dict[str, Any], title: str, path: Path) -> None:
    """One picture of all series: time per unit of work, the slope of the upper half beside it."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8))
    FigureCanvasAgg(figure)
    fits = lines(found)
    for axes, series in zip(figure.subplots(2, 2).flat, SERIES, strict=True):
        values = found[series.name]
        for engine, fit in fits[series.name].items():
            label = f"{engine}: work^{fit.tail:.2f} in the upper half"
            marker = "o-" if engine == OURS else "s--"
            axes.loglog(values["sizes"], [1e6 * t for t in values[engine]], marker, label=label)
        _decades(axes)
        axes.set_xlabel(series.along)
        axes.set_ylabel(f"µs per {series.per}")
        axes.grid(True, which="both", alpha=0.25)
        axes.legend(fontsize=9)
    figure.suptitle(f"Cost per unit of work: flat where the cost grows as the work\n{title}",
                    fontsize=11)  # fmt: skip
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _decades(axes: Any) -> None:
    """At least a decade and a half upright, so that noise does not look like a bend; plain numbers."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axes.get_ylim()
    room = max(1.0, 10**1.5 / (high / low)) ** 0.5
    axes.set_ylim(low / room, high * room)
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
