"""Named result tuples: `torch.return_types.max(values=…, indices=…)`.

An op with several results returns a tuple whose entries also have names, and which prints as
torch's.
"""

from __future__ import annotations

from collections.abc import Iterable
from operator import itemgetter
from typing import Any


class NamedResult(tuple):
    """A tuple with named entries.  Subclasses are made by `named`."""

    __slots__ = ()
    __match_args__: tuple[str, ...] = ()

    def __new__(cls, values: Iterable[Any]) -> NamedResult:
        self = tuple.__new__(cls, values)
        if len(self) != len(cls.__match_args__):
            raise TypeError(
                f"torch.return_types.{cls.__name__}() takes a {len(cls.__match_args__)}-sequence "
                f"({len(self)}-sequence given)"
            )
        return self

    def __repr__(self) -> str:
        fields = ",\n".join(f"{n}={v!r}" for n, v in zip(self.__match_args__, self))
        return f"torch.return_types.{type(self).__name__}(\n{fields})"

    def __reduce__(self) -> Any:
        return type(self), (tuple(self),)


def named(name: str, *fields: str) -> Any:
    """A tuple type with these fields."""
    body: dict[str, Any] = {f: property(itemgetter(i)) for i, f in enumerate(fields)}
    body |= {"__slots__": (), "__match_args__": fields, "__module__": __name__}
    return type(name, (NamedResult,), body)


def written(result: Any, outs: tuple[Any, ...]) -> Any:
    """`outs`, in the type that an op returns when it wrote its results into `out=`."""
    if not isinstance(result, NamedResult):
        return outs
    name = f"{type(result).__name__}_out"
    if name not in globals():
        globals()[name] = named(name, *type(result).__match_args__)
    return globals()[name](outs)


aminmax = named("aminmax", "min", "max")
max = named("max", "values", "indices")  # noqa: A001 - torch's names
median = named("median", "values", "indices")
min = named("min", "values", "indices")  # noqa: A001
mode = named("mode", "values", "indices")
nanmedian = named("nanmedian", "values", "indices")
sort = named("sort", "values", "indices")
topk = named("topk", "values", "indices")
frexp = named("frexp", "mantissa", "exponent")
kthvalue = named("kthvalue", "values", "indices")
cummax = named("cummax", "values", "indices")
cummin = named("cummin", "values", "indices")
histogram = named("histogram", "hist", "bin_edges")
histogramdd = named("histogramdd", "hist", "bin_edges")
linalg_inv_ex = named("linalg_inv_ex", "inverse", "info")
linalg_lstsq = named("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
linalg_slogdet = named("linalg_slogdet", "sign", "logabsdet")
linalg_solve_ex = named("linalg_solve_ex", "result", "info")
slogdet = named("slogdet", "sign", "logabsdet")
triangular_solve = named("triangular_solve", "solution", "cloned_coefficient")

# ---- linear algebra ------------------------------------------------------------------------------

_lu_with_info = named("_lu_with_info", "LU", "pivots", "info")
geqrf = named("geqrf", "a", "tau")
linalg_cholesky_ex = named("linalg_cholesky_ex", "L", "info")
linalg_eig = named("linalg_eig", "eigenvalues", "eigenvectors")
linalg_eigh = named("linalg_eigh", "eigenvalues", "eigenvectors")
linalg_ldl_factor = named("linalg_ldl_factor", "LD", "pivots")
linalg_ldl_factor_ex = named("linalg_ldl_factor_ex", "LD", "pivots", "info")
linalg_lu = named("linalg_lu", "P", "L", "U")
linalg_lu_factor = named("linalg_lu_factor", "LU", "pivots")
linalg_lu_factor_ex = named("linalg_lu_factor_ex", "LU", "pivots", "info")
linalg_qr = named("linalg_qr", "Q", "R")
linalg_svd = named("linalg_svd", "U", "S", "Vh")
lu_unpack = named("lu_unpack", "P", "L", "U")
qr = named("qr", "Q", "R")
svd = named("svd", "U", "S", "V")
