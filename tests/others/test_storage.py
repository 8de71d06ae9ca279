"""Storages, set_, resize_as_, apply_, map_: memory is shared as in torch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from others_sides import assert_same

import minitorch_ref as mt

ENGINES = pytest.mark.parametrize("engine", [mt, torch])
pytestmark = pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")


@ENGINES
def test_a_storage_is_the_memory(engine):
    x = engine.arange(6.0).reshape(2, 3)
    s, u = x.storage(), x[1].untyped_storage()
    assert len(s) == s.size() == 6 and s.nbytes() == u.nbytes() == len(u) == 24
    assert s.element_size() == 4 and u.element_size() == 1 and s.dtype is engine.float32
    assert s.data_ptr() == u.data_ptr() == x.data_ptr() and s.tolist() == [0, 1, 2, 3, 4, 5]
    s[1] = 9
    assert x[0, 1] == 9 and s[1] == 9.0 and s[-1] == 5.0
    u.fill_(0)
    assert not x.any() and s.type() == "torch.FloatStorage"
    assert s.untyped() == u and s.clone().data_ptr() != s.data_ptr()
    assert list(s.long()) == [0] * 6 and s.long().dtype is engine.int64
    assert u[0:2].tolist() == [0, 0] and str(s.device) == "cpu" and not s.is_cuda
    assert engine.is_storage(s) and engine.is_storage(u) and not engine.is_storage(x)
    assert repr(s).endswith("[torch.storage.TypedStorage(dtype=torch.float32, device=cpu) of size 6]")
    assert repr(u).endswith("[torch.storage.UntypedStorage(device=cpu) of size 24]")


@ENGINES
def test_storage_errors(engine):
    s = engine.ones(3).storage()
    with pytest.raises(IndexError, match="out of range for storage of size 3"):
        s[3]
    with pytest.raises(RuntimeError, match="slices are only supported"):
        s[0:1]
    with pytest.raises(RuntimeError, match="can't index"):
        s["a"]
    with pytest.raises(RuntimeError, match="not resizable"):
        engine.from_numpy(np.ones(3)).untyped_storage().resize_(99)


@ENGINES
def test_set_shares_memory(engine):
    x, a, shown = engine.arange(5.0), engine.zeros(2), engine.ones(2)
    kept = a.view(2)
    assert a.set_(x) is a and a.data_ptr() == x.data_ptr() and a.shape == x.shape
    a[0] = 7
    assert x[0] == 7 and kept.tolist() == [0, 0]
    shown.set_(x.storage(), 1, (2, 2), (2, 1))
    assert shown.tolist() == [[1, 2], [3, 4]] and shown.storage_offset() == 1
    shown.set_(x.untyped_storage())
    assert shown.tolist() == x.tolist()
    assert shown.set_().shape == (0,)
    with pytest.raises(RuntimeError, match="Could not set tensor of type long int"):
        shown.set_(engine.tensor([1]))
    with pytest.raises(RuntimeError, match="leaf Variable"):
        engine.ones(2, requires_grad=True).set_(x)


@ENGINES
def test_resize_as(engine):
    a = engine.arange(6.0)
    assert a.resize_as_(engine.ones(2, 2)) is a and a.tolist() == [[0, 1], [2, 3]]
    with pytest.raises(RuntimeError, match="cannot resize variables that require grad"):
        engine.ones(2, requires_grad=True).resize_as_(a)


def test_one_by_one():
    x, y = np.random.RandomState(0).randn(2, 3, 4)

    def plain(e, array):
        return e.from_numpy(array.copy())

    assert_same(lambda e: plain(e, x).apply_(lambda v: v * 2 + 1))
    assert_same(lambda e: plain(e, x.T).apply_(abs))
    assert_same(lambda e: plain(e, x).map_(plain(e, y), lambda a, b: a * b))
    assert_same(lambda e: plain(e, x).map_(plain(e, y[0]), max))
    assert_same(lambda e: plain(e, x).map2_(plain(e, y), plain(e, y), lambda a, b, c: a + b * c))
    assert_same(lambda e: e.tensor([1, 2]).apply_(lambda v: v + 0.75))
    assert_same(lambda e: e.tensor([True, False]).apply_(lambda v: not v))
    assert_same(lambda e: e.ones(2).map_(e.tensor([1, 2]), max))
    assert_same(lambda e: e.ones(2, requires_grad=True).apply_(abs))
    assert_same(lambda e: e.ones(2).apply_(3))


@ENGINES
def test_what_a_tensor_is(engine):
    x = engine.ones(2, 3)
    assert engine.typename(x) == "torch.FloatTensor" and engine.typename(3) == "int"
    assert engine.is_same_size(x, x.clone()) and not engine.is_same_size(x, x.t())
    assert engine.is_signed(x) and not engine.is_signed(x.bool())
    assert not (engine.is_neg(x) or engine.is_conj(x) or x.is_neg() or engine.is_inference(x))
    assert engine.get_device(x) == -1 and x.dim_order() == (0, 1) and x.t().dim_order() == (1, 0)
    assert isinstance(x.as_subclass(engine.nn.Parameter), engine.nn.Parameter)
    with pytest.raises(TypeError, match="does not inherit from Tensor"):
        x.as_subclass(int)
