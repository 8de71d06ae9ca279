"""Sigmoid gradient descent: a line that learns to lie between two kinds of points.

    prediction  p = sigmoid(w . x + b)                 the chance that a point is of kind 1
    loss        -y log p - (1 - y) log(1 - p)          log-loss of one point with label y
    its slope   (p - y) x  for w,   p - y  for b       sigma' = sigma (1 - sigma) cancels the logs
    update      w += rate (y - p) x,   b += rate (y - p)     after every single point

`by_hand` does just that in NumPy. `run` writes down only prediction and loss, against the torch
namespace it is handed, and leaves the slope to that engine's autograd: all agree to float rounding.

    python -m minitorch_ref.programs.sigmoid_gd [--engine minitorch_ref torch] [--data DIR]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import data as sources
from .report import Report, compare, draw_agreeing, figures, parser, steps

OnStep = Callable[[int, Any, float], None]


@dataclass(frozen=True)
class Config:
    """`data` is a folder, or None to look in the usual places; `log` is called with each line."""

    epochs: int = 100
    learnrate: float = 0.01
    seed: int = 44
    dtype: str = "float64"
    data: str | None = None
    log: Callable[[str], None] | None = None


@dataclass
class Result:
    """Per epoch: mean log-loss, accuracy, and the line (w1, w2, b) after it; per step: its loss."""

    engine: str
    source: str
    losses: list[float] = field(default_factory=list)
    accuracies: list[float] = field(default_factory=list)
    lines: list[tuple[float, float, float]] = field(default_factory=list)
    step_losses: list[float] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def weights(self) -> np.ndarray:
        """(w1, w2, b) at the end."""
        return np.array(self.lines[-1])


def initial_weights(config: Config) -> np.ndarray:
    """w as the original draws it: NumPy's `config.seed`, standard deviation 1/sqrt(2); b is 0."""
    return np.random.RandomState(config.seed).normal(scale=1 / 2**0.5, size=2)


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1 / (1 + np.exp(-x))


def log_loss(y: np.ndarray, p: np.ndarray) -> np.ndarray:
    """-y log p - (1 - y) log(1 - p)."""
    return -y * np.log(p) - (1 - y) * np.log(1 - p)


def by_hand(config: Config = Config(), on_step: OnStep | None = None) -> Result:
    """The update as derived above, in NumPy float64: the reference the engines are held to."""
    points = sources.points(config.data)
    result = Result("by hand", points.source)
    w, b = initial_weights(config), 0.0
    began = time.perf_counter()
    for _ in steps(config.epochs, "by hand"):
        for x, y in zip(points.features, points.labels, strict=True):
            p = sigmoid(np.dot(x, w) + b)
            _step(result, on_step, (x, y), float(log_loss(y, p)))
            w += config.learnrate * (y - p) * x
            b += config.learnrate * (y - p)
        _epoch(config, result, points, w, float(b))
    result.seconds = time.perf_counter() - began
    return result


def run(torch: Any, config: Config = Config(), on_step: OnStep | None = None) -> Result:
    """The same with `torch`'s autograd and SGD.

    `on_step(step, (x, y), loss)` is called before each update, with `torch`'s tensors.
    """
    points = sources.points(config.data)
    result = Result(torch.__name__, points.source)
    dtype = getattr(torch, config.dtype)
    features = torch.tensor(points.features, dtype=dtype)
    labels = torch.tensor(points.labels, dtype=dtype)
    w = torch.tensor(initial_weights(config), dtype=dtype, requires_grad=True)
    b = torch.zeros((), dtype=dtype, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=config.learnrate)
    began = time.perf_counter()
    for _ in steps(config.epochs, torch.__name__):
        for x, y in zip(features, labels, strict=True):
            p = torch.sigmoid(torch.dot(x, w) + b)
            loss = -y * torch.log(p) - (1 - y) * torch.log(1 - p)
            optimizer.zero_grad()
            loss.backward()
            _step(result, on_step, (x, y), loss.item())
            optimizer.step()
        _epoch(config, result, points, w.detach().numpy().astype(np.float64), b.item())
    result.seconds = time.perf_counter() - began
    return result


def _step(result: Result, on_step: OnStep | None, batch: Any, loss: float) -> None:
    if on_step is not None:
        on_step(len(result.step_losses), batch, loss)
    result.step_losses.append(loss)


def _epoch(config: Config, result: Result, points: sources.Points, w: np.ndarray, b: float) -> None:
    """Measure the line on all points; print every tenth of the run, as the original does."""
    p = sigmoid(points.features @ w + b)
    loss = float(np.mean(log_loss(points.labels, p)))
    accuracy = float(np.mean((p > 0.5) == points.labels))
    epoch, tenth = len(result.losses), max(config.epochs // 10, 1)
    if config.log is not None and epoch % tenth == 0:
        rising = epoch >= tenth and result.losses[epoch - tenth] < loss
        config.log(f"\n========== Epoch {epoch} ==========")
        config.log(f"Train loss:  {loss}{'   WARNING - Loss Increasing' if rising else ''}")
        config.log(f"Accuracy:  {accuracy}")
    result.losses.append(loss)
    result.accuracies.append(accuracy)
    result.lines.append((float(w[0]), float(w[1]), b))


# ---- from the command line ----------------------------------------------------------------------


def plot(results: list[Result], points: sources.Points, folder: Any) -> list[Any]:
    """Two pictures: the points with every epoch's line (the last in black), the error curve."""
    last = results[0]
    saved: list[Any] = []
    with figures(folder, saved, "boundary", (6.4, 6.0)) as (fig, ax):
        across = np.array([-0.05, 1.05])
        for i, (w1, w2, b) in enumerate(last.lines):
            shade = 0.12 + 0.5 * (i + 1) / len(last.lines)
            ax.plot(across, -(w1 * across + b) / w2, "--", color="#3a9a5b", lw=0.8, alpha=shade)
        w1, w2, b = last.lines[-1]
        ax.plot(across, -(w1 * across + b) / w2, color="black", lw=2.2, label="last epoch")
        for label, colour in ((0, "#3b6fb6"), (1, "#d1495b")):
            mine = points.features[points.labels == label]
            style = {"s": 34, "c": colour, "edgecolor": "k", "lw": 0.6, "zorder": 3}
            ax.scatter(*mine.T, label=f"label {label}", **style)
        ax.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.05), xlabel="$x_1$", ylabel="$x_2$")
        ax.set_title(f"Boundary, epochs 0 to {len(last.lines) - 1}")
        ax.set_aspect("equal")
        ax.legend(loc="upper right", framealpha=0.95)
    with figures(folder, saved, "error", (6.8, 4.2)) as (fig, ax):
        draw_agreeing(ax, [(result.engine, result.losses) for result in results], "#23395d")
        ax.set(xlabel="Number of epochs", ylabel="Mean log-loss", title="Error")
        ax.set_xlim(0, len(last.losses) - 1)
        ax.legend()
    return saved


@sources.each_note_once()
def main(argv: list[str] | None = None) -> int:
    """Train by hand and on each engine asked for; print, compare, save the plots."""
    ask = parser("sigmoid_gd", "A line between two kinds of points, by gradient descent.")
    ask.add_argument("--epochs", type=int, default=100)
    ask.add_argument("--learnrate", type=float, default=0.01)
    ask.add_argument("--seed", type=int, default=44)
    args = ask.parse_args(argv)
    report = Report(args)
    config = Config(args.epochs, args.learnrate, args.seed, data=args.data, log=print)
    results = [by_hand(config)]
    quiet = Config(args.epochs, args.learnrate, args.seed, data=args.data)
    results += [run(torch, quiet) for torch in report.engines]
    print(f"\nData: {results[0].source}")
    compare([(r.engine, r.losses, r.weights, r.seconds) for r in results])
    report.saved(lambda folder: plot(results, sources.points(args.data), folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
