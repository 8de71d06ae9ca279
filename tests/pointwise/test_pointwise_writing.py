"""Where pointwise ops write: `out=` of the wrong type, resized, aliasing an operand; in place."""

import numpy as np
import pytest
import torch
from pointwise_sides import DTYPES, agree

import minitorch_ref as mt

DRAW = np.random.default_rng(0)
X, Y = (DRAW.normal(size=(4, 4)).astype("f4") for _ in range(2))

UNARY = ["abs", "neg", "ceil", "round", "sgn", "sqrt", "logical_not", "signbit", "isposinf",
         "bitwise_not", "conj_physical", "square", "frac"]  # fmt: skip
BINARY = ["add", "mul", "div", "floor_divide", "remainder", "pow", "float_power", "atan2", "hypot",
          "maximum", "eq", "lt", "logical_and", "bitwise_and", "gcd", "copysign", "heaviside",
          "nextafter", "logaddexp"]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_out_of_every_dtype_unary(name):
    """For each dtype of the operand, which dtypes `out=` may have, and the words for those it may not."""
    for own in DTYPES:
        for given in DTYPES:
            out = np.zeros(3, given)
            agree(lambda t, x, o: getattr(t, name)(x, out=o), np.array([1, 0, 1], own), out)


@pytest.mark.parametrize("name", BINARY)
def test_out_of_every_dtype_binary(name):
    for own in DTYPES:
        x = np.array([1, 2, 3]).astype(own)
        if agree(lambda t, a: getattr(t, name)(a, a), x):
            continue  # refused already without out=
        for given in DTYPES:
            agree(lambda t, a, o: getattr(t, name)(a, a, out=o), x, np.zeros(3, given))


@pytest.mark.parametrize("name", ["add", "div", "atan2", "lt", "copysign", "remainder", "bitwise_or"])
def test_in_place_with_every_pair_of_dtypes(name):
    for own in DTYPES:
        for other in DTYPES:
            x, y = np.array([1, 2, 3]).astype(own), np.array([3, 1, 2]).astype(other)
            agree(lambda t, a, b: getattr(a, f"{name}_")(b), x, y)


ALIASES = {
    "an operand": lambda t, x, y: t.add(x, y, out=x),
    "both": lambda t, x, y: t.mul(x, x, out=x),
    "the transpose": lambda t, x, y: t.add(x, y, out=x.t()),
    "one row further": lambda t, x, y: t.add(x[:-1], y[1:], out=x[1:]),
    "one row further, scaled": lambda t, x, y: t.add(x[:-1], y[1:], alpha=3, out=x[1:]),
    "one row further, unary": lambda t, x, y: t.exp(x[1:], out=x[:-1]),
    "rows apart": lambda t, x, y: t.add(x[:2], y[:2], out=x[2:]),
    "expanded": lambda t, x, y: t.add(x, y, out=t.empty(4).expand(4, 4)),
    "expanded, unary": lambda t, x, y: t.neg(x, out=t.empty(1).expand(4, 4)),
    "clamp": lambda t, x, y: t.clamp(x[1:], 0, 1, out=x[:-1]),
    "lerp": lambda t, x, y: t.lerp(x[1:], y[1:], 0.5, out=x[:-1]),
    "addcmul": lambda t, x, y: t.addcmul(x[1:], y[1:], y[1:], out=y[:-1]),
    "resized": lambda t, x, y: t.add(x, y, out=t.empty(3)),
    "in place, one row further": lambda t, x, y: x[1:].add_(x[:-1]),
    "in place, expanded": lambda t, x, y: y[0].expand(4, 4).mul_(x),
    "in place, expanded, of another dtype": lambda t, x, y: y[:1].expand(4, 4).mul_(x.double()),
    "in place, expanded comparison": lambda t, x, y: y[0].expand(4, 4).lt_(x),
    "in place, smaller than the operand": lambda t, x, y: x[0].add_(y),
    "in place, its own transpose": lambda t, x, y: x.sub_(x.t()),
}


@pytest.mark.parametrize("what", ALIASES)
def test_aliased_memory(what):
    agree(ALIASES[what], X, Y)


def test_partial_overlap_is_refused_on_both_sides():
    """The test above must have met the refusal that it is about."""
    words = agree(ALIASES["one row further"], X, Y)
    assert "refer to a single memory location" in words[1]


IN_PLACE = {
    "mul by double": lambda t, x, y: x.clone().mul_(y.double()),
    "div by double": lambda t, x, y: x.clone().div_(y.double()),
    "pow double": lambda t, x, y: x.abs().pow_(y.double()),
    "clamp at double": lambda t, x, y: x.clone().clamp_(y.double()),
    "addcmul of double": lambda t, x, y: x.clone().addcmul_(y.double(), x),
    "add half": lambda t, x, y: x.clone().add_(y.half(), alpha=3),
    "exp": lambda t, x, y: x.clone().exp_(),
    "in a view": lambda t, x, y: view_written(x.clone(), y),
}


def view_written(x, y):
    x[1:3].mul_(y[1:3].double())
    return x


@pytest.mark.parametrize("what", IN_PLACE)
def test_gradients_of_writes_across_dtypes(what):
    """The old value is saved before it is overwritten, also when the result is cast on the way."""
    call = IN_PLACE[what]
    grads = []
    for side in (mt, torch):
        x, y = (side.from_numpy(a.copy()).requires_grad_() for a in (X, Y))
        (call(side, x, y) * side.from_numpy(Y)).sum().backward()
        grads.append([t.grad.numpy() for t in (x, y) if t.grad is not None])
    assert len(grads[0]) == len(grads[1])
    for ours, theirs in zip(*grads):
        np.testing.assert_allclose(ours, theirs, rtol=3e-6, atol=1e-6)


@pytest.mark.parametrize("name", ["acosh", "asinh", "atanh", "nextafter", "floor_divide", "heaviside"])
def test_in_place_forms_that_torch_does_not_differentiate(name):
    x, y = np.array([1.5, 2.5], "f4"), np.array([0.5, 3.0], "f4")
    binary = name in ("nextafter", "floor_divide", "heaviside")
    agree(
        lambda t, a, b: getattr(a.clone(), f"{name}_")(*((b,) if binary else ())), x, y, grad=True
    )


@pytest.mark.parametrize("name", ["eq", "lt", "logical_and", "logical_not", "conj_physical"])
def test_history_after_a_comparison_in_place(name):
    """`eq_` gets a node with zero gradients; `logical_and_` leaves the history as it was."""
    names = []
    for side in (mt, torch):
        x = side.ones(3, requires_grad=True).clone()
        y = getattr(x, f"{name}_")(*(() if name in ("logical_not", "conj_physical") else (x.detach(),)))
        names.append((y.grad_fn.name(), y.dtype is side.float32, y.requires_grad))
    assert names[0] == names[1]
