"""Backward: walk the graph from the newest node to the oldest.

Nodes are numbered in the order in which they were recorded, so everything that consumed a tensor has
a higher number than what produced it.  A heap that always yields the newest pending node therefore
meets each node once, when its gradient is complete: no recursion, no counting of dependencies.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from heapq import heappop, heappush
from operator import attrgetter
from sys import getrefcount
from typing import Any

import numpy as np

from ..kernels.layout import for_gradient, lies_as_gradient
from ..quiet import fp
from ..settings import warn_caller, warn_once
from ..tensor import Tensor, wrap
from .anomaly import checked, report
from .graph import Node, cell_of, node_of, requires_grad
from .modes import anomaly, state

# The gradients of a node's outputs (None where nothing has arrived), and behind them one bit for each
# that is a sum made by this pass: nobody else holds such a sum, so more may be added in place.
_Slots = list[Any]
_order = attrgetter("order")


class Pass:
    """One walk back through the graph."""

    def __init__(self, retain: bool, create: bool, wanted: set[Node] | None) -> None:
        self.retain, self.create, self.wanted = retain, create, wanted
        self.pending: dict[Node, _Slots] = {}
        self.heap: list[tuple[int, int, Node]] = []
        self.captured: dict[tuple[Node, int], Any] = {}
        self.accumulates = True

    def deposit(self, node: Node, nr: int, g: Tensor) -> None:
        """Add `g` to what has arrived at output `nr` of `node`."""
        slots = self.pending.get(node)
        if slots is None:
            heappush(self.heap, (-node.order, id(node), node))
            if node.outputs == 1:
                self.pending[node] = [g, 0]
                return
            slots = self.pending[node] = [None] * node.outputs
            slots.append(0)
        before = slots[nr]
        if before is None:
            slots[nr] = g
        elif self.create:
            slots[nr] = before + g
        elif slots[-1] >> nr & 1:
            fp.quiet(np.add, before._array, g._array, before._array)
        else:
            slots[nr] = wrap(fp.quiet(np.add, before._array, g._array))
            slots[-1] |= 1 << nr

    def run(self) -> None:
        """Visit every pending node, newest first."""
        before, state.grad = state.grad, self.create
        outer, state.running = state.running, self
        heap, pending, deposit, wanted = self.heap, self.pending, self.deposit, self.wanted
        watched = {node for node, _ in self.captured}
        nan_is_an_error = anomaly.enabled and anomaly.check_nan
        try:
            while heap:
                node = heappop(heap)[2]
                slots: Any = pending.pop(node)
                slots.pop()
                while slots:
                    results = gradient = None  # a leaf takes over what nobody else holds
                    if node.hooks is not None or node.variable is not None or watched and node in watched:
                        results = self.visit(node, slots)
                    else:
                        results = node.gradients(slots[0] if node.outputs == 1 else tuple(slots), wanted)
                    if nan_is_an_error:
                        results = checked(node, results)
                    if not self.retain:
                        node.release()
                    slots = ()
                    for target, nr, gradient in results:
                        if len(results) == 1 and target.outputs == 1 and (
                            not heap or -target.order < heap[0][0]
                        ):  # newer than all that is pending: it would come right back from the heap
                            node, slots = target, [gradient]
                        else:
                            deposit(target, nr, gradient)
        except Exception:
            if anomaly.enabled:
                report(node)
            raise
        finally:
            state.grad, state.running = before, outer

    def visit(self, node: Node, slots: _Slots) -> Any:
        """What a node that ends at a leaf, has hooks or is asked for its gradient passes on."""
        leaf = node.variable
        if node.hooks:
            node.hooks.before(slots)
        if leaf is not None:
            call_leaf_hooks(leaf, slots)
        if self.captured:
            self.capture(node, slots)
        if leaf is not None:
            if self.accumulates and (self.wanted is None or node in self.wanted):
                accumulate(leaf, slots, self.create)
            return ()
        g = slots[0] if node.outputs == 1 else tuple(slots)
        results = node.gradients(g, self.wanted)
        if node.hooks and node.hooks.after:
            return node.hooks.rewrite(node, list(results), tuple(slots))
        return results

    def capture(self, node: Node, slots: _Slots) -> None:
        """Keep what was asked for.  (Not in `visit`: a loop there would hold on to the gradient.)"""
        for nr, g in enumerate(slots):
            if (node, nr) in self.captured:
                self.captured[node, nr] = g


def accumulate(leaf: Tensor, slots: _Slots, create: bool) -> None:
    """Add the gradient in `slots[0]` to `leaf.grad`.

    The first gradient becomes `.grad` without a copy if nobody else holds its memory; otherwise two
    leaves could end up with one array (z = x + y hands the same gradient to both).
    """
    if slots[0] is None or not leaf._requires_grad:
        return  # detached since it was recorded, or a view that only its base makes require grad
    if leaf._grad is None:
        if create:
            leaf._grad = wrap(for_gradient(leaf._array)).copy_(slots[0])
        elif _alone(slots) and lies_as_gradient(slots[0]._array, leaf._array):
            leaf._grad = slots[0]
        else:
            copied = for_gradient(leaf._array)
            copied[...] = slots[0]._array
            leaf._grad = wrap(copied)
    elif create:
        leaf._grad = leaf._grad + slots[0]
    else:
        total = leaf._grad._array
        fp.quiet(np.add, total, slots[0]._array, out=total)
        cell_of(leaf._grad)[0] += 1
    for hook in tuple((leaf._post_hooks or {}).values()):
        hook(leaf)


def _alone(slots: _Slots) -> bool:
    """Whether `slots` holds the only reference to its gradient, and that to its memory.

    2: the reference that is stored, and the one that is being counted.
    """
    return (
        getrefcount(slots[0]) == 2
        and getrefcount(slots[0]._array) == 2
        and slots[0]._array.flags.owndata
    )


# ---- hooks -------------------------------------------------------------------------------------


class NodeHooks:
    """The hooks of a node: on its outputs' gradients, before it runs and after it ran."""

    def __init__(self) -> None:
        self.tensor: dict[int, OrderedDict[int, Any]] = {}  # by output number
        self.retain: dict[int, Any] = {}  # weak references to tensors that keep their gradient
        self.prior: OrderedDict[int, Any] = OrderedDict()
        self.after: OrderedDict[int, Any] = OrderedDict()

    def before(self, slots: _Slots) -> None:
        for nr, hooks in self.tensor.items():
            slots[nr] = _through(hooks, slots[nr])
        for hook in tuple(self.prior.values()):
            changed = hook(tuple(slots))
            if changed is not None:
                slots[:] = changed if isinstance(changed, tuple) else (changed,)
        for nr, reference in self.retain.items():
            tensor = reference()
            if tensor is not None and slots[nr] is not None:
                tensor._grad = slots[nr] if tensor._grad is None else tensor._grad + slots[nr]

    def rewrite(self, node: Node, results: list[Any], outputs: tuple[Any, ...]) -> list[Any]:
        """Show the gradients of all operands, or None, to the post hooks, which may replace them."""
        places = list(node.next_functions)
        found: list[Any] = [None] * len(places)
        for target, nr, g in results:
            first = next(i for i, p in enumerate(places) if p == (target, nr) and found[i] is None)
            found[first] = g
        for hook in tuple(self.after.values()):
            changed = hook(tuple(found), outputs)
            if changed is not None:
                found = list(changed) if isinstance(changed, tuple) else [changed]
                if len(found) != len(places):
                    raise RuntimeError(
                        f"hook '{getattr(hook, '__name__', hook)}' has returned an incorrect number of "
                        f"values (got {len(found)}, but expected {len(places)})"
                    )
        return [(*p, g) for p, g in zip(places, found) if p[0] is not None and g is not None]


def _through(hooks: dict[int, Any], g: Any) -> Any:
    for hook in tuple(hooks.values()):
        if g is None:
            break
        changed = hook(g)
        if changed is not None:
            if not isinstance(changed, Tensor):
                raise TypeError(
                    f"backward hook expected a Tensor or None, but got {type(changed).__name__}"
                )
            if changed.shape != g.shape:
                raise RuntimeError(
                    f"hook '{getattr(hook, '__name__', hook)}' has changed the size of value"
                )
            g = changed
    return g


def call_leaf_hooks(leaf: Tensor, slots: _Slots) -> None:
    if leaf._hooks:
        slots[0] = _through(leaf._hooks, slots[0])


def hooks_of(node: Node) -> NodeHooks:
    if node.hooks is None:
        node.hooks = NodeHooks()
    return node.hooks


# ---- the public functions ----------------------------------------------------------------------


def _tuple(x: Any) -> tuple[Any, ...]:
    if x is None:
        return ()
    return (x,) if isinstance(x, Tensor) or hasattr(x, "output_nr") else tuple(x)  # a GradientEdge


def _start(pass_: Pass, tensors: Sequence[Tensor], gradients: Sequence[Any]) -> None:
    """Check the gradients the walk starts with, or make them up for scalars."""
    if len(gradients) != len(tensors):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(gradients)} gradients")
    for i, (tensor, g) in enumerate(zip(tensors, gradients)):
        if not requires_grad(tensor):
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
        pass_.deposit(node_of(tensor), tensor._nr, first_gradient(tensor, g, i))


def first_gradient(tensor: Tensor, g: Tensor | None, i: int) -> Tensor:
    """The gradient `g` of output `tensor` checked; ones for a real scalar if it is None."""
    if g is None:
        if tensor._array.size != 1:
            raise RuntimeError("grad can be implicitly created only for scalar outputs")
        if tensor.is_complex():
            raise RuntimeError(
                "grad can be implicitly created only for real scalar outputs but got "
                f"{tensor.dtype!r}"
            )
        ones = np.empty(tensor._array.shape, tensor._array.dtype)
        ones.fill(1)  # a third of what `ones_like` takes
        return wrap(ones)
    if not isinstance(g, Tensor):
        raise TypeError(f"gradients can be either Tensors or None, but got {type(g).__name__}")
    if g.shape != tensor.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{i}] has a shape of {g.shape} and output[{i}] has a "
            f"shape of {tensor.shape}."
        )
    if tensor.is_complex() != g.is_complex():
        raise RuntimeError(
            "For complex Tensors, both grad_output and output are required to have the same dtype. "
            f"Mismatch in dtype: grad_output[{i}] has a dtype of {g.dtype!r} and output[{i}] has a "
            f"dtype of {tensor.dtype!r}."
        )
    return g if g.dtype is tensor.dtype else g.to(tensor.dtype)


def leading_to(roots: Sequence[Node], targets: set[Node]) -> set[Node]:
    """The nodes reachable from `roots` through which `targets` can be reached, targets included."""
    sources: dict[Node, list[Node]] = {}
    pending, chain = list(roots), len(roots) == 1
    while pending:
        node = pending.pop()
        while node not in sources:
            found = sources[node] = node.sources()
            if not found:
                break
            node = found[0]
            if len(found) > 1:
                pending += found[1:]
                chain = False
    wanted = targets & sources.keys()
    # producers before consumers, which is how a chain was met, the other way round
    for node in reversed(sources) if chain else sorted(sources, key=_order):
        for source in sources[node]:
            if source in wanted:
                wanted.add(node)
                break
    return wanted


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    grad_variables: Any = None,
    inputs: Any = None,
) -> None:
    """Accumulate the gradients of `tensors` into the leaves (or into `inputs` only).

    `grad_tensors`: a gradient of each tensor's shape; None stands for 1, for scalars only.
    Raises RuntimeError for non-scalar outputs without a gradient, and for a graph already freed.
    """
    if create_graph:
        warn_once(
            "Using backward() with create_graph=True will create a reference cycle between the "
            "parameter and its gradient which can cause a memory leak. We recommend using autograd.grad "
            "when creating the graph to avoid this. If you have to use this function, make sure to "
            "reset the .grad fields of your parameters to None after use to break the cycle and avoid "
            "the leak."
        )
    if grad_variables is not None:
        warn_caller("`grad_variables` is deprecated. Use `grad_tensors` instead.", FutureWarning)
        if grad_tensors is not None:
            raise RuntimeError(
                "`grad_tensors` and `grad_variables` (deprecated) arguments both passed to `backward()`. "
                "Please only use `grad_tensors`."
            )
        grad_tensors = grad_variables
    tensors = _tuple(tensors)
    gradients = (None,) * len(tensors) if grad_tensors is None else _tuple(grad_tensors)
    wanted = None
    if inputs is not None:
        inputs = _tuple(inputs)
        if not inputs:
            raise RuntimeError("'inputs' argument to backward() cannot be empty.")
        targets = {node_of(x) for x in inputs}
        wanted = leading_to([node_of(t) for t in tensors], targets)
    pass_ = Pass(create_graph if retain_graph is None else retain_graph, create_graph, wanted)
    if inputs is not None:
        for x in inputs:
            if not x.is_leaf:
                pass_.captured[node_of(x), x._nr] = None
    _start(pass_, tensors, gradients)
    pass_.run()
    for x in inputs or ():
        g = None if x.is_leaf else pass_.captured[node_of(x), x._nr]
        if g is not None:
            x._grad = g if x._grad is None else x._grad + g


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the sum of `outputs` with respect to each of `inputs`, as a tuple.

    Only what leads to `inputs` is computed, and no `.grad` changes.  Raises RuntimeError for an
    input that `outputs` do not depend on, unless `allow_unused` (None) or `materialize_grads`
    (zeros) accept it.
    """
    if not only_inputs:
        warn_caller(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To accumulate "
            "gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    outputs, inputs = _tuple(outputs), _tuple(inputs)
    if is_grads_batched:
        rows = zip(*(g.unbind(0) for g in _tuple(grad_outputs)))
        parts = [
            grad(outputs, inputs, row, True, create_graph, True, allow_unused) for row in rows
        ]
        return tuple(_stacked(p) for p in zip(*parts))
    gradients = (None,) * len(outputs) if grad_outputs is None else _tuple(grad_outputs)
    for x in inputs:
        if not requires_grad(x):
            raise RuntimeError("One of the differentiated Tensors does not require grad")
    keys = [(node_of(x), x._nr) for x in inputs]
    for i, t in enumerate(outputs):
        if not requires_grad(t):
            raise RuntimeError(
                f"element {i} of tensors does not require grad and does not have a grad_fn"
            )
    wanted = leading_to([node_of(t) for t in outputs], {node for node, _ in keys})
    pass_ = Pass(create_graph if retain_graph is None else retain_graph, create_graph, wanted)
    pass_.captured = dict.fromkeys(keys)
    pass_.accumulates = False
    _start(pass_, outputs, gradients)
    pass_.run()
    result = [pass_.captured[key] for key in keys]
    for i, (x, g) in enumerate(zip(inputs, result)):
        if g is None and materialize_grads:
            result[i] = wrap(np.zeros_like(x._array))
        elif g is None and not allow_unused:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. "
                "Set allow_unused=True if this is the desired behavior."
            )
    return tuple(result)


def _stacked(gradients: Sequence[Any]) -> Any:
    """Gradients of a batch of cotangents, as one tensor with the batch in front."""
    if gradients[0] is None:
        return None
    out = gradients[0].new_zeros((len(gradients), *gradients[0].shape))
    for i, g in enumerate(gradients):
        out[i] = g
    return out
