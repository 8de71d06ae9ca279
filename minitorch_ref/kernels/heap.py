"""Memory that is used again and not given back to the system after every op.

The C library takes large blocks straight from the system and gives them back when they are freed; so
does the heap with its free end.  A training step frees its activations and allocates them again in
the next step, and every page then costs a fault, and zeros to be written: a quarter of a LeNet-5 step
with 256 images, five sixths of a relu over a million elements and its gradient.

    step 1  ├── activations ──┤ freed: back to the system        2,500 page faults in step 2
    step 1  ├── activations ──┤ freed: kept by the heap          none

`keep` tells the GNU C library to do the latter with blocks of up to 32 MB and up to KEPT bytes of free
end.  It is called when the first large tensor is made, or by the first kernel that works on a large
array, never at import, and concerns the
whole process, as the BLAS threads do; MINITORCH_KEEP_HEAP=0 in the environment forbids it.  Other C
libraries have no such setting, and nothing happens.
"""

from __future__ import annotations

import functools
import os
import sys

KEPT = 256 << 20  # bytes
LARGE = 1 << 15  # elements from which on a result is taken from the system: where callers ask
LARGEST = 32 << 20  # bytes: the most the library accepts
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # their numbers in <malloc.h>


@functools.cache
def keep() -> bool:
    """Keep freed memory, from now on; whether the C library agreed."""
    if not sys.platform.startswith("linux") or os.environ.get("MINITORCH_KEEP_HEAP") == "0":
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(_MMAP_THRESHOLD, LARGEST) and mallopt(_TRIM_THRESHOLD, KEPT))
