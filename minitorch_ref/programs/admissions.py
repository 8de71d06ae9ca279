"""Student admissions: a 1-layer network, trained on whole batches.

    h = x . w      x: gre/800, gpa/4, and the rank as four 0/1 columns; no bias
    p = sigmoid(h)
    cross-entropy   sum of -y log p - (1 - y) log(1 - p)     -slope: sum of (y - p) x
    mean square     half the sum of (y - p)^2                -slope: sum of (y - p) sigma'(h) x

Both error terms start from the same weights and go down the same printed log-loss; the mean-square
one is slower, because sigma' <= 1/4. `by_hand` has the two slopes in NumPy, `run` leaves them to
the autograd of the torch namespace it is handed.

    python -m minitorch_ref.programs.admissions [--engine minitorch_ref torch] [--data DIR]
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from . import data as sources
from .report import Report, compare, draw_agreeing, figures, parser, steps
from .sigmoid_gd import log_loss, sigmoid

OnStep = Callable[[int, Any, float], None]
ERROR_TERMS = ("cross_entropy", "mean_square")


@dataclass(frozen=True)
class Config:
    """`split_seed` draws the held-out tenth, `seed` the weights; `log` is called with each line."""

    epochs: int = 1000
    learnrate: float = 0.0001
    seed: int = 42
    split_seed: int = 44
    error_term: str = "cross_entropy"
    dtype: str = "float64"
    data: str | None = None
    log: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.error_term not in ERROR_TERMS:
            raise ValueError(f"error_term must be one of {ERROR_TERMS}, got {self.error_term!r}")


@dataclass
class Result:
    """Per epoch the mean log-loss after its update, on the training part; then what came of it."""

    engine: str
    source: str
    losses: list[float] = field(default_factory=list)
    step_losses: list[float] = field(default_factory=list)
    weights: np.ndarray = field(default_factory=lambda: np.empty(0))
    accuracy: float = 0.0  # on the held-out part
    seconds: float = 0.0


class Table(NamedTuple):
    """Training and held-out part: inputs (n, 6) and targets (n,), float64."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray
    source: str


def prepare(config: Config) -> Table:
    """One-hot ranks, scores scaled to [0, 1], and nine tenths drawn for training.

    The original draws the split in the same session as the sigmoid program, whose two weights are
    the first numbers out of NumPy's generator after seed 44; so they are drawn, and dropped, here.
    """
    rows = sources.applications(config.data)
    ranks = rows.rank[:, None] == np.arange(1, 5)
    x = np.column_stack([rows.gre / 800, rows.gpa / 4.0, ranks])
    rng = np.random.RandomState(config.split_seed)
    rng.normal(size=2)
    training = rng.choice(len(x), size=int(len(x) * 0.9), replace=False)
    held_out = np.setdiff1d(np.arange(len(x)), training)
    return Table(x[training], rows.admit[training], x[held_out], rows.admit[held_out], rows.source)


def initial_weights(config: Config) -> np.ndarray:
    """As the original draws them: NumPy's `config.seed`, standard deviation 1/sqrt(6)."""
    return np.random.RandomState(config.seed).normal(scale=1 / 6**0.5, size=6)


def by_hand(config: Config = Config(), on_step: OnStep | None = None) -> Result:
    """The slopes as derived above, in NumPy float64: the reference the engines are held to."""
    table = prepare(config)
    result = Result("by hand", table.source)
    w = initial_weights(config)
    began = time.perf_counter()
    for _ in steps(config.epochs, "by hand"):
        p = sigmoid(table.x @ w)
        if config.error_term == "cross_entropy":
            loss, slope = log_loss(table.y, p).sum(), table.y - p
        else:
            loss, slope = ((table.y - p) ** 2).sum() / 2, (table.y - p) * p * (1 - p)
        _step(result, on_step, (table.x, table.y), float(loss))
        w = w + config.learnrate * (slope @ table.x)
        _epoch(config, result, table, w)
    return _finish(config, result, table, w, began)


def run(torch: Any, config: Config = Config(), on_step: OnStep | None = None) -> Result:
    """The same with `torch`'s autograd and SGD.

    `on_step(step, (x, y), loss)` is called before each update, with `torch`'s tensors.
    """
    table = prepare(config)
    result = Result(torch.__name__, table.source)
    dtype = getattr(torch, config.dtype)
    x, y = torch.tensor(table.x, dtype=dtype), torch.tensor(table.y, dtype=dtype)
    w = torch.tensor(initial_weights(config), dtype=dtype, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=config.learnrate)
    began = time.perf_counter()
    for _ in steps(config.epochs, torch.__name__):
        p = torch.sigmoid(torch.mv(x, w))
        if config.error_term == "cross_entropy":
            loss = (-y * torch.log(p) - (1 - y) * torch.log(1 - p)).sum()
        else:
            loss = ((y - p) ** 2).sum() / 2
        optimizer.zero_grad()
        loss.backward()
        _step(result, on_step, (x, y), loss.item())
        optimizer.step()
        _epoch(config, result, table, w.detach().numpy().astype(np.float64))
    return _finish(config, result, table, w.detach().numpy().astype(np.float64), began)


def _step(result: Result, on_step: OnStep | None, batch: Any, loss: float) -> None:
    if on_step is not None:
        on_step(len(result.step_losses), batch, loss)
    result.step_losses.append(loss)


def _epoch(config: Config, result: Result, table: Table, w: np.ndarray) -> None:
    """Measure the new weights; print every tenth of the run, as the original does."""
    loss = float(np.mean(log_loss(table.y, sigmoid(table.x @ w))))
    epoch, tenth = len(result.losses), max(config.epochs // 10, 1)
    if config.log is not None and epoch % tenth == 0:
        rising = epoch >= tenth and result.losses[epoch - tenth] < loss
        config.log(f"Epoch: {epoch}")
        config.log(f"Train loss:  {loss}{'   WARNING - Loss Increasing' if rising else ''}")
        config.log("=========")
    result.losses.append(loss)


def _finish(config: Config, result: Result, table: Table, w: np.ndarray, began: float) -> Result:
    result.seconds = time.perf_counter() - began
    result.weights = w.copy()
    result.accuracy = float(np.mean((sigmoid(table.x_test @ w) > 0.5) == table.y_test))
    if config.log is not None:
        config.log("Finished training!")
        config.log(f"Prediction accuracy: {result.accuracy:.3f}")
    return result


# ---- from the command line ----------------------------------------------------------------------


def _scatter(ax: Any, rows: sources.Applications, chosen: np.ndarray, size: float) -> None:
    for admit, colour, label in ((0, "#d1495b", "rejected"), (1, "#2fb5c8", "admitted")):
        mine = chosen & (rows.admit == admit)
        ax.scatter(
            rows.gre[mine], rows.gpa[mine], s=size, c=colour, edgecolor="k", lw=0.5, label=label
        )
    ax.set(xlim=(205, 815), ylim=(2.2, 4.06), xlabel="Test (GRE)", ylabel="Grades (GPA)")


def plot(results: dict[str, list[Result]], rows: sources.Applications, folder: Any) -> list[Any]:
    """Three pictures: all applications, one panel per rank, the error curves."""
    saved: list[Any] = []
    with figures(folder, saved, "applications", (6.8, 4.8)) as (fig, ax):
        _scatter(ax, rows, rows.rank > 0, 32)
        ax.set_title(f"{len(rows.admit)} applications")
        ax.legend(loc="upper left")
    panels = {"nrows": 2, "ncols": 2, "sharex": True, "sharey": True}
    with figures(folder, saved, "ranks", (8.8, 7.0), **panels) as (fig, axes):
        for rank, ax in enumerate(axes.flat, 1):
            mine = rows.rank == rank
            _scatter(ax, rows, mine, 26)
            share = rows.admit[mine].mean() if mine.any() else 0
            ax.set_title(f"Rank {rank}: {share:.0%} of {mine.sum()} admitted")
            ax.label_outer()
        axes[0, 0].legend(loc="lower left")
    with figures(folder, saved, "error", (6.8, 4.2)) as (fig, ax):
        for (term, runs), colour in zip(results.items(), ("#23395d", "#e07a1f"), strict=False):
            title = term.replace("_", " ")
            draw_agreeing(ax, [(f"{title}, {run.engine}", run.losses) for run in runs], colour)
        ax.set(xlabel="Number of epochs", ylabel="Mean log-loss", title="Error in training")
        ax.set_xlim(0, len(runs[0].losses) - 1)
        ax.legend(fontsize=9)
    return saved


@sources.each_note_once()
def main(argv: list[str] | None = None) -> int:
    """Train by hand and on each engine, with each error term; print, compare, save the plots."""
    ask = parser("admissions", "A 1-layer network that predicts graduate-school admissions.")
    ask.add_argument("--epochs", type=int, default=1000)
    ask.add_argument("--learnrate", type=float, default=0.0001)
    ask.add_argument("--seed", type=int, default=42)
    ask.add_argument("--error-term", nargs="+", choices=ERROR_TERMS, default=list(ERROR_TERMS))
    args = ask.parse_args(argv)
    report = Report(args)
    results = {}
    for term in args.error_term:
        config = Config(
            args.epochs, args.learnrate, args.seed, error_term=term, data=args.data, log=print
        )
        print(f"--- error term: {term.replace('_', ' ')} ---")
        runs = [by_hand(config)]
        runs += [run(torch, replace(config, log=None)) for torch in report.engines]
        compare([(r.engine, r.losses, r.weights, r.seconds) for r in runs])
        print()
        results[term] = runs
    print(f"Data: {runs[0].source}")
    report.saved(lambda folder: plot(results, sources.applications(args.data), folder))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
