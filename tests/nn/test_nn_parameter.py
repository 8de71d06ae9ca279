"""Parameter and Buffer: marks on tensors, sharing the tensor's memory."""

from __future__ import annotations

import copy
import pickle

import pytest
from nn_cases import array, same

import minitorch_ref as mt

STORIES = {
    "repr": lambda e: [repr(e.nn.Parameter(e.ones(2, 2))), repr(e.nn.Parameter(e.ones(1), False))],
    "repr-dtype": lambda e: repr(e.nn.Parameter(e.ones(2, dtype=e.float64))),
    "default": lambda e: [repr(e.nn.Parameter()), repr(e.nn.Parameter(None, False))],
    "int": lambda e: e.nn.Parameter(e.ones(2, dtype=e.int64)),
    "int-frozen": lambda e: repr(e.nn.Parameter(e.ones(2, dtype=e.int64), requires_grad=False)),
    "bool": lambda e: e.nn.Parameter(e.ones(2, dtype=e.bool)),
    "complex": lambda e: repr(e.nn.Parameter(e.ones(1, dtype=e.complex64))),
    "list": lambda e: e.nn.Parameter([1.0]),
    "kinds": lambda e: [
        isinstance(e.nn.Parameter(), e.Tensor), isinstance(e.ones(1), e.nn.Parameter),
        isinstance(e.nn.Buffer(), e.nn.Parameter), isinstance(e.nn.Parameter(), e.nn.Buffer),
        isinstance(e.nn.Buffer(e.ones(1)), e.nn.Buffer), isinstance(e.ones(1), e.nn.Buffer),
        isinstance(3, e.nn.Parameter),
    ],
    "results-are-plain": lambda e: [
        type(f(e.nn.Parameter(e.ones(2)))).__name__
        for f in (lambda p: p * 1, lambda p: p.detach(), lambda p: p.data, lambda p: p.clone(),
                  lambda p: p[0], lambda p: p.view(2, 1), lambda p: -p)
    ],
    "leaf": lambda e: [(p := e.nn.Parameter(e.ones(2, requires_grad=True) * 2)).is_leaf, p.grad_fn],
    "buffer": lambda e: [
        type(e.nn.Buffer(e.ones(1))).__name__, e.nn.Buffer(e.ones(1)).persistent,
        e.nn.Buffer(e.ones(1), persistent=False).persistent, repr(e.nn.Buffer(e.ones(2))),
    ],
}  # fmt: skip


@pytest.mark.parametrize("story", STORIES.values(), ids=STORIES)
def test_parameters(story):
    same(story)


def test_memory_and_version_are_shared():
    def story(e):
        t = e.zeros(3)
        p = e.nn.Parameter(t)
        t.add_(1)
        again = e.nn.Parameter(p)
        buffer = e.nn.Buffer(t)
        return (
            p,
            p._version,
            [x.data_ptr() == t.data_ptr() for x in (p, again, buffer)],
            again.is_leaf,
        )

    same(story)


def test_deepcopy_takes_values_and_not_gradients():
    def story(e):
        p = e.nn.Parameter(e.ones(2))
        p.note, p.grad = "own", e.ones(2)
        twin = copy.deepcopy(p)
        both = copy.deepcopy([p, p])
        with e.no_grad():
            p.zero_()
        frozen = copy.deepcopy(e.nn.Parameter(e.ones(1), False)).requires_grad
        return (
            twin,
            twin.grad,
            hasattr(twin, "note"),
            both[0] is both[1],
            frozen,
            type(twin).__name__,
        )

    same(story)


def test_deepcopy_of_a_subclass():
    class Named(mt.nn.Parameter):
        pass

    twin = copy.deepcopy(Named(mt.ones(2)))
    assert type(twin) is Named and isinstance(twin, mt.nn.Parameter)
    assert not isinstance(mt.nn.Parameter(), Named)


def test_pickle():
    p = pickle.loads(pickle.dumps(mt.nn.Parameter(mt.arange(3.0), requires_grad=False)))
    assert type(p) is mt.nn.Parameter and not p.requires_grad and array(p).tolist() == [0, 1, 2]


def test_in_place_on_a_parameter():
    def story(e):
        return e.nn.Parameter(e.ones(2)).add_(1)

    same(story)

    def through_data(e):
        p = e.nn.Parameter(e.ones(2))
        p.data.mul_(3)
        kept = p.data_ptr()
        p.data = e.zeros(4, dtype=e.float64)
        (p * 2).sum().backward()
        return p, p.grad, kept != p.data_ptr(), type(p).__name__

    same(through_data)


def test_a_tensor_that_carries_the_mark_is_a_parameter():
    t = mt.ones(1)
    assert not isinstance(t, mt.nn.Parameter)
    t._is_param = True
    assert isinstance(t, mt.nn.Parameter)
    module = mt.nn.Module()
    module.weight = t
    assert list(module._parameters) == ["weight"]
