"""A module's state as one flat dictionary, and back: `state_dict` and `load_state_dict`.

A name in the dictionary is the path through the tree of modules ("features.0.weight").  Each module
saves and loads its own entries, so a subclass can change how by overriding one method.
"""

from __future__ import annotations

import warnings
from collections import OrderedDict, namedtuple
from collections.abc import Callable, Mapping
from typing import Any

from ...autograd.modes import no_grad
from ...tensor import Tensor
from ...utils.hooks import RemovableHandle, add_hook
from ..parameter import Parameter
from .hooks import Hooks

EXTRA_STATE = "_extra_state"  # the key under which a module's `get_extra_state()` is kept


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict(strict=False)` did not find, and what it did not know."""

    __slots__ = ()

    def __repr__(self) -> str:
        if not self.missing_keys and not self.unexpected_keys:
            return "<All keys matched successfully>"
        return super().__repr__()

    __str__ = __repr__


class StateDict:
    """The part of Module that saves and restores parameters, persistent buffers and extra state."""

    _version: int = 1  # written to the dictionary's metadata; a class bumps it when its keys change
    _parameters: dict[str, Any]
    _buffers: dict[str, Any]
    _modules: dict[str, Any]
    _non_persistent_buffers_set: set[str]
    _state_dict_pre_hooks: Hooks
    _state_dict_hooks: Hooks
    _load_state_dict_pre_hooks: Hooks
    _load_state_dict_post_hooks: Hooks

    def get_extra_state(self) -> Any:
        """What else to keep in the state dict.  Override it together with `set_extra_state`."""
        raise RuntimeError(
            "Reached a code path in Module.get_extra_state() that should never be called. "
        )

    def set_extra_state(self, state: Any) -> None:
        """Take back what `get_extra_state` returned."""
        raise RuntimeError(
            "Reached a code path in Module.set_extra_state() that should never be called. "
        )

    # ---- saving ----------------------------------------------------------------------------------

    def state_dict(
        self, *args: Any, destination: Any = None, prefix: str = "", keep_vars: bool = False
    ) -> Any:
        """An ordered dict of all parameters and persistent buffers, sharing their memory.

        `keep_vars`: the tensors themselves, not detached ones.
        """
        if args:
            destination, prefix, keep_vars = _positional(args, destination, prefix, keep_vars)
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(
                    destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
                )
        for hook in self._state_dict_hooks.values():
            changed = hook(self, destination, prefix, metadata)
            if changed is not None:
                if getattr(hook, "_from_public_api", False):
                    raise RuntimeError("state_dict post-hook must return None")
                destination = changed
        return destination

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        for name, tensor in self._own_state().items():
            destination[prefix + name] = tensor if keep_vars else tensor.detach()
        if type(self).get_extra_state is not StateDict.get_extra_state:
            destination[prefix + EXTRA_STATE] = self.get_extra_state()

    def _own_state(self) -> dict[str, Tensor]:
        """This module's own parameters and persistent buffers, without its children's."""
        buffers = self._buffers.items()
        skip = self._non_persistent_buffers_set
        both = {**self._parameters, **{k: v for k, v in buffers if k not in skip}}
        return {name: tensor for name, tensor in both.items() if tensor is not None}

    def register_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, prefix, keep_vars)` before the state is collected."""
        return add_hook(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, state_dict, prefix, local_metadata)` after; it must return None."""
        hook._from_public_api = True  # type: ignore[attr-defined]
        return add_hook(self._state_dict_hooks, hook)

    def _register_state_dict_hook(self, hook: Callable) -> RemovableHandle:
        """The older form: what the hook returns replaces the dictionary."""
        return add_hook(self._state_dict_hooks, hook)

    # ---- loading ---------------------------------------------------------------------------------

    def load_state_dict(
        self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
    ) -> _IncompatibleKeys:
        """Copy values from `state_dict` into this module and its children.

        `assign`: take the tensors themselves instead of copying.  Raises RuntimeError listing every
        mismatch of shape and, if `strict`, every missing or unexpected key.
        """
        if not isinstance(state_dict, Mapping):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        keys = _IncompatibleKeys([], [])
        errors: list[str] = []
        metadata = getattr(state_dict, "_metadata", None)
        state_dict = OrderedDict(state_dict)
        if metadata is not None:
            state_dict._metadata = metadata  # type: ignore[attr-defined]
        self._load_tree(state_dict, "", metadata, assign, keys, errors)
        if strict:
            errors = _key_errors("Missing", keys[0]) + _key_errors("Unexpected", keys[1]) + errors
        if errors:
            name, listed = type(self).__name__, "\n\t".join(errors)
            raise RuntimeError(f"Error(s) in loading state_dict for {name}:\n\t{listed}")
        return keys

    def _load_tree(
        self, state_dict: Any, prefix: str, metadata: Any, assign: bool, keys: Any, errors: Any
    ) -> None:
        """Load this module, then each child from the entries under its name."""
        local = {} if metadata is None else metadata.get(prefix[:-1], {})
        if assign:
            local["assign_to_params_buffers"] = assign
        self._load_from_state_dict(state_dict, prefix, local, True, keys[0], keys[1], errors)
        for name, child in self._modules.items():
            if child is not None:
                path = f"{prefix}{name}."
                entries = {k: v for k, v in state_dict.items() if k.startswith(path)}
                child._load_tree(entries, path, metadata, assign, keys, errors)
        for hook in self._load_state_dict_post_hooks.values():
            if hook(self, keys) is not None:
                raise AssertionError(
                    "Hooks registered with ``register_load_state_dict_post_hook`` are not expected "
                    "to return new values, if incompatible_keys need to be modified, it should be "
                    "done inplace."
                )

    def _load_from_state_dict(
        self,
        state_dict: Any,
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        """Load this module's own entries; the lists collect what went wrong."""
        lists = (missing_keys, unexpected_keys, error_msgs)
        for hook in self._load_state_dict_pre_hooks.values():
            hook(self, state_dict, prefix, local_metadata, strict, *lists)
        own = self._own_state()
        assign = local_metadata.get("assign_to_params_buffers", False)
        for name, tensor in own.items():
            key = prefix + name
            if key in state_dict:
                error_msgs += self._load_tensor(name, key, tensor, state_dict[key], assign)
            elif strict:
                missing_keys.append(key)
        extra = prefix + EXTRA_STATE
        takes_extra = type(self).set_extra_state is not StateDict.set_extra_state
        if takes_extra and extra in state_dict:
            self.set_extra_state(state_dict[extra])
        elif strict and takes_extra:
            missing_keys.append(extra)
        elif strict and extra in state_dict:
            unexpected_keys.append(extra)
        if strict:
            for key in state_dict:
                if key.startswith(prefix) and key != extra:
                    name, dot, _ = key[len(prefix) :].partition(".")
                    if name not in (self._modules if dot else own):
                        unexpected_keys.append(key)

    def _load_tensor(self, name: str, key: str, old: Tensor, new: Any, assign: bool) -> list[str]:
        """Load one entry; returns what went wrong, in a list of at most one message."""
        if not isinstance(new, Tensor):
            return [
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like '
                f"object from checkpoint but received {type(new)}"
            ]
        if old.ndim == 0 and new.shape == (1,):  # as very old checkpoints kept a 0-d tensor
            new = new[0]
        if new.shape != old.shape:
            return [
                f"size mismatch for {key}: copying a param with shape {new.shape} from checkpoint, "
                f"the shape in current model is {old.shape}."
            ]
        try:
            with no_grad():
                if not assign:
                    old.copy_(new)
                else:
                    if isinstance(old, Parameter):
                        if not isinstance(new, Parameter):
                            new = Parameter(new, requires_grad=old.requires_grad)
                        new.requires_grad_(old.requires_grad)
                    setattr(self, name, new)
        except Exception as error:  # noqa: BLE001 - reported with all the others
            return [
                f'While copying the parameter named "{key}", whose dimensions in the model are '
                f"{old.size()} and whose dimensions in the checkpoint are {new.size()}, "
                f"an exception occurred : {error.args}."
            ]
        return []

    def register_load_state_dict_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, *arguments of _load_from_state_dict)` before this module loads."""
        return add_hook(self._load_state_dict_pre_hooks, hook)

    def _register_load_state_dict_pre_hook(
        self, hook: Callable, with_module: bool = False
    ) -> RemovableHandle:
        """The older form: by default the hook is called without the module."""
        return add_hook(
            self._load_state_dict_pre_hooks, hook if with_module else _WithoutModule(hook)
        )

    def register_load_state_dict_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(module, incompatible_keys)` after; it may change the two lists in place."""
        return add_hook(self._load_state_dict_post_hooks, hook)


class _WithoutModule:
    """A hook of the older form, which is not told the module."""

    def __init__(self, hook: Callable) -> None:
        self.hook = hook

    def __call__(self, module: Any, *args: Any) -> Any:
        return self.hook(*args)


def _key_errors(kind: str, names: list[str]) -> list[str]:
    quoted = ", ".join(f'"{name}"' for name in names)
    return [f"{kind} key(s) in state_dict: {quoted}. "] if names else []


def _positional(args: Any, destination: Any, prefix: str, keep_vars: bool) -> Any:
    warnings.warn(
        "Positional args are being deprecated, use kwargs instead. Refer to "
        "https://pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.state_dict "
        "for details.",
        FutureWarning,
        stacklevel=3,
    )
    if destination is None:
        destination = args[0]
    if len(args) > 1 and prefix == "":
        prefix = args[1]
    if len(args) > 2 and not keep_vars:
        keep_vars = args[2]
    return destination, prefix, keep_vars
