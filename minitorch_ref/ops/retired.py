"""Names that torch has retired: they are still there, and say what took their place."""

from __future__ import annotations

from typing import Any

from ..tensor import Tensor
from .registry import op

_GONE = "This function was deprecated since version 1.9 and is now removed."

EIG = (
    f"{_GONE} `torch.linalg.eig` returns complex tensors of dtype `cfloat` or `cdouble` rather than "
    "real tensors mimicking complex tensors.\n\n"
    "L, _ = torch.eig(A) should be replaced with:\nL_complex = torch.linalg.eigvals(A)\n\nand\n\n"
    "L, V = torch.eig(A, eigenvectors=True) should be replaced with:\n"
    "L_complex, V_complex = torch.linalg.eig(A)"
)
SYMEIG = (
    f"{_GONE} The default behavior has changed from using the upper triangular portion of the matrix "
    "by default to using the lower triangular portion.\n\n"
    "L, _ = torch.symeig(A, upper=upper) should be replaced with:\n"
    "L = torch.linalg.eigvalsh(A, UPLO='U' if upper else 'L')\n\nand\n\n"
    "L, V = torch.symeig(A, eigenvectors=True) should be replaced with:\n"
    "L, V = torch.linalg.eigh(A, UPLO='U' if upper else 'L')"
)
SOLVE = (
    f"{_GONE} `torch.solve` is deprecated in favor of `torch.linalg.solve`. `torch.linalg.solve` has "
    "its arguments reversed and does not return the LU factorization.\n\n"
    "To get the LU factorization see `torch.lu`, which can be used with `torch.lu_solve` or "
    "`torch.lu_unpack`.\nX = torch.solve(B, A).solution should be replaced with:\n"
    "X = torch.linalg.solve(A, B)"
)
LSTSQ = (
    f"{_GONE} `torch.lstsq` is deprecated in favor of `torch.linalg.lstsq`.\n"
    "`torch.linalg.lstsq` has reversed arguments and does not return the QR decomposition in the "
    "returned tuple (although it returns other information about the problem).\n\n"
    "To get the QR decomposition consider using `torch.linalg.qr`.\n\n"
    "The returned solution in `torch.lstsq` stored the residuals of the solution in the last m - n "
    "columns of the returned value whenever m > n. In torch.linalg.lstsq, the residuals are in the "
    "field 'residuals' of the returned named tuple.\n\n"
    "The unpacking of the solution, as in\nX, _ = torch.lstsq(B, A).solution[:A.size(1)]\n"
    "should be replaced with:\nX = torch.linalg.lstsq(A, B).solution"
)
MATRIX_RANK = (
    f"{_GONE}\nPlease use the `torch.linalg.matrix_rank` function instead. The parameter 'symmetric' "
    "was renamed in `torch.linalg.matrix_rank()` to 'hermitian'."
)


@op
def eig(self: Tensor, eigenvectors: bool = False, *, e: Any = None, v: Any = None) -> Any:
    """Raises RuntimeError: `linalg.eig` and `linalg.eigvals` took its place."""
    raise RuntimeError(EIG)


@op
def symeig(
    input: Tensor, eigenvectors: bool = False, upper: bool = True, *, out: Any = None
) -> Any:
    """Raises RuntimeError: `linalg.eigh` and `linalg.eigvalsh` took its place."""
    raise RuntimeError(SYMEIG)


@op
def solve(input: Tensor, A: Tensor, *, out: Any = None) -> Any:
    """Raises RuntimeError: `linalg.solve` took its place."""
    raise RuntimeError(SOLVE)


@op
def lstsq(input: Tensor, A: Tensor, *, out: Any = None) -> Any:
    """Raises RuntimeError: `linalg.lstsq` took its place."""
    raise RuntimeError(LSTSQ)


@op(method=False)
def matrix_rank(input: Tensor, tol: Any = None, symmetric: bool = False, *, out: Any = None) -> Any:
    """Raises RuntimeError: `linalg.matrix_rank` took its place."""
    raise RuntimeError(MATRIX_RANK)
