"""RemovableHandle: what registering a hook returns."""

from __future__ import annotations

import weakref
from collections import OrderedDict
from collections.abc import Iterable
from typing import Any


class RemovableHandle:
    """Stands for one registered hook: `remove()`, or the end of a `with` block, takes it out."""

    next_id = 0

    def __init__(self, hooks_dict: Any, *, extra_dict: Any = None) -> None:
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1
        extra = extra_dict if isinstance(extra_dict, list) else [extra_dict]
        self._places = [weakref.ref(d) for d in (hooks_dict, *extra) if d is not None]

    def remove(self) -> None:
        """Unregister the hook; doing so twice, or after its owner is gone, is harmless."""
        for place in self._places:
            hooks = place()
            if hooks is not None:
                hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.remove()

    def __getstate__(self) -> Any:
        return self.id, [place() for place in self._places]

    def __setstate__(self, state: Any) -> None:
        self.id, places = state
        self._places = [weakref.ref(hooks) for hooks in places if hooks is not None]
        RemovableHandle.next_id = max(RemovableHandle.next_id, self.id + 1)


def add_hook(
    hooks: OrderedDict, hook: Any, prepend: bool = False, flags: Iterable[OrderedDict] = ()
) -> RemovableHandle:
    """Register `hook` last, or first, among `hooks`; and its id in each of `flags`."""
    flags = list(flags)
    handle = RemovableHandle(hooks, extra_dict=flags)
    hooks[handle.id] = hook
    for flag in flags:
        flag[handle.id] = True
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle
