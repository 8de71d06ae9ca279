"""What people see: the table on the terminal and the bar chart of ratios."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from .jobs import JOBS
from .roofline import Peaks, floor

UNITS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))


def duration(seconds: float) -> str:
    """Three figures and a unit."""
    for size, unit in UNITS:
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns"


def spread_of(values: dict[str, float]) -> str:
    """Median, and half the distance of the quartiles in percent of it."""
    half = (values["high"] - values["low"]) / 2 / values["median"]
    return f"{duration(values['median'])} ±{half:.0%}"


def table(document: dict[str, Any]) -> Any:
    """A rich table: each job's median and spread on each engine, the ratios, and the floor."""
    from rich.markup import escape
    from rich.table import Table

    engine, peers = document["engine"], document["peers"]
    machine = document["machine"]
    title = f"{machine['processor']}, {machine['cores']} cores, {_vectors(machine)}"
    shown = Table(title=title + f", {document.get('clock', 'wall')} clock")
    for heading in ("job", "what"):
        shown.add_column(heading, no_wrap=heading == "job")
    ratios = [f"over {peer}" for peer in peers]
    for heading in ("threads", engine, *peers, *ratios, "floor", "reached"):
        shown.add_column(heading, justify="right", no_wrap=True)
    for result in document["results"]:
        times = [_or_nothing(spread_of, result["seconds"], name) for name in (engine, *peers)]
        ratios = [_or_nothing(_ratio, result["ratios"], peer) for peer in peers]
        what = escape(JOBS[result["job"]].what) if result["job"] in JOBS else ""
        shown.add_row(result["job"], what, str(result["threads"]), *times, *ratios,
                      *floor_and_share(document, result))  # fmt: skip
    return shown


def _vectors(machine: dict[str, Any]) -> str:
    """Which vector instructions the libraries use."""
    return ", ".join(f"{name} on {level}" for name, level in machine.get("vectors", {}).items())


def _or_nothing(show: Callable[[Any], str], values: dict[str, Any], name: str) -> str:
    """Nothing where an engine lacks the job."""
    return show(values[name]) if name in values else ""


def floor_and_share(document: dict[str, Any], result: dict[str, Any]) -> tuple[str, str]:
    """The job's floor at the machine's peaks, and the part of them that was reached."""
    peaks = document.get("peaks", {}).get(str(result["threads"]))
    job = JOBS.get(result["job"])
    if not peaks or job is None or not any(job.work):
        return "", ""
    least = floor(job.work, Peaks(**peaks))
    return duration(least), f"{least / result['seconds'][document['engine']]['median']:.0%}"


def memory_lines(document: dict[str, Any]) -> list[str]:
    """Peak memory of a training step, a line for each number of threads."""
    lines = []
    for threads, engines in document.get("memory", {}).items():
        if engines:
            each = ", ".join(f"{name} {size / 2**20:.1f} MiB" for name, size in engines.items())
            lines.append(f"peak memory of a LeNet-5 step, batch 256, {threads} thread(s): {each}")
    return lines


def _ratio(values: dict[str, float]) -> str:
    colour = "green" if values["median"] <= 1 else "yellow" if values["median"] <= 1.5 else "red"
    return f"[{colour}]{values['median']:.2f}[/] ({values['low']:.2f}–{values['high']:.2f})"


def chart(document: dict[str, Any], path: Path) -> None:
    """Bars of our time over each peer's, on a logarithmic axis, with the quartiles."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    results, peers = document["results"], document["peers"]
    series = [(p, n) for p in peers for n in sorted({r["threads"] for r in results})]
    jobs = list(dict.fromkeys(r["job"] for r in results))
    figure = Figure(figsize=(9, 1.8 + len(jobs) * max(0.22, 0.15 * len(series))))
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    height = 0.8 / max(1, len(series))
    for k, (peer, threads) in enumerate(series):
        rows = [r for r in results if r["threads"] == threads and peer in r["ratios"]]
        places = [jobs.index(r["job"]) + (k - (len(series) - 1) / 2) * height for r in rows]
        label = f"over {peer}, {threads} thread{'s' if threads > 1 else ''}"
        _bars(axes, places, [r["ratios"][peer] for r in rows], height, label, len(series) == 1)
    axes.set_yticks(range(len(jobs)), jobs, fontsize=8)
    axes.set_ylim(len(jobs) - 0.4, -0.6)  # the first at the top
    axes.set_xscale("log")
    axes.axvline(1, color="black", linewidth=0.8)
    _even_ticks(axes)
    axes.grid(True, axis="x", alpha=0.25)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"{document['engine']}'s time over the peer's (left of 1: faster than it)")
    machine = document["machine"]
    axes.set_title(f"{machine['processor']}, {_vectors(machine)}".rstrip(", "), fontsize=10)
    if len(series) == 1:
        axes.set_title(axes.get_title() + f"; {label}", fontsize=10)
    else:
        axes.legend(loc="best", fontsize=8)
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


def _bars(
    axes: Any, places: list[float], ratios: list[dict[str, float]], height: float, label: str,
    coloured: bool,
) -> None:  # fmt: skip
    """Bars that start at 1, the quartiles as whiskers, the figure at each end."""
    middle = [v["median"] for v in ratios]
    ends = [[v["median"] - v["low"] for v in ratios], [v["high"] - v["median"] for v in ratios]]
    bars = axes.barh(places, [m - 1 for m in middle], height * 0.92, left=1, label=label,
                     xerr=ends, error_kw={"ecolor": "0.35", "elinewidth": 0.8})  # fmt: skip
    if coloured:
        for bar, value in zip(bars, middle, strict=True):
            bar.set_color("tab:green" if value <= 1 else "tab:orange")
    for place, value, high in zip(places, middle, [v["high"] for v in ratios], strict=True):
        axes.annotate(f"{value:.2f}", (max(high, 1), place), xytext=(4, 0),
                      textcoords="offset points", va="center", fontsize=7)  # fmt: skip


def _even_ticks(axes: Any) -> None:
    """Plain numbers at 1, 2, 5 of each decade that is in sight, with room for the labels."""
    low, high = axes.get_xlim()
    low, high = min(low, 0.45), max(high * 1.3, 2.2)
    axes.set_xlim(low, high)
    ticks = [m * 10.0**e for e in range(-4, 4) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
    axes.set_xticks(ticks, [f"{t:g}" for t in ticks])
    axes.minorticks_off()
