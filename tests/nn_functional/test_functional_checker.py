"""The checker of this folder must reject wrong implementations."""

import numpy as np
import pytest
from functional_sides import check, same_error

X = np.linspace(-3, 3, 12, dtype=np.float32).reshape(3, 4)


def wrong_for_us(factor, bend=0.0):
    """relu, except that our side is off by a factor, or has a gradient that is off."""

    def f(lib, functional, x):
        y = functional.softplus(x)
        if lib.__name__ == "torch":
            return y
        return y * factor + (x - x.detach()) * bend

    return f


def test_right_passes():
    check(wrong_for_us(1.0), X, names=False)


@pytest.mark.parametrize("f", [wrong_for_us(1.00001), wrong_for_us(1.0, 1e-5)])
def test_wrong_value_or_gradient_fails(f):
    with pytest.raises(AssertionError):
        check(f, X, names=False)


def test_wrong_second_gradient_fails():
    def f(lib, functional, x):
        y = functional.softplus(x)
        return y if lib.__name__ == "torch" else y + (x - x.detach()) ** 2 * 1e-4

    with pytest.raises(AssertionError, match="second"):
        check(f, X, names=False)


def test_wrong_dtype_shape_or_node_fails():
    for f in (
        lambda lib, F, x: F.relu(x) if lib.__name__ == "torch" else F.relu(x).double(),
        lambda lib, F, x: F.relu(x) if lib.__name__ == "torch" else F.relu(x)[:2],
        lambda lib, F, x: F.relu(x) if lib.__name__ == "torch" else x.clamp_min(0),
    ):
        with pytest.raises(AssertionError):
            check(f, X)


def test_missing_or_other_error_fails():
    def silent(lib, F):
        if lib.__name__ == "torch":
            raise ValueError("no")

    def other(lib, F):
        raise (ValueError if lib.__name__ == "torch" else TypeError)("no")

    def words(lib, F):
        raise ValueError("no" if lib.__name__ == "torch" else "yes")

    for f in (silent, other, words):
        with pytest.raises(AssertionError):
            same_error(f)
