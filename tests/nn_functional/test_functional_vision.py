"""pad, interpolate and the shuffles beside torch."""

import numpy as np
import pytest
from functional_sides import OURS, TORCH, check, same_error
from hypothesis import given, settings
from hypothesis import strategies as st


def normal(*shape, dtype=np.float32):
    return np.random.default_rng(0).normal(size=shape).astype(dtype)


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_pad(data):
    mode = data.draw(st.sampled_from(["constant", "reflect", "replicate", "circular"]))
    if mode == "constant":
        shape = tuple(data.draw(st.lists(st.integers(0, 4), min_size=1, max_size=4)))
        axes = data.draw(st.integers(0, len(shape)))
        low = 0
    else:
        axes = data.draw(st.integers(1, 3))
        extra = data.draw(st.integers(1, 2))
        shape = tuple(data.draw(st.lists(st.integers(2, 4), min_size=axes + extra, max_size=axes + extra)))
        low = 1
    pads = []
    for i in range(axes):
        n = shape[len(shape) - 1 - i]
        high = 3 if mode == "constant" else n - low if mode == "reflect" else min(n, 3)
        before = data.draw(st.integers(-min(n, 1), high))
        if mode == "circular" and before < 0:
            high = min(high, n - 1)  # torch reads memory it has not written when more is wrapped
        after = data.draw(st.integers(-min(n - 1, 1) if n + before > 1 else 0, high))
        if mode == "circular" and after < 0:
            before = min(before, n - 1)
        pads += [before, after]
    value = {"value": 1.5} if mode == "constant" else {}
    dtype = data.draw(st.sampled_from(["float32", "float64", "float16", "int64"]))
    x = (normal(*shape) * 4).astype(dtype)
    order = 1 if dtype == "float16" else 2
    names = mode == "constant" and any(pads)
    check(lambda lib, F, x: F.pad(x, tuple(pads), mode=mode, **value), x, order=order, names=names)


def test_pad_names_and_types():
    x = normal(2, 3, 4, 5)
    for mode in ("reflect", "replicate"):
        check(lambda lib, F, x: F.pad(x, (1, 1), mode), x[0])
        check(lambda lib, F, x: F.pad(x, (1, 2, 0, 1), mode), x)
        check(lambda lib, F, x: F.pad(x, (1, 2, 0, 1, 1, 1), mode), x)
    check(lambda lib, F, x: F.pad(x, (1, 1), "circular"), x[0], names=False)
    check(lambda lib, F, x: F.pad(x, (1, 1), value=1.5), np.array([1, 2]))
    check(lambda lib, F, x: F.pad(x, (1, 1), value=1), np.array([True]))
    check(lambda lib, F, x: F.pad(x, (1, -1), value=None), x)
    check(lambda lib, F, x: lib.constant_pad_nd(x, (1, 1), 3), x)


PAD_ERRORS = """
F.pad(R(3,4),(1,1,1))
F.pad(R(3,4),(1,1,1,1,1,1))
F.pad(R(3,4),(1,1),'foo')
F.pad(R(3,4),(1,1),'reflect',1.)
F.pad(R(3,4),(4,1),'reflect')
F.pad(R(3,4),(1,1,1,1),'reflect')
F.pad(R(4),(1,1),'replicate')
F.pad(R(3,4),(5,1),'circular')
F.pad(R(3,0),(1,1),'reflect')
F.pad(R(3,0),(1,1),'replicate')
""".strip().splitlines()


@pytest.mark.parametrize("call", PAD_ERRORS)
def test_pad_errors(call):
    same_error(lambda lib, F: eval(call, {"F": F, "R": lib.rand}))


def test_pad_cannot_remove_more_than_there_is():
    same_error(lambda lib, F: F.pad(lib.rand(3, 4), (-3, -3)), "narrow(): length must be non-negative")


# ---- interpolate -----------------------------------------------------------------------------------

MODES = {
    3: ["nearest", "nearest-exact", "linear"],
    4: ["nearest", "nearest-exact", "bilinear", "bicubic"],
    5: ["nearest", "nearest-exact", "trilinear"],
}


@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_interpolate(data):
    ndim = data.draw(st.integers(3, 5))
    mode = data.draw(st.sampled_from(MODES[ndim]))
    shape = (2, 2, *data.draw(st.lists(st.integers(1, 6), min_size=ndim - 2, max_size=ndim - 2)))
    kwargs = {}
    if data.draw(st.booleans()):
        kwargs["size"] = tuple(data.draw(st.integers(1, 9)) for _ in shape[2:])
    else:
        scale = data.draw(st.sampled_from([1.0, 2.0, 1.5, 0.7, 3.0]))
        if min(int(n * scale) for n in shape[2:]) < 1:
            return
        kwargs["scale_factor"] = scale
        kwargs["recompute_scale_factor"] = data.draw(st.sampled_from([None, True]))
    if "nearest" not in mode:
        kwargs["align_corners"] = data.draw(st.sampled_from([None, True, False]))
    check(lambda lib, F, x: F.interpolate(x, mode=mode, **kwargs), normal(*shape))


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
def test_nearest_picks_torchs_pixels(mode):
    for n in range(1, 40):
        x = np.arange(n, dtype=np.float32).reshape(1, 1, n)
        for size in (1, 2, 3, 7, 13, 29, 2 * n, 3 * n):
            check(lambda lib, F, x: F.interpolate(x, size, mode=mode), x, order=0)


@pytest.mark.parametrize("mode", ["bilinear", "bicubic", "lanczos"])
@pytest.mark.parametrize("size", [(3, 4), (11, 17), (8, 5)])
def test_antialias(mode, size):
    order = 1 if mode == "lanczos" else 2
    check(
        lambda lib, F, x: F.interpolate(x, size, mode=mode, antialias=True),
        normal(2, 3, 8, 11), order=order, names=mode != "lanczos",
    )  # fmt: skip


def test_area_and_types():
    check(lambda lib, F, x: F.interpolate(x, (3, 4), mode="area"), normal(2, 3, 8, 11), names=False)
    check(lambda lib, F, x: F.interpolate(x, scale_factor=0.5, mode="area"), normal(2, 3, 8), names=False)
    pixels = (normal(2, 3, 4, 4) * 40 + 100).astype(np.uint8)
    check(lambda lib, F, x: F.interpolate(x, 7), pixels)
    check(lambda lib, F, x: F.interpolate(x, 6, mode="linear"), normal(1, 2, 4, dtype=np.float16), order=1)
    check(lambda lib, F, x: F.interpolate(x, (6, 5), mode="bilinear"), normal(1, 2, 4, 4, dtype=np.float64), order=1)
    check(lambda lib, F, x: F.interpolate(x, 3), normal(0, 3, 4, 4))


def test_older_names():
    x = normal(1, 2, 3, 4)
    for name in ("upsample", "upsample_nearest", "upsample_bilinear"):
        check(lambda lib, F, x: getattr(F, name)(x, scale_factor=2), x)
        for lib, F in (OURS, TORCH):
            with pytest.warns(UserWarning, match=f"`nn.functional.{name}` is deprecated"):
                getattr(F, name)(lib.ones(1, 1, 2, 2), 3)


INTERPOLATE_ERRORS = """
F.interpolate(R(2,3),4)
F.interpolate(R(2,3,4))
F.interpolate(R(2,3,4),4,2.)
F.interpolate(R(2,3,4),(4,4))
F.interpolate(R(2,3,4),4,mode='bilinear')
F.interpolate(R(2,3,4,4),4,mode='linear')
F.interpolate(R(2,3,4,4),4,mode='foo')
F.interpolate(R(2,3,4,4),4,mode='nearest',align_corners=True)
F.interpolate(R(2,3,4,4),0)
F.interpolate(R(2,3,4,4),scale_factor=.1)
F.interpolate(R(2,3,4,4),scale_factor=(2.,))
F.interpolate(R(2,3,4,4),(4.5,2))
F.interpolate(R(2,3,4,4),3,recompute_scale_factor=True)
F.interpolate(R(2,0,4,4),3)
F.interpolate(R(2,3,4,4),3,mode='lanczos')
F.interpolate(R(2,3,4),3,mode='linear',antialias=True)
F.pixel_shuffle(R(1,5,2,2),2)
F.pixel_shuffle(R(2,2),2)
F.pixel_shuffle(R(4,2,2),0)
F.pixel_unshuffle(R(1,3,3),2)
F.pixel_unshuffle(R(1,4,3),2)
F.pixel_unshuffle(R(1,3,3),0)
F.channel_shuffle(R(1,5,3,3),2)
F.channel_shuffle(R(1,5),2)
""".strip().splitlines()


@pytest.mark.parametrize("call", INTERPOLATE_ERRORS)
def test_interpolate_errors(call):
    same_error(lambda lib, F: eval(call, {"F": F, "R": lib.rand}))


def test_interpolate_refuses_integers():
    same_error(lambda lib, F: F.interpolate(lib.ones(1, 1, 4, 4).long(), 3), "not implemented for 'Long'")


# ---- shuffles --------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(
    outer=st.lists(st.integers(1, 2), max_size=2).map(tuple),
    c=st.integers(1, 3),
    r=st.integers(1, 3),
    h=st.integers(1, 3),
    w=st.integers(1, 3),
)
def test_shuffles(outer, c, r, h, w):
    check(lambda lib, F, x: F.pixel_shuffle(x, r), normal(*outer, c * r * r, h, w))
    check(lambda lib, F, x: F.pixel_unshuffle(x, r), normal(*outer, c, h * r, w * r))
    check(lambda lib, F, x: F.channel_shuffle(x, r), normal(2, c * r, h + 1, w), names=r > 1)
