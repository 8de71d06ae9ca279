"""state_dict and load_state_dict: keys, metadata, messages, hooks; told on both engines."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest
from bits import same_bits
from nn_cases import NESTED, array, build, same

import minitorch_ref as mt


def small(e, seed=0, width=2):
    e.manual_seed(seed)
    nn = e.nn
    return nn.Sequential(OrderedDict(a=nn.Linear(2, width), n=nn.BatchNorm1d(width), r=nn.ReLU()))


def test_state_dict_of_a_nested_model():
    def story(e):
        state = build(e, NESTED).state_dict(prefix="top.")
        return list(state), dict(state._metadata), type(state).__name__

    same(story)


def test_state_dict_shares_memory_and_detaches():
    m = small(mt)
    state, kept = m.state_dict(), m.state_dict(keep_vars=True)
    assert state["a.weight"].data_ptr() == m.a.weight.data_ptr()
    assert not state["a.weight"].requires_grad and kept["a.weight"] is m.a.weight
    destination = OrderedDict()
    assert m.state_dict(destination=destination, prefix="x.") is destination
    assert list(destination)[0] == "x.a.weight"


def test_positional_arguments_still_work():
    same(lambda e: list(small(e).state_dict(OrderedDict(), "p.", True)))


def test_loading_copies_in_place():
    m = small(mt)
    memory = m.a.weight.data_ptr()
    result = m.load_state_dict(small(mt, seed=5).state_dict())
    assert repr(result) == str(result) == "<All keys matched successfully>"
    assert m.a.weight.data_ptr() == memory
    assert same_bits(array(m.a.weight), array(small(mt, seed=5).a.weight))


def test_assign_takes_the_tensors():
    def story(e):
        m, state = small(e), small(e, seed=5).double().state_dict()
        m.a.bias.requires_grad_(False)
        m.load_state_dict(state, assign=True)
        own = m.state_dict()
        return (
            [own[k].data_ptr() == state[k].data_ptr() for k in own], dict(m.named_parameters()),
            isinstance(m.a.weight, e.nn.Parameter), dict(m.named_buffers()),
        )  # fmt: skip

    same(story)


MISMATCHES = {
    "missing": lambda e, s: s.pop("a.bias"),
    "unexpected": lambda e, s: s.update({"a.extra": e.ones(1), "b.c": e.ones(1), "zz": e.ones(2)}),
    "shape": lambda e, s: s.update({"a.weight": e.ones(3, 2), "n.weight": e.ones(5)}),
    "not-a-tensor": lambda e, s: s.update({"a.bias": [1.0, 2.0]}),
    "all-at-once": lambda e, s: (
        s.pop("a.bias"), s.update({"q": e.ones(1), "a.weight": e.ones(1)}),
    ),
    "one-element-for-0d": lambda e, s: s.update({"n.num_batches_tracked": e.tensor([7])}),
    "two-elements-for-0d": lambda e, s: s.update({"n.num_batches_tracked": e.tensor([7, 8])}),
    "extra-state": lambda e, s: s.update({"a._extra_state": 1}),
    "empty": lambda e, s: s.clear(),
    "other-dtype": lambda e, s: s.update({"a.bias": e.tensor([1, 2])}),
    "child-without-module": lambda e, s: s.update({"a.weight.x": e.ones(1)}),
}  # fmt: skip


@pytest.mark.parametrize("strict", [True, False])
@pytest.mark.parametrize("change", MISMATCHES.values(), ids=MISMATCHES)
def test_mismatches(change, strict):
    def story(e):
        m, state = small(e), small(e, seed=3).state_dict()
        change(e, state)
        result = m.load_state_dict(state, strict=strict)
        return str(result), list(result.missing_keys), result[1], dict(m.state_dict())

    same(story)


def test_old_batch_norm_without_a_counter():
    def story(e):
        m, state = small(e), small(e, seed=3).state_dict()
        m.n.num_batches_tracked.fill_(9)
        del state["n.num_batches_tracked"]
        state._metadata["n"]["version"] = 1
        return str(m.load_state_dict(state)), m.n.num_batches_tracked

    same(story)


def test_a_plain_dict_loads_without_metadata():
    def story(e):
        m = small(e)
        state = dict(small(e, seed=3).state_dict())
        del state["n.num_batches_tracked"]
        return str(m.load_state_dict(state)), m.a.bias

    same(story)


def test_loading_a_leaf_under_grad_mode_and_keeping_requires_grad():
    m = small(mt)
    m.a.weight.requires_grad_(False)
    m.load_state_dict(small(mt, seed=1).state_dict())
    assert not m.a.weight.requires_grad and m.a.bias.requires_grad and m.a.bias.is_leaf


def test_extra_state():
    def story(e):
        class Counting(e.nn.Module):
            def __init__(self):
                super().__init__()
                self.seen = 0

            def get_extra_state(self):
                return {"seen": self.seen}

            def set_extra_state(self, state):
                self.seen = state["seen"]

        m, twin = e.nn.Sequential(Counting()), e.nn.Sequential(Counting())
        m[0].seen = 4
        state = m.state_dict()
        told = [dict(state), str(twin.load_state_dict(state)), twin[0].seen]
        try:
            twin.load_state_dict({})
        except RuntimeError as error:
            told.append(str(error))
        return told, str(twin.load_state_dict({}, strict=False))

    same(story)


def test_hooks():
    def story(e):
        m, told = small(e), []

        def older(module, state, prefix, metadata):
            return OrderedDict((k.upper(), v) for k, v in state.items())

        def rename(module, state, prefix, metadata, strict, missing, unexpected, errors):
            told.append(["pre", type(module).__name__, prefix, dict(metadata), strict])
            for key in list(state):
                state[key.lower()] = state.pop(key)

        m.register_state_dict_pre_hook(lambda m, prefix, keep: told.append([prefix, keep]))
        m.a.register_state_dict_post_hook(lambda m, s, p, meta: told.append([list(s), p, meta]))
        m._register_state_dict_hook(older)
        m.register_load_state_dict_pre_hook(rename)
        m.n._register_load_state_dict_pre_hook(lambda *a: told.append(["n", a[1:]]))
        m.n._register_load_state_dict_pre_hook(
            lambda *a: told.append(type(a[0]).__name__), with_module=True
        )
        m.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
        state = m.state_dict()
        told.append(list(state))
        del state["A.BIAS"]
        return told, str(m.load_state_dict(state))

    same(story)


def test_hooks_that_may_not_return():
    def saving(e):
        m = small(e)
        m.register_state_dict_post_hook(lambda *a: {})
        return list(m.state_dict())

    def loading(e):
        m = small(e)
        m.register_load_state_dict_post_hook(lambda m, keys: keys)
        return str(m.load_state_dict(m.state_dict()))

    same(saving)
    same(loading)


def test_a_subclass_can_save_its_own_way():
    def story(e):
        class Packed(e.nn.Linear):
            def _save_to_state_dict(self, destination, prefix, keep_vars):
                destination[prefix + "packed"] = e.cat([self.weight.flatten(), self.bias])

            def _load_from_state_dict(self, state_dict, prefix, *rest):
                packed = state_dict.pop(prefix + "packed")
                state_dict[prefix + "weight"] = packed[:4].view(2, 2)
                state_dict[prefix + "bias"] = packed[4:]
                super()._load_from_state_dict(state_dict, prefix, *rest)

        e.manual_seed(0)
        m, twin = e.nn.Sequential(Packed(2, 2)), e.nn.Sequential(Packed(2, 2))
        return str(twin.load_state_dict(m.state_dict())), dict(twin.state_dict())

    same(story)


def test_values_survive_the_trip():
    m, twin = build(mt, NESTED), build(mt, NESTED)
    with mt.no_grad():
        for i, p in enumerate(m.parameters()):
            p.fill_(i + 0.5)
    assert str(twin.load_state_dict(m.state_dict())) == "<All keys matched successfully>"
    for i, p in enumerate(twin.parameters()):
        np.testing.assert_array_equal(array(p), np.full(tuple(p.shape), i + 0.5, np.float32))
