"""Results that are defined up to a sign, a phase or an order, brought into one form everywhere.

If v is an eigenvector, so is e^{iφ}v, and which one comes out is up to the LAPACK behind the engine
and its blocking.  Before two engines are compared, each vector is turned so that its product with a
fixed probe vector is positive, and the eigenvalues of general matrices are put in order.  It is done
with the engine's own ops, inside the graph: gradients are then taken of a function that does not
depend on the phase, the only kind that has a derivative.

A row of the samples names the form its outputs need: `gauge="eigh"`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engines import Engine
from .samples.materialise import rng

Outputs = dict[str, Any]


def _phases(engine: Engine, vectors: Any, dim: int) -> Any:
    """sgn(probe · v) of each vector, which lie along `dim` (kept, of size 1)."""
    n = vectors.shape[dim]
    shape = [1] * vectors.ndim
    shape[dim] = n
    probe = rng("probe", n).normal(size=n).reshape(shape)
    weights = engine.tensor(np.asarray(probe, engine.array(vectors.detach()).dtype))
    return engine.module.sgn((weights * vectors).sum(dim, keepdim=True))


def _eigh(engine: Engine, values: Any, vectors: Any) -> tuple:
    return values, vectors * _phases(engine, vectors, -2).conj()


def _eigvals(engine: Engine, values: Any) -> tuple:
    return (_sorted(engine, values, values),)


def _eig(engine: Engine, values: Any, vectors: Any) -> tuple:
    _, vectors = _eigh(engine, values, vectors)
    return _sorted(engine, values, values), _sorted(engine, values, vectors)


def _sorted(engine: Engine, values: Any, what: Any) -> Any:
    """The last dim of `what` in the order of `values` (by real, then by imaginary part)."""
    found = engine.array(values.detach())
    order = np.lexsort((found.imag, found.real), axis=-1)
    if what.ndim > found.ndim:
        order = np.broadcast_to(order[..., None, :], tuple(what.shape))
    return what.gather(-1, engine.tensor(np.array(order)))


def _svd(engine: Engine, u: Any, s: Any, vh: Any) -> tuple:
    """U's columns turned, Vh's rows turned back; of a basis of a null space only its projector."""
    k = s.shape[-1]
    phases = _phases(engine, u[..., :k], -2)
    rest, nulls = u[..., k:], vh[..., k:, :]
    u, vh = u[..., :k] * phases.conj(), vh[..., :k, :] * phases.transpose(-2, -1)
    if rest.shape[-1]:
        u = engine.module.cat([u, rest @ rest.mH], -1)
    if nulls.shape[-2]:
        vh = engine.module.cat([vh, nulls.mH @ nulls], -2)
    return u, s, vh


def _svd_v(engine: Engine, u: Any, s: Any, v: Any) -> tuple:
    """The same for functions that return V."""
    u, s, vh = _svd(engine, u, s, v.mH)
    return u, s, vh.mH


FORMS: dict[str, Callable] = {
    "eigh": _eigh,
    "eigvals": _eigvals,
    "eig": _eig,
    "svd": _svd,
    "svd_v": _svd_v,
}


def canonical(gauge: str, engine: Engine, outputs: Outputs) -> Outputs:
    """`outputs` with its tensors in the form called `gauge` (as they are where it is empty)."""
    if not gauge:
        return outputs
    paths = [p for p, v in outputs.items() if engine.is_tensor(v)]
    turned = FORMS[gauge](engine, *[outputs[p] for p in paths])
    return {**outputs, **dict(zip(paths, turned, strict=True))}
