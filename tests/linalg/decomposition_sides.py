"""Matrices to decompose, and one call on both engines: results, gradients, second gradients."""

from __future__ import annotations

import numpy as np
import torch

import minitorch_ref as mt

DTYPES = ["float32", "float64", "complex64", "complex128"]
SHAPES = [(3, 3), (2, 3, 3), (4, 3), (3, 5), (2, 1, 2, 3), (1, 1)]
EMPTY = [(0, 0), (0, 3), (3, 0), (0, 3, 3)]


def matrix(shape, dtype="float64", seed=0):
    """Random numbers of full rank, not badly conditioned."""
    draw = np.random.default_rng([seed, *shape])
    a = draw.normal(size=shape)
    if np.dtype(dtype).kind == "c":
        a = a + 1j * draw.normal(size=shape)
    return (a + 2 * np.eye(*shape[-2:])).astype(dtype)


def hermitian(shape, dtype="float64", seed=0):
    a = matrix(shape, dtype, seed)
    return a + adjoint(a)


def positive(shape, dtype="float64", seed=0):
    a = matrix(shape, dtype, seed)
    return a @ adjoint(a) + np.eye(shape[-1], dtype=dtype)


def adjoint(a):
    return np.conj(np.swapaxes(a, -1, -2))


def of(side, name):
    """The function torch.<name> of an engine."""
    for part in name.split("."):
        side = getattr(side, part)
    return side


def listed(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def array_of(t):
    t = t.detach()
    return t.resolve_conj().numpy(force=True) if isinstance(t, torch.Tensor) else t.numpy()


def _cotangents(side, outs, seed):
    draw = np.random.default_rng(seed)
    for out in outs:
        kind = array_of(out).dtype
        data = draw.normal(size=tuple(out.shape))
        if kind.kind == "c":
            data = data + 1j * draw.normal(size=tuple(out.shape))
        yield side.from_numpy(np.asarray(data, kind)).requires_grad_()


def derivatives(side, function, arrays):
    """The results of `function`, their gradients for random cotangents, and the second ones."""
    inputs = [side.from_numpy(a.copy()).requires_grad_() for a in arrays]
    outs = [o for o in listed(function(*inputs)) if o.requires_grad]
    first = list(_cotangents(side, outs, 1))
    grad = side.autograd.grad
    gradients = grad(outs, inputs, first, create_graph=True, allow_unused=True)
    there = [g for g in gradients if g is not None and g.requires_grad]
    second = list(_cotangents(side, there, 2))
    seconds = grad(there, inputs + first, second, allow_unused=True)
    return outs, list(gradients), list(seconds)


def assert_same_derivatives(build, arrays, tolerance=1e-8):
    """`build(side)` gives a function; both engines' results and derivatives must agree."""
    for ours, theirs in zip(*(derivatives(s, build(s), arrays) for s in (mt, torch))):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs):
            if a is None or b is None:  # a missing gradient is one of zeros
                there = a if a is not None else b
                assert there is None or not array_of(there).any()
                continue
            a, b = array_of(a), array_of(b)
            assert a.dtype == b.dtype and a.shape == b.shape
            scale = max(1.0, np.abs(b).max(initial=0))
            np.testing.assert_allclose(a, b, rtol=0, atol=tolerance * scale)


def error_of(call):
    """(type's name, first line of the message) of what `call` raises; None if it does not."""
    try:
        call()
    except Exception as error:
        return type(error).__name__, str(error).split("\n")[0]
    return None


# ---- forms that do not depend on signs and phases ----------------------------------------------------


def phases(side, vectors, dim=-2):
    """sgn(probe · v) of every vector, by the engine's own ops."""
    shape = [1] * vectors.ndim
    shape[dim] = n = vectors.shape[dim]
    probe = np.random.default_rng(n).normal(size=n).reshape(shape)
    weights = side.from_numpy(probe.astype(array_of(vectors).dtype))
    return side.sgn((vectors * weights).sum(dim, keepdim=True))


def turned(side, name, *parts, **options):
    """eigh, eig or svd with every vector turned to a phase of its own, its results `parts`."""

    def function(x):
        found = listed(of(side, name)(x, **options))
        if name.endswith("svd"):
            u, s, vh = found
            k = s.shape[-1]
            phase = phases(side, u[..., :k])
            found = [u[..., :k] * phase.conj(), s, vh[..., :k, :] * phase.transpose(-2, -1)]
        else:
            values, vectors = found
            found = [values, vectors * phases(side, vectors).conj()]
            if name.endswith("eig"):
                found = [_in_order(side, values, f) for f in found]
        return tuple(found[i] for i in parts)

    return function


def _in_order(side, values, what):
    """Eigenvalues (and their vectors) by real, then by imaginary part."""
    found = array_of(values)
    order = np.lexsort((found.imag, found.real), axis=-1)
    if what.ndim > values.ndim:
        order = np.broadcast_to(order[..., None, :], tuple(what.shape))
    return what.gather(-1, side.from_numpy(np.array(order)))
