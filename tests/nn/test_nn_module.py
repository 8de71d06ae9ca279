"""Module itself: what is registered, what is refused, how the tree is walked and changed."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import pytest
import torch
from bits import same_bits
from nn_cases import ENGINES, NESTED, array, build, same

import minitorch_ref as mt


def net(engine):
    """Three levels, a shared layer, a buffer that is not saved."""
    nn = engine.nn
    engine.manual_seed(0)

    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(2, 2)
            self.again = self.linear
            self.register_buffer("count", engine.zeros(1))
            self.register_buffer("cache", engine.ones(2), persistent=False)
            self.register_buffer("hole", None)
            self.scale = nn.Parameter(engine.full((2,), 3.0))
            self.register_parameter("missing", None)
            self.number = 5

        def forward(self, x):
            return self.linear(x) * self.scale

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.block = Block()
            self.tail = nn.Sequential(nn.ReLU(), Block())
            self.nothing = None

        def forward(self, x):
            return self.tail(self.block(x))

    return Net()


def test_walks():
    def names(engine):
        m = net(engine)
        m.alias = m.block
        return [
            [n for n, _ in m.named_modules()], [n for n, _ in m.named_modules(prefix="top")],
            [n for n, _ in m.named_modules(remove_duplicate=False)],
            [n for n, _ in m.named_children()], len(list(m.children())), len(list(m.modules())),
            [n for n, _ in m.named_parameters()], [n for n, _ in m.named_parameters("p", False)],
            [n for n, _ in m.named_parameters(remove_duplicate=False)],
            [n for n, _ in m.block.named_parameters(recurse=False)],
            [n for n, _ in m.named_buffers()], [n for n, _ in m.block.named_buffers("q", False)],
            len(list(m.parameters())), len(list(m.buffers())), len(list(m.block.parameters(False))),
            list(m.state_dict()),
        ]  # fmt: skip

    same(names)


def test_dir_lists_members_and_hides_digits():
    m = mt.nn.Sequential(mt.nn.Linear(1, 1))
    m.register_buffer("kept", mt.zeros(1))
    names = dir(m)
    assert {"kept", "forward", "training", "append"} <= set(names) and "0" not in names
    assert "weight" in dir(mt.nn.Linear(1, 1))


def attempts():
    """Code that torch refuses, or that has a subtle result."""

    def before_init(assign):
        def run(e):
            class Early(e.nn.Module):
                def __init__(self):
                    assign(e, self)

            return type(Early()).__name__

        return run

    yield "parameter-early", before_init(lambda e, m: setattr(m, "p", e.nn.Parameter(e.ones(1))))
    yield "module-early", before_init(lambda e, m: setattr(m, "l", e.nn.ReLU()))
    yield "buffer-early", before_init(lambda e, m: setattr(m, "b", e.nn.Buffer(e.ones(1))))
    yield "register-parameter-early", before_init(lambda e, m: m.register_parameter("p", None))
    yield "register-buffer-early", before_init(lambda e, m: m.register_buffer("p", None))
    yield "plain-early", before_init(lambda e, m: setattr(m, "x", 3))

    def on_linear(change):
        def run(e):
            m = e.nn.Linear(2, 3)
            result = change(e, m)
            return result, list(m._parameters), list(m._modules), list(m._buffers)

        return run

    linear = {
        "tensor-as-parameter": lambda e, m: setattr(m, "weight", e.zeros(3, 2)),
        "int-as-parameter": lambda e, m: setattr(m, "bias", 3),
        "module-as-parameter": lambda e, m: setattr(m, "bias", e.nn.ReLU()),
        "buffer-as-parameter": lambda e, m: setattr(m, "bias", e.nn.Buffer(e.ones(1))),
        "none-as-parameter": lambda e, m: setattr(m, "bias", None),
        "module-named-weight": lambda e, m: m.add_module("weight", e.nn.ReLU()),
        "attribute-taken": lambda e, m: m.register_buffer("in_features", None),
        "parameter-taken": lambda e, m: m.register_parameter("forward", None),
        "dotted-parameter": lambda e, m: m.register_parameter("a.b", None),
        "dotted-buffer": lambda e, m: m.register_buffer("a.b", None),
        "dotted-module": lambda e, m: m.add_module("a.b", e.nn.ReLU()),
        "empty-parameter": lambda e, m: m.register_parameter("", None),
        "empty-buffer": lambda e, m: m.register_buffer("", None),
        "empty-module": lambda e, m: m.add_module("", e.nn.ReLU()),
        "name-int-parameter": lambda e, m: m.register_parameter(3, None),
        "name-int-buffer": lambda e, m: m.register_buffer(3, None),
        "name-int-module": lambda e, m: m.add_module(3, e.nn.ReLU()),
        "not-a-parameter": lambda e, m: m.register_parameter("p", e.zeros(2)),
        "not-a-buffer": lambda e, m: m.register_buffer("p", [1]),
        "not-a-module": lambda e, m: m.add_module("p", e.zeros(2)),
        "not-a-module-but-a-class": lambda e, m: m.add_module("p", e.nn.ReLU),
        "missing": lambda e, m: m.nope,
        "delete-missing": lambda e, m: delattr(m, "nope"),
        "delete": lambda e, m: delattr(m, "bias"),
        "no-forward": lambda e, m: e.nn.Module()(1),
        "train-int": lambda e, m: m.train(1),
        "to-int-dtype": lambda e, m: m.to(e.int32),
        "to-nonsense": lambda e, m: type(m.to([])),
        "submodule-missing": lambda e, m: m.get_submodule("a.b"),
        "submodule-parameter": lambda e, m: m.get_submodule("weight"),
        "parameter-missing": lambda e, m: m.get_parameter("q"),
        "parameter-not": lambda e, m: m.get_parameter("in_features"),
        "buffer-missing": lambda e, m: m.get_buffer("q"),
        "buffer-not": lambda e, m: m.get_buffer("weight"),
        "set-submodule-empty": lambda e, m: m.set_submodule("", m),
        "set-submodule-not": lambda e, m: m.set_submodule("a", 3),
        "set-submodule-strict": lambda e, m: m.set_submodule("a", e.nn.ReLU(), strict=True),
        "set-submodule-taken": lambda e, m: m.set_submodule("weight", e.nn.ReLU()),
        "extra-state": lambda e, m: m.load_state_dict([]),
    }
    for name, change in linear.items():
        yield name, on_linear(change)

    def with_members(change):
        def run(e):
            m = e.nn.Module()
            m.child, m.plain = e.nn.ReLU(), 1
            m.register_buffer("kept", e.zeros(2))
            m.register_buffer("temporary", e.zeros(2), persistent=False)
            result = change(e, m)
            return (
                result, list(m._parameters), list(m._modules), dict(m._buffers),
                m._non_persistent_buffers_set, "child" in m.__dict__, "plain" in m.__dict__,
                list(m.state_dict()),
            )  # fmt: skip

        return run

    members = {
        "tensor-as-module": lambda e, m: setattr(m, "child", e.zeros(1)),
        "none-as-module": lambda e, m: setattr(m, "child", None),
        "int-as-buffer": lambda e, m: setattr(m, "kept", 3),
        "tensor-as-buffer": lambda e, m: setattr(m, "kept", e.ones(3)),
        "tensor-as-temporary": lambda e, m: setattr(m, "temporary", e.ones(3)),
        "none-as-buffer": lambda e, m: setattr(m, "kept", None),
        "buffer-as-temporary": lambda e, m: setattr(m, "temporary", e.nn.Buffer(e.ones(1))),
        "new-buffer": lambda e, m: setattr(m, "b", e.nn.Buffer(e.ones(1), persistent=False)),
        "buffer-over-plain": lambda e, m: setattr(m, "plain", e.nn.Buffer(e.ones(1))),
        "parameter-over-buffer": lambda e, m: setattr(m, "temporary", e.nn.Parameter(e.ones(1))),
        "parameter-over-module": lambda e, m: setattr(m, "child", e.nn.Parameter(e.ones(1))),
        "parameter-over-plain": lambda e, m: setattr(m, "plain", e.nn.Parameter(e.ones(1))),
        "module-over-buffer": lambda e, m: setattr(m, "temporary", e.nn.Tanh()),
        "module-over-plain": lambda e, m: setattr(m, "plain", e.nn.Tanh()),
        "reregister-kept": lambda e, m: m.register_buffer("kept", e.ones(1), persistent=False),
        "delete-temporary": lambda e, m: delattr(m, "temporary"),
        "delete-child": lambda e, m: delattr(m, "child"),
        "nonleaf": lambda e, m: setattr(m, "p", e.nn.Parameter(e.ones(1)) * 2),
    }
    for name, change in members.items():
        yield name, with_members(change)


ATTEMPTS = list(attempts())


@pytest.mark.parametrize("attempt", [a for _, a in ATTEMPTS], ids=[n for n, _ in ATTEMPTS])
def test_assigning_and_refusing(attempt, request):
    if "nonsense" in request.node.name:  # torch lists its signatures; the type is what counts
        for engine in ENGINES:
            with pytest.raises(TypeError, match=r"to\(\) received an invalid"):
                attempt(engine)
    else:
        same(attempt)


def test_lookup_by_path():
    def found(engine):
        m = net(engine)
        m.set_submodule("tail.0", engine.nn.Tanh())
        m.set_submodule("tail.1.extra", engine.nn.ELU())
        return (
            repr(m.get_submodule("tail.1.linear")), m.get_submodule("") is m, repr(m),
            m.get_parameter("tail.1.scale"), m.get_buffer("block.cache"),
        )  # fmt: skip

    same(found)


def test_train_eval_apply_requires_grad():
    def run(engine):
        m, seen = net(engine), []
        modes = [[x.training for x in step.modules()] for step in (m, m.eval(), m.tail.train())]
        assert m.apply(lambda x: seen.append(type(x).__name__)) is m
        assert m.requires_grad_(False) is m
        frozen = [p.requires_grad for p in m.parameters()]
        m.block.requires_grad_()
        return modes, seen, frozen, [p.requires_grad for p in m.parameters()]

    same(run)


def test_zero_grad():
    def run(engine):
        m = net(engine)
        m(engine.ones(1, 2)).sum().backward()
        kept = [p.grad for p in m.parameters()]
        m.zero_grad(set_to_none=False)
        zeros = [p.grad for p in m.parameters()]
        same_objects = all(a is b for a, b in zip(kept, zeros))
        m.zero_grad()
        return zeros, same_objects, [p.grad for p in m.parameters()]

    same(run)


def test_zero_grad_lets_go_of_a_gradients_graph():
    m = mt.nn.Linear(2, 1)
    (m(mt.ones(1, 2)) ** 2).sum().backward(create_graph=True)
    assert m.weight.grad.requires_grad
    m.zero_grad(set_to_none=False)
    assert not m.weight.grad.requires_grad and m.weight.grad.grad_fn is None


CASTS = {
    "double": lambda e, m: m.double(),
    "half": lambda e, m: m.half(),
    "float": lambda e, m: m.double().float(),
    "to-dtype": lambda e, m: m.to(e.float64),
    "to-keyword": lambda e, m: m.to(dtype=e.float16),
    "to-device": lambda e, m: m.to("cpu"),
    "to-device-dtype": lambda e, m: m.to(e.device("cpu"), e.float64, True),
    "to-tensor": lambda e, m: m.to(e.zeros(1, dtype=e.float64)),
    "type": lambda e, m: m.type(e.float64),
    "cpu": lambda e, m: m.cpu(),
}


@pytest.mark.parametrize("cast", CASTS.values(), ids=CASTS)
def test_casts_keep_the_objects(cast):
    def run(engine):
        m = net(engine)
        m.block.register_buffer("steps", engine.tensor([3]))
        m.block.again = None  # a shared layer is met once all the same
        m(engine.ones(1, 2)).sum().backward()
        before = list(m.parameters())
        assert cast(engine, m) is m
        after = list(m.parameters())
        assert all(a is b for a, b in zip(before, after))
        return [(p, p.grad, p.is_leaf) for p in after], list(m.buffers())

    same(run)


def test_to_empty_keeps_shapes():
    m = net(mt).to_empty(device="cpu")
    want = {k: tuple(v.shape) for k, v in net(mt).state_dict().items()}
    assert {k: tuple(v.shape) for k, v in m.state_dict().items()} == want


def test_an_optimizer_keeps_working_after_a_cast():
    m = mt.nn.Linear(2, 1)
    weight = m.weight
    m.double()
    assert weight.dtype == mt.float64 and m.weight is weight
    m(mt.ones(1, 2, dtype=mt.float64)).sum().backward()
    assert array(weight.grad).tolist() == [[1.0, 1.0]]


def test_deepcopy_is_independent():
    def run(engine):
        m = net(engine)
        m.alias = m.block
        twin = copy.deepcopy(m)
        with engine.no_grad():
            for p in m.parameters():
                p.zero_()
        shared = twin.alias is twin.block and twin.block.again is twin.block.linear
        return shared, dict(twin.state_dict()), repr(twin), list(twin._modules)

    same(run)


def test_pickle_round_trip():
    m = mt.nn.Sequential(mt.nn.Linear(2, 3), mt.nn.BatchNorm1d(3), mt.nn.LeakyReLU(0.3))
    m.eval().register_forward_hook(print)
    twin = pickle.loads(pickle.dumps(m))
    assert repr(twin) == repr(m) and not twin.training and len(twin._forward_hooks) == 1
    for a, b in zip(m.state_dict().values(), twin.state_dict().values()):
        assert same_bits(array(a), array(b))
    assert isinstance(twin[0].weight, mt.nn.Parameter) and twin[0].weight.requires_grad


def test_repr_of_own_modules():
    def text(engine):
        class Many(engine.nn.Module):
            def extra_repr(self):
                return "one\ntwo"

        m = Many()
        m.inner = Many()
        return repr(Many()), repr(m), repr(net(engine)), repr(build(engine, NESTED))

    same(text)


def test_an_unhooked_module_makes_no_reference_cycle():
    gc.disable()
    try:
        m = build(mt, NESTED)
        m.stem.register_load_state_dict_pre_hook(print)
        gone = [weakref.ref(x) for x in m.modules()]
        del m
        assert all(ref() is None for ref in gone)
    finally:
        gc.enable()


def test_super_init_may_be_called_twice():
    def run(engine):
        m = engine.nn.Linear(1, 1)
        engine.nn.Module.__init__(m)
        return list(m.parameters()), m.in_features

    same(run)


def test_torch_tensors_are_not_ours():
    with pytest.raises(TypeError, match="cannot assign"):
        mt.nn.Linear(1, 1).weight = torch.zeros(1, 1)
