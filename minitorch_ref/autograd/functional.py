"""Whole derivatives of functions: jacobian, hessian, and their products with vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from .engine import grad


def _as_tuple(x: Any, what: str, name: str) -> tuple[bool, tuple[Tensor, ...]]:
    many = isinstance(x, tuple)
    items = x if many else (x,)
    for i, item in enumerate(items):
        if not isinstance(item, Tensor):
            where = f"value at index {i} in the given tuple" if many else "given input"
            raise TypeError(
                f"The {what} given to {name} must be either a Tensor or a tuple of Tensors but the "
                f"{where} has type {type(item)}."
            )
    return many, items


def _fresh(inputs: tuple[Tensor, ...], create_graph: bool) -> tuple[Tensor, ...]:
    """Inputs of their own to differentiate by, tied to the caller's graph only on request."""
    if create_graph:
        return tuple([x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in inputs])
    return tuple([x.detach().requires_grad_() for x in inputs])


def _run(func: Callable[..., Any], inputs: Any, create_graph: bool, name: str) -> Any:
    many_in, given = _as_tuple(inputs, "inputs", name)
    xs = _fresh(given, create_graph)
    many_out, ys = _as_tuple(func(*xs), "outputs of the user-provided function", name)
    return many_in, xs, many_out, ys


def _unit(like: Tensor, place: int) -> Tensor:
    seed = np.zeros(like._array.size, like._array.dtype)
    seed[place] = 1
    return wrap(seed.reshape(like._array.shape))


def _zeros(x: Tensor) -> Tensor:
    return wrap(np.zeros_like(x._array))


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """d func / d inputs: for each output and input a tensor of shape (*output, *input)."""
    many_in, xs, many_out, ys = _run(func, inputs, create_graph, "jacobian")
    table = [_rows(y, xs, create_graph, strict) for y in ys]
    rows = tuple([row if many_in else row[0] for row in table])
    return rows if many_out else rows[0]


def _rows(y: Tensor, xs: tuple[Tensor, ...], create_graph: bool, strict: bool) -> tuple[Tensor, ...]:
    if strict and not y.requires_grad:
        raise RuntimeError(
            "Output 0 of the user-provided function does not require gradients. The outputs must be "
            "computed in a differentiable manner from the input when running in strict mode."
        )
    blocks = [wrap(np.zeros((y.numel(), *x.shape), x._array.dtype)) for x in xs]
    if y.requires_grad:
        for i in range(y.numel()):
            found = grad([y], list(xs), [_unit(y, i)], True, create_graph, allow_unused=True)
            for x, block, g in zip(xs, blocks, found):
                if g is None and strict:
                    raise RuntimeError(
                        "Output 0 of the user-provided function is independent of input "
                        f"{xs.index(x)}. This is not allowed in strict mode."
                    )
                if g is not None:
                    block.select(0, i).copy_(g)
    return tuple([b.reshape(*y.shape, *x.shape) for b, x in zip(blocks, xs)])


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The second derivatives of a scalar function: shape (*input_i, *input_j) for each pair."""
    many_in, given = _as_tuple(inputs, "inputs", "hessian")

    def first(*xs: Tensor) -> Any:
        out = func(*xs)
        if not isinstance(out, Tensor) or out.numel() != 1:
            raise RuntimeError(
                "The Tensor returned by the function given to hessian should contain a single element"
            )
        found = grad([out.reshape(())], list(xs), create_graph=True, allow_unused=True)
        return tuple([_zeros(x) if g is None else g for g, x in zip(found, xs)])

    table = jacobian(first, given, create_graph=create_graph, strict=strict)
    return table if many_in else table[0][0]


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(inputs), vᵀ · Jacobian); `v` has the outputs' shapes, and is 1 for a scalar."""
    many_in, xs, many_out, ys = _run(func, inputs, create_graph, "vjp")
    seeds = [None] if v is None else list(_as_tuple(v, "v", "vjp")[1])
    if v is None and (len(ys) != 1 or ys[0].numel() != 1):
        raise RuntimeError(
            "The vector v can only be None if the user-provided function returns a single Tensor "
            "with a single element."
        )
    found = grad(list(ys), list(xs), seeds, create_graph=create_graph, allow_unused=not strict)
    products = tuple([_zeros(x) if g is None else g for g, x in zip(found, xs)])
    outs = ys if create_graph else tuple([y.detach() for y in ys])
    return (outs if many_out else outs[0]), (products if many_in else products[0])


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(inputs), Jacobian · v), by differentiating vᵀ·Jacobian by its v (the double-back trick)."""
    many_in, xs, many_out, ys = _run(func, inputs, create_graph, "jvp")
    if v is None and (len(xs) != 1 or xs[0].numel() != 1):
        raise RuntimeError(
            "The vector v can only be None if the input to the user-provided function is a single "
            "Tensor with a single element."
        )
    vs = [_unit(xs[0], 0)] if v is None else list(_as_tuple(v, "v", "jvp")[1])
    duals = [_zeros(y).requires_grad_() for y in ys]
    pulled = grad(list(ys), list(xs), duals, create_graph=True, allow_unused=not strict)
    kept = [(g, t) for g, t in zip(pulled, vs) if g is not None and g.requires_grad]
    if kept:
        gs, ts = zip(*kept)
        pushed = grad(list(gs), duals, list(ts), create_graph=create_graph, allow_unused=True)
    else:
        pushed = (None,) * len(duals)
    products = tuple([_zeros(y) if p is None else p for p, y in zip(pushed, ys)])
    outs = ys if create_graph else tuple([y.detach() for y in ys])
    return (outs if many_out else outs[0]), (products if many_out else products[0])


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> tuple[Any, Any]:  # fmt: skip
    """(func(inputs), vᵀ · Hessian) of a scalar function; one backward of a backward."""
    many_in, xs, _, ys = _run(func, inputs, create_graph, "vhp")
    vs = [_unit(xs[0], 0)] if v is None else list(_as_tuple(v, "v", "vhp")[1])
    first = grad(list(ys), list(xs), create_graph=True, allow_unused=True)
    kept = [(g, t) for g, t in zip(first, vs) if g is not None and g.requires_grad]
    found: Any = (None,) * len(xs)
    if kept:
        gs, ts = zip(*kept)
        found = grad(list(gs), list(xs), list(ts), create_graph=create_graph, allow_unused=True)
    products = tuple([_zeros(x) if g is None else g for g, x in zip(found, xs)])
    out = ys[0] if create_graph else ys[0].detach()
    return out, (products if many_in else products[0])


hvp = vhp  # the Hessian is symmetric
