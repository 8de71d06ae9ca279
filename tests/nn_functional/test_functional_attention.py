"""Scaled dot-product attention beside torch."""

import numpy as np
import pytest
from functional_sides import check, same_error


def normal(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


Q, K, V = normal(2, 4, 3, 8), normal(2, 4, 5, 8, seed=1), normal(2, 4, 5, 6, seed=2)
MASK = np.random.default_rng(3).random((3, 5)) < 0.6
MASK[0] = False  # a query that may look at nothing

CALLS = {
    "plain": lambda lib, F, q, k, v: F.scaled_dot_product_attention(q, k, v),
    "scale": lambda lib, F, q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3),
    "causal": lambda lib, F, q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
    "mask": lambda lib, F, q, k, v: F.scaled_dot_product_attention(q, k, v, lib.from_numpy(MASK)),
    "added": lambda lib, F, q, k, v: F.scaled_dot_product_attention(
        q, k, v, lib.from_numpy(MASK.astype(np.float32)).to(q.dtype)
    ),
    "shared heads": lambda lib, F, q, k, v: F.scaled_dot_product_attention(
        q, k[:, :2], v[:, :2], enable_gqa=True
    ),
    "matrices": lambda lib, F, q, k, v: F.scaled_dot_product_attention(q[0, 0], k[0, 0], v[0, 0]),
}


@pytest.mark.parametrize("name", CALLS)
def test_attention(name):
    check(CALLS[name], Q, K, V, order=1, names=False)


def test_errors():
    same_error(
        lambda lib, F: F.scaled_dot_product_attention(
            lib.rand(2, 3), lib.rand(2, 3), lib.rand(2, 3), lib.ones(2, 2).bool(), is_causal=True
        )
    )
    same_error(
        lambda lib, F: F.scaled_dot_product_attention(
            lib.rand(2, 3), lib.rand(2, 3).double(), lib.rand(2, 3)
        ),
        "Expected query, key, and value to have the same dtype",
    )
