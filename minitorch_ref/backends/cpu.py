"""The processor's vector instructions, as far as NumPy uses them."""

from __future__ import annotations


def get_cpu_capability() -> str:
    """ "AVX512", "AVX2" or "DEFAULT", as torch names them."""
    from numpy._core import _multiarray_umath as numpy  # type: ignore[attr-defined]

    if numpy.__cpu_features__.get("AVX512_SKX"):
        return "AVX512"
    return "AVX2" if numpy.__cpu_features__.get("AVX2") else "DEFAULT"
