"""One call run on torch and on our engine, and how far apart the two may be.

A call is a function `f(lib, F, *tensors)`.  It is run by our engine, by torch, and by torch in float64,
the oracle.  Our largest error may be at most twice torch's own, plus 2 ULP of the largest value (4
for a gradient, 16 for a second one), plus four times what the oracle moves by when its inputs move by
one ULP: room for another order of summation, none for a wrong formula.  A float64 call has no finer
oracle here, so torch's error is taken, in ULP, from the same call in float32.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

import minitorch_ref as mt

OURS, TORCH = (mt, mt.nn.functional), (torch, torch.nn.functional)


def tensors(lib: Any, arrays: tuple[Any, ...], wide: bool = False) -> list[Any]:
    """The arrays as tensors; those of a floating dtype require grad.  `wide`: as float64."""
    made = []
    for a in arrays:
        if not isinstance(a, np.ndarray):
            made.append(a)
            continue
        a = a.astype(np.float64) if wide and a.dtype.kind == "f" else a.copy()
        t = lib.from_numpy(a)
        made.append(t.requires_grad_() if a.dtype.kind == "f" else t)
    return made


def _narrow(a: Any) -> Any:
    return a.astype(np.float32) if isinstance(a, np.ndarray) and a.dtype == np.float64 else a


def _nudged(a: Any) -> Any:
    """Each number one float32 ULP up or down; zeros stay."""
    if not isinstance(a, np.ndarray) or a.dtype.kind != "f":
        return a
    signs = np.random.default_rng(9).choice([-1.0, 1.0], a.shape)
    return np.asarray(a.astype(np.float64) * (1 + signs * 2.0**-23))


def _leaves(result: Any) -> list[Any]:
    return [t for r in result for t in _leaves(r)] if isinstance(result, tuple) else [result]


def _numbers(t: Any) -> np.ndarray:
    return np.array(t.detach().numpy(force=True))


def run(side: Any, f: Callable[..., Any], arrays: tuple[Any, ...], order: int, wide: bool) -> Any:
    """[outputs], then the gradients of a fixed random combination of them, up to `order` times."""
    lib, functional = side
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = tensors(lib, arrays, wide)
        outputs = _leaves(f(lib, functional, *given))
    inputs = [t for t in given if isinstance(t, lib.Tensor) and t.requires_grad]
    levels, values = [[_numbers(t) for t in outputs]], outputs
    for level in range(order):
        total = _combination(lib, values, level)
        if total is None or not total.requires_grad:  # constant: its gradient is zero
            levels.append([np.zeros_like(_numbers(t)) for t in inputs])
            continue
        grads = lib.autograd.grad(
            total, inputs, create_graph=level + 1 < order, allow_unused=True
        )
        values = [lib.zeros_like(t) if g is None else g for g, t in zip(grads, inputs)]
        levels.append([_numbers(g) for g in values])
    return levels, outputs


def _combination(lib: Any, values: list[Any], seed: int) -> Any:
    rng, total = np.random.default_rng(seed), None
    for t in values:
        if t.is_floating_point() and t.requires_grad:
            weight = lib.from_numpy(np.asarray(rng.uniform(0.5, 2, tuple(t.shape)))).to(t.dtype)
            part = (t * weight).sum()
            total = part if total is None else total + part
    return total


def ulps(theirs: np.ndarray, oracle: np.ndarray) -> float:
    """torch's largest error, in ULP of the largest value."""
    finite = np.isfinite(theirs) & np.isfinite(oracle)
    if not finite.any() or theirs.dtype.kind != "f":
        return 0.0
    error = np.abs(theirs[finite].astype(np.float64) - oracle[finite]).max()
    return float(error / _ulp(oracle[finite], theirs.dtype))


def _ulp(values: np.ndarray, dtype: Any, floor: float = 0.0) -> float:
    return float(np.spacing(np.asarray(max(np.abs(values).max(), floor), dtype)))


def sensitivity(moved: np.ndarray, oracle: np.ndarray) -> float:
    """How far the oracle moved, in float32 ULP of the largest value; 0 if it jumped."""
    finite = np.isfinite(moved) & np.isfinite(oracle)
    if not finite.any() or oracle.dtype.kind != "f":
        return 0.0
    step = float(np.abs(moved[finite] - oracle[finite]).max() / _ulp(oracle[finite], np.float32))
    return step if step < 1000 else 0.0


def _largest(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(np.abs(finite).max()) if finite.size and values.dtype.kind == "f" else 0.0


def agree(
    ours: np.ndarray, theirs: np.ndarray, oracle: np.ndarray, what: str, room: float = 0.0, slack: float = 2,
    floor: float = 0.0,
) -> None:
    """Assert that `ours` has torch's dtype and shape, and lies as near to the oracle."""
    assert ours.dtype == theirs.dtype, f"{what}: dtype {ours.dtype}, torch {theirs.dtype}"
    assert ours.shape == theirs.shape, f"{what}: shape {ours.shape}, torch {theirs.shape}"
    if ours.dtype.kind != "f":
        assert np.array_equal(ours, theirs), f"{what}: {ours} is not {theirs}"
        return
    finite = np.isfinite(theirs)
    same = (ours == theirs) | (np.isnan(ours) & np.isnan(theirs))
    assert same[~finite].all(), f"{what}: {ours[~finite]} where torch has {theirs[~finite]}"
    if not finite.any():
        return
    exact = oracle[finite]
    error = np.abs(ours[finite].astype(np.float64) - exact).max() / _ulp(exact, ours.dtype, floor)
    room = max(room, ulps(theirs, oracle))
    assert error <= 2 * room + slack, f"{what}: error {error:.3g} ULP, torch's {room:.3g}"


def check(f: Callable[..., Any], *arrays: Any, order: int = 2, names: bool = True) -> None:
    """Compare values, gradients (order ≥ 1) and second gradients (order 2), and node names."""
    ours, mine = run(OURS, f, arrays, order, wide=False)
    theirs, his = run(TORCH, f, arrays, order, wide=False)
    oracle, _ = run(TORCH, f, arrays, order, wide=True)
    double = any(isinstance(a, np.ndarray) and a.dtype == np.float64 for a in arrays)
    narrow = run(TORCH, f, tuple(map(_narrow, arrays)), order, wide=False)[0] if double else theirs
    try:
        moved, _ = run(TORCH, f, tuple(map(_nudged, arrays)), order, wide=True)
    except (RuntimeError, ValueError):  # an input at the end of its domain must not move
        moved = oracle
    for level, sides in enumerate(zip(ours, theirs, oracle, narrow, moved)):
        for i, (x, y, z, n, m) in enumerate(zip(*sides)):
            what, slack = (("value", 2), ("gradient", 4), ("second gradient", 16))[level]
            # a second gradient may be zero in truth: its terms are as large as the first gradient
            floor = max((_largest(a) for a in oracle[1]), default=0.0) if level == 2 else 0.0
            agree(x, y, z, f"{what} {i}", ulps(n, z), slack + 4 * sensitivity(m, z), floor)
    for x, y in zip(mine, his):
        assert x.requires_grad == y.requires_grad
        if names and y.grad_fn is not None:
            assert x.grad_fn.name() == y.grad_fn.name()


def same_error(f: Callable[..., Any], phrase: str | None = None) -> None:
    """Both sides raise the same exception type; ours says `phrase`, by default all torch says."""
    caught = []
    for lib, functional in (TORCH, OURS):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                f(lib, functional)
        except Exception as error:  # noqa: BLE001 - any type is what is compared
            caught.append(error)
        else:
            caught.append(None)
    theirs, ours = caught
    assert theirs is not None, "torch does not raise"
    assert ours is not None, f"torch raises {type(theirs).__name__}: {theirs}"
    assert type(ours) is type(theirs), f"{ours!r} instead of {theirs!r}"
    expected = str(theirs) if phrase is None else phrase
    assert expected.split("\n")[0] in str(ours), f"{str(ours)!r} does not say {expected!r}"
