"""Cases of nn.functional: convolutions, linear maps, unfolding, pools."""

from __future__ import annotations

from .nn_common import NET, fun
from .spec import COMPLEX, FLOATS, HALF, F, L, X, call, table

# fmt: off
IMAGE, KERNEL = X(2, 4, 6, 5), X(6, 4, 3, 2)
CONV2D = [call(IMAGE, KERNEL), call(IMAGE, KERNEL, X(6)), call(IMAGE, KERNEL, X(6), stride=2),
    call(IMAGE, KERNEL, padding=1), call(IMAGE, KERNEL, X(6), (2, 1), (1, 2)),
    call(IMAGE, KERNEL, dilation=2), call(IMAGE, X(6, 2, 3, 2), groups=2),
    call(IMAGE, X(4, 1, 3, 3), groups=4, padding=1),
          call(IMAGE, KERNEL, padding="same"), call(IMAGE, KERNEL, padding="valid"),
          call(X(4, 6, 5), KERNEL), call(X(1, 1, 3, 3), X(1, 1, 1, 1)),
          call(IMAGE, X(6, 4, 3, 2), padding=(1, 0), dilation=(1, 2), stride=(2, 1)),
          call(X(0, 4, 6, 5), KERNEL)]
BAD_CONV = [call(X(2, 3, 6, 5), KERNEL), call(X(2, 4), KERNEL), call(IMAGE, X(6, 4, 7, 2)),
    call(IMAGE, KERNEL, X(5)), call(IMAGE, KERNEL, stride=0), call(IMAGE, KERNEL, padding=-1),
    call(IMAGE, KERNEL, groups=3), call(IMAGE, KERNEL, padding="abc"),
    call(IMAGE, F(6, 4, 3, 2, dtype="float64")), call(IMAGE, KERNEL, padding="same", stride=2)]
LINE, TAPS, CUBE = X(2, 4, 9), X(6, 4, 3), X(1, 2, 4, 4, 5)
CONVOLUTIONS = [
    fun("conv2d", *CONV2D, bad=BAD_CONV, dtypes=FLOATS + HALF + COMPLEX, special=False),
    fun("conv1d", call(LINE, TAPS), call(LINE, TAPS, X(6), stride=2, padding=1),
        call(LINE, X(6, 2, 3), groups=2, dilation=2), call(X(4, 9), TAPS),
        call(LINE, TAPS, padding="same"), bad=[call(X(2, 3, 9), TAPS), call(X(2, 4, 2), TAPS)],
        dtypes=NET, special=False),
    fun("conv3d", call(CUBE, X(3, 2, 2, 3, 2)), call(CUBE, X(3, 2, 2, 3, 2), X(3), stride=2,
        padding=1), bad=[call(X(1, 3, 4, 4, 5), X(3, 2, 2, 3, 2))], dtypes=FLOATS, special=False),
        fun("conv_transpose2d", call(IMAGE, X(4, 3, 3, 2)),
            call(IMAGE, X(4, 3, 3, 2), X(3), stride=2, padding=1, output_padding=1),
            call(IMAGE, X(4, 3, 3, 2), groups=2, dilation=2),
            bad=[call(X(2, 3, 6, 5), X(4, 3, 3, 2)), call(IMAGE, X(4, 3, 3, 2), output_padding=1)],
            dtypes=FLOATS, special=False),
    fun("conv_transpose1d", call(LINE, X(4, 3, 3)),
        call(LINE, X(4, 3, 3), X(3), stride=2, padding=1, output_padding=1), dtypes=FLOATS,
        special=False), fun("conv_transpose3d", call(CUBE, X(2, 3, 2, 3, 2)), dtypes=FLOATS,
        special=False),
    fun("unfold", call(X(2, 3, 5, 4), (2, 3)), call(X(2, 3, 5, 4), 2, 1, 1, 2), call(X(3, 5, 4), 2),
        bad=[call(X(3, 3), 2), call(X(1, 1, 3, 3), 5)], level="exact", dtypes=FLOATS,
        special=False), fun("fold", call(X(2, 12, 12), (5, 4), (2, 2)),
        call(X(1, 8, 9), (4, 4), 2, padding=1, stride=2), bad=[call(X(2, 12, 11), (5, 4), (2, 2))],
        dtypes=FLOATS, special=False),
    fun("linear", call(X(3, 4), X(5, 4)), call(X(3, 4), X(5, 4), X(5)), call(X(4), X(5, 4), X(5)),
        call(X(2, 3, 4), X(5, 4), X(5)), call(X(0, 4), X(5, 4), X(5)), call(X(3, 4), X(4)),
        call(X(5, 60), X(7, 60), X(7)), bad=[call(X(3, 5), X(4, 4)),
            call(X(3, 4), F(5, 4, dtype="float64")), call(X(3, 4), X(5, 4), X(6))],
            dtypes=FLOATS + HALF + COMPLEX + ("int64",), special=False),
    fun("bilinear", call(X(3, 4), X(3, 5), X(2, 4, 5)), call(X(3, 4), X(3, 5), X(2, 4, 5), X(2)),
        dtypes=FLOATS, special=False),
]

PICTURE = X(2, 3, 6, 7, domain="distinct")
MAX2D = [call(PICTURE, 2), call(PICTURE, (3, 2), stride=1), call(PICTURE, 3, 2, 1),
    call(PICTURE, 2, dilation=2), call(PICTURE, 2, 2, ceil_mode=True),
    call(PICTURE, 3, 2, 1, return_indices=True), call(X(3, 6, 7, domain="distinct"), 2),
    call(X(1, 1, 4, 4, domain="ties"), 2),
         call(X(1, 1, 5, 5, domain="ties"), 3, 1, 1)]
AVG2D = [call(PICTURE, 2), call(PICTURE, (3, 2), stride=1), call(PICTURE, 3, 2, 1),
    call(PICTURE, 3, 2, 1, count_include_pad=False), call(PICTURE, 2, 2, ceil_mode=True),
    call(PICTURE, 2, divisor_override=3), call(X(3, 6, 7), 2)]
BAD_POOL = [call(X(3), 2), call(PICTURE, 9), call(PICTURE, 2, 0), call(PICTURE, 2, 2, 2)]
POOLS = [
    fun("max_pool2d", *MAX2D, bad=BAD_POOL, level="exact", dtypes=NET, special=False),
    fun("avg_pool2d", *AVG2D, bad=BAD_POOL, dtypes=NET, special=False),
    fun("max_pool1d", call(X(2, 3, 9, domain="distinct"), 2),
        call(X(2, 3, 9, domain="distinct"), 3, 2, 1, return_indices=True),
        call(X(3, 9, domain="distinct"), 2, ceil_mode=True),
        bad=[call(X(3), 2), call(X(1, 1, 3), 2, 0)], level="exact", dtypes=NET, special=False),
    fun("avg_pool1d", call(X(2, 3, 9), 2), call(X(2, 3, 9), 3, 2, 1),
        call(X(3, 9), 2, ceil_mode=True), dtypes=NET, special=False),
        fun("max_pool3d", call(X(1, 2, 4, 4, 5, domain="distinct"), 2),
            call(X(1, 2, 4, 4, 5, domain="distinct"), 3, 2, 1), level="exact", dtypes=FLOATS,
            special=False), fun("avg_pool3d", call(X(1, 2, 4, 4, 5), 2),
            call(X(1, 2, 4, 4, 5), 3, 2, 1), dtypes=FLOATS, special=False),
    fun("adaptive_avg_pool2d", call(PICTURE, 3), call(PICTURE, (2, 5)), call(PICTURE, (None, 1)),
        call(X(3, 6, 7), 1), bad=[call(X(3), 2), call(PICTURE, -1)], dtypes=NET, special=False),
        fun("adaptive_avg_pool1d", call(X(2, 3, 9), 4), call(X(3, 9), 1), dtypes=NET,
            special=False), fun("adaptive_avg_pool3d", call(X(1, 2, 4, 4, 5), 2), dtypes=FLOATS,
            special=False),
    fun("adaptive_max_pool2d", call(PICTURE, 3), call(PICTURE, (2, 5), return_indices=True),
        level="exact", dtypes=FLOATS, special=False),
        fun("adaptive_max_pool1d", call(X(2, 3, 9, domain="distinct"), 4), level="exact",
            dtypes=FLOATS, special=False), fun("adaptive_max_pool3d",
            call(X(1, 2, 4, 4, 5, domain="distinct"), 2), level="exact", dtypes=FLOATS,
            special=False),
    fun("lp_pool1d", call(X(2, 3, 9), 2.0, 2), dtypes=FLOATS, special=False),
    fun("lp_pool2d", call(X(2, 3, 6, 7), 2.0, 2), dtypes=FLOATS, special=False),
    fun("max_unpool2d", call(X(1, 1, 2, 2), L([[[[0, 3], [8, 10]]]], "int64"), 2), level="exact",
        dtypes=FLOATS, special=False), fun("max_unpool1d",
        call(X(1, 1, 2), L([[[0, 3]]], "int64"), 2), level="exact", dtypes=FLOATS, special=False),
]

ROWS = table("convolution", CONVOLUTIONS + POOLS)
