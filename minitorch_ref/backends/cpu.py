"""The processor's vector instructions, as far as NumPy uses them."""

from __future__ import annotations


def get_cpu_capability() -> str:
    """ "AVX512", "AVX2" or "DEFAULT", as torch names them."""
    from numpy._core import _multiarray_umath as numpy  # type: ignore[attr-defined]

    used = {name for name in numpy.__cpu_dispatch__ if numpy.__cpu_features__.get(name)}
    if used & {"X86_V4", "AVX512_SKX"}:
        return "AVX512"
    return "AVX2" if used & {"X86_V3", "AVX2"} else "DEFAULT"
