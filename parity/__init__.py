"""parity: is this difference a bug?

Runs one op, one module or one whole program on two engines that speak torch's API and says, with
evidence, how far apart they are: bit-identical, equal within a bound that is derived and not tuned,
better, worse, or mismatched.

    python -m parity                    ops, modules and programs; report in out/parity/index.html
    python -m parity ops -k conv        some of the ops
    from parity import assert_parity    in a test of your own
"""

from .assertion import ParityError, assert_parity
from .outcome import Verdict

__all__ = ["ParityError", "Verdict", "assert_parity"]
