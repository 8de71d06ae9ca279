"""Tensors that lie in memory in every way, made alike on both engines, and what may be done to them.

A `Made` is a shape, a dtype and the views that are taken of it: dims in another order, parts, steps,
dims of size one or none, expanded ones, channels last.  `facts` is all that can be seen of a tensor's
memory: shape, strides, offset, and which memory formats it has.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from hypothesis import strategies as st

FORMATS = ("contiguous_format", "channels_last", "channels_last_3d")
Step = tuple[Any, ...]  # (kind of view, its arguments)


class Made(NamedTuple):
    """A tensor as both engines make it."""

    shape: tuple[int, ...]
    dtype: str
    steps: tuple[Step, ...]

    def on(self, engine: Any) -> Any:
        count = 1
        for n in self.shape:
            count *= n
        values = (engine.arange(count) * 7) % 11
        x = (values.to(engine.float32) / 4 - 1).to(getattr(engine, self.dtype)).reshape(self.shape)
        for step in self.steps:
            x = taken(engine, x, step)
        return x


def taken(engine: Any, x: Any, step: Step) -> Any:
    """The view, or the copy in another format, that a step stands for."""
    kind, *arguments = step
    if kind == "format":
        return x.contiguous(memory_format=getattr(engine, arguments[0]))
    if kind == "step":
        dim, start, every = arguments
        return x[(slice(None),) * dim + (slice(start, None, every),)]
    return getattr(x, kind)(*arguments)


def facts(engine: Any, x: Any) -> tuple[Any, ...]:
    """Everything that torch shows of how a tensor lies in memory."""
    formats = [x.is_contiguous(memory_format=getattr(engine, name)) for name in FORMATS]
    return tuple(x.shape), tuple(x.stride()), x.storage_offset(), *formats


@st.composite
def made(draw: Any, dims: Any = st.integers(0, 5), least: int = 0, dtype: str = "float32") -> Made:
    """A tensor of up to five dims, whose sizes are at least `least` where it begins."""
    ndim = draw(dims)
    sizes = st.integers(least, 4)
    shape = [draw(sizes) for _ in range(ndim)]
    steps: list[Step] = []
    now = list(shape)
    for _ in range(draw(st.integers(0, 3))):
        step, now = draw(_step(now, least))
        steps += [step] if step else []
    if len(now) in (4, 5) and draw(st.booleans()):
        steps.append(("format", FORMATS[len(now) - 3]))
    return Made(tuple(shape), dtype, tuple(steps))


@st.composite
def _step(draw: Any, shape: list[int], least: int) -> tuple[Step | None, list[int]]:
    """A view of a tensor of `shape`, and the shape that it has then."""
    ndim = len(shape)
    kinds = ["unsqueeze", "expand"] if ndim < 5 else []
    kind = draw(st.sampled_from(kinds + ["permute", "narrow", "select", "step"] * (ndim > 0)))
    dim = draw(st.integers(0, max(ndim - 1, 0)))
    rest = shape[dim + 1 :]
    if kind == "permute":
        order = draw(st.permutations(range(ndim)))
        return (kind, order), [shape[d] for d in order]
    if kind == "unsqueeze":
        return (kind, dim), [*shape[:dim], 1, *shape[dim:]]
    if kind == "expand":
        wide = [draw(st.sampled_from([1, 2, 3])) if n == 1 else n for n in shape]
        wide = [draw(st.integers(1, 3)), *wide]
        return (kind, wide), wide
    if kind == "select" and shape[dim] and ndim > 1:
        return (kind, dim, draw(st.integers(0, shape[dim] - 1))), [*shape[:dim], *rest]
    if kind == "narrow" and shape[dim] >= least:
        length = draw(st.integers(min(least, shape[dim]), shape[dim]))
        return (kind, dim, draw(st.integers(0, shape[dim] - length)), length), [
            *shape[:dim], length, *rest
        ]  # fmt: skip
    if kind == "step":
        start = draw(st.integers(0, max(shape[dim] - least, 0)))
        every = draw(st.integers(1, 3))
        return (kind, dim, start, every), [*shape[:dim], len(range(start, shape[dim], every)), *rest]
    return None, shape


# ---- what is done ----------------------------------------------------------------------------------

Call = Callable[[Any, Any], Any]  # (engine, tensor) → tensor or tensors


def _named(*names: str) -> dict[str, Call]:
    return {name: lambda T, x, name=name: getattr(T, name)(x) for name in names}


VIEWS: dict[str, Call] = {
    "squeeze": lambda T, x: x.squeeze(),
    "unsqueeze": lambda T, x: x.unsqueeze(-1),
    "transpose": lambda T, x: x.transpose(0, -1),
    "index": lambda T, x: x[..., None, :1] if x.ndim else x[None],
    "slice": lambda T, x: x[1::2] if x.ndim else x,
    "flatten": lambda T, x: x.flatten(),
    "ravel": lambda T, x: x.ravel(),
    "reshape": lambda T, x: x.reshape(x.shape[::-1]),
    "split": lambda T, x: x.split(2, -1) if x.ndim else x,
    "unbind": lambda T, x: x.unbind(-1) if x.ndim else x,
    "diagonal": lambda T, x: x.diagonal(1, 0, -1) if x.ndim > 1 else x,
    "unfold": lambda T, x: x.unfold(-1, x.shape[-1] // 2, 1) if x.ndim else x,
    "movedim": lambda T, x: x.movedim(0, -1) if x.ndim else x,
    "as_strided": lambda T, x: x.as_strided((0, 2), (3, 1), x.storage_offset() + 1),
    "bytes": lambda T, x: x.contiguous().view(T.int16) if x.ndim else x,
    "detach": lambda T, x: x.detach(),
}

COPIES: dict[str, Call] = {
    "clone": lambda T, x: x.clone(),
    "row-major clone": lambda T, x: x.clone(memory_format=T.contiguous_format),
    "contiguous": lambda T, x: x.contiguous(),
    "zeros_like": lambda T, x: T.zeros_like(x),
    "ones_like of another type": lambda T, x: T.ones_like(x, dtype=T.float64),
    "full_like": lambda T, x: T.full_like(x, 2, memory_format=T.contiguous_format),
    "double": lambda T, x: x.double(),
    "half in a format": lambda T, x: x.half(memory_format=T.contiguous_format),
    "to": lambda T, x: x.to(T.int32, copy=True),
    "to a format": lambda T, x: x.to(memory_format=T.contiguous_format),
    "flip": lambda T, x: x.flip(0) if x.ndim else x,
    "sort": lambda T, x: T.sort(x, dim=-1, stable=True),
    "resize_": lambda T, x: x.clone().resize_(x.shape[::-1]),
    "resize_as_": lambda T, x: x.clone().resize_as_(x.transpose(0, -1)),
    "slice_scatter": lambda T, x: x.slice_scatter(x[:1], 0, 0, 1) if x.ndim and len(x) else x,
    "repeat": lambda T, x: x.repeat((2,) * max(x.ndim, 1)),
    "tril": lambda T, x: x.tril() if x.ndim > 1 else x,
}

ELEMENTWISE: dict[str, Call] = {
    **_named("neg", "exp", "abs", "sigmoid", "floor", "isnan", "relu", "sign"),
    "number": lambda T, x: x + 1.5,
    "number first": lambda T, x: 2 - x,
    "comparison": lambda T, x: x > 0,
    "clamp": lambda T, x: x.clamp(0, 1),
    "gelu": lambda T, x: T.nn.functional.gelu(x),
    "itself turned": lambda T, x: x + x.contiguous().clone(),
    "row-major first": lambda T, x: x.contiguous() * x,
    "one row": lambda T, x: x - x[:1] if x.ndim else x,
    "where": lambda T, x: T.where(x > 0, x, x.contiguous()),
    "masked_fill": lambda T, x: x.masked_fill(x > 0, 1),
    "lerp": lambda T, x: T.lerp(x, x.contiguous(), 0.25),
    "addcmul": lambda T, x: T.addcmul(x, x, x.contiguous()),
    "hardtanh": lambda T, x: T.nn.functional.hardtanh(x),
}


def _functional(name: str, *arguments: Any, **keywords: Any) -> Call:
    return lambda T, x: getattr(T.nn.functional, name)(x, *arguments, **keywords)


IMAGES: dict[str, Call] = {
    "batch_norm": lambda T, x: T.nn.functional.batch_norm(x, T.zeros(x.shape[1]), T.ones(x.shape[1])),
    "group_norm": lambda T, x: T.nn.functional.group_norm(x, 1),
    "layer_norm": lambda T, x: T.nn.functional.layer_norm(x, x.shape[-2:]),
    "dropout": lambda T, x: T.nn.functional.dropout(x, 0.5, False),
    "avg_pool": _functional("avg_pool2d", 1),
    "max_pool": _functional("max_pool2d", 1, return_indices=True),
    "adaptive_avg": _functional("adaptive_avg_pool2d", (2, 3)),
    "adaptive_max": _functional("adaptive_max_pool2d", (2, 1), return_indices=True),
    "global mean": _functional("adaptive_avg_pool2d", 1),
    "nearest": _functional("interpolate", scale_factor=2),
    "bilinear": _functional("interpolate", size=(3, 2), mode="bilinear"),
    "pad": _functional("pad", (1, 1, 0, 2)),
    "crop": _functional("pad", (0, 0, 0, -1)),
    "replicate": _functional("pad", (1, 1, 1, 1), mode="replicate"),
    "cat": lambda T, x: T.cat([x, x], 1),
    "pixel_shuffle": lambda T, x: T.nn.functional.pixel_shuffle(T.cat([x] * 4, 1), 2),
    "conv": lambda T, x: T.nn.functional.conv2d(x, T.ones(2, x.shape[1], 1, 1)),
    "transposed": lambda T, x: T.nn.functional.conv_transpose2d(x, T.ones(x.shape[1], 2, 2, 2)),
}
