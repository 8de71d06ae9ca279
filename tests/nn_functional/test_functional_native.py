"""The functions that torch also has as `torch.<name>`, with the arguments they have there."""

import numpy as np
import pytest
from functional_sides import check


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


X, Y, W, B = normal(4, 3, 5), normal(4, 3, 5, seed=1), normal(3, seed=2), normal(3, seed=3)


def seeded(f):
    def call(lib, F, *tensors):
        lib.manual_seed(11)
        return f(lib, *tensors)

    return call


CALLS = {
    "dropout": (lambda lib, x: lib.dropout(x, 0.4, True), X),
    "dropout_": (lambda lib, x: lib.dropout_(x * 1, p=0.4, train=True), X),
    "alpha_dropout": (lambda lib, x: lib.alpha_dropout(x, 0.4, True), X),
    "feature_dropout": (lambda lib, x: lib.feature_dropout(x, 0.4, True), X),
    "feature_alpha_dropout_": (lambda lib, x: lib.feature_alpha_dropout_(x * 1, 0.4, True), X),
    "batch_norm": (
        lambda lib, x, w, b: lib.batch_norm(x, w, b, None, None, True, 0.1, 1e-5, False), X, W, B,
    ),
    "instance_norm": (
        lambda lib, x, w, b: lib.instance_norm(x, w, b, None, None, True, 0.1, 1e-5, False), X, W, B,
    ),
    "layer_norm": (lambda lib, x: lib.layer_norm(x, (5,), None, None, 1e-5, False), X),
    "group_norm": (lambda lib, x, w, b: lib.group_norm(x, 3, w, b), X, W, B),
    "embedding": (lambda lib, w: lib.embedding(w, lib.tensor([1, 0, 1]), 1), normal(3, 4)),
    "selu": (lambda lib, x: lib.selu(x), X),
    "celu_": (lambda lib, x: lib.celu_(x * 1, 0.5), X),
    "rrelu": (lambda lib, x: lib.rrelu(x, 0.1, 0.3, True), X),
    "threshold": (lambda lib, x: lib.threshold(x, 0.1, 0.2), X),
    "relu_": (lambda lib, x: lib.relu_(x * 1), X),
    "bce": (
        lambda lib, x, y: lib.binary_cross_entropy_with_logits(x, y.sigmoid(), None, None, 2), X, Y,
    ),
    "hinge": (lambda lib, x, y: lib.hinge_embedding_loss(x, y.detach().sign(), 1.0, 0), X, Y),
    "ranking": (
        lambda lib, x, y: lib.margin_ranking_loss(x, y, y.detach().sign(), margin=0.1), X, Y,
    ),
    "kl": (lambda lib, x, y: lib.kl_div(x, y, 2, log_target=True), X, Y),
    "poisson": (lambda lib, x, y: lib.poisson_nll_loss(x, y.exp(), True, False, 1e-8, 1), X, Y),
    "triplet": (lambda lib, x, y: lib.triplet_margin_loss(x, y, x * y, 1.0, 2, 1e-6, False, 0), X, Y),
    "cosine loss": (
        lambda lib, x, y: lib.cosine_embedding_loss(x[0], y[0], lib.tensor([1, -1, 1]), 0.1, 2), X, Y,
    ),
    "cosine": (lambda lib, x, y: lib.cosine_similarity(x, y, -1), X, Y),
    "pairwise": (lambda lib, x, y: lib.pairwise_distance(x, y), X, Y),
    "pad": (lambda lib, x: lib.constant_pad_nd(x, (1, 2), 3), X),
    "shuffle": (lambda lib, x: lib.pixel_shuffle(lib.cat([x, x[:, :1]], 1), 2), X),
}  # fmt: skip


@pytest.mark.parametrize("name", CALLS)
def test_native(name):
    f, *arrays = CALLS[name]
    names = name not in ("pairwise", "triplet", "kl", "hinge", "ranking", "poisson", "cosine loss")
    check(seeded(f), *arrays, order=1, names=names)
