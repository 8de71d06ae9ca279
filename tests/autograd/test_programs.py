"""Small programs run on both engines: values, gradients, node names and errors must be the same."""

from __future__ import annotations

import pytest
import torch

import minitorch_ref as mt


def leaf(t, values, dtype="float32"):
    return t.tensor(values, dtype=getattr(t, dtype), requires_grad=True)


def node(t):
    """The name of a tensor's node, on either engine."""
    return None if t.grad_fn is None else type(t.grad_fn).__name__


def plain(x):
    if isinstance(x, (torch.Tensor, mt.Tensor)):
        x = x.detach()
        return (str(x.dtype), tuple(x.shape), x.numpy().tolist())
    if isinstance(x, (tuple, list)):
        return [plain(i) for i in x]
    return x


def view_write(t):
    a, w = t.zeros(3), leaf(t, [1.0, 2.0, 3.0])
    a[0] = w[1]
    b = a * a
    b.sum().backward()
    return a, w.grad, node(a), a.requires_grad


def column_scale(t):
    x = leaf(t, [[1.0, 2.0], [3.0, 4.0]])
    a = x * 1
    a[:, 1] *= 2
    (a * a).sum().backward()
    return a, x.grad, node(a)


def transposed_add(t):
    x, w = leaf(t, [[1.0, 2.0], [3.0, 4.0]]), leaf(t, [10.0, 20.0])
    a = x * 1
    v = a.t()
    v.add_(w)
    (a * a).sum().backward()
    return a, v, x.grad, w.grad, node(a), node(v)


def sibling_view_sees_write(t):
    x, w = leaf(t, [1.0, 2.0, 3.0, 4.0]), leaf(t, 5.0)
    a = x.clone()
    first, second = a[:2], a.view(2, 2)
    first.mul_(w)
    (second * t.tensor([[1.0, 2.0], [3.0, 4.0]])).sum().backward()
    return a, second, x.grad, w.grad, node(second)


def view_of_view(t):
    w = leaf(t, [1.0, 2.0])
    a = t.zeros(2, 3)
    a[1][1:].copy_(w)
    (a * a).sum().backward()
    return a, w.grad


def base_starts_requiring_grad(t):
    a, w = t.ones(3), leaf(t, [1.0, 2.0, 3.0])
    v = a[1:]
    a.mul_(w)
    return v.requires_grad, node(v), t.autograd.grad(v.sum(), w)[0]


def saved_self_survives_inplace(t):
    x, w = leaf(t, [1.0, 2.0]), leaf(t, [3.0, 4.0])
    y = x * 1
    y.mul_(w)
    y.sum().backward()
    return x.grad, w.grad


def square_in_place(t):
    x = leaf(t, [1.0, 2.0])
    y = x.clone()
    y.pow_(2)
    y.sum().backward()
    return x.grad, y._version, node(y)


def sqrt_in_place_then_use(t):
    x = leaf(t, [1.0, 2.0])
    y = x.clone().sqrt_()
    (y * 2).sum().backward()
    return x.grad


def zero_breaks_gradient(t):
    x = leaf(t, [1.0, 2.0])
    y = x * 3
    y.zero_()
    y.sum().backward()
    return x.grad, node(y)


def fill_part(t):
    x = leaf(t, [1.0, 2.0, 3.0])
    y = x * 3
    y[1:].fill_(7.0)
    (y * y).sum().backward()
    return x.grad, y


def detach_shares_version(t):
    x = leaf(t, [1.0, 2.0])
    y = x * 2
    y.detach().add_(1)
    y.data.add_(1)
    return y, y._version


def fan_out(t):
    x = leaf(t, [1.0, 2.0])
    y = x + x
    z = y * y + y + x
    z.sum().backward()
    return x.grad


def same_gradient_two_leaves(t):
    x, y = leaf(t, [1.0, 2.0]), leaf(t, [3.0, 4.0])
    (x + y).sum().backward()
    x.grad.add_(5)
    return x.grad, y.grad


def gradient_argument_is_not_stolen(t):
    x, g = leaf(t, [1.0, 2.0]), t.ones(2)
    (x + 0).backward(g)
    x.grad.add_(5)
    return x.grad, g


def accumulates(t):
    x = leaf(t, [1.0, 2.0])
    for _ in range(3):
        (x * x).sum().backward()
    first = x.grad
    (x * 2).sum().backward()
    return x.grad, first is x.grad


def second_derivative(t):
    x = leaf(t, [1.0, 2.0, 3.0], "float64")
    (g,) = t.autograd.grad((x**3).sum(), x, create_graph=True)
    (h,) = t.autograd.grad(g.sum(), x, create_graph=True)
    (k,) = t.autograd.grad(h.sum(), x)
    return g, h, k


def only_the_path_to_inputs(t):
    x, w = leaf(t, [1.0, 2.0]), leaf(t, [3.0, 4.0])
    y = x * w
    g = t.autograd.grad(y.sum(), x)
    return g, w.grad, x.grad


def non_leaf_inputs(t):
    x = leaf(t, [1.0, 2.0])
    y = x * 2
    z = y * y
    return t.autograd.grad(z.sum(), [y, x])


def unused_allowed(t):
    x, w = leaf(t, [1.0]), leaf(t, [1.0])
    out = t.autograd.grad((x * 2).sum(), [x, w], allow_unused=True)
    zeros = t.autograd.grad((x * 2).sum(), [x, w], materialize_grads=True)
    return out, zeros


def backward_into_inputs_only(t):
    x, w = leaf(t, [1.0, 2.0]), leaf(t, [3.0, 4.0])
    (x * w).sum().backward(inputs=[x])
    return x.grad, w.grad


def hooks(t):
    x, seen = leaf(t, [1.0, 2.0]), []
    y = x * 2
    h = y.register_hook(lambda g: seen.append(plain(g)) or g * 10)
    x.register_hook(lambda g: seen.append(plain(g)))
    x.register_post_accumulate_grad_hook(lambda p: seen.append(plain(p.grad)))
    y.retain_grad()
    (y * y).sum().backward()
    h.remove()
    (x * 2).sum().backward()
    return x.grad, y.grad, seen


def promotion_is_undone(t):
    x, w = leaf(t, [1.0, 2.0], "float32"), leaf(t, [3.0], "float64")
    y = x * w
    y.sum().backward()
    return y, x.grad, w.grad


def broadcast_is_undone(t):
    x, b, s = leaf(t, [[1.0, 2.0], [3.0, 4.0]]), leaf(t, [[1.0], [2.0]]), leaf(t, 3.0)
    (x * b * s).sum().backward()
    return x.grad, b.grad, s.grad


def no_grad_write_to_leaf(t):
    x = leaf(t, [1.0, 2.0])
    with t.no_grad():
        x.add_(1)
    return x, x.is_leaf, x._version


def cast_gradient(t):
    x = leaf(t, [1.0, 2.0])
    y = x.double().half().float()
    (y * y).sum().backward()
    return x.grad, node(y)


def complex_gradient(t):
    x = leaf(t, [1 + 2j, 3 - 1j], "complex64")
    y = (x * x.conj()).real.sum() + (x * x).imag.sum()
    y.backward()
    return x.grad


def matmul_gradients(t):
    a, b = leaf(t, [[1.0, 2.0], [3.0, 4.0]]), leaf(t, [[0.5], [1.5]])
    c = (a @ b) * (a @ b)
    c.sum().backward()
    return a.grad, b.grad, node(a @ b)


def requires_grad_of_views(t):
    x = leaf(t, [[1.0, 2.0], [3.0, 4.0]])
    v = x.view(-1)
    return v.requires_grad, v._is_view(), v.is_leaf, x.detach().is_leaf, x.detach()._is_view()


PROGRAMS = [
    f for f in list(globals().values())
    if callable(f) and getattr(f, "__module__", None) == __name__
    and getattr(f, "__code__", None) is not None and f.__code__.co_varnames[:1] == ("t",)
    and f.__code__.co_argcount == 1 and f.__name__ not in ("name", "node")
]  # fmt: skip


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda f: f.__name__)
def test_same_on_both(program):
    assert plain(program(mt)) == plain(program(torch))


# ---- errors: the same type, and torch's key phrase -------------------------------------------------


def e_leaf(t):
    leaf(t, [1.0]).add_(1)


def e_view_of_leaf(t):
    leaf(t, [1.0, 2.0])[0].add_(1)


def e_version(t):
    x = leaf(t, [1.0, 2.0])
    y = x * 1
    z = y * y
    y.add_(1)
    z.sum().backward()


def e_version_of_output(t):
    x = leaf(t, [1.0, 2.0])
    y = x.exp()
    y.add_(1)
    y.sum().backward()


def e_version_of_output_in_place(t):
    x = leaf(t, [1.0, 2.0])
    y = x.clone().exp_()
    y.add_(1)
    y.sum().backward()


def e_version_through_view(t):
    x = leaf(t, [1.0, 2.0])
    y = x * 1
    z = y * y
    y[0] = 5.0
    z.sum().backward()


def e_version_through_detach(t):
    x = leaf(t, [1.0, 2.0])
    z = x * x
    x.detach().add_(1)
    z.sum().backward()


def e_freed(t):
    x = leaf(t, [1.0])
    y = (x * x).sum()
    y.backward()
    y.backward()


def e_not_scalar(t):
    (leaf(t, [1.0, 2.0]) * 2).backward()


def e_no_grad_needed(t):
    t.ones(1).backward()


def e_gradient_shape(t):
    (leaf(t, [1.0, 2.0]) * 2).backward(t.ones(3))


def e_unused(t):
    x, w = leaf(t, [1.0]), leaf(t, [1.0])
    t.autograd.grad((x * 2).sum(), [x, w])


def e_non_leaf_flag(t):
    (leaf(t, [1.0]) * 2).requires_grad = False


def e_integers(t):
    t.ones(2, dtype=t.int64).requires_grad_()


def e_numpy(t):
    leaf(t, [1.0]).numpy()


def e_no_grad_view(t):
    x = leaf(t, [1.0, 2.0]) * 1
    with t.no_grad():
        v = x[0]
    v.add_(1)


def e_multi_view(t):
    x = leaf(t, [1.0, 2.0]) * 1
    x.unbind()[0].add_(1)


def e_inplace_shape(t):
    t.ones(2).add_(t.ones(3, 2))


def e_inplace_type(t):
    t.ones(2, dtype=t.int64).add_(1.5)


def e_expanded(t):
    t.ones(1).expand(3).add_(1)


def e_broadcast(t):
    t.ones(2, 3) + t.ones(4)


def e_view_layout(t):
    t.ones(2, 3).t().view(6)


def e_shape(t):
    t.ones(2, 3).reshape(4)


def e_inference(t):
    with t.inference_mode():
        y = t.ones(2)
    y * leaf(t, [1.0, 2.0])


def e_inference_write(t):
    with t.inference_mode():
        y = t.ones(2)
    y.add_(1)


def e_retain(t):
    t.ones(1).retain_grad()


def e_deepcopy(t):
    import copy

    copy.deepcopy(leaf(t, [1.0]) * 2)


def e_bool_neg(t):
    -t.tensor([True])


def e_bool_sub(t):
    t.tensor([True]) - t.tensor([True])


def e_int_pow(t):
    t.tensor([2]) ** -1


def e_item(t):
    t.ones(2).item()


def e_truth(t):
    bool(t.ones(2))


ERRORS = [f for n, f in list(globals().items()) if n.startswith("e_")]


@pytest.mark.parametrize("program", ERRORS, ids=lambda f: f.__name__)
def test_same_error(program):
    with pytest.raises(Exception) as theirs:
        program(torch)
    with pytest.raises(type(theirs.value)) as ours:
        program(mt)
    phrase = str(theirs.value)[:40]
    assert str(ours.value)[:40] == phrase, (str(ours.value), str(theirs.value))
