"""The report's pictures: drawn by matplotlib, handed over as base64 PNG for the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .programs import ProgramResult, Trace
from .session import Session

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

OURS, TORCH, BAND, INK, GRID = "#d9480f", "#1c3d5a", "#94a3b8", "#1f2933", "#e6e9ee"
STYLE: dict[RcKeyType, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 11.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#aab4c0",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": "#52606d",
    "ytick.color": "#52606d",
    "axes.grid": True,
    "grid.color": GRID,
    "axes.axisbelow": True,
    "legend.frameon": False,
}


def png(draw: Callable[[Any], None], size: tuple[float, float], dpi: int = 150) -> str:
    """`draw(figure)` as a data URI."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(figsize=size, dpi=dpi, layout="constrained")
        FigureCanvasAgg(figure)
        draw(figure)
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", transparent=False, facecolor="white")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def smooth(values: np.ndarray, window: int) -> np.ndarray:
    """Running mean over `window` steps."""
    if window < 2 or len(values) < 2 * window:
        return values
    kernel = np.ones(window) / window
    return np.convolve(values, kernel, mode="valid")


def smoothing(trace: Trace) -> int:
    """Steps to average: an epoch where epochs are short, else a small share of the run."""
    steps, epochs = len(trace.losses), trace.epochs
    epoch = steps // epochs if epochs else 0
    return epoch if 1 < epoch <= steps // 20 else max(1, steps // 150)


def program_plot(result: ProgramResult) -> str:
    """Both loss curves on one axis; under them the relative difference inside its null band."""
    ours, theirs = result.ours, result.theirs
    assert ours is not None and theirs is not None  # there are losses to draw

    def draw(figure: Any) -> None:
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(3, 2))
        top.set_title(f"{result.name}: {result.steps:,} steps")
        _curves(top, ours, theirs)
        _differences(bottom, result)

    return png(draw, (6.4, 5.2))


def _curves(axes: Any, ours: Trace, theirs: Trace) -> None:
    """Two runs' losses, smoothed."""
    window = smoothing(theirs)
    a, b = smooth(ours.losses, window), smooth(theirs.losses, window)
    steps = np.arange(len(b)) + window // 2
    thick = {"lw": 5, "alpha": 0.28, "solid_capstyle": "round"}
    axes.plot(steps, b, color=TORCH, label=theirs.engine, **thick)
    axes.plot(steps, a, color=OURS, lw=1.3, label=ours.engine)
    axes.set_ylabel("loss" + (f" (mean of {window} steps)" if window > 1 else ""))
    axes.legend(loc="upper right")


def _differences(axes: Any, result: ProgramResult) -> None:
    """How far apart the losses are at each step, and the band of the null model."""
    far, band = result.difference, result.band
    step, shown = np.arange(len(far)), far > 0
    axes.set_yscale("log")
    if band.size:
        lowest = min(float(v[v > 0].min(initial=np.inf)) for v in (band, far))
        floor = lowest / 5 if np.isfinite(lowest) else 1e-18
        name = "null model: torch moved by 1 ULP"
        high = np.maximum(band, floor)
        axes.fill_between(step, floor, high, color=BAND, alpha=0.3, lw=0, label=name)
    if shown.any():
        dots = {"ms": 2.2, "color": OURS, "alpha": 0.55, "label": "|ours − torch| / torch"}
        axes.plot(step[shown], far[shown], ".", **dots)
    else:
        place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, "every loss is bit-identical", color="#2f7d4f", **place)
    axes.set_ylabel("relative difference")
    axes.set_xlabel("step")
    if shown.any() or band.size:
        axes.legend(loc="lower right", fontsize=8.5, markerscale=4)


def ulp_plot(session: Session) -> str:
    """Worst error of each op in ULP, ours against torch's: below the diagonal we are closer."""
    results = session.ops
    points = [
        (r.worst("plain_theirs"), r.worst("plain_ours"), r.op, r.verdict.ok)
        for r in results
        if r.worst("plain_ours") or r.worst("plain_theirs")
    ]

    def draw(figure: Any) -> None:
        axes = figure.subplots()
        many = f"{len(points)} inexact op{'s' * (len(points) != 1)}"
        axes.set_title(f"worst error of {many}, in ULP, no cancellations")
        low = 0.25
        if points:
            x, y = (np.clip([p[i] for p in points], low, 1e6) for i in (0, 1))
            good = np.array([p[3] for p in points])
            for which, size, colour, label in (
                (good, 22, "#2b8a5a", "within the bound"), (~good, 26, "#d6336c", "deviates"),
            ):  # fmt: skip
                if which.any():
                    axes.scatter(
                        x[which], y[which], s=size, color=colour, alpha=0.8, lw=0, label=label
                    )
            named = sorted((p for p in points if p[1] < 1e6), key=lambda p: -p[1])[:5]
            for tx, ty, name, _ in named:
                axes.annotate(
                    name.replace("nn.functional.", "F."),
                    (max(tx, low), max(ty, low)),
                    xytext=(5, 3),
                    textcoords="offset points",
                    fontsize=7.5,
                    color="#52606d",
                )
        top = max([10.0, *(max(p[0], p[1]) for p in points)]) * 2
        top = min(top, 2e6)
        axes.plot([low, top], [low, top], color="#aab4c0", lw=1)
        axes.axhspan(low, 2, color="#2b8a5a", alpha=0.07, lw=0)
        axes.set(
            xscale="log",
            yscale="log",
            xlim=(low * 0.8, top),
            ylim=(low * 0.8, top),
            xlabel=session.theirs,
            ylabel=session.ours,
        )
        if points:
            axes.legend(loc="upper left", fontsize=9)

    return png(draw, (5.6, 5.2))
