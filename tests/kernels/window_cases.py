"""Random geometries of sliding windows, for the tests of the convolution and pooling kernels."""

import numpy as np
from hypothesis import strategies as st

from minitorch_ref.kernels.axis import conv_axis, pool_axis


@st.composite
def conv_axes(draw, largest=5):
    """One axis of a convolution with at least one output."""
    kernel = draw(st.integers(1, largest))
    stride, dilation = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    padding = draw(st.integers(0, 3))
    least = max(1, (kernel - 1) * dilation + 1 - 2 * padding)
    return conv_axis(least + draw(st.integers(0, 6)), kernel, stride, padding, dilation)


@st.composite
def pool_axes(draw, dilated=True):
    """One axis of a pooling with at least one output, each with an element."""
    kernel = draw(st.integers(1, 5))
    dilation = draw(st.integers(1, 2)) if dilated else 1
    padding = draw(st.integers(0, kernel // 2))
    stride, ceil_mode = draw(st.integers(1, 4)), draw(st.booleans())
    least = max(1, (kernel - 1) * dilation + 1 - 2 * padding)
    return pool_axis(least + draw(st.integers(0, 7)), kernel, stride, padding, dilation, ceil_mode)


@st.composite
def channels(draw):
    """(groups, input channels a group, output channels a group): narrow, wide and depthwise."""
    return draw(st.sampled_from([1, 1, 2, 3])), draw(st.sampled_from([1, 2, 3, 33])), draw(
        st.sampled_from([1, 2, 5, 34])
    )


def values(seed, shape, dtype=np.float64, layout="C"):
    """Normal values in one of several memory layouts."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal(shape)
    if np.dtype(dtype).kind == "c":
        x = x + 1j * rng.standard_normal(shape)
    x = x.astype(dtype)
    if layout == "turned":
        return np.ascontiguousarray(x.T).T
    if layout == "strided":
        wide = np.zeros((*shape[:-1], 2 * shape[-1]), dtype)
        wide[..., ::2] = x
        return wide[..., ::2]
    if layout == "flipped":
        return np.ascontiguousarray(x[..., ::-1])[..., ::-1]
    return x


layouts = st.sampled_from(["C", "C", "turned", "strided", "flipped"])
