"""NumPy without its floating-point warnings, one call at a time.

torch says nothing when a division gives inf; NumPy warns.  `np.errstate` around every op would cost
three times the op itself on small tensors, and changing NumPy's error state for the whole process
would change the user's own code.  NumPy keeps that state in a context variable.  So there is a context
of our own in which it is set once, and calls are made in there:

    fp.quiet(np.divide, a, b)

The shortest paths save the extra function call, and do themselves what it does if the context is in use:

    try:
        data = hushed(np.divide, a, b)
    except RuntimeError:
        data = fp.quiet(np.divide, a, b)

A call of `np.add` on a few elements takes 0.30 µs; hushed 0.32, by fp.quiet 0.40, with the variable set
and reset around it 0.48, in `np.errstate` 1.4.

The same state holds the size of NumPy's buffers, and a smaller one makes broadcasting faster: rows
shorter than the buffer are first copied into it side by side (0.4 ns an element for `x - mean`),
longer ones are worked on where they lie (0.17 ns).  Casts, the other use of buffers, do not suffer.
"""

from __future__ import annotations

import contextvars
from collections.abc import Callable
from typing import Any

import numpy as np

BUFFER = 512  # elements


def _quiet_state() -> tuple[Any, Any]:
    """NumPy's context variable, and the value of it that is wanted here."""
    np.setbufsize(BUFFER)
    with np.errstate(all="ignore"):
        for variable, value in contextvars.copy_context().items():
            if variable.name.startswith("numpy."):
                return variable, value
    return None, None


_variable, _ignore_all = contextvars.copy_context().run(_quiet_state)
_context = contextvars.Context()
if _variable is not None:
    _context.run(_variable.set, _ignore_all)


def _in_context(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return hushed(function, *args, **kwargs)
    except RuntimeError as error:
        if not _in_use(error):
            raise
    token = _variable.set(_ignore_all)
    try:
        return function(*args, **kwargs)
    finally:
        _variable.reset(token)


def _in_use(error: RuntimeError) -> bool:
    """Whether a call was not made, since a call further up, or another thread, is in the context."""
    here = error.__traceback__
    return here is not None and here.tb_next is None and str(error).startswith("cannot enter context")


def _with_errstate(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    with np.errstate(all="ignore"):
        return function(*args, **kwargs)


# A NumPy that keeps its state elsewhere gets the public, slower way.
hushed: Callable[..., Any] = _with_errstate if _variable is None else _context.run


class fp:  # noqa: N801 - reads as "floating point, quiet"
    """`fp.quiet(function, *args)`: the call, without warnings about inf, nan and division by zero."""

    quiet = staticmethod(_with_errstate if _variable is None else _in_context)
