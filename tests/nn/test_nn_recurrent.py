"""Recurrent layers, their cells, and packed sequences: against torch, formulas and invariants."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_cases import ENGINES, array, build, same

import minitorch_ref as mt

LAYERS = [
    "RNN(3, 4)", "RNN(3, 4, 2, 'relu', batch_first=True)", "RNN(3, 4, bias=False, bidirectional=True)",
    "GRU(3, 4)", "GRU(3, 4, 2, bidirectional=True)", "GRU(3, 4, 2, False, True)",
    "LSTM(3, 4)", "LSTM(3, 4, 3, batch_first=True)", "LSTM(3, 4, 2, bidirectional=True, proj_size=2)",
    "LSTM(3, 4, 2, bias=False, proj_size=3)", "LSTM(3, 4, 2, dropout=0.25, bidirectional=True)",
    "RNN(3, 4, 3, nonlinearity='relu', dropout=0.5)",
]  # fmt: skip
CELLS = [
    "RNNCell(3, 4)", "RNNCell(3, 4, False, 'relu')", "LSTMCell(3, 4)", "LSTMCell(3, 4, bias=False)",
    "GRUCell(3, 4)", "GRUCell(3, 4, False)",
]  # fmt: skip


@pytest.mark.parametrize("text", LAYERS + CELLS)
def test_initial_weights_names_and_printing(text):
    def made(engine):
        engine.manual_seed(5)
        layer = build(engine, text)
        return repr(layer), dict(layer.state_dict()), engine.rand(1), layer.__module__.count("nn.")

    same(made)


@pytest.mark.parametrize("name", ["RNN", "LSTM", "GRU", "RNNBase", "RNNCell", "LSTMCell", "GRUCell"])
def test_signatures(name):
    ours, theirs = (inspect.signature(getattr(e.nn, name)) for e in ENGINES)
    shape = [[(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (ours, theirs)]
    assert shape[0] == shape[1]


def flat(value):
    """All tensors in a result, in order."""
    if isinstance(value, (tuple, list)):
        return [t for item in value if item is not None for t in flat(item)]
    return [value]


def results(engine, text, inputs, training, packed=None, seed=2):
    """Outputs, and the gradients of a weighted sum of them in every leaf, in float64."""
    engine.manual_seed(seed)
    layer = build(engine, text).double().train(training)
    leaves = [engine.from_numpy(x.copy()).requires_grad_() for x in inputs]
    x, *state = leaves
    if packed is not None:
        rnn = engine.nn.utils.rnn
        x = rnn.pack_padded_sequence(x, packed, layer.batch_first, enforce_sorted=False)
    hx = tuple(state) if len(state) == 2 else state[0] if state else None
    outs = flat(layer(x, hx))
    floats = [o for o in outs if o.is_floating_point()]
    total = sum(
        (o * engine.from_numpy(np.linspace(-1, 2, o.numel()).reshape(tuple(o.shape)))).sum()
        for o in floats
    )
    grads = engine.autograd.grad(total, [*leaves, *layer.parameters()])
    return [array(t) for t in [*outs, *grads]]


def compare(text, inputs, training=True, packed=None):
    ours, theirs = (results(e, text, inputs, training, packed) for e in ENGINES)
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        # float64; some 200 roundings in a row, each of a value of at most about 10
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def states_for(text, batch, rng, batched=True):
    """Initial states that fit the layer, none for the first seed."""
    layer = build(torch, text)
    count = layer.num_layers * (2 if layer.bidirectional else 1)
    sizes = [layer.proj_size or layer.hidden_size, layer.hidden_size]
    lead = (count, batch) if batched else (count,)
    return [rng.standard_normal((*lead, n)) for n in sizes[: 2 if "LSTM" in text else 1]]


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("text", LAYERS)
def test_sequences(text, with_state, training):
    rng = np.random.default_rng(0)
    shape = (2, 5, 3) if build(torch, text).batch_first else (5, 2, 3)
    states = states_for(text, 2, rng) if with_state else []
    compare(text, [rng.standard_normal(shape), *states], training)


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("text", LAYERS)
def test_unbatched(text, with_state):
    rng = np.random.default_rng(1)
    states = states_for(text, 1, rng, batched=False) if with_state else []
    compare(text, [rng.standard_normal((4, 3)), *states])


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("text", LAYERS)
def test_packed(text, with_state):
    rng = np.random.default_rng(2)
    shape = (4, 5, 3) if build(torch, text).batch_first else (5, 4, 3)
    states = states_for(text, 4, rng) if with_state else []
    compare(text, [rng.standard_normal(shape), *states], packed=[2, 5, 1, 5])


@pytest.mark.parametrize("with_state", [False, True])
@pytest.mark.parametrize("text", CELLS)
@pytest.mark.parametrize("lead", [(2,), ()])
def test_cells(text, lead, with_state):
    def run(engine):
        engine.manual_seed(1)
        cell = build(engine, text).double()
        rng = np.random.default_rng(3)
        draw = [rng.standard_normal((*lead, n)) for n in (3, 4, 4)]
        x, h, c = (engine.from_numpy(d).requires_grad_() for d in draw)
        hx = ((h, c) if "LSTM" in text else h) if with_state else None
        outs = flat(cell(x, hx))
        used = [x, *cell.parameters()] + ([h] if with_state else [])
        grads = engine.autograd.grad(sum((o * o).sum() for o in outs), used, create_graph=True)
        second = engine.autograd.grad(sum((g * g).sum() for g in grads), used)
        return [type(outs[0].grad_fn).__name__] + [array(t) for t in [*outs, *grads, *second]]

    (a, *ours), (b, *theirs) = (run(e) for e in ENGINES)
    assert a == b
    for mine, other in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(mine, other, rtol=1e-12, atol=1e-12)


def test_second_derivatives_by_differences():
    mt.manual_seed(0)
    for kind in (mt.nn.LSTM, mt.nn.GRU):
        layer = kind(2, 2, bidirectional=True).double()
        x = mt.randn(3, 1, 2, dtype=mt.float64, requires_grad=True)
        assert mt.autograd.gradgradcheck(lambda x, layer=layer: layer(x)[0], x)


def test_lstm_is_its_formula():
    """One step by hand: c' = σ(f)·c + σ(i)·tanh(g), h' = σ(o)·tanh(c')."""
    mt.manual_seed(0)
    layer = mt.nn.LSTM(3, 2).double()
    x = np.random.default_rng(0).standard_normal((2, 1, 3))
    w = {k: array(v) for k, v in layer.state_dict().items()}
    h, c = np.zeros((1, 2)), np.zeros((1, 2))
    for step in x:
        gates = step @ w["weight_ih_l0"].T + w["bias_ih_l0"]
        gates = gates + h @ w["weight_hh_l0"].T + w["bias_hh_l0"]
        i, f, g, o = np.split(gates, 4, axis=1)
        i, f, o = (1 / (1 + np.exp(-v)) for v in (i, f, o))
        c = f * c + i * np.tanh(g)
        h = o * np.tanh(c)
    out, (last, cell) = layer(mt.from_numpy(x))
    for got, want in ((out[-1], h), (last[0], h), (cell[0], c)):
        np.testing.assert_allclose(array(got), want, rtol=1e-13)


MISTAKES = [
    "RNN(3, 4, nonlinearity='abs')", "RNN(3, 4, proj_size=1)", "GRU(3, 4, proj_size=1)",
    "LSTM(3, 4, proj_size=4)", "LSTM(3, 4, proj_size=-1)", "LSTM(0, 4)", "LSTM(3, 0)", "LSTM(3, 4, 0)",
    "GRU(3, 4, dropout=1.5)", "GRU(3, 4, dropout=True)", "GRU(3, 4, 1, dropout=0.5)", "GRU(3, 4, bias=1)",
    "GRU(3, 4, batch_first=1)", "GRU(3.0, 4)", "GRU(3, 4.0)", "RNNBase('ABC', 3, 4)",
    "RNN(3, 4)(torch.zeros(2, 3, 4, 5))", "LSTM(3, 4)(torch.zeros(3))", "GRU(3, 4)(torch.zeros(2, 2, 2))",
    "GRU(3, 4)(torch.zeros(2, 2, 3).double())", "GRU(3, 4)(torch.zeros(0, 2, 3))",
    "GRU(3, 4)(torch.zeros(2, 2, 3), torch.zeros(2, 4))", "GRU(3, 4)(torch.zeros(2, 3), torch.zeros(1, 1, 4))",
    "GRU(3, 4)(torch.zeros(2, 2, 3), torch.zeros(1, 3, 4))",
    "LSTM(3, 4)(torch.zeros(2, 2, 3), (torch.zeros(1, 2, 5), torch.zeros(1, 2, 4)))",
    "LSTM(3, 4)(torch.zeros(2, 2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 2, 5)))",
    "LSTM(3, 4)(torch.zeros(2, 2, 3), (torch.zeros(2, 4), torch.zeros(1, 2, 5)))",
    "LSTM(3, 4)(torch.zeros(2, 3), (torch.zeros(1, 2, 4), torch.zeros(1, 5)))",
    "RNNCell(3, 4)(torch.zeros(2, 2, 3))", "GRUCell(3, 4)(torch.zeros(3), torch.zeros(1, 2, 4))",
    "LSTMCell(3, 4)(torch.zeros(3), (torch.zeros(4), torch.zeros(1, 1, 4)))",
    "RNNCell(3, 4, nonlinearity='abs')(torch.zeros(3))", "RNNCell(3, 4)(torch.zeros(2, 5))",
    "GRUCell(3, 4)(torch.zeros(2, 3), torch.zeros(3, 4))",
    "GRU(3, 4)(nn.utils.rnn.pack_sequence([torch.zeros(2, 3)]), torch.zeros(1, 2, 4))",
]  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text):
    same(lambda engine: type(build(engine, text)).__name__)


def test_copies_and_pickles_keep_working():
    mt.manual_seed(0)
    layer, x = mt.nn.GRU(3, 4, 2), mt.ones(2, 1, 3)
    want = layer(x)[0].tolist()
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert other(x)[0].tolist() == want
        other.weight_ih_l0 = mt.nn.Parameter(mt.zeros(12, 3))
        assert other(x)[0].tolist() != want
    assert len(layer.all_weights) == 2 and layer.all_weights[1][3] is layer.bias_hh_l1


# ---- packing -----------------------------------------------------------------------------------

LENGTHS = st.lists(st.integers(1, 6), min_size=1, max_size=6)


@settings(max_examples=60, deadline=None)
@given(LENGTHS, st.booleans())
def test_packing_and_back(lengths, batch_first):
    """As torch packs; and unpacking gives the sequences again."""
    rng = np.random.default_rng(sum(lengths))
    data = [rng.standard_normal((n, 2)) for n in lengths]

    def run(engine):
        rnn = engine.nn.utils.rnn
        items = [engine.from_numpy(d) for d in data]
        packed = rnn.pack_sequence(items, enforce_sorted=False)
        out, found = rnn.pad_packed_sequence(packed, batch_first, -1.5, max(lengths) + 1)
        return list(packed), out, found, rnn.unpack_sequence(packed)

    *_, back = run(mt)
    assert [b.tolist() for b in back] == [d.tolist() for d in data]
    same(run)


@settings(max_examples=30, deadline=None)
@given(LENGTHS)
def test_a_packed_batch_is_its_sequences_one_by_one(lengths):
    mt.manual_seed(len(lengths))
    layer = mt.nn.LSTM(2, 3, 2, bidirectional=True).double()
    items = [mt.randn(n, 2, dtype=mt.float64) for n in lengths]
    rnn = mt.nn.utils.rnn
    packed, (h, c) = layer(rnn.pack_sequence(items, enforce_sorted=False))
    for i, (item, out) in enumerate(zip(items, rnn.unpack_sequence(packed))):
        alone, (h1, c1) = layer(item)
        for got, want in ((out, alone), (h[:, i], h1), (c[:, i], c1)):
            np.testing.assert_allclose(array(got), array(want), rtol=0, atol=1e-14)


PACKINGS = {
    "count": "pack_padded_sequence(x, [5, 3])",
    "order": "pack_padded_sequence(x, [3, 5, 1])",
    "zero": "pack_padded_sequence(x, [5, 3, 0])",
    "rank": "pack_padded_sequence(x, [[5, 3, 1]])",
    "empty": "pack_padded_sequence(torch.zeros(0, 3, 2), [0, 0, 0])",
    "short": "pack_padded_sequence(x, [3, 2, 1])",
    "float": "pack_padded_sequence(x, torch.tensor([5.5, 3, 1]))",
    "total": "pad_packed_sequence(pack_padded_sequence(x, [5, 3, 1]), total_length=4)",
    "double": "pack_padded_sequence(x, [3, 2, 1]).double()",
    "same": "pack_padded_sequence(x, [3, 2, 1]).float().cpu().is_cuda",
    "int": "pack_padded_sequence(x, [1, 3, 2], enforce_sorted=False).int()",
    "invert": "invert_permutation(torch.tensor([2, 0, 1]))",
    "invert-none": "invert_permutation(None)",
    "repr": "repr(pack_padded_sequence(x, [3, 2, 1]))",
    "pair": "PackedSequence((x, torch.tensor([1])))",
    "not-a-pair": "PackedSequence(x)",
}


@pytest.mark.parametrize("text", PACKINGS.values(), ids=PACKINGS.keys())
def test_packing_calls(text):
    def run(engine):
        rnn = engine.nn.utils.rnn
        x = engine.arange(30.0).view(5, 3, 2)
        names = {n: getattr(rnn, n) for n in rnn.__all__}
        value = eval(text, {"torch": engine, "x": x, **names})
        return tuple(value) if isinstance(value, tuple) else value

    same(run)


def test_the_comparison_sees_a_wrong_gate(monkeypatch):
    """Swapped gates of the LSTM must not pass."""
    from minitorch_ref.nn.functional import recurrent

    def swapped(gates, state, weights):
        h, c = state
        f, i, g, o = (weights.of_state(h) + gates).chunk(4, -1)
        c = f.sigmoid() * c + i.sigmoid() * g.tanh()
        return o.sigmoid() * c.tanh(), c

    monkeypatch.setattr(recurrent, "lstm", lambda *args: recurrent._run("lstm", swapped, args, {}))
    with pytest.raises(AssertionError):
        compare("LSTM(3, 4)", [np.random.default_rng(0).standard_normal((5, 2, 3))])
