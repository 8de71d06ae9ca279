"""JAX as a peer: the formulas of jobs, and LeNet-5, as jitted functions of arrays.

`Namespace` has the names of torch that formulas use, in JAX's terms; a formula that needs another name
raises LackingError when it is traced, and JAX is left out of that job's row.  Every result is waited
for: JAX returns before it has been computed.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .engines import OURS, LackingError
from .job import Formula, Job, Run, labels, normal
from .training import MOMENTUM, RATE, LeNet5


def build(job: Job) -> Run:
    """The job on JAX, or LackingError."""
    formula = job.build
    if isinstance(formula, LeNet5):
        return lenet5(formula.batch, formula.train)
    if not isinstance(formula, Formula):
        raise LackingError(f"{job.name} is no formula")
    xs = [jnp.asarray(normal(*shape, seed=i)) for i, shape in enumerate(formula.shapes)]

    def value(*xs: Any) -> Any:
        return formula.call(Namespace, *xs)

    try:
        result = jax.eval_shape(value, *xs)
    except (AttributeError, TypeError) as error:  # TypeError: an argument that only torch has
        raise LackingError(str(error)) from None
    if not formula.grad:
        return _waited_for(jax.jit(value), xs)
    g = jnp.asarray(normal(*result.shape, seed=len(xs)))
    return _waited_for(jax.jit(lambda g, *xs: jax.vjp(value, *xs)[1](g)), [g, *xs])


def _waited_for(compiled: Any, xs: list[Any]) -> Run:
    return lambda: jax.block_until_ready(compiled(*xs))


# ---- torch's names -------------------------------------------------------------------------------


def conv2d(
    x: Any, w: Any, b: Any, stride: int = 1, padding: int = 0, groups: int = 1
) -> Any:
    """Images and weights with the channels before the places."""
    y = lax.conv_general_dilated(
        x, w, (stride, stride), [(padding, padding)] * 2, feature_group_count=groups,
        dimension_numbers=("NCHW", "OIHW", "NCHW"),
    )  # fmt: skip
    return y + b[:, None, None]


def max_pool2d(x: Any, size: int) -> Any:
    """The largest of each window."""
    window = (1, 1, size, size)
    return lax.reduce_window(x, -jnp.inf, lax.max, window, window, "VALID")


def avg_pool2d(x: Any, size: int) -> Any:
    """The mean of each window."""
    window = (1, 1, size, size)
    return lax.reduce_window(x, 0.0, lax.add, window, window, "VALID") / size**2


def linear(x: Any, w: Any, b: Any) -> Any:
    """x wᵀ + b."""
    return x @ w.T + b


def cross_entropy(scores: Any, classes: Any) -> Any:
    """The mean of −log softmax at the classes."""
    logs = jax.nn.log_softmax(scores)
    return -jnp.take_along_axis(logs, classes[:, None], 1).mean()


class Namespace:
    """What formulas see as `torch`."""

    matmul, tanh, relu = jnp.matmul, jnp.tanh, jax.nn.relu
    abs, clamp, cumsum, sqrt = jnp.abs, jnp.clip, jnp.cumsum, jnp.sqrt
    nn = SimpleNamespace(
        functional=SimpleNamespace(
            conv2d=conv2d, max_pool2d=max_pool2d, avg_pool2d=avg_pool2d, linear=linear,
            gelu=lambda x: jax.nn.gelu(x, approximate=False), elu=jax.nn.elu,
        )
    )  # fmt: skip


# ---- LeNet-5 -------------------------------------------------------------------------------------


def scores(weights: dict[str, Any], x: Any) -> Any:
    """The net of `minitorch_ref.programs.nets`."""

    def layer(name: str) -> tuple[Any, Any]:
        return weights[f"{name}.weight"], weights[f"{name}.bias"]

    x = max_pool2d(jax.nn.relu(conv2d(x, *layer("conv1"))), 2)
    x = max_pool2d(jax.nn.relu(conv2d(x, *layer("conv2"))), 2)
    x = x.reshape(len(x), -1)
    x = jax.nn.relu(linear(x, *layer("fc1")))
    return linear(jax.nn.relu(linear(x, *layer("fc2"))), *layer("fc3"))


def lenet5(batch: int, train: bool) -> Run:
    """The training step (or the scores) from the same weights and images as the other engines'."""
    images, classes = jnp.asarray(normal(batch, 3, 32, 32)), jnp.asarray(labels(10, batch))
    weights = initial_weights()
    if not train:
        return _waited_for(jax.jit(scores), [weights, images])

    @jax.jit
    def step(weights: Any, momenta: Any) -> Any:
        def loss(weights: Any) -> Any:
            return cross_entropy(scores(weights, images), classes)

        value, gradients = jax.value_and_grad(loss)(weights)
        momenta = jax.tree.map(lambda m, g: MOMENTUM * m + g, momenta, gradients)
        return value, jax.tree.map(lambda w, m: w - RATE * m, weights, momenta), momenta

    state = [weights, jax.tree.map(jnp.zeros_like, weights)]

    def run() -> float:
        value, *state[:] = step(*state)
        jax.block_until_ready(state)
        return float(value)

    return run


def initial_weights() -> dict[str, Any]:
    """LeNet-5's, as drawn from seed 0."""
    import importlib

    from minitorch_ref.programs.nets import lenet5 as net

    ours: Any = importlib.import_module(OURS)
    ours.manual_seed(0)
    return {name: jnp.asarray(p.detach().numpy()) for name, p in net(ours).named_parameters()}
