"""mpmath's rows for the rarer special functions: Bessel, Airy, incomplete gamma, polygamma."""

from __future__ import annotations

from collections.abc import Callable

# Where torch's own float64 result is no oracle for float32: it is good to a few digits in places.
DOUBTFUL = (
    "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1", "digamma", "gammainc",
    "gammaincc", "igamma", "igammac", "ndtr", "polygamma", "psi",
)  # fmt: skip


def special_functions() -> dict[str, Callable]:
    """The table, by torch's names; built on first use, as mpmath is a slow import."""
    import mpmath as mp

    m = mp.mp

    def mvlgamma(x, p):
        shift = p * (p - 1) * m.log(m.pi) / 4
        return shift + sum(m.log(abs(m.gamma(x - m.mpf(j) / 2))) for j in range(int(p)))

    def lower(a, x):
        _within_reach(a, x)
        return m.gammainc(a, 0, x, regularized=True)

    def upper(a, x):
        _within_reach(a, x)
        return m.gammainc(a, x, m.inf, regularized=True)

    def polygamma(n, x):
        _within_reach(abs(x))
        return m.polygamma(int(n), x)

    def zeta(x, q):
        _within_reach(x, q)
        return m.zeta(x, q)

    def scaled(k):
        return lambda x: m.besselk(k, x) * m.exp(x)

    rows = {f"bessel_j{k}": (lambda x, k=k: m.besselj(k, x)) for k in (0, 1)}
    rows |= {f"bessel_y{k}": (lambda x, k=k: m.bessely(k, x)) for k in (0, 1)}
    rows |= {f"modified_bessel_i{k}": (lambda x, k=k: m.besseli(k, x)) for k in (0, 1)}
    rows |= {f"modified_bessel_k{k}": (lambda x, k=k: m.besselk(k, x)) for k in (0, 1)}
    rows |= {f"scaled_modified_bessel_k{k}": scaled(k) for k in (0, 1)}
    return rows | {
        "spherical_bessel_j0": lambda x: m.sin(x) / x if x else m.mpf(1),
        "airy_ai": m.airyai,
        "igamma": lower,
        "igammac": upper,
        "gammainc": lower,
        "gammaincc": upper,
        "polygamma": polygamma,
        "zeta": zeta,
        "mvlgamma": mvlgamma,
        "multigammaln": mvlgamma,
    }


def _within_reach(*numbers) -> None:
    """Refuse what would keep mpmath busy for ever."""
    if any(not 1e-6 < x < 1e4 for x in numbers):
        raise ValueError("out of reach")
