"""Jobs of one operation: products, convolutions, pooling, pointwise functions, indexing, draws.

Each function here returns a `build` for a `Job`.  The ones that train take the gradient of every
operand from a given output gradient, so that forward and backward are timed together.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .job import Build, Formula, Job, Run, Work, draw, integers

FLOAT = 4  # bytes


# ---- products ------------------------------------------------------------------------------------


def matmul(left: tuple[int, ...], right: tuple[int, ...]) -> Build:
    """Product of two tensors, no graph."""
    return Formula(lambda t, a, b: t.matmul(a, b), (left, right))


def matmul_work(*left: int, right: tuple[int, ...]) -> Work:
    """Every element of both operands read once, of the result written once."""
    result = math.prod(left[:-1]) * right[-1]
    return Work(result * left[-1], FLOAT * (math.prod(left) + math.prod(right) + result))


def linear_training(batch: int, inputs: int, outputs: int) -> Build:
    """A linear layer and its three gradients."""
    shapes = ((batch, inputs), (outputs, inputs), (outputs,))
    return Formula(lambda t, x, w, b: t.nn.functional.linear(x, w, b), shapes, grad=True)


# ---- convolutions --------------------------------------------------------------------------------


def convolution(
    name: str, what: str, images: tuple[int, ...], weights: tuple[int, ...], **options: int
) -> list[Job]:
    """A convolution with bias twice: forward alone, and with its three gradients."""

    def call(torch: Any, x: Any, w: Any, b: Any) -> Any:
        return torch.nn.functional.conv2d(x, w, b, **options)

    shapes = images, weights, weights[:1]
    once = _convolution_work(images, weights, **options)
    thrice = Work(3 * once.multiply_adds, 3 * once.bytes)
    return [
        Job(f"{name}-forward", f"{what}, forward", Formula(call, shapes), once),
        Job(f"{name}-training", f"{what}, forward+backward", Formula(call, shapes, True), thrice),
    ]


def _convolution_work(
    images: tuple[int, ...], weights: tuple[int, ...], stride: int = 1, padding: int = 0,
    groups: int = 1,
) -> Work:  # fmt: skip
    n, _, height, width = images
    o, cg, kh, kw = weights
    places = ((height + 2 * padding - kh) // stride + 1) * ((width + 2 * padding - kw) // stride + 1)
    y = n * o * places
    return Work(y * cg * kh * kw, FLOAT * (math.prod(images) + math.prod(weights) + y))


# ---- functions of one tensor ---------------------------------------------------------------------


def function(
    name: str, what: str, call: Callable[[Any, Any], Any], *shape: int, out: float = 1.0
) -> list[Job]:
    """`call(torch, x)` twice: forward alone, and with the gradient of x.

    `out` is the result's size over that of x: forward reads x and writes y; backward reads the
    output's gradient and what was saved (as much as x), and writes the gradient of x.
    """

    size = FLOAT * math.prod(shape)
    return [
        Job(f"{name}-forward", f"{what}, forward", Formula(call, (shape,)),
            Work(0, size * (1 + out))),
        Job(f"{name}-training", f"{what}, forward+backward", Formula(call, (shape,), True),
            Work(0, size * (3 + 2 * out))),
    ]  # fmt: skip


def batch_norm(torch: Any, x: Any) -> Any:
    """Training-mode normalisation of the channels."""
    return torch.nn.functional.batch_norm(x, None, None, training=True)


def layer_norm(torch: Any, x: Any) -> Any:
    """Normalisation of the last dim."""
    return torch.nn.functional.layer_norm(x, x.shape[-1:])


def affine_norm(norm: str, *shape: int) -> Build:
    """A norm with weight and bias: forward and the three gradients."""

    def call(torch: Any, x: Any, w: Any, b: Any) -> Any:
        if norm == "batch_norm":
            return torch.nn.functional.batch_norm(x, None, None, w, b, training=True)
        return torch.nn.functional.layer_norm(x, w.shape, w, b)

    size = shape[1] if norm == "batch_norm" else shape[-1]
    return Formula(call, (shape, (size,), (size,)), grad=True)


def cross_entropy(rows: int, classes: int) -> Build:
    """Softmax cross-entropy and its gradient."""

    def build(torch: Any) -> Run:
        x, labels = draw(torch, rows, classes, grad=True), integers(torch, classes, rows)
        loss = torch.nn.functional.cross_entropy
        return lambda: torch.autograd.grad(loss(x, labels), x)

    return build


def fused_sum(torch: Any, x: Any) -> Any:
    """tanh(2x + 1).sum(): a pass of memory for each of four operations, unless they are fused."""
    return torch.tanh(2 * x + 1).sum()


def pointwise_chain(torch: Any, x: Any) -> Any:
    """Seven operations, each a pass over memory; none costs more than a few cycles an element."""
    y = torch.clamp(x * 1.5 + 0.25, -2, 2)
    return torch.sqrt(y * y + 1) - torch.abs(x)


def sort(torch: Any, x: Any) -> Any:
    """Sorted values and their places."""
    return tuple(torch.sort(x, stable=True))  # of equals the first: one answer


def reductions(name: str, rows: int, columns: int, call: Callable[[Any, Any, int], Any]) -> list[Job]:
    """`call(torch, x, dim)` over the last dim (sums along memory) and over the first (across it)."""
    work = Work(0, FLOAT * rows * columns)
    what = f"{name} of {rows} x {columns} over the"
    return [
        Job(f"{name}-{side}", f"{what} {side} dim",
            Formula(lambda t, x, dim=dim: call(t, x, dim), ((rows, columns),)), work)
        for side, dim in (("last", -1), ("first", 0))
    ]  # fmt: skip


# ---- indexing and draws --------------------------------------------------------------------------


def embedding(rows: int, entries: int, width: int) -> Build:
    """Rows looked up in a table, and the table's gradient."""

    def build(torch: Any) -> Run:
        table, index = draw(torch, entries, width, grad=True), integers(torch, entries, rows)
        g = draw(torch, rows, width, seed=3)
        return lambda: torch.autograd.grad(torch.nn.functional.embedding(index, table), table, g)

    return build


def index_rows(rows: int, entries: int, width: int) -> Build:
    """The same through `table[index]`."""

    def build(torch: Any) -> Run:
        table, index = draw(torch, entries, width, grad=True), integers(torch, entries, rows)
        g = draw(torch, rows, width, seed=3)
        return lambda: torch.autograd.grad(table[index], table, g)

    return build


def gather(rows: int, columns: int) -> Build:
    """Of each row as many entries as it has, at random places."""

    def build(torch: Any) -> Run:
        x, index = draw(torch, rows, columns), integers(torch, columns, rows, columns)
        return lambda: torch.gather(x, 1, index)

    return build


def scatter_add(rows: int, columns: int) -> Build:
    """Each entry of a row added at a random place of the same row."""

    def build(torch: Any) -> Run:
        x, index = draw(torch, rows, columns), integers(torch, columns, rows, columns)
        zeros = torch.zeros(rows, columns)
        return lambda: torch.scatter_add(zeros, 1, index, x)

    return build


def random_numbers(draw_them: Callable[[Any], Any]) -> Build:
    """`draw_them(torch)` from the default generator, seeded once."""

    def build(torch: Any) -> Run:
        torch.manual_seed(0)
        return lambda: draw_them(torch)

    return build


# ---- the price of an operation that does nothing -------------------------------------------------


def tiny_add(torch: Any) -> Run:
    """Four sums, no graph."""
    x, y = draw(torch, 4), draw(torch, 4, seed=1)
    return lambda: x + y


def tiny_forward(torch: Any) -> Run:
    """Compute four products and record a node."""
    x, y = draw(torch, 4, grad=True), draw(torch, 4, seed=1, grad=True)
    return lambda: x * y


def tiny_backward(torch: Any) -> Run:
    """A backward pass through that one node, two gradients accumulated."""
    x, y = draw(torch, 4, grad=True), draw(torch, 4, seed=1, grad=True)
    out, g = x * y, draw(torch, 4, seed=2)

    def run() -> tuple[Any, Any]:
        x.grad = y.grad = None
        out.backward(g, retain_graph=True)
        return x.grad, y.grad

    return run


def chain(length: int) -> Build:
    """`length` multiplications, one after the other, and the backward pass through them."""

    def build(torch: Any) -> Run:
        x, factor = draw(torch, 4, grad=True), torch.full((4,), 1.0000001)
        g = draw(torch, 4, seed=2)

        def run() -> Any:
            y = x
            for _ in range(length):
                y = y * factor
            return torch.autograd.grad(y, x, g)

        return run

    return build
