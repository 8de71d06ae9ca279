"""Constraints made of others: over more dims, for every component of a mixture, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import minitorch_ref as torch

from .constraints import Constraint


def _all_but(kept: int, result: Any) -> Any:
    """`result` with everything behind the first `kept` dims reduced by `all`."""
    return result.reshape(result.shape[:kept] + (-1,)).all(-1)


def _check_dims(value: Any, expected: int) -> None:
    if value.dim() < expected:
        raise ValueError(f"Expected value.dim() >= {expected} but got {value.dim()}")


class _IndependentConstraint(Constraint):
    """The last `reinterpreted_batch_ndims` dims belong to the event too: valid all together."""

    def __init__(self, base_constraint: Constraint, reinterpreted_batch_ndims: int) -> None:
        if not isinstance(base_constraint, Constraint):
            found = type(base_constraint).__name__
            raise AssertionError(f"base_constraint must be a Constraint, got {found}")
        dims = reinterpreted_batch_ndims
        if not isinstance(dims, int):
            found = type(dims).__name__
            raise AssertionError(f"reinterpreted_batch_ndims must be an int, got {found}")
        if dims < 0:
            raise AssertionError(f"reinterpreted_batch_ndims must be >= 0, got {dims}")
        self.base_constraint = base_constraint
        self.reinterpreted_batch_ndims = reinterpreted_batch_ndims

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(
        lambda self: self.base_constraint.event_dim + self.reinterpreted_batch_ndims
    )

    def check(self, value: Any) -> Any:
        result = self.base_constraint.check(value)
        if result.dim() < self.reinterpreted_batch_ndims:
            _check_dims(value, self.event_dim)
        return _all_but(result.dim() - self.reinterpreted_batch_ndims, result)

    def __repr__(self) -> str:
        return f"IndependentConstraint({self.base_constraint!r}, {self.reinterpreted_batch_ndims})"


class MixtureSameFamilyConstraint(Constraint):
    """Valid for every component of a mixture."""

    def __init__(self, base_constraint: Constraint) -> None:
        if not isinstance(base_constraint, Constraint):
            found = type(base_constraint).__name__
            raise AssertionError(f"base_constraint must be a Constraint, got {found}")
        self.base_constraint = base_constraint

    is_discrete = property(lambda self: self.base_constraint.is_discrete)
    event_dim = property(lambda self: self.base_constraint.event_dim)

    def check(self, value: Any) -> Any:
        result = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        _check_dims(value, self.event_dim)
        return _all_but(value.dim() - self.event_dim, result)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class _Several(Constraint):
    """One constraint after the other along `dim`."""

    def __init__(self, cseq: Sequence[Constraint], dim: int = 0) -> None:
        if not all(isinstance(c, Constraint) for c in cseq):
            raise AssertionError("All elements of cseq must be Constraint instances")
        self.cseq = list(cseq)
        self.dim = dim

    is_discrete = property(lambda self: any(c.is_discrete for c in self.cseq))

    def _check_dim(self, value: Any) -> None:
        if not -value.dim() <= self.dim < value.dim():
            raise AssertionError(
                f"dim {self.dim} out of range for value with {value.dim()} dimensions"
            )


class _Cat(_Several):
    """Along `dim`, `lengths[i]` values for the i-th constraint: as torch.cat joins them."""

    def __init__(
        self, cseq: Sequence[Constraint], dim: int = 0, lengths: Sequence[int] | None = None
    ) -> None:
        super().__init__(cseq, dim)
        self.lengths = [1] * len(self.cseq) if lengths is None else list(lengths)
        if len(self.lengths) != len(self.cseq):
            raise AssertionError(
                f"lengths ({len(self.lengths)}) must match cseq ({len(self.cseq)})"
            )

    event_dim = property(lambda self: max(c.event_dim for c in self.cseq))

    def check(self, value: Any) -> Any:
        self._check_dim(value)
        pieces = value.split(self.lengths, self.dim)
        return torch.cat([c.check(v) for c, v in zip(self.cseq, pieces)], self.dim)


class _Stack(_Several):
    """Along `dim`, one value for each constraint: as torch.stack joins them."""

    @property
    def event_dim(self) -> int:
        dim = max(c.event_dim for c in self.cseq)
        return dim + 1 if self.dim + dim < 0 else dim

    def check(self, value: Any) -> Any:
        self._check_dim(value)
        pieces = [value.select(self.dim, i) for i in range(value.size(self.dim))]
        return torch.stack([c.check(v) for c, v in zip(self.cseq, pieces)], self.dim)
