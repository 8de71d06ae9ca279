"""Cases of Fourier transforms, windows, stft and istft.

A transform is a sum over n terms, so its level is "sum".  Samples with every n from 1 to odd sizes,
cut and padded, every norm, and the dims in any order.
"""

from __future__ import annotations

from typing import Any

from .linear import product
from .spec import COMPLEX, FLOATS, D, L, Row, X, call, forward, row, table

# fmt: off

MIXED = FLOATS + COMPLEX
WHOLE = FLOATS + ("int64",)

ONE = [call(X(8)), call(X(3, 6)), call(X(8), 5), call(X(8), n=11), call(X(3, 6), dim=0),
    call(X(8), norm="ortho"), call(X(8), norm="forward"), call(X(7)), call(X(2)), call(X(8), 2),
    call(X(2, 3, 5), 4, 1, "ortho"), call(X(3, 6), 9, -2), call(X(64)), call(X(8), norm="backward")]
MANY = [call(X(4, 6)), call(X(4, 6), (3, 5)), call(X(2, 4, 6), dim=(0, 2)),
    call(X(4, 6), norm="ortho"), call(X(4, 6), norm="forward"), call(X(4, 6), (5, 7)),
    call(X(2, 4, 6), dim=(2, 0)), call(X(4, 6), (-1, 4)), call(X(2, 3, 4), (2, 4), (1, 0), "ortho")]
ALL_DIMS = [call(X(2, 3, 4)), call(X(5)), call(X(4, 6), (5,)), call(X(4, 6), 3), call(X(3, 4), dim=1)]

BAD_ONE = [call(X(8), 0), call(X(8), -3), call(X(8), norm="abc"), call(X(8), dim=1), call(X(8), dim=-2),
    call(X(0)), call(X()), call(X(8), 2.5), call(X(8), dim=(0,)), call(3.0)]
BAD_MANY = [call(X(4, 6), (0, 2)), call(X(4, 6), norm="abc"), call(X(4, 6), dim=(0, 2)),
    call(X(4, 6), dim=(0, 0)), call(X(4, 6), (2,), (0, 1)), call(X(4, 6), (2, 3, 4), (0, 1, -1)),
    call(X(0, 3)), call(3.0)]


def _one(name: str, dtypes: tuple[str, ...]) -> Row:
    bad = [*BAD_ONE, call(L([1.0, 2.0], "float16"))]
    if name in ("rfft", "ihfft"):
        bad.append(call(L([1j, 2.0], "complex64")))
    return product(f"fft.{name}", *ONE, bad=bad, dtypes=dtypes, depth=20)


def _many(name: str, dtypes: tuple[str, ...]) -> Row:
    bad = [*BAD_MANY, call(L([[1.0, 2.0]], "float16"))]
    if name in ("rfft2", "rfftn", "ihfft2", "ihfftn"):
        bad.append(call(L([[1j, 2.0]], "complex64")))
    calls = MANY + (ALL_DIMS if name.endswith("n") else [])
    return product(f"fft.{name}", *calls, bad=bad, dtypes=dtypes, depth=20)


TRANSFORMS = [
    *(_one(n, WHOLE + COMPLEX) for n in ("fft", "ifft", "hfft", "irfft")),
    *(_one(n, WHOLE) for n in ("rfft", "ihfft")),
    *(_many(n, MIXED + ("int64",)) for n in ("fft2", "ifft2", "irfft2", "hfft2", "fftn", "ifftn",
        "irfftn", "hfftn")),
    *(_many(n, FLOATS + ("int64",)) for n in ("rfft2", "ihfft2", "rfftn", "ihfftn")),
]

BINS = [
    *(row(f"fft.{n}", call(8), call(7), call(8, 0.5), call(1), call(0), call(5, dtype=D("float64")),
        call(6, 0.25, dtype=D("float16")), call(4, requires_grad=True),
        bad=[call(5, dtype=D("int64")), call(5, dtype=D("complex64")), call(2.5)],
        grad=False) for n in ("fftfreq", "rfftfreq")),
    *(row(f"fft.{n}", call(X(5)), call(X(3, 4)), call(X(3, 4), dim=1), call(X(3, 4), (1, 0)),
        call(X(0)), bad=[call(X()), call(X(3), 1), call(X(3), ())]) for n in ("fftshift",
        "ifftshift")),
]

KINDS = [D("float32"), D("float64")]
WINDOWS = [
    *(row(f"{n}_window", *(call(m, p, dtype=d) for d in KINDS for m in (0, 1, 2, 7, 16)
        for p in (True, False)), call(6, dtype=D("float32"), requires_grad=True),
        bad=[call(-1), call(5, dtype=D("int64")), call(2.5), call(5, dtype=D("complex64")),
            call(5, 3)], grad=False, level="sum", depth=8) for n in ("bartlett", "blackman",
        "hamming", "hann")),
    row("kaiser_window", *(call(m, p, b, dtype=d) for d in KINDS[:1] for m in (0, 1, 2, 7, 16)
        for p in (True, False) for b in (12.0, 2.5)),
        bad=[call(-1), call(5, dtype=D("int64")), call(2.5), call(5, beta=2.0)], grad=False,
        level="ulp"),
]

# exact in float16, and positive, so that no sample of the inverse is left without weight
WEIGHTS = L([0.25, 0.5, 1.0, 1.25, 1.0, 0.75, 0.5, 0.25])
SHORT = L([0.5, 1.0, 1.25, 1.0, 0.5, 0.25])
ON: dict[str, Any] = {"return_complex": True}
FRAMES = [
    product("stft", call(X(40), 8, **ON), call(X(2, 40), 8, 4, 8, WEIGHTS, **ON),
        call(X(40), 8, window=WEIGHTS, center=False, **ON), call(X(40), 7, 3, **ON),
        call(X(40), 8, win_length=6, window=SHORT, **ON), call(X(40), 8, normalized=True, **ON),
        call(X(40), 8, onesided=False, **ON),
        *(call(X(2, 20), 8, pad_mode=m, **ON) for m in ("constant", "replicate", "circular")),
        call(X(40), 8, 2, 6, SHORT, False, align_to_window=True, **ON), call(X(8), 8, 1, **ON),
        bad=[call(X(4), 8, **ON), call(X(40), 8), call(X(40), 8, 0, **ON),
            call(X(40), 8, win_length=9, **ON), call(X(40), 8, window=SHORT, **ON),
            call(X(2, 3, 40), 8, **ON), call(X(), 8, **ON), call(L([1, 2, 3]), 2, **ON),
            call(X(4), 8, center=False, **ON), call(X(40), 8, pad_mode="odd", **ON),
            call(L([1.0] * 8, "complex64"), 4, onesided=True),
            call(X(40), 8, align_to_window=True, **ON)], dtypes=FLOATS, depth=24),
    product("istft", call(X(5, 21), 8), call(X(2, 5, 9), 8, 4, 8, WEIGHTS),
        call(X(5, 9), 8, 2, 6, SHORT), call(X(5, 9), 8, 4, window=WEIGHTS, center=False),
        call(X(5, 9), 8, normalized=True), call(X(8, 9), 8, onesided=False),
        call(X(8, 9), 8, return_complex=True), call(X(5, 9), 8, length=10),
        forward(call(X(5, 9), 8, length=40)), call(X(4, 9), 7, 2),
        bad=[call(X(5, 9), 7), call(X(5, 9), 8, onesided=False), call(X(5, 9), 8, 9),
            call(X(5, 9), 8, win_length=9), call(X(5, 9), 8, window=SHORT), call(X(5), 8),
            call(X(2, 2, 5, 9), 8), call(X(5, 0), 8), call(X(5, 9), 8, return_complex=True),
            call(L([[1.0]], "float32"), 8)], dtypes=("complex64", "complex128"),
        few=COMPLEX, depth=40),
]

ROWS = table("spectral", TRANSFORMS + BINS + WINDOWS + FRAMES)
