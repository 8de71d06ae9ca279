"""LU by LAPACK and by panels of columns: the same pivots, and factors that give the matrix back."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_ref.kernels import factoring


@pytest.mark.parametrize("shape", [(40, 40), (2, 3, 33, 50), (3, 70, 41), (0, 30, 30)])
@pytest.mark.parametrize("kind", ["f4", "f8", "c8", "c16"])
@pytest.mark.parametrize("lapack", [True, False])
def test_the_factors_give_the_matrix_back(
    shape: tuple[int, ...], kind: str, lapack: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not lapack:
        monkeypatch.setattr(factoring, "_getrf", lambda kind: None)
    r = np.random.default_rng(0)
    a = r.standard_normal(shape) + (1j * r.standard_normal(shape) if kind[0] == "c" else 0)
    a = a.astype(kind)
    packed, pivots, info = factoring.lu(a)
    m, n = shape[-2:]
    k = min(m, n)
    assert packed.shape == shape and packed.dtype == a.dtype and not info.any()
    assert pivots.shape == (*shape[:-2], k) and pivots.dtype == np.int32
    low = np.tril(packed[..., :k], -1) + np.eye(m, k)
    p = factoring.permutation_matrix(pivots, m, a.dtype)
    product = p @ low @ np.triu(packed[..., :k, :])
    np.testing.assert_allclose(product, a, atol=1e3 * np.finfo(kind).eps)
    assert (np.abs(low) <= 1.5).all()  # partial pivoting, of complex numbers by |re| + |im|


@pytest.mark.parametrize("n", [5, 40])
def test_a_zero_pivot_is_counted_and_nan_stays(n: int) -> None:
    a = np.random.default_rng(1).standard_normal((2, n, n))
    a[0, :, 2] = 0
    assert factoring.lu(a)[2].tolist() == [3, 0]
    a[1, 0, 0] = np.nan
    packed, pivots, _ = factoring.lu(a)
    assert np.isnan(packed[1]).any() and pivots[1, 0] == 1


def test_permutations_of_few_and_of_many() -> None:
    swaps = np.random.default_rng(2).integers(np.arange(1, 7), 8, (40, 6)).astype(np.int32)
    many = factoring.permutation(swaps, 8)
    for some in range(0, 40, 5):
        np.testing.assert_array_equal(factoring.permutation(swaps[some : some + 5], 8), many[some : some + 5])
    for row, order in zip(swaps, many):
        x = np.arange(8)
        for j, other in enumerate(row):
            x[[j, other - 1]] = x[[other - 1, j]]
        np.testing.assert_array_equal(x, order)
