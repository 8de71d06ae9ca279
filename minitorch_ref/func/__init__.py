"""`torch.func`: functions made of functions - gradients, Jacobians, maps over a dim, calls of modules.

They compose: each returns tensors of whatever graph surrounds it, so `grad(grad(f))`,
`vmap(grad(f))` and `grad` of a function that holds parameters work as they read.
"""

from __future__ import annotations

from .derivatives import grad, grad_and_value, hessian, jacfwd, jacrev, jvp, linearize, vjp
from .mapping import vmap
from .modules import functional_call, replace_all_batch_norm_modules_, stack_module_state

__all__ = [
    "functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
    "replace_all_batch_norm_modules_", "stack_module_state", "vjp", "vmap",
]  # fmt: skip
