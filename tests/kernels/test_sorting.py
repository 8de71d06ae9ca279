"""The stable order by keys that end in the place, held against NumPy's stable argsort."""

from __future__ import annotations

import numpy as np
import pytest

from minitorch_ref.kernels.sorting import stable_order

Array = np.ndarray


def _inputs() -> dict[str, Array]:
    r = np.random.default_rng(0)
    x = r.standard_normal((5, 700)).astype("f4")
    odd = x.copy()
    odd[:, ::3] = r.choice(np.array([np.inf, -np.inf, 0.0, -0.0, 1e-45, -1e-45, np.nan], "f4"), (5, 234))
    odd[1, 5] = np.uint32(0xFFC00001).view("f4")  # a negative NaN with a payload
    whole = r.integers(-(1 << 31), 1 << 31, (5, 700))
    return {
        "normal": x, "odd": odd, "ties": np.rint(x * 3), "int32": whole.astype("i4"),
        "few": r.integers(-4, 4, (5, 700)).astype("i4"), "unsigned": whole.astype("u4"),
    }  # fmt: skip


@pytest.mark.parametrize("name", list(_inputs()))
@pytest.mark.parametrize("dim", [0, 1])
def test_the_order_is_the_stable_one(name: str, dim: int) -> None:
    x = _inputs()[name] if dim else np.ascontiguousarray(_inputs()[name].T)
    rising = stable_order(x, dim, descending=False)
    assert rising is not None and rising.dtype == np.int64
    np.testing.assert_array_equal(rising, np.argsort(x, axis=dim, kind="stable"))
    falling = stable_order(x, dim, descending=True)
    mirrored = np.argsort(np.flip(x, dim), axis=dim, kind="stable")
    np.testing.assert_array_equal(falling, x.shape[dim] - 1 - np.flip(mirrored, dim))


def test_other_dtypes_and_short_rows_are_left_to_numpy() -> None:
    assert stable_order(np.zeros((3, 1000)), 1, False) is None
    assert stable_order(np.zeros((1000, 3), "f4"), 1, False) is None
