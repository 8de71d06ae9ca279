"""Every layer against torch's: initial weights, printing, state, forward and backward."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
import torch
from bits import same_bits
from nn_cases import CASES, ENGINES, IDS, NESTED, array, build, make_inputs, same

import minitorch_ref as mt


def seeded(engine, text):
    engine.manual_seed(7)
    return build(engine, text)


@pytest.mark.parametrize("text, inputs", CASES, ids=IDS)
def test_initial_state_is_bit_identical(text, inputs):
    states, nexts = [], []
    for engine in ENGINES:
        states.append(seeded(engine, text).state_dict())
        nexts.append(engine.rand(1).item())
    ours, theirs = states
    assert list(ours) == list(theirs)
    assert dict(ours._metadata) == dict(theirs._metadata)
    for key, want in theirs.items():
        got = ours[key]
        assert (str(got.dtype), tuple(got.shape)) == (str(want.dtype), tuple(want.shape))
        assert same_bits(array(got), array(want)), key
    assert nexts[0] == nexts[1], "a different number of random words was drawn"


@pytest.mark.parametrize("text, inputs", CASES, ids=IDS)
def test_repr(text, inputs):
    assert repr(build(mt, text)) == repr(build(torch, text))


def test_repr_nested():
    assert repr(build(mt, NESTED)) == repr(build(torch, NESTED))


def run(engine, text, inputs, state, training):
    """Output, gradients of float inputs and of parameters, buffers after: float64, by name."""
    module = build(engine, text).double()
    module.load_state_dict({k: engine.from_numpy(v.copy()) for k, v in state.items()})
    module.train(training)
    tensors = [engine.from_numpy(x.copy()) for x in inputs]
    leaves = {
        f"input {i}": t.requires_grad_() for i, t in enumerate(tensors) if t.is_floating_point()
    }
    if "Loss" in text and "Triplet" not in text:  # targets are constants
        for i in range(1, len(tensors)):
            if leaves.pop(f"input {i}", None) is not None:
                tensors[i].requires_grad_(False)
    # An in-place layer may not write into a leaf.
    passed = [t * 1 if t.requires_grad else t for t in tensors]
    engine.manual_seed(3)
    output = module(*passed)
    results = {"indices": array(output[1])} if isinstance(output, tuple) else {}
    output = output[0] if isinstance(output, tuple) else output
    results["output"] = array(output)
    ramp = np.linspace(-1, 2, output.numel()).reshape(tuple(output.shape))
    if output.requires_grad:
        (output * engine.from_numpy(ramp)).sum().backward()
    leaves |= dict(module.named_parameters())
    results |= {k: None if t.grad is None else array(t.grad) for k, t in leaves.items()}
    return results | {k: array(t) for k, t in module.named_buffers()}


@pytest.mark.filterwarnings("ignore:Using padding='same' with even")
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("text, inputs", CASES, ids=IDS)
def test_forward_and_backward(text, inputs, training):
    arrays = make_inputs(inputs)
    state = {k: array(v) for k, v in seeded(torch, text).double().state_dict().items()}
    ours, theirs = (run(engine, text, arrays, state, training) for engine in ENGINES)
    assert list(ours) == list(theirs)
    for key, want in theirs.items():
        got = ours[key]
        if want is None:
            assert got is None, key
            continue
        assert (got.dtype, got.shape) == (want.dtype, want.shape), key
        # float64: at most some 500 terms are summed anywhere, each rounded once.  torch's
        # hardsigmoid has its constant 1/6 in float32, whatever the dtype.
        bound = 2.0**-24 if "Hardsigmoid" in text else 500 * 2.0**-52
        np.testing.assert_allclose(got, want, rtol=bound, atol=bound, err_msg=key)


@pytest.mark.parametrize("text, inputs", CASES, ids=IDS)
def test_keyword_names_and_defaults(text, inputs):
    """The constructor takes torch's arguments under torch's names, with torch's defaults."""
    name = text.split("(")[0]
    ours, theirs = (inspect.signature(getattr(engine.nn, name)) for engine in ENGINES)
    shape = [[(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (ours, theirs)]
    assert shape[0] == shape[1]


MISTAKES = [
    "Linear(2)", "Linear(2, 3, 4, 5, 6, 7)", "ReLU(foo=1)", "GLU(1, 2)", "Threshold(1)",
    "Threshold(1, 2, threshold=3)", "Threshold()", "Tanh(1)", "Tanh(x=1)", "Dropout(1.5)",
    "Dropout(-0.1)", "Hardtanh(2, 1)", "GroupNorm(3, 4)", "Unflatten(1, 3)", "Unflatten(1, (2, 'a'))",
    "Conv2d(3, 4, 3, groups=2)", "Conv2d(4, 3, 3, groups=2)", "Conv2d(4, 4, 3, groups=0)",
    "Conv2d(4, 4, 3, padding='same', stride=2)", "ConvTranspose2d(4, 4, 3, padding_mode='reflect')",
    "Embedding(3, 2, padding_idx=3)", "Embedding(3, 2, padding_idx=-4)",
    "EmbeddingBag(3, 2, padding_idx=3)",
    "Embedding(3, 2, _weight=torch.zeros(2, 2))", "Embedding.from_pretrained(torch.zeros(2))",
    "MultiMarginLoss(p=3)", "MultiMarginLoss(weight=torch.zeros(2, 2))", "HuberLoss(delta='1')",
    "TripletMarginLoss(margin=0)", "TripletMarginWithDistanceLoss(margin=-1)", "Bilinear(0, 1, 1)",
    "MSELoss(size_average=False)", "CrossEntropyLoss(reduce=False)", "L1Loss(True, True)",
    "BatchNorm1d(3)(torch.zeros(2))", "BatchNorm2d(3)(torch.zeros(2, 3))",
    "InstanceNorm1d(3)(torch.zeros(2, 3, 4, 5))", "InstanceNorm1d(3, affine=True)(torch.zeros(2, 4, 5))",
    "InstanceNorm1d(3)(torch.ones(2, 4, 5))", "Softmax2d()(torch.zeros(2))",
    "CircularPad1d(1)(torch.zeros(2, 3, 4, 5))", "Module(1)", "Module(a=1)",
    "ConvTranspose1d(1, 1, 3, stride=2)(torch.zeros(1, 1, 4), output_size=(7,))",
]  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text):
    def attempt(engine):
        made = build(engine, text)
        return made.reduction if "Loss" in text else type(made).__name__

    same(attempt)


@pytest.mark.parametrize(
    "text", ["Conv2d(1, 1, 1, padding='some')", "Conv2d(1, 1, 1, padding_mode='x')"]
)
def test_bad_conv_options(text):
    for engine in ENGINES:  # torch lists the choices in a set's random order
        with pytest.raises(ValueError, match="one of"):
            build(engine, text)


def test_conv_transpose_output_size():
    for size in ((9, 8), (1, 4, 8, 8), (8, 9)):
        x = np.random.default_rng(0).standard_normal((1, 2, 4, 4))

        def shape(engine, size=size, x=x):
            engine.manual_seed(0)
            layer = engine.nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1).double()
            out = layer(engine.from_numpy(x), output_size=size)
            return list(out.shape), [round(v, 9) for v in out.flatten().tolist()]

        same(shape)


def test_loss_weights_are_buffers():
    def keys(engine):
        weight = engine.ones(3)
        losses = [
            engine.nn.CrossEntropyLoss(weight=weight), engine.nn.NLLLoss(weight),
            engine.nn.BCELoss(weight), engine.nn.MultiMarginLoss(weight=weight),
            engine.nn.BCEWithLogitsLoss(weight, pos_weight=weight * 2), engine.nn.MSELoss(),
        ]  # fmt: skip
        return [dict(loss.state_dict()) for loss in losses], [
            loss.double().state_dict() for loss in losses
        ]

    same(keys)


def test_legacy_loss_base_classes_can_be_subclassed():
    def run(engine):
        from importlib import import_module

        base = import_module(engine.__name__ + ".nn.modules.loss")._WeightedLoss

        class Focal(base):
            def __init__(self, weight=None, gamma=2.0, reduction="mean"):
                super().__init__(weight, reduction=reduction)
                self.gamma = gamma

        loss = Focal(engine.ones(2), reduction="sum")
        return loss.reduction, loss.gamma, loss.weight, repr(loss)

    same(run)


def test_batch_norm_without_running_stats_uses_the_batch_in_eval():
    layer = mt.nn.BatchNorm1d(2, track_running_stats=False, affine=False).eval()
    out = layer(mt.tensor([[0.0, 10.0], [2.0, 30.0]]))
    np.testing.assert_allclose(out.numpy(), [[-1, -1], [1, 1]], rtol=1e-4)


def test_subclass_of_a_declared_layer():
    def run(engine):
        class Scaled(engine.nn.LeakyReLU):
            scale: float

            def __init__(self, scale):
                super().__init__(0.5)
                self.scale = scale

            def forward(self, input):
                return super().forward(input) * self.scale

        layer = Scaled(3.0)
        return repr(layer), layer(engine.tensor([-1.0, 2.0]))

    same(run)
    assert list(inspect.signature(mt.nn.LeakyReLU).parameters) == ["negative_slope", "inplace"]


def test_from_pretrained():
    def story(e):
        table, rows = e.arange(6.0).view(3, 2), e.tensor([[2, 0]])
        frozen = e.nn.Embedding.from_pretrained(table, padding_idx=1)
        bags = e.nn.EmbeddingBag.from_pretrained(table, freeze=False, mode="sum")
        shared = [layer.weight.data_ptr() == table.data_ptr() for layer in (frozen, bags)]
        return (
            repr(frozen),
            repr(bags),
            frozen.weight,
            bags.weight,
            frozen(rows),
            bags(rows),
            shared,
        )

    same(story)


def test_a_wrong_bound_would_be_seen(monkeypatch):
    """The bit comparison rejects an initialization that is off by one part in a million."""
    bound = mt.nn.init._fan_in_bound
    monkeypatch.setattr(mt.nn.init, "_fan_in_bound", lambda weight: bound(weight) * (1 + 1e-6))
    with pytest.raises(AssertionError):
        test_initial_state_is_bit_identical("Linear(6, 3)", [])
