"""nn.utils: clipping, parameters as a vector, padded sequences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_cases import ENGINES, array, same

import minitorch_ref as mt


def with_grads(e, grads, dtype="float64"):
    params = [e.nn.Parameter(e.zeros(tuple(np.shape(g)), dtype=getattr(e, dtype))) for g in grads]
    for p, g in zip(params, grads):
        p.grad = e.from_numpy(np.array(g, dtype=dtype))
    return [*params, e.nn.Parameter(e.ones(2))]  # one without a gradient


GRADS = st.lists(
    st.lists(st.floats(-10, 10, width=32), min_size=1, max_size=6), min_size=1, max_size=4
)


@settings(max_examples=60, deadline=None)
@given(GRADS, st.sampled_from([1.0, 2.0, 3.0, 0.5, float("inf")]), st.floats(0.1, 20))
def test_clip_grad_norm(grads, norm_type, max_norm):
    """Against torch, and against the definition: one vector, scaled if it is too long."""
    everything = np.abs(np.concatenate([np.array(g) for g in grads]))
    results = []
    for e in ENGINES:
        params = with_grads(e, grads)
        total = e.nn.utils.clip_grad_norm_(params, max_norm, norm_type)
        results.append([array(total), *[array(p.grad) for p in params[:-1]]])
        assert params[-1].grad is None
    for ours, theirs in zip(*results):
        np.testing.assert_allclose(ours, theirs, rtol=1e-14, atol=1e-300)
    if norm_type == float("inf"):
        norm = everything.max()
    else:
        norm = (everything**norm_type).sum() ** (1 / norm_type)
    np.testing.assert_allclose(results[0][0], norm, rtol=1e-12, atol=1e-12)
    scale = min(1.0, max_norm / (norm + 1e-6))
    for ours, g in zip(results[0][1:], grads):
        np.testing.assert_allclose(ours, np.array(g) * scale, rtol=1e-12, atol=1e-12)


CLIPS = {
    "generator": lambda e: e.nn.utils.clip_grad_norm_(iter(with_grads(e, [[3.0, 4.0]])), 1.0),
    "one-tensor": lambda e: e.nn.utils.clip_grad_norm_(with_grads(e, [[3.0, 4.0]])[0], 1.0),
    "no-grads": lambda e: e.nn.utils.clip_grad_norm_([e.ones(1)], 1.0),
    "empty-generator": lambda e: e.nn.utils.clip_grad_norm_((p for p in ()), 1.0),
    "nan": lambda e: e.nn.utils.clip_grad_norm_(with_grads(e, [[np.nan]]), 1.0),
    "nan-error": lambda e: e.nn.utils.clip_grad_norm_(
        with_grads(e, [[np.inf, 1.0]]), 1.0, error_if_nonfinite=True
    ),
    "total": lambda e: [
        e.nn.utils.get_total_norm([e.ones(4), e.ones(5)]), e.nn.utils.get_total_norm([]),
        e.nn.utils.get_total_norm(e.ones(4), 1, foreach=True),
    ],
    "retired": lambda e: e.nn.utils.clip_grad_norm(with_grads(e, [[3.0, 4.0]]), 1.0),
}  # fmt: skip


@pytest.mark.parametrize("story", CLIPS.values(), ids=CLIPS)
def test_clip_stories(story):
    same(story)


def test_clip_in_parts():
    def story(e):
        params = with_grads(e, [[3.0, 4.0], [[12.0]]])
        total = e.nn.utils.get_total_norm([p.grad for p in params[:-1]])
        e.nn.utils.clip_grads_with_norm_(params, 6.5, total)
        return total, [p.grad for p in params]

    same(story)


def test_clip_grad_value():
    def story(e):
        params = with_grads(e, [[-3.0, 0.5, 4.0], [np.nan, -1.0]])
        kept = [p.grad for p in params]
        assert e.nn.utils.clip_grad_value_(iter(params), 1) is None
        return [str(p.grad) for p in params], [a is p.grad for a, p in zip(kept, params)]

    same(story)


def test_parameters_to_vector_and_back():
    def story(e):
        e.manual_seed(0)
        m = e.nn.Sequential(e.nn.Linear(2, 3), e.nn.Linear(3, 1, bias=False))
        vector = e.nn.utils.parameters_to_vector(m.parameters())
        vector.sum().backward()
        new = e.arange(12.0)
        e.nn.utils.vector_to_parameters(new, m.parameters())
        new[0] = 50.0  # the parameters look into the vector
        return vector, [p.grad for p in m.parameters()], list(m.parameters()), m[0].bias.is_leaf

    same(story)
    same(lambda e: e.nn.utils.vector_to_parameters([1.0], []))


@settings(max_examples=50, deadline=None)
@given(
    st.lists(st.integers(0, 5), min_size=1, max_size=4), st.booleans(),
    st.sampled_from(["left", "right"]), st.sampled_from([(), (2,)]),
)  # fmt: skip
def test_pad_sequence(lengths, batch_first, side, trailing):
    if sum(lengths) == 0:
        lengths = [*lengths, 1]
    rng = np.random.default_rng(len(lengths))
    arrays = [rng.standard_normal((n, *trailing)) for n in lengths]

    def story(e):
        items = [e.from_numpy(a).requires_grad_() for a in arrays]
        padded = e.nn.utils.rnn.pad_sequence(items, batch_first, -1.0, padding_side=side)
        (padded * padded).sum().backward()
        return padded, padded.is_contiguous(), [t.grad for t in items]

    same(story)


def test_unpad_sequence_undoes_pad_sequence():
    items = [mt.arange(n * 1.0) for n in (3, 1, 2)]
    for batch_first in (False, True):
        padded = mt.nn.utils.rnn.pad_sequence(items, batch_first)
        back = mt.nn.utils.rnn.unpad_sequence(padded, mt.tensor([3, 1, 2]), batch_first)
        assert [b.tolist() for b in back] == [i.tolist() for i in items]


def test_pad_sequence_mistakes():
    for e in ENGINES:
        with pytest.raises(RuntimeError):
            e.nn.utils.rnn.pad_sequence([])
        with pytest.raises(RuntimeError, match="iterable"):
            e.nn.utils.rnn.pad_sequence(3)
        with pytest.raises(RuntimeError, match="left or right"):
            e.nn.utils.rnn.pad_sequence([e.ones(1)], padding_side="top")
