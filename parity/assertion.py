"""`assert_parity(a, b, op=…)`: one comparison with derived bounds, for tests of your own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .bounds import UNIT, gamma
from .outcome import Check
from .ulp import spacing
from .values import compare_arrays


class ParityError(AssertionError):
    """Two results differ by more than rounding explains; `.check` has the figures."""

    def __init__(self, message: str, check: Check) -> None:
        super().__init__(message)
        self.check = check


def as_array(value: Any) -> np.ndarray:
    """The values of a tensor of any engine, an array, or a number."""
    if isinstance(value, np.ndarray):
        return value
    if hasattr(value, "detach"):
        value = value.detach()
        value = value.cpu() if hasattr(value, "cpu") else value
        value = value.resolve_conj().resolve_neg() if hasattr(value, "resolve_conj") else value
        return np.asarray(value.numpy())
    return np.asarray(value)


def assert_parity(
    a: Any,
    b: Any,
    oracle: Any = None,
    *,
    op: str | Callable | None = None,
    args: tuple = (),
    terms: int | None = None,
    magnitude: Any = None,
    exact: bool = False,
    name: str = "result",
) -> Check:
    """Raise ParityError unless `a` is as good a result as `b`; return the figures otherwise.

    a, b: tensors, arrays or numbers; `b` is the reference.
    op, args: what both computed, a function of torch's (or its name: "matmul",
        "nn.functional.conv2d") and its arguments.  Oracle and bound follow from it, and the error
        says whether the mismatch is a discrete choice, or which cause reproduces it.
    oracle: the same result in higher precision; without one, only the distance of a and b counts.
    terms, magnitude: for sums, the number of terms of each element and Σ|term| (an array that
        broadcasts to the result, |A|@|B| for a matrix product): the bound is γ_terms·magnitude.
    exact: demand the same bits.
    """
    ours, theirs = as_array(a), as_array(b)
    call = None if op is None else _Call(op, args)
    truth = None if oracle is None else as_array(oracle)
    bound = _given_bound(theirs, terms, magnitude)
    if call is not None:
        truth, bound = call.oracle(), call.bound(theirs)
    level = "exact" if exact else "sum" if bound is not None else "ulp"
    check = compare_arrays(ours, theirs, name, level, lambda: truth, bound)
    if not check.verdict.ok:
        if call is not None:
            call.look_closer(check, ours, theirs)
        raise ParityError(f"{name}: {check.verdict}: {check.detail}", check)
    return check


def _given_bound(theirs: np.ndarray, terms: int | None, magnitude: Any) -> Callable | None:
    if terms is None or magnitude is None:
        return None

    def bound(rows: np.ndarray) -> np.ndarray:
        size = np.abs(as_array(magnitude)).astype(np.float64)
        size = np.broadcast_to(size, theirs.shape).reshape(-1)[rows]
        return gamma(float(terms), UNIT[theirs.dtype.name]) * size / _unit(theirs, rows)

    return bound


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

    def __init__(self, op: str | Callable, args: tuple) -> None:
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
        self.op = op
        self.args = [as_array(x) if hasattr(x, "dtype") else x for x in args]
        self.leaves: list = []
        self.result = self._run(self._wide)

    def _run(self, change: Callable) -> Any:
        return self.op(*[change(x) if isinstance(x, np.ndarray) else x for x in self.args])

    def _wide(self, x: np.ndarray) -> Any:
        if x.dtype.kind not in "fc":
            return self.torch.from_numpy(x)
        wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
        self.leaves.append(self.torch.from_numpy(wide).requires_grad_())
        return self.leaves[-1]

    def oracle(self) -> np.ndarray:
        return as_array(self.result)

    def bound(self, theirs: np.ndarray) -> Callable:
        """γₙ·(|J||x|): from the terms where the op is a sum, from its Jacobian rows otherwise.

        (A Jacobian row costs a backward pass, for each element that is more than 2 ULP off.)
        """
        from .bounds import allowance, sensitivity
        from .replay import terms_of

        known = terms_of(self.name, self.args, {})

        def allowed(rows: np.ndarray) -> np.ndarray:
            if known is not None and len(known.a) == theirs.size:
                weight, terms = known.rows(rows).magnitude(), known.a.shape[1]
            else:
                weight, terms = sensitivity(self.torch, self.result, self.leaves, rows)
            size = np.abs(theirs.reshape(-1)[rows]).astype(np.float64)
            factor = allowance(terms, self.DEPTH, theirs.dtype.name)
            return factor * (weight + size) / _unit(theirs, rows)

        return allowed

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
            check.causes = str(explain(self.name, self.args, {}, ours, theirs))
        check.detail += f" [{check.choice or check.causes}]"
