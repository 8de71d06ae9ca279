"""Hooks for what operations save: kept in another form until backward asks for it.

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = f(x)              # what f's operations save is kept as pack(tensor)
    y.sum().backward()        # and unpack(kept) gives it back

A saved entry is (memory, node, output number, version counter, version), see `graph.py`.  A packed
one has a `Packed` for its memory, and a version that no counter has: whoever unpacks an entry notices
that, as it would a write, and asks `unpacked` below.  Nothing else in the engine knows of hooks.

What is packed are the tensors that a rule asks for by name.  Masks, indices and the like, which some
rules keep in their closures, stay as they are; torch packs some of those, and saves some values that
rules here do not need.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from ..tensor import Tensor, wrap
from .graph import OWN, AccumulateGrad, Node, cell_of, wants
from .modes import no_grad
from .watching import unwatch, watch

__all__ = [
    "allow_mutation_on_saved_tensors", "disable_saved_tensors_hooks", "save_on_cpu",
    "saved_tensors_hooks",
]  # fmt: skip

_NEVER = -1  # the version of a packed entry
_CHANGED = (
    "A saved tensor pack hook is modifying its input in place. Tensors provided as input to pack hook "
    "cannot be modified by in-place operations as this can lead to unexpected side-effects. Please "
    "open an issue if you need to perform in-place operations on the input to a pack hook."
)


class _Local(threading.local):
    """A thread's hooks, the innermost last; while they are forbidden, the error that says so."""

    def __init__(self) -> None:
        self.hooks: list[tuple[Callable[..., Any], Callable[..., Any]]] = []
        self.forbidden: str | None = None


_local = _Local()


class Packed:
    """What stands for the memory in a packed entry; it knows the shape and type of what it hides."""

    __slots__ = ("dtype", "shape", "unpack", "value")

    def __init__(self, value: Any, unpack: Callable[..., Any], like: Any) -> None:
        self.value, self.unpack = value, unpack
        self.shape, self.dtype = like.shape, like.dtype


def _pack_saved(node: Node) -> None:
    """Pack what `node` has just saved, by this thread's innermost hooks."""
    if not _local.hooks:
        return
    pack, unpack = _local.hooks[-1]
    done: dict[Any, Any] = {}
    with no_grad():
        for entries, names in _saved_by(node):
            for i, (entry, name) in enumerate(zip(entries, names)):
                if type(entry) is not tuple or entry[0] is None or type(entry[0]) is Packed:
                    continue
                if name not in done:
                    done[name] = _packed(entry, node, pack, unpack)
                entries[i] = done[name]


def _saved_by(node: Node) -> Iterator[tuple[list[Any], Any]]:
    """The lists of what `node` saved, with names: what is asked for by two rules is saved once."""
    if type(node).__bases__[0] is Node:
        for edge in node.edges:
            if edge and edge[3]:
                yield edge[3], wants(edge[2])
    else:
        for entries in node.saved():
            yield entries, range(len(entries))


def _packed(entry: Any, owner: Node, pack: Callable[..., Any], unpack: Callable[..., Any]) -> Any:
    array, node, nr, cell, version = entry
    value = pack(_as_tensor(array, node, nr, cell, owner))
    if cell[0] != version:
        raise RuntimeError(_CHANGED)
    return (Packed(value, unpack, array), node, nr, [0], _NEVER)


def _as_tensor(array: Any, node: Any, nr: int, cell: Any, owner: Node) -> Tensor:
    """The saved tensor as part of the graph; a leaf as the very tensor it is."""
    if isinstance(node, AccumulateGrad) and node.variable._array is array:
        return node.variable
    tensor = wrap(array)
    tensor._cell = cell
    if node is not None:
        tensor._node, tensor._nr = (owner if node is OWN else node), nr
        tensor._requires_grad = True
    return tensor


def unpacked(entry: Any, owner: Node) -> Tensor:
    """The tensor that a packed entry stands for.  Raises TypeError if the hook returns no tensor."""
    packed, node, nr, _, _ = entry
    value = packed.unpack(packed.value)
    if not isinstance(value, Tensor):
        raise TypeError(
            "Output of saved tensor unpack_hook expected to be a Tensor but got result of type "
            f"{type(value).__name__}"
        )
    return _as_tensor(value._array, node, nr, cell_of(value), owner)


# ---- the public contexts -----------------------------------------------------------------------


class saved_tensors_hooks:  # noqa: N801
    """A context in which saved tensors are kept as `pack_hook(tensor)`; the innermost pair applies.

    `unpack_hook` gets what `pack_hook` returned, and gives the tensor back.  Raises RuntimeError
    where hooks are disabled, or if `pack_hook` writes to its tensor.
    """

    def __init__(
        self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]
    ) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> None:
        if _local.forbidden is not None:
            raise RuntimeError(_local.forbidden)
        _local.hooks.append((self.pack_hook, self.unpack_hook))
        watch(_pack_saved)

    def __exit__(self, *exc: object) -> None:
        unwatch(_pack_saved)
        _local.hooks.pop()


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """A context in which saved tensors are kept on the CPU, where they are."""

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda tensor: tensor.cpu().detach(), lambda tensor: tensor)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """A context in which hooks for saved tensors are a RuntimeError with this message."""
    if _local.hooks:
        raise RuntimeError(error_message)
    before, _local.forbidden = _local.forbidden, error_message
    try:
        yield
    finally:
        _local.forbidden = before


_mutable: list[None] = []


@contextlib.contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """A context in which tensors may be written to after they were saved: copies are what is saved.

    Backward must run inside it too.  Raises RuntimeError when nested.  (torch copies at the write.)
    """

    def unpack(tensor: Tensor) -> Tensor:
        if not _mutable:
            raise AssertionError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context"
                "in which the graph was originally recorded."
            )
        return tensor

    if _mutable:
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    _mutable.append(None)
    try:
        with saved_tensors_hooks(lambda tensor: tensor.detach().clone(), unpack):
            yield
    finally:
        _mutable.pop()


