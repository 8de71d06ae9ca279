"""NumPy without its floating-point warnings, one call at a time.

torch says nothing when a division gives inf; NumPy warns.  `np.errstate` around every op would cost
three times the op itself on small tensors, and changing NumPy's error state for the whole process
would change the user's own code.  NumPy keeps that state in a context variable, so a context copied
inside `errstate` and run per call has the effect at a tenth of the price:

    fp.quiet(np.divide, a, b)
"""

from __future__ import annotations

import contextvars
import threading

import numpy as np


class _PerThread(threading.local):
    """Each thread owns a context: one cannot be entered by two threads at once."""

    def __init__(self) -> None:
        with np.errstate(all="ignore"):
            self.quiet = contextvars.copy_context().run


fp = _PerThread()
