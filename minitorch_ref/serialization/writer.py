"""Pickling, the data-only part: Python containers and tensors to the bytes of `data.pkl`.

The idea: a pickle is a program for a small stack machine.  This writer emits the few instructions
of protocol 2 that torch's files consist of, in torch's order, so equal objects give equal bytes.
Objects of torch are spelled as calls of torch's names (`torch._utils _rebuild_tensor_v2`), which is
why the standard pickler cannot be used: it insists on importing what it names.  Only what a reader
may safely rebuild is written; anything else is refused here, not when the file is needed again.
"""

from __future__ import annotations

import pickle
import struct
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from typing import Any

from ..device import device
from ..dtypes import dtype
from ..tensor import Size, Tensor
from .function import Call, Name
from .module_names import is_module_class, named
from .numpy_names import as_call, is_plain

_BATCH = 1000  # items per SETITEMS/APPENDS, as in Python's pickler


class PersistentId:
    """Something that lies outside the pickle: a storage."""

    def __init__(self, key: tuple) -> None:
        self.key = key


REBUILD_TENSOR = Name("torch._utils", "_rebuild_tensor_v2")
REBUILD_PARAMETER = Name("torch._utils", "_rebuild_parameter")
ORDERED_DICT = Name("collections", "OrderedDict")
COUNTER = Name("collections", "Counter")
SIZE = Name("torch", "Size")
DEVICE = Name("torch", "device")
COMPLEX = Name("__builtin__", "complex")
SET = Name("__builtin__", "set")
BYTES = Name("__builtin__", "bytes")
BYTEARRAY = Name("__builtin__", "bytearray")
ENCODE = Name("_codecs", "encode")
LATIN1 = "latin1"


class Writer:
    """Pickle one object into `self.out`.

    `tensor_call(tensor)` turns a tensor into a Call (it also sees to its storage).
    """

    def __init__(self, tensor_call: Callable[[Tensor], Call]) -> None:
        self.out = bytearray()
        self._tensor_call = tensor_call
        self._memo: dict[int, tuple[int, Any]] = {}  # id -> (slot, the object, kept alive)
        self._dtype_names: dict[str, Name] = {}
        self._known_names: dict[tuple[str, str], Name] = {}  # of functions and classes

    def dump(self, obj: Any) -> bytes:
        """The complete pickle of `obj`.  Raises PicklingError for what must not be in a file."""
        self.out += pickle.PROTO + b"\2"
        self.save(obj)
        self.out += pickle.STOP
        return bytes(self.out)

    def save(self, obj: Any) -> None:
        """Emit the instructions that leave `obj` on the reader's stack."""
        known = self._memo.get(id(obj))
        if known is not None:
            self._slot(pickle.BINGET, pickle.LONG_BINGET, known[0])
            return
        emit = _EMITTERS.get(type(obj))
        if emit is not None:
            emit(self, obj)
        elif isinstance(obj, Tensor):
            self._save_call(self._tensor_call(obj), obj)
        elif is_plain(obj):
            self._save_numpy(obj)
        elif is_module_class(type(obj)):
            self._save_module(obj)
        elif (name := named(obj)) is not None:
            self.save(self._known_names.setdefault((name.module, name.name), name))
        else:
            raise pickle.PicklingError(_refusal(obj))

    # ---- memo ----------------------------------------------------------------------------------

    def _remember(self, obj: Any) -> None:
        slot = len(self._memo)
        self._memo[id(obj)] = (slot, obj)
        self._slot(pickle.BINPUT, pickle.LONG_BINPUT, slot)

    def _slot(self, short: bytes, long: bytes, slot: int) -> None:
        self.out += short + bytes([slot]) if slot < 256 else long + struct.pack("<I", slot)

    # ---- one emitter per type ------------------------------------------------------------------

    def _save_constant(self, obj: Any) -> None:
        self.out += {None: pickle.NONE, True: pickle.NEWTRUE, False: pickle.NEWFALSE}[obj]

    def _save_int(self, obj: int) -> None:
        if 0 <= obj < 1 << 8:
            self.out += pickle.BININT1 + bytes([obj])
        elif 0 <= obj < 1 << 16:
            self.out += pickle.BININT2 + struct.pack("<H", obj)
        elif -1 << 31 <= obj < 1 << 31:
            self.out += pickle.BININT + struct.pack("<i", obj)
        else:
            data = pickle.encode_long(obj)
            if len(data) < 256:
                self.out += pickle.LONG1 + bytes([len(data)]) + data
            else:
                self.out += pickle.LONG4 + struct.pack("<i", len(data)) + data

    def _save_float(self, obj: float) -> None:
        self.out += pickle.BINFLOAT + struct.pack(">d", obj)

    def _save_str(self, obj: str) -> None:
        data = obj.encode("utf-8", "surrogatepass")
        self.out += pickle.BINUNICODE + struct.pack("<I", len(data)) + data
        self._remember(obj)

    def _save_tuple(self, obj: tuple) -> None:
        if not obj:
            self.out += pickle.EMPTY_TUPLE
            return
        if len(obj) > 3:
            self.out += pickle.MARK
        for item in obj:
            self.save(item)
        if id(obj) in self._memo:  # it contains itself: drop the copy just built, use the known one
            self.out += pickle.POP_MARK if len(obj) > 3 else pickle.POP * len(obj)
            self.save(obj)
            return
        close = (pickle.TUPLE1, pickle.TUPLE2, pickle.TUPLE3, pickle.TUPLE)
        self.out += close[min(len(obj), 4) - 1]
        self._remember(obj)

    def _save_list(self, obj: list) -> None:
        self.out += pickle.EMPTY_LIST
        self._remember(obj)
        self._save_batches(((item,) for item in obj), pickle.APPEND, pickle.APPENDS)

    def _save_dict(self, obj: dict) -> None:
        self.out += pickle.EMPTY_DICT
        self._remember(obj)
        self._save_batches(obj.items(), pickle.SETITEM, pickle.SETITEMS)

    def _save_batches(self, rows: Iterable[tuple], one: bytes, many: bytes) -> None:
        rows = list(rows)
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            single = len(batch) == 1
            self.out += b"" if single else pickle.MARK
            for row in batch:
                for item in row:
                    self.save(item)
            self.out += one if single else many

    def _save_ordered_dict(self, obj: OrderedDict) -> None:
        self._save_call(Call(ORDERED_DICT, ()), obj)
        self._save_batches(obj.items(), pickle.SETITEM, pickle.SETITEMS)
        if vars(obj):  # a state dict's _metadata
            self.save(vars(obj))
            self.out += pickle.BUILD

    def _save_numpy(self, obj: Any) -> None:
        call, state = as_call(obj)
        self._save_call(call, obj)
        if state is not None:
            self.save(state)
            self.out += pickle.BUILD

    def _save_module(self, obj: Any) -> None:
        kind = type(obj)
        if named(kind) is None:
            raise pickle.PicklingError(
                f"cannot save a module of {kind}: a file names the class, and this one is not found "
                f"as {kind.__module__}.{kind.__qualname__}; save obj.state_dict() instead"
            )
        self.save(kind)
        self.out += pickle.EMPTY_TUPLE + pickle.NEWOBJ
        self._remember(obj)
        self.save(obj.__getstate__() if hasattr(obj, "__getstate__") else vars(obj))
        self.out += pickle.BUILD

    def _save_name(self, obj: Name) -> None:
        self.out += pickle.GLOBAL + f"{obj.module}\n{obj.name}\n".encode()
        self._remember(obj)

    def _save_dtype(self, obj: dtype) -> None:
        self.save(self._dtype_names.setdefault(obj.name, Name("torch", obj.name)))

    def _save_persistent_id(self, obj: PersistentId) -> None:
        self.save(obj.key)
        self.out += pickle.BINPERSID

    def _save_call(self, call: Call, result: Any) -> None:
        self.save(call.function)
        self.save(call.arguments)
        self.out += pickle.REDUCE
        self._remember(result)


def _refusal(obj: Any) -> str:
    kind = f"{type(obj).__module__}.{type(obj).__qualname__}"
    hint = "convert it to Python numbers, strings and containers first"
    if hasattr(obj, "state_dict"):
        hint = "save obj.state_dict() instead"
    elif kind.startswith("numpy."):
        hint = "of NumPy's objects, numbers, text and arrays of them can be saved"
    return (
        f"cannot save an object of type {kind}: files hold only what loads without running code "
        f"(tensors, numbers, strings, lists, tuples, dicts); {hint}"
    )


def _device_arguments(obj: device) -> tuple:
    kind = (
        obj.type.encode().decode()
    )  # a new string: torch does not share this one through the memo
    return (kind,) if obj.index is None else (kind, obj.index)


def _as_call(function: Name, arguments: Callable[[Any], tuple]) -> Callable[[Writer, Any], None]:
    """An emitter that spells an object as `function(*arguments(obj))`."""
    return lambda writer, obj: writer._save_call(Call(function, arguments(obj)), obj)


_no_bytes = _as_call(BYTES, lambda obj: ())
_encoded = _as_call(ENCODE, lambda obj: (obj.decode(LATIN1), LATIN1))

_EMITTERS: dict[type, Callable[[Writer, Any], None]] = {
    type(None): Writer._save_constant,
    bool: Writer._save_constant,
    int: Writer._save_int,
    float: Writer._save_float,
    str: Writer._save_str,
    tuple: Writer._save_tuple,
    list: Writer._save_list,
    dict: Writer._save_dict,
    OrderedDict: Writer._save_ordered_dict,
    Name: Writer._save_name,
    Call: lambda writer, call: writer._save_call(call, call),
    PersistentId: Writer._save_persistent_id,
    dtype: Writer._save_dtype,
    # Protocol 2 has no instruction for these.
    Counter: _as_call(COUNTER, lambda obj: (dict(obj),)),
    Size: _as_call(SIZE, lambda obj: (tuple(obj),)),
    device: _as_call(DEVICE, _device_arguments),
    complex: _as_call(COMPLEX, lambda obj: (obj.real, obj.imag)),
    set: _as_call(SET, lambda obj: (list(obj),)),
    bytes: lambda writer, obj: (_encoded if obj else _no_bytes)(writer, obj),
    bytearray: _as_call(BYTEARRAY, lambda obj: (bytes(obj),) if obj else ()),
}
