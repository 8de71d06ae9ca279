"""Multi-head attention and the Transformer: against torch, a formula, and what masks must mean."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_cases import ENGINES, array, build, same

import minitorch_ref as mt

LAYERS = [
    "MultiheadAttention(8, 2)", "MultiheadAttention(6, 3, bias=False, batch_first=True)",
    "MultiheadAttention(8, 4, kdim=5, vdim=3)", "MultiheadAttention(8, 2, 0.25, add_bias_kv=True)",
    "MultiheadAttention(8, 2, add_zero_attn=True, add_bias_kv=True, kdim=5)",
    "TransformerEncoderLayer(8, 2, 16)", "TransformerEncoderLayer(8, 2, 16, activation='gelu', norm_first=True)",
    "TransformerDecoderLayer(8, 2, 16, batch_first=True, bias=False)",
    "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)",
    "TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16), 2, nn.LayerNorm(8))",
    "Transformer(8, 2, 2, 1, 16, batch_first=True)", "Transformer(8, 2, 1, 1, 16, norm_first=True, bias=False)",
]  # fmt: skip
NAMES = sorted({text.split("(")[0] for text in LAYERS})


@pytest.mark.parametrize("text", LAYERS)
def test_initial_weights_names_and_printing(text):
    def made(engine):
        engine.manual_seed(5)
        layer = build(engine, text)
        return repr(layer), dict(layer.state_dict()), engine.rand(1)

    same(made)


@pytest.mark.parametrize("name", NAMES)
def test_signatures(name):
    def shape(function):
        parameters = inspect.signature(function).parameters.values()
        return [(p.name, getattr(p.default, "__name__", p.default), p.kind) for p in parameters]

    ours, theirs = (getattr(e.nn, name) for e in ENGINES)
    assert shape(ours) == shape(theirs)
    assert shape(ours.forward) == shape(theirs.forward)


def test_signature_of_the_function():
    ours, theirs = (inspect.signature(e.nn.functional.multi_head_attention_forward) for e in ENGINES)
    shape = [[(p.name, p.default, p.kind) for p in s.parameters.values()] for s in (ours, theirs)]
    assert shape[0] == shape[1]


def outcome(engine, text, shapes, options, training=True, no_grad=False):
    """Outputs in float64 and, unless `no_grad`, all gradients; "=i" repeats input i."""
    engine.manual_seed(3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        layer = build(engine, text).double().train(training)
        rng = np.random.default_rng(0)
        inputs: list = []
        for shape in shapes:
            if isinstance(shape, str):
                inputs.append(inputs[int(shape[1:])])
            else:
                inputs.append(engine.from_numpy(rng.standard_normal(shape)).requires_grad_(not no_grad))
        given = {k: v(engine) if callable(v) else v for k, v in options.items()}
        if no_grad:
            with engine.no_grad():
                out = layer(*inputs, **given)
        else:
            out = layer(*inputs, **given)
    outs = [o for o in (out if isinstance(out, tuple) else (out,)) if o is not None]
    if no_grad:
        return [array(o) for o in outs]
    ramp = [engine.from_numpy(np.linspace(-1, 2, o.numel()).reshape(tuple(o.shape))) for o in outs]
    total = sum((o * r).sum() for o, r in zip(outs, ramp))
    leaves = {id(x): x for x in [*inputs, *layer.parameters()]}.values()
    grads = engine.autograd.grad(total, list(leaves), allow_unused=True)
    return [array(o) for o in outs] + [None if g is None else array(g) for g in grads]


def compare(text, shapes, options=None, **more):
    ours, theirs = (outcome(e, text, shapes, options or {}, **more) for e in ENGINES)
    for a, b in zip(ours, theirs, strict=True):
        if b is None:
            assert a is None
            continue
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        # float64; a few hundred roundings of values of at most about 30
        np.testing.assert_allclose(a, b, rtol=1e-11, atol=1e-11)


def hidden(*lengths, size):
    """A boolean padding mask: true after each length."""
    return lambda e: e.tensor([[i >= n for i in range(size)] for n in lengths])


def band(rows, columns):
    return lambda e: e.ones(rows, columns, dtype=e.bool).triu(1)


def added(*shape):
    rng = np.random.default_rng(9).standard_normal(shape)
    return lambda e: e.from_numpy(rng.copy())


CALLS = {
    "plain": {}, "no-weights": {"need_weights": False}, "by-head": {"average_attn_weights": False},
    "band": {"attn_mask": band(4, 5)}, "added": {"attn_mask": added(4, 5)},
    "per-head": {"attn_mask": added(4, 4, 5)}, "fast-added": {"attn_mask": added(4, 4, 5), "need_weights": False},
    "padding": {"key_padding_mask": hidden(3, 5, size=5)},
    "both": {"key_padding_mask": hidden(3, 5, size=5), "attn_mask": band(4, 5), "need_weights": False},
    "both-weights": {"key_padding_mask": added(2, 5), "attn_mask": added(4, 5)},
    "causal": {"attn_mask": band(4, 5), "is_causal": True, "need_weights": False},
    "causal-weights": {"attn_mask": band(4, 5), "is_causal": True},
    "causal-padding": {
        "attn_mask": band(4, 5), "is_causal": True, "key_padding_mask": hidden(3, 5, size=5),
        "need_weights": False,
    },
}  # fmt: skip


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("options", CALLS.values(), ids=CALLS.keys())
def test_attention_masks(options, training):
    compare("MultiheadAttention(8, 2)", [(4, 2, 8), (5, 2, 8), (5, 2, 8)], options, training=training)
    compare("MultiheadAttention(8, 2, 0.5)", [(4, 2, 8), (5, 2, 8), "=1"], options, training=training)


SHAPES = {
    "self": ("MultiheadAttention(8, 2)", [(4, 2, 8), "=0", "=0"]),
    "batch-first": ("MultiheadAttention(6, 3, bias=False, batch_first=True)", [(2, 4, 6), "=0", "=0"]),
    "batch-first-cross": ("MultiheadAttention(6, 3, batch_first=True)", [(2, 4, 6), (2, 5, 6), "=1"]),
    "unbatched": ("MultiheadAttention(8, 4)", [(4, 8), (5, 8), (5, 8)]),
    "unbatched-self": ("MultiheadAttention(8, 4, batch_first=True)", [(4, 8), "=0", "=0"]),
    "other-sizes": ("MultiheadAttention(8, 4, kdim=5, vdim=3)", [(4, 2, 8), (5, 2, 5), (5, 2, 3)]),
    "bias-kv": ("MultiheadAttention(8, 2, add_bias_kv=True)", [(4, 2, 8), "=0", "=0"]),
    "zero": ("MultiheadAttention(8, 2, add_zero_attn=True, add_bias_kv=True, bias=False)", [(4, 2, 8), (5, 2, 8), "=1"]),
}  # fmt: skip


@pytest.mark.parametrize("need_weights", [True, False])
@pytest.mark.parametrize("text, shapes", SHAPES.values(), ids=SHAPES.keys())
def test_attention_shapes(text, shapes, need_weights):
    compare(text, shapes, {"need_weights": need_weights})


@pytest.mark.parametrize("text", ["zero", "bias-kv", "batch-first", "self"])
def test_inference(text):
    layer, shapes = SHAPES[text]
    compare(layer, shapes, training=False, no_grad=True)
    keys = 5 if text == "zero" else 4
    options = {"need_weights": False, "key_padding_mask": hidden(3, keys, size=keys)}
    compare(layer, shapes, options, training=False, no_grad=True)


def test_padding_with_appended_rows():
    options = {"key_padding_mask": hidden(3, 5, size=5), "attn_mask": band(4, 5)}
    compare(*SHAPES["zero"], options)


# ---- the Transformer -----------------------------------------------------------------------------

BLOCKS = {
    "encoder": ("TransformerEncoderLayer(8, 2, 16)", [(4, 2, 8)], {}),
    "encoder-first": ("TransformerEncoderLayer(8, 2, 16, 0.0, 'gelu', norm_first=True)", [(4, 2, 8)], {}),
    "encoder-masks": (
        "TransformerEncoderLayer(8, 4, 16, 0.0, batch_first=True)", [(2, 4, 8)],
        {"src_mask": band(4, 4), "src_key_padding_mask": hidden(3, 4, size=4)},
    ),
    "encoder-causal": (
        "TransformerEncoderLayer(8, 2, 16, 0.0)", [(4, 2, 8)],
        {"src_mask": band(4, 4), "is_causal": True},
    ),
    "encoder-unbatched": ("TransformerEncoderLayer(8, 2, 16, bias=False)", [(4, 8)], {}),
    "decoder": ("TransformerDecoderLayer(8, 2, 16)", [(4, 2, 8), (5, 2, 8)], {}),
    "decoder-first": (
        "TransformerDecoderLayer(8, 2, 16, 0.0, norm_first=True, batch_first=True)", [(2, 4, 8), (2, 5, 8)],
        {
            "tgt_mask": band(4, 4), "memory_mask": added(4, 5), "tgt_is_causal": True,
            "memory_key_padding_mask": hidden(3, 5, size=5),
        },
    ),
    "stack": (
        "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 2, nn.LayerNorm(8))",
        [(2, 4, 8)], {"mask": lambda e: e.nn.Transformer.generate_square_subsequent_mask(4, dtype=e.float64)},
    ),
    "stack-padding": (
        "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), 2, nn.LayerNorm(8))",
        [(2, 4, 8)], {"src_key_padding_mask": hidden(3, 4, size=4)},
    ),
    "stack-decoder": (
        "TransformerDecoder(nn.TransformerDecoderLayer(8, 2, 16, 0.25), 2)", [(4, 2, 8), (5, 2, 8)],
        {"tgt_mask": lambda e: e.nn.Transformer.generate_square_subsequent_mask(4, dtype=e.float64)},
    ),
    "whole": (
        "Transformer(8, 2, 2, 2, 16)", [(5, 2, 8), (4, 2, 8)],
        {"tgt_mask": band(4, 4), "src_key_padding_mask": hidden(3, 5, size=5)},
    ),
    "whole-first": ("Transformer(8, 2, 1, 1, 16, 0.0, 'gelu', batch_first=True, norm_first=True)", [(2, 5, 8), (2, 4, 8)], {}),
}  # fmt: skip


@pytest.mark.parametrize("mode", ["train", "eval", "inference"])
@pytest.mark.parametrize("text, shapes, options", BLOCKS.values(), ids=BLOCKS.keys())
def test_transformer(text, shapes, options, mode):
    compare(text, shapes, options, training=mode == "train", no_grad=mode == "inference")


@pytest.mark.parametrize("lengths", [(3, 4), (1, 4), (2, 3)])
def test_inference_with_padding_gives_zeros_there(lengths):
    text, shapes, _ = BLOCKS["stack-padding"]
    options = {"src_key_padding_mask": hidden(*lengths, size=4)}
    compare(text.replace(", nn.LayerNorm(8)", ""), shapes, options, training=False, no_grad=True)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 3), st.sampled_from([1, 2, 4]))
def test_attention_is_its_formula(tgt, src, batch, heads):
    """softmax(q·kᵀ/√d)·v for each head by hand, and weights that sum to one."""
    mt.manual_seed(tgt * 10 + src)
    layer = mt.nn.MultiheadAttention(8, heads).double()
    rng = np.random.default_rng(batch)
    x, y = rng.standard_normal((tgt, batch, 8)), rng.standard_normal((src, batch, 8))
    out, weights = layer(mt.from_numpy(x), mt.from_numpy(y), mt.from_numpy(y))
    w = np.split(array(layer.in_proj_weight), 3)
    q, k, v = x @ w[0].T, y @ w[1].T, y @ w[2].T
    split = [a.reshape(len(a), batch, heads, -1).transpose(1, 2, 0, 3) for a in (q, k, v)]
    scores = split[0] @ split[1].swapaxes(-1, -2) / np.sqrt(8 / heads)
    chances = np.exp(scores - scores.max(-1, keepdims=True))
    chances /= chances.sum(-1, keepdims=True)
    mixed = (chances @ split[2]).transpose(2, 0, 1, 3).reshape(tgt, batch, 8)
    np.testing.assert_allclose(array(out), mixed @ array(layer.out_proj.weight).T, atol=1e-13)
    np.testing.assert_allclose(array(weights), chances.mean(1), atol=1e-14)
    np.testing.assert_allclose(array(weights).sum(-1), 1, atol=1e-14)


def test_hidden_keys_have_no_influence():
    """What is masked may be anything: neither outputs nor gradients notice."""
    mt.manual_seed(0)
    layer = mt.nn.MultiheadAttention(8, 2, batch_first=True).double()
    x = mt.randn(1, 5, 8, dtype=mt.float64)
    mask = mt.tensor([[False, False, False, True, True]])
    other = x.clone()
    other[:, 3:] = 1e3
    a, b = (layer(x[:, :2], y, y, key_padding_mask=mask)[0] for y in (x, other))
    assert a.tolist() == b.tolist()


MISTAKES = [
    "MultiheadAttention(7, 2)", "MultiheadAttention(0, 2)", "MultiheadAttention(8, -1)",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 5)] * 3)", "MultiheadAttention(4, 2)(*[torch.zeros(4)] * 3)",
    "MultiheadAttention(4, 2)(torch.zeros(2, 3, 4), torch.zeros(2, 4), torch.zeros(2, 4))",
    "MultiheadAttention(4, 2)(torch.zeros(3, 4), torch.zeros(3, 1, 4), torch.zeros(2, 4))",
    "MultiheadAttention(4, 2)(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), torch.zeros(3, 3, 4))",
    "MultiheadAttention(4, 2, kdim=3)(torch.zeros(2, 3, 4), torch.zeros(2, 3, 4), torch.zeros(2, 3, 4))",
    "MultiheadAttention(4, 2, kdim=3)(torch.zeros(2, 3, 4), torch.zeros(3, 3, 3), torch.zeros(2, 3, 4))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, attn_mask=torch.zeros(3, 2))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, attn_mask=torch.zeros(3, 2, 2))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, attn_mask=torch.zeros(2))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, attn_mask=torch.zeros(2, 2).long())",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, key_padding_mask=torch.zeros(2, 2))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, key_padding_mask=torch.zeros(3, 3))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, key_padding_mask=torch.zeros(3))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 4)] * 3, key_padding_mask=torch.zeros(3, 2))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 4)] * 3, attn_mask=torch.zeros(1, 2, 2))",
    "MultiheadAttention(4, 2)(*[torch.zeros(2, 3, 4)] * 3, is_causal=True)",
    "TransformerEncoderLayer(8, 2, activation='tanh')", "TransformerDecoderLayer(8, 3)",
    "Transformer(4, 2, 1, 1, 4)(torch.zeros(2, 3, 4), torch.zeros(2, 2, 4))",
    "Transformer(4, 2, 1, 1, 4, batch_first=True)(torch.zeros(2, 3, 4), torch.zeros(3, 3, 4))",
    "Transformer(4, 2, 1, 1, 4)(torch.zeros(2, 3, 5), torch.zeros(2, 3, 4))",
    "TransformerEncoder(nn.TransformerEncoderLayer(8, 1, 4, batch_first=True), 1)",
    "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4, norm_first=True), 1)",
    "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4, activation=nn.Tanh(), batch_first=True), 1)",
    "TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 4, bias=False, batch_first=True), 1)",
]  # fmt: skip


@pytest.mark.parametrize("text", MISTAKES)
def test_mistakes(text):
    same(lambda engine: type(build(engine, text)).__name__)


def test_projected_keys_of_ones_own():
    """static_k and static_v: already projected, one row per head."""

    def run(e):
        rng = np.random.default_rng(1)
        draw = lambda *shape: e.from_numpy(rng.standard_normal(shape))  # noqa: E731
        x, w, o = draw(3, 2, 4), draw(12, 4), draw(4, 4)
        out = e.nn.functional.multi_head_attention_forward(
            x, x, x, 4, 2, w, None, None, None, False, 0.0, o, None,
            static_k=draw(4, 5, 2), static_v=draw(4, 5, 2),
        )  # fmt: skip
        return [array(t) for t in out]

    for a, b in zip(run(mt), run(torch), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-13)


def test_the_comparison_sees_a_wrong_scale(monkeypatch):
    from minitorch_ref.nn.functional import multi_head

    attend = multi_head._attend
    monkeypatch.setattr(multi_head, "_attend", lambda q, *rest: attend(q * (1 + 1e-9), *rest))
    with pytest.raises(AssertionError):
        compare(*SHAPES["self"])
