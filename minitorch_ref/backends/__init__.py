"""torch.backends: the switches that scripts set and the questions that they ask.

There is one backend here, NumPy.  What other backends' switches are set to is kept and changes nothing;
asked whether one of them is there, each says no.
"""

from . import cpu, cuda, cudnn, mps

__all__ = ["cpu", "cuda", "cudnn", "mps"]
