"""Every check of the comparison is given an implementation that is wrong in just that way."""

import pytest
import torch
from faults import Faulty, custom

from parity.compare import Lab
from parity.engines import open_engine
from parity.outcome import Verdict

TORCH = open_engine("torch")


def judged(fault, key):
    """The failing checks that the laboratory finds in `fault`."""
    result = Lab(fault, TORCH).compare_op(key)
    return result, [c for s in result.samples for c in s.checks if not c.verdict.ok]


def found(fault, key, *parts, verdicts=(Verdict.MISMATCH, Verdict.WORSE)):
    """Assert that `fault` fails in parts that start with one of `parts`, and in no others."""
    result, failing = judged(fault, key)
    assert result.verdict in verdicts
    names = {c.part for c in failing}
    assert names, "the fault was not found"
    assert all(n.startswith(parts) for n in names), names
    return failing


def steps_up(x, n):
    for _ in range(n):
        x = torch.nextafter(x, torch.full_like(x, torch.inf))
    return x


def test_wrong_sign_of_a_gradient():
    wrong = custom(torch.sin, lambda g, x: -g * x.conj().cos())
    failing = found(Faulty("sin", wrong), ("torch", "sin"), "grad", "out.dtype", "out.grad_fn", "error", "out=", "grad_fn")
    assert any(c.part == "grad[0]" for c in failing)


def test_wrong_second_gradient_only():
    wrong = custom(torch.sin, lambda g, x: g * x.detach().conj().cos())
    result, failing = judged(Faulty("sin", wrong), ("torch", "sin"))
    values = [c for c in failing if c.part.startswith("grad") and c.part != "grad"]
    assert values and all(c.part.startswith("grad2") for c in values)


def test_wrong_dtype():
    wrong = Faulty("sum", lambda x, *a, **k: torch.sum(x, *a, **k).double())
    failing = found(wrong, ("torch", "sum"), "out", "grad", "version bumped", "returns out")
    assert any(c.part == "out.dtype" and "float64" in c.detail for c in failing)


def test_off_by_three_ulp():
    def wrong(x):
        y = torch.exp(x)
        return steps_up(y, 3) if y.dtype == torch.float32 and y.dim() and not y.requires_grad else y

    found(Faulty("exp", wrong), ("torch", "exp"), "out", "error")
    result, failing = judged(Faulty("exp", wrong), ("torch", "exp"))
    assert any(c.verdict == Verdict.WORSE and 2 < c.ours < 5 for c in failing)


def test_one_ulp_off_is_within_the_bound():
    def near(x):
        y = torch.exp(x)
        return steps_up(y, 1) if y.dtype == torch.float32 and not y.requires_grad else y

    _, failing = judged(Faulty("exp", near), ("torch", "exp"))
    assert not [c for c in failing if c.part == "out"]


def test_one_ulp_off_in_an_exact_op():
    def wrong(x):
        return steps_up(x, 1).abs() if x.dtype == torch.float32 and x.dim() else torch.abs(x)

    failing = found(Faulty("abs", wrong), ("torch", "abs"), "out", "grad", "error", "argument")
    assert any("bit-identical" in c.detail for c in failing)


def test_lost_negative_zero():
    failing = found(Faulty("neg", lambda x: 0 - x if x.dtype.is_floating_point else torch.neg(x)), ("torch", "neg"),
                    "out", "error")
    assert any(c.part == "out" and "-0.0" in c.detail for c in failing)


def test_swapped_tie():
    def last(x, *args, **kwargs):
        found = torch.max(x, *args, **kwargs)
        dim = kwargs.get("dim")
        if dim is None or not isinstance(dim, int) or not x.dim():
            return found
        index = x.shape[dim] - 1 - torch.max(x.flip(dim), *args, **kwargs).indices
        return type(found)((found.values, index))

    failing = found(Faulty("max", last), ("torch", "max"), "out.indices", "returns out", "out=")
    assert failing


def test_copy_where_torch_gives_a_view():
    failing = found(Faulty("transpose", lambda x, a, b: torch.transpose(x, a, b).clone()), ("torch", "transpose"),
                    "out.view", "out.grad_fn", "error")
    assert any(c.part == "out.view" for c in failing)


def test_view_with_other_strides():
    def wrong(x, dim):
        y = torch.unsqueeze(x, dim)
        odd = x.dim() == 2 and dim == 0 and not x.requires_grad
        return torch.as_strided(y, y.shape, (1, *y.stride()[1:])) if odd else y

    failing = judged(Faulty("unsqueeze", wrong), ("torch", "unsqueeze"))[1]
    assert {c.part for c in failing} == {"out.stride"}


def test_missing_version_bump():
    def silent(x, *args, **kwargs):
        with torch.no_grad():
            x.data.add_(*args, **kwargs)
        return x

    failing = judged(Faulty("add", inplace=silent), ("torch", "add"))[1]
    assert any(c.part == "version bumped" and c.form == "inplace" for c in failing)


def test_in_place_that_returns_a_copy():
    failing = judged(Faulty("add", inplace=lambda x, *a, **k: x.add_(*a, **k).clone()), ("torch", "add"))[1]
    assert any(c.part == "returns self" for c in failing)


def test_wrong_exception_type_and_text():
    def wrong(a, b):
        if a.dim() == 2 and b.dim() == 2 and a.shape[1] != b.shape[0]:
            raise ValueError("bad shapes")
        return torch.mm(a, b)

    failing = found(Faulty("mm", wrong), ("torch", "mm"), "error")
    assert any("torch raises RuntimeError" in c.detail for c in failing)

    def vague(a, b):
        if a.dim() == 2 and b.dim() == 2 and a.shape[1] != b.shape[0]:
            raise RuntimeError("these do not go together")
        return torch.mm(a, b)

    assert any("torch's message" in c.detail for c in found(Faulty("mm", vague), ("torch", "mm"), "error"))


def test_missing_error():
    failing = found(Faulty("log_softmax", lambda x, dim, **k: torch.log_softmax(x, min(dim, x.dim() - 1 if x.dim() else 0), **k)),
                    ("torch", "log_softmax"), "error")
    assert any("ours gives a result" in c.detail for c in failing)


def test_argument_written_to():
    def wrong(x):
        if not x.requires_grad and x.numel() and x.dtype == torch.float32:
            x.view(-1)[:1] = 5 if x.is_contiguous() else x.flatten()[:1]
        return torch.isnan(x)

    assert any(c.part == "inputs" for c in judged(Faulty("isnan", wrong), ("torch", "isnan"))[1])


def test_extra_random_draw():
    def wrong(*args, **kwargs):
        y = torch.rand(*args, **kwargs)
        torch.rand(1)
        return y

    assert any(c.part == "stream position" for c in judged(Faulty("rand", wrong), ("torch", "rand"))[1])


def test_lost_graph():
    failing = judged(Faulty("exp", lambda x: torch.exp(x).detach()), ("torch", "exp"))[1]
    assert {"out.requires_grad", "grad[0]"} <= {c.part for c in failing}


def test_padding_off_by_one_at_stride_two():
    def wrong(x, w, b=None, stride=1, padding=0, dilation=1, groups=1):
        if stride == 2 and x.dim() == 4:
            x = torch.roll(x, 1, -1)
        return torch.nn.functional.conv2d(x, w, b, stride, padding, dilation, groups)

    failing = judged(Faulty("conv2d", wrong, namespace="nn.functional"), ("nn.functional", "conv2d"))[1]
    assert any(c.part == "out" for c in failing)


@pytest.mark.parametrize("name, other", [
    ("sum", lambda x, *a, **k: torch.sum(x.flip(tuple(range(x.dim()))) if not (a or k) else x, *a, **k)),
    ("matmul", lambda x, y: torch.matmul(x.flip(-1), y.flip(0 if y.dim() == 1 else -2))),
])
def test_another_summation_order_is_no_alarm(name, other):
    failing = judged(Faulty(name, other), ("torch", name))[1]
    values = [c for c in failing if c.part == "out" or c.part.startswith("grad") and "[" in c.part]
    assert not values, values[:3]


@pytest.mark.parametrize("name", ["add", "exp", "sum", "matmul", "sort", "transpose", "index_select", "rand"])
def test_torch_agrees_with_itself(name):
    assert judged(TORCH, ("torch", name))[0].verdict == Verdict.IDENTICAL
