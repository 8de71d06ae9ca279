"""Custom functions, and the checkers of gradients - which must reject a wrong gradient."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import minitorch_ref as mt

BOTH = pytest.mark.parametrize("t", [torch, mt], ids=["torch", "minitorch_ref"])


@BOTH
def test_forward_and_backward(t):
    class Cube(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x)
            ctx.scale = scale
            return scale * x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            assert ctx.needs_input_grad == (True, False)
            return 3 * ctx.scale * x * x * g, None

    x = t.tensor([1.0, 2.0], dtype=t.float64, requires_grad=True)
    y = Cube.apply(x, 2.0)
    assert type(y.grad_fn).__name__ == "CubeBackward"
    (g,) = t.autograd.grad(y.sum(), x, create_graph=True)
    assert g.tolist() == [6.0, 24.0]
    (h,) = t.autograd.grad(g.sum(), x)
    assert h.tolist() == [12.0, 24.0]
    assert t.autograd.gradcheck(lambda a: Cube.apply(a, 2.0), (x,))
    assert t.autograd.gradgradcheck(lambda a: Cube.apply(a, 2.0), (x,))


@BOTH
def test_several_outputs_and_undefined_gradients(t):
    class Split(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3, "text"

        @staticmethod
        def backward(ctx, a, b, text):
            assert b is None and text is None
            return a * 2

    x = t.ones(2, requires_grad=True)
    first, second, text = Split.apply(x)
    first.sum().backward()
    assert text == "text" and x.grad.tolist() == [2.0, 2.0]


@BOTH
def test_mark_dirty(t):
    class Double(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            x.mul_(2)
            ctx.mark_dirty(x)
            return x

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = t.ones(2, requires_grad=True)
    y = x * 1
    z = Double.apply(y)
    assert z is y and y._version == 2
    z.sum().backward()
    assert x.grad.tolist() == [2.0, 2.0]


@BOTH
def test_mark_non_differentiable_and_setup_context(t):
    class Sort(t.autograd.Function):
        @staticmethod
        def forward(x):
            return x.sort()[0], x.argsort().to(t.float32)

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.mark_non_differentiable(output[1])
            ctx.save_for_backward(output[1])

        @staticmethod
        def backward(ctx, g, _):
            (places,) = ctx.saved_tensors
            out = t.zeros_like(g)
            out[places.long()] = g
            return out

    x = t.tensor([3.0, 1.0, 2.0], requires_grad=True)
    values, places = Sort.apply(x)
    assert values.requires_grad and not places.requires_grad
    (values * t.tensor([1.0, 2.0, 3.0])).sum().backward()
    assert x.grad.tolist() == [3.0, 1.0, 2.0]


@BOTH
def test_errors(t):
    class TooFew(t.autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x * y

        @staticmethod
        def backward(ctx, g):
            return g

    x = t.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="incorrect number of gradients"):
        TooFew.apply(x, x).sum().backward()

    class BadShape(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 1

        @staticmethod
        def backward(ctx, g):
            return t.ones(3)

    with pytest.raises(RuntimeError, match="invalid gradient at index 0"):
        BadShape.apply(x).sum().backward()

    class SavesText(t.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward("x")
            return x * 1

    with pytest.raises(TypeError, match="save_for_backward can only save variables"):
        SavesText.apply(x)


def test_saved_leaf_is_the_same_object():
    seen = []

    class Keep(mt.autograd.Function):
        @staticmethod
        def forward(ctx, w):
            ctx.save_for_backward(w)
            return w * 1

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.saved_tensors[0])
            return g

    w = mt.ones(2, requires_grad=True)
    Keep.apply(w).sum().backward()
    assert seen[0] is w


def wrong(factor):
    """x² whose backward is off by a factor."""

    class Square(mt.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * x * factor

    return Square.apply


def leaf(*shape, complex_=False):
    rng = np.random.RandomState(0)
    values = rng.randn(*shape)
    if complex_:
        values = values + 1j * rng.randn(*shape)
    return mt.from_numpy(values).requires_grad_()


def test_gradcheck_accepts_the_right_and_rejects_the_wrong():
    x = leaf(2, 3)
    assert mt.autograd.gradcheck(wrong(2.0), x)
    for factor in (-2.0, 1.0, 2.01, 0.0):
        with pytest.raises(RuntimeError, match="Jacobian mismatch"):
            mt.autograd.gradcheck(wrong(factor), x)
        assert mt.autograd.gradcheck(wrong(factor), x, raise_exception=False) is False


def test_gradcheck_needs_something_to_check():
    with pytest.raises(ValueError, match="at least one input"):
        mt.autograd.gradcheck(lambda x: x, mt.ones(2, dtype=mt.float64))


def test_gradgradcheck_rejects_a_gradient_that_is_not_differentiable_right():
    class Half(mt.autograd.Function):  # the gradient's value is right, its derivative is lost
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * (x * x * 3).detach()

    x = leaf(3)
    assert mt.autograd.gradcheck(Half.apply, x)
    with pytest.raises(RuntimeError, match="mismatch"):
        mt.autograd.gradgradcheck(Half.apply, x)


def test_gradcheck_of_complex_functions():
    z = leaf(3, complex_=True)
    assert mt.autograd.gradcheck(lambda z: z * z.conj(), z)
    assert mt.autograd.gradcheck(lambda z: z.exp(), z)

    class NotConjugated(mt.autograd.Function):
        @staticmethod
        def forward(ctx, z):
            ctx.save_for_backward(z)
            return z * z

        @staticmethod
        def backward(ctx, g):
            (z,) = ctx.saved_tensors
            return g * z * 2  # torch's convention wants the conjugate

    with pytest.raises(RuntimeError, match="mismatch"):
        mt.autograd.gradcheck(NotConjugated.apply, z)


def test_jacobian_and_hessian_match_torch():
    def f(t):
        return lambda x, y: (x.exp() * y).sum(1)

    def s(t):
        return lambda x: (x**3).sum() * x.prod()

    a, b = np.random.RandomState(1).randn(2, 3), np.random.RandomState(2).randn(2, 3)
    results = []
    for t in (torch, mt):
        x, y = t.from_numpy(a.copy()), t.from_numpy(b.copy())
        F = t.autograd.functional
        v = t.ones(2, dtype=t.float64)
        results.append(
            [
                *F.jacobian(f(t), (x, y)),
                F.hessian(s(t), x),
                F.vjp(f(t), (x, y), v)[1][0],
                F.jvp(f(t), (x, y), (x, y))[1],
                F.vhp(s(t), x, y)[1],
                F.hvp(s(t), x, y)[1],
            ]
        )
    for theirs, ours in zip(*results):
        assert tuple(theirs.shape) == tuple(ours.shape)
        np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-12, atol=1e-12)
