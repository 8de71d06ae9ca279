"""L-BFGS: quasi-Newton steps from the last few gradients, optionally with a strong-Wolfe search.

All parameters are handled as one long vector x.  With s = xₖ₊₁ - xₖ and y = gₖ₊₁ - gₖ of the last
`history_size` steps, the two-loop recursion applies the inverse Hessian approximation to the
gradient without forming it.  (source: Nocedal & Wright, algorithms 7.4, 3.5 and 3.6; minFunc)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..autograd.modes import enable_grad, no_grad
from ..ops.joining import cat
from ..tensor import Tensor
from . import checks
from .elementwise import squeezed
from .optimizer import Optimizer, ParamsT
from .plain import number


class LBFGS(Optimizer):
    """Limited-memory BFGS.  `step` needs a closure; there can be only one parameter group."""

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        checks.check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    # ---- the parameters as one vector ----------------------------------------------------------

    def _flat_grad(self) -> Tensor:
        parts = []
        for p in self._params:
            g = p.detach() * 0 if p.grad is None else p.grad
            parts.append((g.view_as_real() if g.is_complex() else g).reshape(-1))
        return cat(parts, 0)

    def _move(self, step: float, direction: Any) -> None:
        offset = 0
        for p in self._params:
            q = p.view_as_real() if p.is_complex() else p
            piece = direction[offset : offset + q.numel()]
            q.add_(piece.reshape(q.shape), alpha=step)
            offset += q.numel()

    def _restore(self, values: list[Tensor]) -> None:
        for p, value in zip(self._params, values):
            p.copy_(value)

    # ---- one step: up to max_iter iterations ---------------------------------------------------

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:  # type: ignore[override]
        """Run up to max_iter iterations; returns the loss before the first of them."""
        closure = enable_grad()(closure)
        group = self.param_groups[0]
        state = self.state[self._params[0]]  # global state, kept with the first parameter
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)

        first_loss = closure()
        state["func_evals"] += 1
        loss, grad = float(first_loss), self._flat_grad()
        if _largest(grad) <= group["tolerance_grad"]:
            return first_loss
        budget = group["max_eval"] - 1
        for left in reversed(range(group["max_iter"])):
            state["n_iter"] += 1
            direction = self._direction(state, grad, group["history_size"])
            state["prev_flat_grad"], state["prev_loss"] = grad.clone(), loss
            t = number(squeezed(group["lr"]))
            if state["n_iter"] == 1:
                t *= min(1.0, 1.0 / number(grad.abs().sum()))
            state["t"] = t
            slope = number(grad.dot(direction))
            if slope > -group["tolerance_change"]:
                break
            if group["line_search_fn"] is not None:
                loss, grad, t, evals = self._search(
                    closure, t, direction, loss, grad, slope, budget
                )
                state["t"] = t
                self._move(t, direction)
            else:
                self._move(t, direction)
                evals = 0
                if left:  # after the last iteration nobody asks
                    loss, grad, evals = float(closure()), self._flat_grad(), 1
            budget -= evals
            state["func_evals"] += evals
            if (
                budget <= 0
                or _largest(grad) <= group["tolerance_grad"]
                or _largest(direction * t) <= group["tolerance_change"]
                or abs(loss - state["prev_loss"]) < group["tolerance_change"]
            ):
                break
        return first_loss

    def _direction(self, state: dict[str, Any], grad: Tensor, history_size: int) -> Tensor:
        """The two-loop recursion: -H·grad."""
        if state["n_iter"] == 1:
            state.update(d=grad.neg(), t=None, old_dirs=[], old_stps=[], ro=[], H_diag=1)
            return state["d"]
        y, s = grad - state["prev_flat_grad"], state["d"] * state["t"]
        old_y, old_s, ro = state["old_dirs"], state["old_stps"], state["ro"]
        ys = y.dot(s)
        if ys > 1e-10:  # keeps the approximation positive definite
            if len(old_y) == history_size:
                for kept in (old_y, old_s, ro):
                    kept.pop(0)
            old_y.append(y)
            old_s.append(s)
            ro.append(1.0 / ys)
            state["H_diag"] = ys / y.dot(y)
        state.setdefault("al", [None] * history_size)
        al, q = state["al"], grad.neg()
        for i in reversed(range(len(old_y))):
            al[i] = old_s[i].dot(q) * ro[i]
            q.add_(old_y[i], alpha=number(-al[i]))
        d = state["d"] = q * state["H_diag"]
        for i in range(len(old_y)):
            be = old_y[i].dot(d) * ro[i]
            d.add_(old_s[i], alpha=number(al[i] - be))
        return d

    def _search(
        self, closure: Callable[[], Any], t: float, direction: Tensor, loss: float, grad: Tensor,
        slope: float, budget: int,
    ) -> tuple[float, Tensor, float, int]:  # fmt: skip
        if self.param_groups[0]["line_search_fn"] != "strong_wolfe":
            raise RuntimeError("only 'strong_wolfe' is supported")
        start = [p.clone() for p in self._params]

        def evaluate(t: float) -> _Point:
            self._move(t, direction)
            f, g = float(closure()), self._flat_grad()
            self._restore(start)
            return _Point(t, f, g, number(g.dot(direction)))

        origin = _Point(0.0, loss, grad, slope)
        tolerance = self.param_groups[0]["tolerance_change"]
        best, evals = _strong_wolfe(evaluate, t, origin, _largest(direction), budget, tolerance)
        return best.f, best.g, best.t, evals


def _largest(x: Tensor) -> float:
    return number(x.abs().max())


# ---- line search -------------------------------------------------------------------------------


class _Point:
    """A place on the line: distance t, loss f, gradient g, and the slope g·d there."""

    __slots__ = ("t", "f", "g", "slope")

    def __init__(self, t: float, f: float, g: Tensor, slope: float) -> None:
        self.t, self.f, self.g, self.slope = t, f, g, slope


def _cubic_minimum(a: _Point, b: _Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through both points, with their slopes, is lowest, kept within bounds."""
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if square < 0 or math.isnan(square):
        return (low + high) / 2.0
    d2 = math.sqrt(square)
    if a.t > b.t:
        a, b = b, a
    t = b.t - (b.t - a.t) * _ratio(b.slope + d2 - d1, b.slope - a.slope + 2 * d2)
    return min(max(t, low), high)


def _ratio(x: float, y: float) -> float:
    """x/y with IEEE's answer when y is zero."""
    if y != 0:
        return x / y
    return math.nan if x == 0 else math.copysign(math.inf, x)


def _strong_wolfe(
    evaluate: Callable[[float], _Point], t: float, origin: _Point, d_norm: float, max_ls: int,
    tolerance: float, c1: float = 1e-4, c2: float = 0.9,
) -> tuple[_Point, int]:  # fmt: skip
    """A point low enough (c1) and flat enough (c2), and how many evaluations it took."""

    def flat(point: _Point) -> bool:
        return abs(point.slope) <= -c2 * origin.slope

    def too_high(point: _Point) -> bool:
        return point.f > origin.f + c1 * point.t * origin.slope

    # Bracket: walk outwards until the minimum must lie between the last two points.
    prev, new = origin, evaluate(t)
    iters, bracket = 0, None
    while iters < max_ls:
        if too_high(new) or (iters > 1 and new.f >= prev.f):
            bracket = [prev, new]
        elif flat(new):
            return new, iters + 1
        elif new.slope >= 0:
            bracket = [prev, new]
        if bracket:
            break
        bounds = (new.t + 0.01 * (new.t - prev.t), new.t * 10)
        prev, new = new, evaluate(_cubic_minimum(prev, new, bounds))
        iters += 1
    bracket = bracket or [origin, new]
    return _zoom(evaluate, bracket, (too_high, flat), d_norm, (iters, max_ls), tolerance)


def _zoom(
    evaluate: Callable[[float], _Point], bracket: list[_Point], tests: Any, d_norm: float,
    count: tuple[int, int], tolerance: float,
) -> tuple[_Point, int]:  # fmt: skip
    """Shrink a bracket around the minimum.  Its lower end is the best point so far."""
    too_high, flat = tests
    iters, max_ls = count
    evals = iters + 1
    low, high = sorted(bracket, key=lambda point: point.f)
    stuck = False
    while iters < max_ls and abs(high.t - low.t) * d_norm >= tolerance:
        t = _cubic_minimum(bracket[0], bracket[1])
        left, right = min(low.t, high.t), max(low.t, high.t)
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (stuck or t >= right or t <= left):
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        stuck = near
        new = evaluate(t)
        evals, iters = evals + 1, iters + 1
        slot = bracket.index(low)
        if too_high(new) or new.f >= low.f:
            bracket[1 - slot] = new
            low, high = sorted(bracket, key=lambda point: point.f)
            continue
        if flat(new):
            return new, evals
        if new.slope * (high.t - low.t) >= 0:
            bracket[1 - slot] = low
        bracket[slot] = new
        low, high = new, bracket[1 - slot]
    return low, evals
