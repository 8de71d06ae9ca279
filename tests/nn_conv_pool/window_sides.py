"""Running one call on both engines and comparing everything that can be seen of the outcome."""

import numpy as np
import torch

import minitorch_ref as mt


def both(shapes, seed=0, dtype="float32", requires_grad=True):
    """The same random tensors on both engines."""
    rng = np.random.default_rng(seed)
    arrays = [rng.standard_normal(s) for s in shapes]
    pairs = []
    for engine in (torch, mt):
        kind = getattr(engine, dtype)
        pairs.append([engine.tensor(a, dtype=kind, requires_grad=requires_grad) for a in arrays])
    return pairs


def flat(results):
    """One result or several as a list."""
    return list(results) if isinstance(results, (tuple, list)) else [results]


def same(theirs, ours, tolerance=2e-5, strides=True):
    """Shapes, strides, dtypes and values of two results."""
    for t, m in zip(flat(theirs), flat(ours), strict=True):
        assert tuple(t.shape) == tuple(m.shape) and str(t.dtype) == str(m.dtype)
        assert not strides or t.stride() == m.stride(), (t.stride(), m.stride())
        a, b = t.detach().numpy(), m.detach().numpy()
        if a.dtype.kind in "iub":
            assert np.array_equal(a, b)
        else:
            scale = max(1.0, np.abs(a[np.isfinite(a)]).max(initial=0))
            np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * scale)


def node(t):
    return None if t.grad_fn is None else t.grad_fn.name() if callable(t.grad_fn.name) else t.grad_fn.name


def compare(call, shapes, seed=0, dtype="float32", tolerance=2e-5):
    """`call(engine, *tensors)`: result, node's name, gradients and second gradients on both engines."""
    outcomes = []
    for engine, tensors in zip((torch, mt), both(shapes, seed, dtype)):
        y = flat(call(engine, *tensors))[0]
        rng = np.random.default_rng(seed + 1)
        weights = engine.tensor(rng.standard_normal(tuple(y.shape)), dtype=y.dtype)
        first = engine.autograd.grad((y * weights * y).sum(), tensors, create_graph=True)
        second = engine.autograd.grad(sum((g * g).sum() for g in first), tensors, allow_unused=True)
        outcomes.append((y, node(y), first, second))
    (y, name, first, second), (our_y, our_name, our_first, our_second) = outcomes
    assert name == our_name
    same(y, our_y, tolerance)
    same(first, our_first, 20 * tolerance, strides=False)  # torch's gradients come in any layout
    for t, m in zip(second, our_second):
        assert (t is None) == (m is None)
        if t is not None:
            same(t, m, 500 * tolerance, strides=False)


def complaint(call, engine):
    """The type and text of what `call` raises."""
    try:
        call(engine)
    except Exception as error:
        return type(error).__name__, str(error)
    return "nothing", ""
