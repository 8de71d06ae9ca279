"""The jobs: what is timed, each written once (operators.py, training.py) and listed here."""

from __future__ import annotations

from collections.abc import Iterable

from . import operators as op
from . import training as train
from .job import Formula, Job, Work, draw

__all__ = ["JOBS", "Job", "UnknownJobError", "draw", "find", "select"]

MILLION = 1_000_000


class UnknownJobError(ValueError):
    """No job has this name."""


def _products() -> list[Job]:
    square, left, right = (1024, 1024), (64, 64, 128), (64, 128, 64)
    linear = op.matmul_work(256, 1024, right=(1024, 512))
    return [
        Job("matmul-1024", "1024 x 1024 by itself", op.matmul(square, square),
            op.matmul_work(*square, right=square)),
        Job("matmul-batched", "64 products of 64x128 by 128x64", op.matmul(left, right),
            op.matmul_work(*left, right=(64, 64))),
        Job("linear-training", "1024 -> 512, batch 256, forward+backward",
            op.linear_training(256, 1024, 512), Work(3 * linear.multiply_adds, 3 * linear.bytes)),
    ]  # fmt: skip


def _convolutions() -> list[Job]:
    conv = op.convolution
    return [
        *conv("conv-lenet1", "5x5, 3->6 on 32x32, batch 16", (16, 3, 32, 32), (6, 3, 5, 5)),
        *conv("conv-lenet2", "5x5, 6->16 on 14x14, batch 16", (16, 6, 14, 14), (16, 6, 5, 5)),
        *conv("conv-3x3", "3x3, 64->64 on 28x28, batch 8", (8, 64, 28, 28), (64, 64, 3, 3),
              padding=1),
        *conv("conv-strided", "3x3 stride 2, 64->64 on 28x28, batch 8", (8, 64, 28, 28),
              (64, 64, 3, 3), padding=1, stride=2),
        *conv("conv-1x1", "1x1, 128->128 on 14x14, batch 16", (16, 128, 14, 14), (128, 128, 1, 1)),
        *conv("conv-depthwise", "3x3, each of 64 channels on 28x28, batch 8", (8, 64, 28, 28),
              (64, 1, 3, 3), padding=1, groups=64),
    ]  # fmt: skip


def _functions() -> list[Job]:
    images = (16, 16, 64, 64)
    size = 4 * 512 * 1000
    norm = Work(0, 5 * 4 * MILLION)
    return [
        *op.function("max-pool", "2x2 on 16x16x64x64",
                     lambda t, x: t.nn.functional.max_pool2d(x, 2), *images, out=0.25),
        *op.function("avg-pool", "2x2 on 16x16x64x64",
                     lambda t, x: t.nn.functional.avg_pool2d(x, 2), *images, out=0.25),
        *op.function("relu", "1M", lambda t, x: t.relu(x), MILLION),
        *op.function("gelu", "1M", lambda t, x: t.nn.functional.gelu(x), MILLION),
        *op.function("elu", "1M", lambda t, x: t.nn.functional.elu(x), MILLION),
        *op.function("batch-norm", "16x16x64x64", op.batch_norm, *images),
        Job("batch-norm-affine", "16x16x64x64, weight and bias, forward+backward",
            op.affine_norm("batch_norm", *images), norm),
        *op.function("layer-norm", "1000 rows of 1000", op.layer_norm, 1000, 1000),
        Job("layer-norm-affine", "1000 rows of 1000, weight and bias, forward+backward",
            op.affine_norm("layer_norm", 1000, 1000), norm),
        Job("cross-entropy", "512 rows of 1000 classes, forward+backward",
            op.cross_entropy(512, 1000), Work(0, 3 * size)),
        Job("tanh-sum", "tanh(2x + 1).sum() over 1M", Formula(op.fused_sum, ((MILLION,),)),
            Work(0, 4 * MILLION)),
        *op.function("pointwise-chain", "seven cheap operations on 1M", op.pointwise_chain, MILLION),
    ]  # fmt: skip


def _along_a_dim() -> list[Job]:
    line = ((MILLION,),)
    return [
        Job("sort", "1M normal numbers", Formula(op.sort, line), Work(0, 16 * MILLION)),
        Job("topk", "the 100 largest of 1M", Formula(lambda t, x: tuple(t.topk(x, 100)), line),
            Work(0, 4 * MILLION)),
        Job("cumsum", "of 1M", Formula(lambda t, x: t.cumsum(x, 0), line), Work(0, 8 * MILLION)),
        *op.reductions("sum", 1000, 1000, lambda t, x, dim: x.sum(dim)),
        *op.reductions("max", 1000, 1000, lambda t, x, dim: tuple(t.max(x, dim))),
        *op.reductions("var", 1000, 1000, lambda t, x, dim: tuple(t.var_mean(x, dim))),
    ]  # fmt: skip


def _tables_and_draws() -> list[Job]:
    rows = Work(0, 4 * 64 * (2 * 20_000 + 2 * 5_000))
    return [
        Job("embedding", "20,000 rows of 5,000 x 64, forward+backward",
            op.embedding(20_000, 5_000, 64), rows),
        Job("index-rows", "the same by table[index]", op.index_rows(20_000, 5_000, 64), rows),
        Job("gather", "1000 of each of 1000 rows", op.gather(1000, 1000), Work(0, 16 * MILLION)),
        Job("scatter-add", "1000 into each of 1000 rows", op.scatter_add(1000, 1000),
            Work(0, 20 * MILLION)),
        Job("randn", "1M", op.random_numbers(lambda t: t.randn(MILLION)), Work(0, 4 * MILLION)),
        Job("rand", "1M", op.random_numbers(lambda t: t.rand(MILLION)), Work(0, 4 * MILLION)),
        Job("randperm", "1M", op.random_numbers(lambda t: t.randperm(MILLION)),
            Work(0, 8 * MILLION)),
    ]  # fmt: skip


def _training() -> list[Job]:
    step, images = train.LENET5_STEP, 4 * 3 * 32 * 32
    return [
        *[Job(f"lenet5-{n}", f"LeNet-5 training step, batch {n}", train.LeNet5(n),
              Work(n * step, n * images)) for n in (16, 64, 256)],
        Job("inference-256", "LeNet-5's scores, batch 256", train.LeNet5(256, train=False),
            Work(256 * sum(train.LENET5), 256 * images)),
        Job("sgd", "momentum, 1M parameters",
            train.optimizer_step("SGD", MILLION, lr=0.001, momentum=0.9), Work(0, 20 * MILLION)),
        Job("adam", "1M parameters", train.optimizer_step("Adam", MILLION, lr=0.001),
            Work(0, 28 * MILLION)),
        Job("pipeline", "256 images: crop, flip, to tensor, normalize", train.pipeline(256, 16)),
        Job("vision-epoch", "256 images in batches of 16: pipeline and step",
            train.vision_epoch(256, 16)),
        Job("sigmoid-epoch", "online epoch of the sigmoid program", train.sigmoid_epoch),
        Job("admissions-epoch", "epoch of the admissions program", train.admissions_epoch),
    ]  # fmt: skip


def _overheads() -> list[Job]:
    return [
        Job("tiny-add", "4-element add", op.tiny_add),
        Job("tiny-forward", "4-element multiply, recorded", op.tiny_forward),
        Job("tiny-backward", "backward of a 4-element multiply", op.tiny_backward),
        Job("chain-20", "20 multiplies and their backward", op.chain(20)),
        Job("import", "import in a new interpreter", train.import_time, cold=True),
    ]


_ALL = [
    *_training(), *_convolutions(), *_products(), *_functions(), *_along_a_dim(),
    *_tables_and_draws(), *_overheads(),
]  # fmt: skip
JOBS: dict[str, Job] = {job.name: job for job in _ALL}


def find(name: str) -> Job:
    """The job of exactly this name, or the point of a scaling series; UnknownJobError for others."""
    from .scaling import POINTS

    if name not in JOBS and name not in POINTS:
        raise UnknownJobError(f"unknown job {name!r}")
    return JOBS.get(name) or POINTS[name]


def select(names: Iterable[str]) -> list[Job]:
    """The jobs called, or whose name's first words are, one of `names`; all of them for no names.

    Raises UnknownJobError, naming what there is.
    """
    names = list(names)
    for name in names:
        if not any(_fits(job, name) for job in JOBS):
            raise UnknownJobError(f"unknown job {name!r}; there are: {', '.join(JOBS)}")
    return [j for j in JOBS.values() if not names or any(_fits(j.name, n) for n in names)]


def _fits(job: str, name: str) -> bool:
    return job == name or job.startswith(name + "-")
