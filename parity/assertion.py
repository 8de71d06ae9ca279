"""`assert_parity(a, b, op=…)`: one comparison with derived bounds, for tests of your own."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from .bounds import UNIT, condition, gamma
from .outcome import Check, Verdict
from .ulp import spacing
from .values import LIMIT, Bound, compare_arrays


class ParityError(AssertionError):
    """Two results differ by more than rounding explains; `.check` has the figures."""

    def __init__(self, message: str, check: Check) -> None:
        super().__init__(message)
        self.check = check


HEARD: list[Callable[[str, Check], None]] = []  # told of every comparison: (name, what it says)
COARSER = 2.0**16  # ULPs of float32 in one of bfloat16, which NumPy does not have


def as_array(value: Any) -> np.ndarray:
    """The values of a tensor of any engine, an array, or a number; bfloat16 as float32."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):
        value = value.detach()
        value = value.cpu() if hasattr(value, "cpu") else value
        value = value.resolve_conj().resolve_neg() if hasattr(value, "resolve_conj") else value
        return np.asarray((value.float() if _is_bfloat16(value) else value).numpy())
    return np.asarray(value)


def _is_bfloat16(value: Any) -> bool:
    return str(getattr(value, "dtype", "")) == "torch.bfloat16"


def _several(value: Any) -> bool:
    """Whether this is what an op with several outputs returns."""
    return isinstance(value, (tuple, list)) and any(hasattr(v, "dtype") for v in value)


def assert_parity(
    a: Any,
    b: Any,
    oracle: Any = None,
    *,
    op: str | Callable | None = None,
    args: tuple = (),
    kwargs: dict[str, Any] | None = None,
    terms: int | None = None,
    magnitude: Any = None,
    exact: bool = False,
    name: str = "result",
) -> Check:
    """Raise ParityError unless `a` is as good a result as `b`; return the figures otherwise.

    a, b: tensors, arrays or numbers, or tuples of them, which are compared one by one (the figures
        of the worst are returned); `b` is the reference.
    op, args, kwargs: what both computed, a function of torch's (or its name: "matmul",
        "nn.functional.conv2d") or any function of tensors, and its arguments.  Oracle and bound
        follow from it, and the error says whether the mismatch is a discrete choice, or which cause
        reproduces it.
    oracle: the same result in higher precision; without one, only the distance of a and b counts.
    terms, magnitude: for sums, the number of terms of each element and Σ|term| (an array that
        broadcasts to the result, |A|@|B| for a matrix product): the bound is γ_terms·magnitude.
    exact: demand the same bits.
    """
    __tracebackhide__ = True  # pytest shows the line of the test
    call = None if op is None else _Call(op, args, kwargs or {})
    if not (_several(a) or _several(b)):
        return _one(a, b, call.result if call else oracle, call, terms, magnitude, exact, name)
    if not (_several(a) and _several(b)) or len(a) != len(b):
        kinds = [f"{len(v)} results" if _several(v) else "one tensor" for v in (a, b)]
        check = Check(Verdict.MISMATCH, name, detail=f"ours is {kinds[0]}, torch's {kinds[1]}")
        raise _failed(name, check)
    truths = call.result if call else oracle if oracle is not None else [None] * len(a)
    found = [
        _one(x, y, t, call and call.part(i), terms, magnitude, exact, f"{name}[{i}]")
        for i, (x, y, t) in enumerate(zip(a, b, truths, strict=True))
    ]
    return max(found, key=lambda c: (c.verdict, c.ours or 0.0))


def _one(
    a: Any,
    b: Any,
    truth: Any,
    call: _Call | None,
    terms: int | None,
    magnitude: Any,
    exact: bool,
    name: str,
) -> Check:
    """Compare one tensor with one."""
    __tracebackhide__ = True
    ours, theirs = as_array(a), as_array(b)
    coarse = _is_bfloat16(b)
    dtype = "bfloat16" if coarse else theirs.dtype.name
    if _is_bfloat16(a) != coarse and ours.dtype == theirs.dtype:
        text = f"ours is {getattr(a, 'dtype', ours.dtype)}, torch's {getattr(b, 'dtype', dtype)}"
        raise _failed(name, Check(Verdict.MISMATCH, name, detail=text))
    wide = None if truth is None else as_array(truth)
    bound = _given_bound(theirs, terms, magnitude, dtype)
    if call is not None:
        bound = call.bound(theirs, dtype)
    level = "exact" if exact else "sum" if bound is not None or coarse else "ulp"
    if coarse:
        bound = _coarser(bound)
    check = compare_arrays(ours, theirs, name, level, lambda: wide, bound)
    if coarse:
        _in_bfloat16(check)
    if check.verdict.ok:
        _tell(name, check)
        return check
    if call is not None and not coarse:
        call.look_closer(check, ours, theirs)
    raise _failed(name, check)


def _tell(name: str, check: Check) -> None:
    for listener in HEARD:
        listener(name, check)


def _failed(name: str, check: Check) -> ParityError:
    _tell(name, check)
    return ParityError(f"{name}: {check.verdict}: {check.detail}", check)


def _coarser(bound: Bound | None) -> Bound:
    """The bound of a bfloat16 result in ULPs of the float32 numbers that stand for it."""

    def allowed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        least = np.full(len(rows), LIMIT * COARSER)
        if bound is None:
            return least, np.ones(len(rows))
        within, reach = bound.allowed(rows)
        return np.maximum(least, within), reach

    return Bound(allowed)


def _in_bfloat16(check: Check) -> None:
    """Figures in ULPs of bfloat16, again."""
    for figure in ("ours", "theirs", "bound", "plain_ours", "plain_theirs"):
        if getattr(check, figure) is not None:
            setattr(check, figure, getattr(check, figure) / COARSER)
    if " ULP off (" in check.detail:
        rest = check.detail.partition("): ")[2]
        check.detail = f"{check.ours:.3g} ULP of bfloat16 off (torch {check.theirs:.3g}, "
        check.detail += f"bound {check.bound:.3g}): {rest}"


def _given_bound(
    theirs: np.ndarray, terms: int | None, magnitude: Any, dtype: str
) -> Bound | None:
    if terms is None or magnitude is None:
        return None

    def allowed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weight = np.abs(as_array(magnitude)).astype(np.float64)
        weight = np.broadcast_to(weight, theirs.shape).reshape(-1)[rows]
        size = np.abs(theirs.reshape(-1)[rows]).astype(np.float64)
        within = gamma(float(terms), UNIT[dtype]) * weight / _unit(theirs, rows)
        return within, condition(weight, size)

    return Bound(allowed)


def _unit(theirs: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The size of an ULP at some elements."""
    real = np.dtype(
        theirs.dtype.name.replace("complex64", "float32").replace("complex128", "float64")
    )
    size = np.abs(theirs.reshape(-1)[rows]).astype(np.float64)
    return spacing(np.where(np.isfinite(size), size, 0), real)


class _Call:
    """An op of torch's and its arguments, run again in float64 and on moved inputs."""

    DEPTH = 4  # roundings that are not part of a sum, as a row of the samples has it

    def __init__(self, op: str | Callable, args: tuple, kwargs: dict[str, Any]) -> None:
        from .engines import open_engine

        self.engine = open_engine("torch")
        self.torch = self.engine.module
        self.name = op if isinstance(op, str) else getattr(op, "__name__", "op")
        if isinstance(op, str):
            namespace, _, last = op.rpartition(".")
            found = self.engine.find(namespace or "torch", last)
            if found is None:
                raise ValueError(f"assert_parity: torch has no op {op!r}")
            op = found
        self.op, self.index = op, None
        self.args, self.kwargs = _arrays(tuple(args)), _arrays(dict(kwargs))
        self.leaves: list = []
        try:
            self.result = self._run(self._wide)
        except Exception as error:
            raise ValueError(
                f"assert_parity: {self.name} does not run on these args in float64 "
                f"({type(error).__name__}: {error}); give oracle= instead of op="
            ) from error

    def part(self, index: int) -> _Call:
        """The same call, of whose results only one is looked at."""
        one = copy.copy(self)
        one.index, one.result = index, self.result[index]  # type: ignore[assignment]
        return one

    def _run(self, change: Callable) -> Any:
        found = self.op(*_changed(self.args, change), **_changed(self.kwargs, change))
        return found if self.index is None else found[self.index]

    def _wide(self, x: np.ndarray) -> Any:
        if x.dtype.kind not in "fc":
            return self.torch.from_numpy(x)
        wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
        self.leaves.append(self.torch.from_numpy(wide).requires_grad_())
        return self.leaves[-1]

    def bound(self, theirs: np.ndarray, dtype: str) -> Bound:
        """γₙ·(|J||x|): from the terms where the op is a sum, from its Jacobian rows otherwise.

        (A Jacobian row costs a backward pass, for each element that is more than 2 ULP off.)
        """
        from .bounds import allowance, sensitivity
        from .replay import terms_of

        summed = None if self.index is not None else terms_of(self.name, self.args, self.kwargs)

        def allowed(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            if summed is not None and len(summed.a) == theirs.size:
                weight, terms = summed.rows(rows).magnitude(), np.asarray(summed.a.shape[1])
            else:
                nothing = np.zeros(len(rows)), np.ones(len(rows))
                known = sensitivity(self.torch, self.result, self.leaves, rows)
                weight, terms = known or nothing
            size = np.abs(theirs.reshape(-1)[rows]).astype(np.float64)
            factor = allowance(terms, self.DEPTH, dtype)
            return factor * (weight + size) / _unit(theirs, rows), condition(weight, size)

        return Bound(allowed)

    def look_closer(self, check: Check, ours: np.ndarray, theirs: np.ndarray) -> None:
        """Say whether it is a discrete choice, or which cause there may be."""
        from .choices import classify, moved
        from .explain import explain

        if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
            return

        def rerun(trial: int, ulps: int) -> np.ndarray:
            def change(x: np.ndarray) -> Any:
                return self.torch.from_numpy(moved(x, trial, ulps) if x.dtype.kind == "f" else x)

            return as_array(self._run(change))

        choice = classify(rerun, ours, theirs)
        check.choice = str(choice)
        if not choice.discrete:
            check.causes = str(explain(self.name, list(self.args), self.kwargs, ours, theirs))
        if check.choice or check.causes:
            check.detail += f" [{check.choice or check.causes}]"


def _arrays(value: Any) -> Any:
    """Nested arguments with arrays in place of tensors."""
    if hasattr(value, "dtype"):
        return as_array(value)
    if isinstance(value, dict):
        return {k: _arrays(v) for k, v in value.items()}
    return type(value)(map(_arrays, value)) if type(value) in (list, tuple) else value


def _changed(value: Any, change: Callable) -> Any:
    """Nested arguments with every array changed."""
    if isinstance(value, np.ndarray):
        return change(value)
    if isinstance(value, dict):
        return {k: _changed(v, change) for k, v in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_changed(v, change) for v in value)
    return value
