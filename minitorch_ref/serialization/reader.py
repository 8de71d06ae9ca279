"""Unpickling, the data-only part: a stack machine that can build data and nothing else.

The idea: Python's unpickler calls whatever the file names, so a file can run any program.  This
machine has the same instructions but knows only the names of `names.py` and what the program has
approved.  Damage and malice end alike, in an UnpicklingError.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import IO, Any

import numpy as np

from .approved import approved_names
from .function import Approved, Function, expect
from .module_names import FunctionValue, ModuleClass, is_module_class, name_of
from .names import StorageType, as_key, as_set, lookup
from .numpy_names import fill_array, set_byte_order


class Reader:
    """Run one pickle.  `persistent_load(tuple)` gives the storage that an id stands for.

    With `more` NumPy's arrays and numbers may be there, and modules whose classes the program has.
    """

    def __init__(
        self,
        stream: IO[bytes],
        persistent_load: Callable[[tuple], Any],
        encoding: str = "utf-8",
        more: bool = False,
    ) -> None:
        self._stream, self._persistent_load = stream, persistent_load
        self._encoding = encoding
        self._approved, self._more = approved_names(), more
        self._memo: dict[int, Any] = {}
        self._stack: list[Any] = []
        self._marks: list[list[Any]] = []

    def load(self) -> Any:
        """The object.  Raises UnpicklingError, whatever the bytes are."""
        try:
            while True:
                code = self._take(1)
                if code == pickle.STOP:
                    (result,) = self._stack
                    return self._value(result)
                try:
                    run = _INSTRUCTIONS[code]
                except KeyError:
                    raise pickle.UnpicklingError(f"Unsupported operand {code[0]}") from None
                run(self)
        except (IndexError, KeyError, ValueError, TypeError, AttributeError, struct.error,
                OverflowError) as error:  # fmt: skip
            what = f"malformed pickle ({type(error).__name__}: {error})"
            raise pickle.UnpicklingError(what) from None

    def _take(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) != count:
            raise pickle.UnpicklingError("Ran out of input: the pickle is cut short")
        return data

    def _number(self, form: str) -> Any:
        return struct.unpack(form, self._take(struct.calcsize(form)))[0]

    def _line(self) -> str:
        line = self._stream.readline()
        if not line.endswith(b"\n"):
            raise pickle.UnpicklingError("Ran out of input: the pickle is cut short")
        return line[:-1].decode()

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _value(self, item: Any) -> Any:
        """`item` as data, which functions and storage types are not (but those of the program)."""
        if isinstance(item, (Approved, ModuleClass, FunctionValue)):
            return item.value
        if isinstance(item, (Function, StorageType)):
            raise pickle.UnpicklingError(f"a {type(item).__name__.lower()} is used as a value")
        return item

    def _pop_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._marks.pop()
        return items

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._stack = []

    # ---- instructions with more than a line to them --------------------------------------------

    def _global(self) -> None:
        module = self._line()
        self._push(lookup(module, self._line(), self._approved, self._more))

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        expect(isinstance(name, str) and isinstance(module, str), "global")
        self._push(lookup(module, name, self._approved, self._more))

    def _reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack[-1]
        if not isinstance(function, Function):
            raise pickle.UnpicklingError(
                f"Trying to call reduce for unrecognized function {function!r}"
            )
        expect(type(arguments) is tuple, f"arguments of {function.name}")
        self._stack[-1] = function.build(*arguments)

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if type(target) is OrderedDict:
            expect(type(state) is dict, "OrderedDict state")
            vars(target).update(state)
        elif not self._may_build(type(target)):
            raise pickle.UnpicklingError(
                "Can only build Tensor, Parameter, OrderedDict or types allowlisted via "
                f"`add_safe_globals`, but got {type(target)}"
            )
        elif isinstance(target, np.dtype):
            set_byte_order(target, state)
        elif type(target) is np.ndarray:
            fill_array(target, state)
        elif hasattr(target, "__setstate__"):
            sound = type(state) is dict or not is_module_class(type(target))
            expect(sound, f"state of a {type(target).__name__}")
            target.__setstate__(state)
        else:
            expect(type(state) is dict, f"state of a {type(target).__name__}")
            vars(target).update(state)

    def _may_build(self, kind: type) -> bool:
        own = kind is np.ndarray or issubclass(kind, np.dtype) or is_module_class(kind)
        return (own and self._more) or name_of(kind) in self._approved

    def _new_object(self) -> None:
        arguments, kind = self._stack.pop(), self._stack.pop()
        if not isinstance(kind, (Approved, ModuleClass)) or not isinstance(kind.value, type):
            raise pickle.UnpicklingError(
                "Can only create new object for nn.Parameter or classes allowlisted via "
                f"`add_safe_globals` but got {getattr(kind, 'name', kind)}"
            )
        expect(type(arguments) is tuple, f"arguments of {kind.name}")
        expect(not arguments or isinstance(kind, Approved), f"arguments of {kind.name}")
        self._push(kind.value.__new__(kind.value, *arguments))

    def _append(self) -> None:
        self._extend([self._stack.pop()])

    def _appends(self) -> None:
        self._extend(self._pop_mark())

    def _extend(self, items: list[Any]) -> None:
        target = self._stack[-1]
        expect(type(target) is list, f"list: it is a {type(target).__name__}")
        target.extend(self._value(item) for item in items)

    def _add_items(self) -> None:
        items, target = self._pop_mark(), self._stack[-1]
        expect(type(target) is set, f"set: it is a {type(target).__name__}")
        target.update(as_set(items))

    def _set_item(self) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set_pairs([key, value])

    def _set_items(self) -> None:
        self._set_pairs(self._pop_mark())

    def _set_pairs(self, flat: list[Any]) -> None:
        target = self._stack[-1]
        kinds = (dict, OrderedDict, Counter)
        expect(type(target) in kinds and len(flat) % 2 == 0, "dict")
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            target[as_key(self._value(key))] = self._value(value)

    def _tuple(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError("stack is empty")
        self._stack[-count:] = [tuple(self._stack[-count:])]

    def _persistent_id(self) -> None:
        key = self._stack.pop()
        if type(key) is not tuple or not key or _text(key[0]) != "storage":
            raise pickle.UnpicklingError("Only persistent_load of storage is allowed")
        self._push(self._persistent_load(key))

    def _put(self, slot: int) -> None:
        self._memo[slot] = self._stack[-1]

    def _bytes_as_str(self, form: str) -> None:
        data = self._take(self._number(form))
        self._push(data if self._encoding == "bytes" else data.decode(self._encoding))

    def _str(self, form: str) -> None:
        self._push(self._take(self._number(form)).decode("utf-8", "surrogatepass"))

    def _protocol(self) -> None:
        version = self._number("<B")
        expect(version <= pickle.HIGHEST_PROTOCOL, f"pickle: unknown protocol {version}")


def _text(value: Any) -> Any:
    return value.decode("ascii", "replace") if isinstance(value, bytes) else value


def _pusher(value: Callable[[Reader], Any]) -> Callable[[Reader], None]:
    return lambda r: r._push(value(r))


# Protocol 2, which torch writes, and what the later protocols add for plain data.
_INSTRUCTIONS: dict[bytes, Callable[[Reader], Any]] = {
    pickle.PROTO: Reader._protocol,
    pickle.FRAME: lambda r: r._take(8),
    pickle.MARK: Reader._mark,
    pickle.POP: lambda r: r._stack.pop(),
    pickle.POP_MARK: Reader._pop_mark,
    # constants
    pickle.NONE: _pusher(lambda r: None),
    pickle.NEWTRUE: _pusher(lambda r: True),
    pickle.NEWFALSE: _pusher(lambda r: False),
    pickle.BININT: _pusher(lambda r: r._number("<i")),
    pickle.BININT1: _pusher(lambda r: r._number("<B")),
    pickle.BININT2: _pusher(lambda r: r._number("<H")),
    pickle.LONG1: _pusher(lambda r: pickle.decode_long(r._take(r._number("<B")))),
    pickle.LONG4: _pusher(lambda r: pickle.decode_long(r._take(r._number("<i")))),
    pickle.BINFLOAT: _pusher(lambda r: r._number(">d")),
    pickle.BINUNICODE: lambda r: r._str("<I"),
    pickle.SHORT_BINUNICODE: lambda r: r._str("<B"),
    pickle.BINUNICODE8: lambda r: r._str("<Q"),
    pickle.SHORT_BINSTRING: lambda r: r._bytes_as_str("<B"),
    pickle.BINSTRING: lambda r: r._bytes_as_str("<i"),
    pickle.SHORT_BINBYTES: _pusher(lambda r: r._take(r._number("<B"))),
    pickle.BINBYTES: _pusher(lambda r: r._take(r._number("<I"))),
    pickle.BINBYTES8: _pusher(lambda r: r._take(r._number("<Q"))),
    pickle.BYTEARRAY8: _pusher(lambda r: bytearray(r._take(r._number("<Q")))),
    # containers
    pickle.EMPTY_TUPLE: _pusher(lambda r: ()),
    pickle.EMPTY_LIST: _pusher(lambda r: []),
    pickle.EMPTY_DICT: _pusher(lambda r: {}),
    pickle.EMPTY_SET: _pusher(lambda r: set()),
    pickle.TUPLE: _pusher(lambda r: tuple(r._pop_mark())),
    pickle.TUPLE1: lambda r: r._tuple(1),
    pickle.TUPLE2: lambda r: r._tuple(2),
    pickle.TUPLE3: lambda r: r._tuple(3),
    pickle.APPEND: Reader._append,
    pickle.APPENDS: Reader._appends,
    pickle.ADDITEMS: Reader._add_items,
    pickle.SETITEM: Reader._set_item,
    pickle.SETITEMS: Reader._set_items,
    # names, calls and what lies outside
    pickle.GLOBAL: Reader._global,
    pickle.STACK_GLOBAL: Reader._stack_global,
    pickle.REDUCE: Reader._reduce,
    pickle.NEWOBJ: Reader._new_object,
    pickle.BUILD: Reader._build,
    pickle.BINPERSID: Reader._persistent_id,
    # memo
    pickle.BINPUT: lambda r: r._put(r._number("<B")),
    pickle.LONG_BINPUT: lambda r: r._put(r._number("<I")),
    pickle.MEMOIZE: lambda r: r._put(len(r._memo)),
    pickle.BINGET: _pusher(lambda r: r._memo[r._number("<B")]),
    pickle.LONG_BINGET: _pusher(lambda r: r._memo[r._number("<I")]),
}
