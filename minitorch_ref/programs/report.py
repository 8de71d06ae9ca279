"""What the programs share on the command line: arguments, progress bars, closing table, plots."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import engines

COLOURS = ("#23395d", "#e07a1f", "#3a9a5b", "#d1495b")


def parser(name: str, purpose: str) -> argparse.ArgumentParser:
    """The arguments all three programs take."""
    command = f"python -m minitorch_ref.programs.{name}"
    ask = argparse.ArgumentParser(prog=command, description=purpose)
    ask.add_argument(
        "--engine",
        nargs="+",
        choices=engines.ENGINES,
        default=["minitorch_ref"],
        help="run on one or on both (default: minitorch_ref)",
    )
    ask.add_argument("--data", metavar="DIR", help="folder with the data (or $MINITORCH_DATA)")
    ask.add_argument("--out", metavar="DIR", default=f"out/{name}", help="where plots are saved")
    ask.add_argument("--no-plots", action="store_true", help="save no plots")
    return ask


class Report:
    """The parsed arguments put to use."""

    def __init__(self, args: argparse.Namespace):
        self.engines = [engines.load(name) for name in dict.fromkeys(args.engine)]
        self.out = Path(args.out)
        self._plots = not args.no_plots

    def saved(self, draw: Callable[[Path], Sequence[Path]]) -> None:
        """Draw plots into the output folder and say where they are."""
        if not self._plots:
            return
        try:
            paths = draw(self.out)
        except ImportError as error:
            print(f"no plots: {error}")
            return
        for path in paths:
            print(f"saved {path}")


def compare(rows: Sequence[tuple[str, Sequence[float], np.ndarray, float]]) -> None:
    """A table: each version's last loss, its seconds, and how far it is from the first version."""
    _, losses, weights, _ = rows[0]
    first = np.asarray(losses)
    heads = ("last loss", "loss differs", "weights differ", "seconds")
    print("\n{:16}{:>20}{:>14}{:>16}{:>9}".format("version", *heads))
    for name, mine, w, seconds in rows:
        apart = np.max(np.abs(np.asarray(mine) - first) / np.abs(first))
        moved = np.max(np.abs(w - weights) / np.maximum(np.abs(weights), 1e-300))
        print(f"{name:16}{mine[-1]:20.15f}{apart:14.1e}{moved:16.1e}{seconds:9.2f}")
    print("(largest relative difference from the first row, over all epochs and all weights)")


def steps(count: int, title: str) -> Iterable[int]:
    """`range(count)` with a progress bar."""
    return track(range(count), title)


def track(items: Any, title: str) -> Iterable[Any]:
    """`items` with a progress bar, if rich is installed and the error stream is a terminal."""
    try:
        from rich.console import Console
        from rich.progress import track as rich_track
    except ImportError:
        return items
    console = Console(stderr=True)
    if not console.is_terminal:
        return items
    return rich_track(items, title, console=console, transient=True)


def draw_agreeing(ax: Any, curves: Sequence[tuple[str, Sequence[float]]], colour: str) -> None:
    """Up to three curves that lie on each other: broad and pale, then thinner, then dotted."""
    looks: list[dict[str, Any]] = [
        {"color": colour, "lw": 8.0, "alpha": 0.28},
        {"color": colour, "lw": 2.6},
        {"color": "#8fe388", "lw": 1.8, "ls": (0, (1, 3))},
    ]
    for (label, values), look in zip(curves, looks, strict=False):
        ax.plot(values, label=label, **look)


@contextlib.contextmanager
def figures(
    folder: Path, saved: list[Path], name: str, size: tuple[float, float], **grid: Any
) -> Iterator[tuple[Any, Any]]:
    """A figure (with its axes) that is saved as `folder`/`name`.png when the block ends.

    Drawn on matplotlib's Agg canvas directly: no window, no global backend, no pyplot state.
    """
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    style: Any = {
        "font.size": 11,
        "axes.titlesize": 12.5,
        "axes.titleweight": "bold",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.axisbelow": True,
        "grid.color": "#e3e6ea",
        "legend.frameon": True,
        "legend.edgecolor": "#d0d4da",
        "figure.dpi": 130,
    }
    with rc_context(style):
        from cycler import cycler

        with rc_context({"axes.prop_cycle": cycler(color=COLOURS)}):
            fig = Figure(figsize=size, layout="constrained")
            FigureCanvasAgg(fig)
            axes = fig.subplots(**grid)
            yield fig, axes
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{name}.png"
            fig.savefig(path)
            saved.append(path)
