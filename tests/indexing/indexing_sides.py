"""Run one expression on both engines and say where the outcomes differ.

An outcome is everything a program could see: values, dtype, shape, strides of views, the node's name,
gradients and second gradients of every input - or the exception's type and key phrase.
"""

import re
import warnings

import numpy as np
import torch

import minitorch_ref as mt

ENGINES = (mt, torch)


def node_name(tensor):
    node = tensor.grad_fn
    if node is None:
        return None
    return type(node).__name__ if isinstance(tensor, torch.Tensor) else node.name()


def is_tensor(x):
    return isinstance(x, (torch.Tensor, mt.Tensor))


def described(result, strides=False):
    """A result of either engine as plain data."""
    if is_tensor(result):
        array = result.detach().numpy()
        values = np.nan_to_num(array, nan=-77.0).tolist() if array.dtype.kind in "fc" else array.tolist()
        layout = tuple(result.stride()) if strides and array.size else None
        return (repr(result.dtype), tuple(result.shape), layout, values, result.requires_grad)
    if isinstance(result, (tuple, list)):
        return [described(r, strides) for r in result]
    return repr(result)


def outcome(run, engine):
    """("ok", result) or ("error", type, message) of `run(engine)`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ("ok", run(engine))
        except Exception as error:  # noqa: BLE001 - the exception is the outcome
            return ("error", type(error).__name__, str(error))


def key_phrase(message):
    """The start of a message, where torch says what is wrong, without its list of signatures."""
    message = re.sub(r"torch\.\w+Tensor\{(.*?)\}", r"\1", message)
    return re.split(r"\n| but expected one of|\. Got|\(position", message)[0][:90]


def same(run, strides=False, message=True):
    """Assert that `run(engine)` has the same outcome on both engines; return torch's."""
    ours, theirs = (outcome(run, engine) for engine in ENGINES)
    if "error" in (ours[0], theirs[0]):
        assert ours[:2] == theirs[:2], (ours, theirs)
        if message:
            assert key_phrase(ours[2]) == key_phrase(theirs[2]), (ours, theirs)
        return theirs
    assert described(ours[1], strides) == described(theirs[1], strides)
    return theirs


def weights_like(engine, tensor, seed=3):
    """Fixed pseudo-random weights, so that every element's gradient is distinguishable."""
    values = np.random.default_rng(seed).integers(-8, 9, tuple(tensor.shape)) / 4.0
    return engine.from_numpy(np.asarray(values, tensor.detach().numpy().dtype))


def gradients(engine, function, *inputs):
    """[result, first gradients, second gradients] of `function(*inputs)`, weights at both steps."""
    leaves = [x for x in inputs if is_tensor(x) and x.requires_grad]
    out = function(*inputs)
    first = engine.autograd.grad(
        (out * weights_like(engine, out)).sum(), leaves, create_graph=True, allow_unused=True
    )
    total = sum((g * g * weights_like(engine, g, 5)).sum() for g in first if g is not None)
    second = [None] * len(leaves)
    if is_tensor(total) and total.requires_grad:
        second = engine.autograd.grad(total, leaves, allow_unused=True)
    return [out, [zero_for_none(engine, *p) for p in zip(first, leaves)],
            [zero_for_none(engine, *p) for p in zip(second, leaves)]]  # fmt: skip


def zero_for_none(engine, gradient, leaf):
    """torch gives None or zeros for a gradient that vanishes, by implementation: count them equal."""
    return engine.zeros_like(leaf).detach() if gradient is None else gradient.detach()


def close(a, b, tolerance):
    """Assert that two nested lists of tensors of either engine agree to a relative tolerance."""
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            close(x, y, tolerance)
        return
    assert repr(a.dtype) == repr(b.dtype) and tuple(a.shape) == tuple(b.shape)
    np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), tolerance, tolerance)


def same_gradients(run, tolerance=1e-12):
    """Assert that values and gradients of `run(engine) -> [tensors...]` agree, or the errors do."""
    ours, theirs = (outcome(run, engine) for engine in ENGINES)
    if "error" in (ours[0], theirs[0]):
        assert ours[:2] == theirs[:2], (ours, theirs)
    else:
        close(ours[1], theirs[1], tolerance)
