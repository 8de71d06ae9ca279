"""The vision program on the command line, and its pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from . import data as sources
from .engines import vision_of
from .lenet5 import MEAN, STD, Config, Result, run
from .nets import NETS
from .report import COLOURS, Report, figures, parser


def command_line(argv: list[str] | None = None) -> int:
    """Parse `argv`, run on each engine asked for, print, compare, save."""
    ask = parser("lenet5", "LeNet-5 (or SimpleNet) on CIFAR-10.")
    ask.add_argument("--model", choices=tuple(NETS), default="lenet5")
    ask.add_argument("--epochs", type=int, default=10)
    ask.add_argument("--batch-size", type=int, default=16)
    ask.add_argument("--learnrate", type=float, default=0.001)
    ask.add_argument("--momentum", type=float, default=0.9)
    ask.add_argument(
        "--drop-after", type=int, metavar="EPOCHS", help="divide the rate by ten after so many"
    )
    ask.add_argument("--seed", type=int, default=0)
    ask.add_argument("--limit", type=int, metavar="N", help="use only N images of each part")
    ask.add_argument("--workers", type=int, default=0, help="loader processes")
    args = ask.parse_args(argv)
    report = Report(args)
    try:
        for torch in report.engines:
            vision_of(torch)
    except ImportError as error:
        ask.error(str(error))
    pictures = sources.pictures(args.data)
    print(f"Data: {pictures.source}")
    results = []
    for torch in report.engines:
        print(f"--- {torch.__name__} ---")
        config = Config(
            model=args.model,
            epochs=args.epochs,
            batch_size=args.batch_size,
            learnrate=args.learnrate,
            momentum=args.momentum,
            drop_after=args.drop_after,
            seed=args.seed,
            limit=args.limit,
            num_workers=args.workers,
            save=str(Path(args.out) / f"{args.model}-{torch.__name__}.pt"),
            log=print,
        )
        results.append(run(torch, config, pictures=pictures))
        print(f"trained in {results[-1].seconds:.1f} s, weights in {config.save}")
    if len(results) > 1:
        compare(results)
    chosen = NETS[args.model].choose(pictures, args.limit)
    report.saved(lambda folder: plot(results, chosen, folder))
    return 0


def compare(results: list[Result]) -> None:
    """How far the other runs are from the first, step by step."""
    first, *others = results
    for other in others:
        a, b = np.array(first.step_losses), np.array(other.step_losses)
        apart = np.abs(a - b) / np.maximum(np.abs(a), 1e-12)
        begun, theirs = first.initial_state, other.initial_state
        same = all(np.array_equal(value, theirs[name]) for name, value in begun.items())
        print(
            f"{first.engine} and {other.engine}: "
            f"{'the same' if same else 'DIFFERENT'} initial weights, "
            f"step losses apart by at most {apart.max(initial=0):.1e} (relative), "
            f"time {first.seconds / max(other.seconds, 1e-9):.2f} : 1"
        )


# ---- pictures -----------------------------------------------------------------------------------


def plot(results: list[Result], pictures: sources.Pictures, folder: Any) -> list[Any]:
    """Sample images, loss curves, confusion matrix, and the first layer's filters."""
    saved: list[Any] = []
    first = results[0]
    _samples(pictures, folder, saved)
    _losses(results, folder, saved)
    _confusion(first, folder, saved)
    if "conv1.weight" in first.final_state:
        _filters(first, folder, saved)
    return saved


def _bare(ax: Any) -> None:
    ax.set_xticks([])
    ax.set_yticks([])
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)


def _samples(pictures: sources.Pictures, folder: Any, saved: list[Any]) -> None:
    rows, columns = 3, 8
    with figures(folder, saved, "samples", (9.6, 4.3), nrows=rows, ncols=columns) as (fig, axes):
        for i, ax in enumerate(axes.flat):
            _bare(ax)
            if i < len(pictures.train_images):
                ax.imshow(pictures.train_images[i], interpolation="nearest")
                name = pictures.classes[pictures.train_labels[i]]
                ax.set_title(name, fontsize=10, weight="normal")


def _losses(results: list[Result], folder: Any, saved: list[Any]) -> None:
    """Every step faintly, epoch means on top; the engines share one axis."""
    with figures(folder, saved, "losses", (8.2, 4.8)) as (fig, ax):
        for i, result in enumerate(results):
            colour, wide = COLOURS[i], i == 0
            steps = np.array(result.step_losses)
            if not len(steps):
                continue
            per_epoch = len(steps) / max(len(result.train_losses), 1)
            epochs = np.arange(1, len(result.train_losses) + 1)
            if wide:
                smooth, centre = _smooth(steps)
                ax.plot(
                    centre / per_epoch, smooth, color="#9aa5b1", lw=0.9, label="steps, smoothed"
                )
            shape = {"lw": 6.0, "alpha": 0.35} if wide and len(results) > 1 else {"lw": 2.0}
            ax.plot(epochs - 0.5, result.train_losses, "-o", ms=4, color=colour,
                    label=f"training, {result.engine}", **shape)  # fmt: skip
            ax.plot(epochs, result.validation_losses, "--s", ms=4, color=colour,
                    label=f"validation, {result.engine}", **shape)  # fmt: skip
        ax.set(xlabel="Epoch", ylabel="Cross-entropy", title="Loss")
        ax.set_xlim(0, None)
        ax.legend(fontsize=9)


def _smooth(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Running mean over about 1/60 of the values, and the middles of its windows."""
    width = max(len(values) // 60, 1)
    sums = np.concatenate([[0.0], np.cumsum(values)])
    return (sums[width:] - sums[:-width]) / width, np.arange(len(values) - width + 1) + width / 2


def _confusion(result: Result, folder: Any, saved: list[Any]) -> None:
    counts = result.confusion
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.52 * len(counts)
    with figures(folder, saved, "confusion", (side, side)) as (fig, ax):
        ax.imshow(share, cmap="Blues", vmin=0, vmax=1)
        ax.grid(False)
        places = range(len(counts))
        ax.set_xticks(places, result.classes, rotation=45, ha="right")
        ax.set_yticks(places, result.classes)
        for i in places:
            for j in places:
                colour = "white" if share[i, j] > 0.55 else "#23395d"
                place = {"ha": "center", "va": "center", "fontsize": 9}
                ax.text(j, i, counts[i, j] or "", color=colour, **place)
        ax.set(xlabel="predicted", ylabel="true")
        ax.set_title(f"Test accuracy {result.test_accuracy:.1%} ({result.engine})")


def _filters(result: Result, folder: Any, saved: list[Any]) -> None:
    """Each 5x5x3 kernel as a small colour picture: grey is zero, on one scale for all."""
    kernels = result.final_state["conv1.weight"]
    scale = np.abs(kernels).max()
    with figures(folder, saved, "filters", (9.0, 1.95), ncols=len(kernels)) as (fig, axes):
        for i, (ax, kernel) in enumerate(zip(np.atleast_1d(axes), kernels, strict=True)):
            ax.imshow(0.5 + kernel.transpose(1, 2, 0) / (2 * scale), interpolation="nearest")
            ax.set_title(f"filter {i + 1}", fontsize=10, weight="normal")
            _bare(ax)


def unnormalized(images: np.ndarray) -> np.ndarray:
    """Normalized images (B, 3, H, W) back to [0, 1] and (B, H, W, 3)."""
    mean, std = (np.array(v, np.float32).reshape(3, 1, 1) for v in (MEAN, STD))
    return np.clip(images * std + mean, 0, 1).transpose(0, 2, 3, 1)
