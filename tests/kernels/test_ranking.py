"""The first k of an order and the k-th element, held against a full stable sort."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_ref.kernels import ranking

Array = np.ndarray


def _stable_first(x: Array, k: int, descending: bool) -> Array:
    keys = -x.astype(np.float64) if descending else x
    return np.argsort(keys, axis=1, kind="stable")[:, :k]


def _inputs() -> dict[str, Array]:
    r = np.random.default_rng(0)
    few = r.integers(0, 900, (7, 3001))
    edge = r.standard_normal((5, 2000)).astype(np.float32)
    edge[:, ::7] = -np.inf
    edge[2, 5:9] = np.inf
    return {
        "normal": r.standard_normal((9, 1000)).astype(np.float32),
        "row": r.standard_normal((1, 50_001)),
        "ties": few,
        "bytes": few.astype(np.uint8),
        "infinite": edge,
        "rising": np.arange(4096.0).reshape(1, -1),
        "zeros": np.where(r.random((3, 999)) < 0.5, -0.0, 0.0),
    }


@pytest.mark.parametrize("name", list(_inputs()))
@pytest.mark.parametrize("k", [1, 3, 40])
@pytest.mark.parametrize("descending", [False, True])
def test_first_places_are_those_of_a_stable_sort(name: str, k: int, descending: bool) -> None:
    x = _inputs()[name]
    places = ranking.first_places(x, k, descending)
    if places is None:  # too many equals: the caller sorts
        assert name in ("bytes", "zeros", "infinite")
        return
    np.testing.assert_array_equal(places, _stable_first(x, k, descending))


def test_first_places_leaves_nan_to_the_sort() -> None:
    x = np.ones((2, 4096), np.float32)
    x[1, 4095] = np.nan
    assert ranking.first_places(x, 3, True) is None
    assert ranking.has_nan(x) and not ranking.has_nan(x[:1])


@pytest.mark.parametrize("name", list(_inputs()))
@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_the_nth_place_is_that_of_a_stable_sort(name: str, share: float) -> None:
    x = _inputs()[name]
    nth = int(share * x.shape[1])
    found = ranking.nth_place(x, 1, nth)
    np.testing.assert_array_equal(found, np.argsort(x, axis=1, kind="stable")[:, nth : nth + 1])


def test_rows_without_ties() -> None:
    x = np.array([[3, 1, 2], [3, 1, 3], [0.0, -0.0, 1]])
    np.testing.assert_array_equal(ranking.without_ties(x), [True, False, False])
