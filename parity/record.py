"""One op, one sample, one engine: run it and write down everything that can be compared.

A `Record` holds NumPy arrays and plain Python values only, so two records can be compared whatever
made them (another engine, device, process).  What is written down: outputs with dtype, strides and
which arguments they share memory with; gradients for given cotangents; second gradients; for the
in-place form who was written and whether the version went up; the exception if there was one.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .engines import DeviceLostError, Engine
from .gauge import canonical
from .samples.materialise import Inputs, rng
from .samples.spec import Sample


@dataclass
class Value:
    """A tensor that came out: its data and what torch documents about it."""

    array: np.ndarray
    dtype: str
    stride: tuple[int, ...] = ()
    alias: tuple[bool, ...] = ()
    requires_grad: bool = False
    grad_fn: str | None = None


@dataclass
class Record:
    """Everything one call did.  `outputs` maps a path ("out", "out.values", "out[1]") to a leaf."""

    error: tuple[str, str] | None = None
    outputs: dict[str, Any] = field(default_factory=dict)
    grads: dict[str, Value | None] = field(default_factory=dict)
    seconds: dict[str, Value | None] = field(default_factory=dict)
    grad_error: tuple[str, str] | None = None
    second_error: tuple[str, str] | None = None
    mutated: tuple[bool, ...] = ()
    complex_input: bool = False
    own_dtype: str = ""
    facts: dict[str, Any] = field(default_factory=dict)


def error_of(error: Exception) -> tuple[str, str]:
    return type(error).__name__, str(error)


def flatten(value: Any, engine: Engine, path: str = "out") -> dict[str, Any]:
    """Leaves of a result by path; named tuples by field name."""
    if isinstance(value, (tuple, list)) and type(value).__name__ != "Size":
        names = getattr(type(value), "__match_args__", ()) or getattr(value, "_fields", ())
        found: dict[str, Any] = {f"{path}:type": "list" if isinstance(value, list) else "tuple"}
        for i, item in enumerate(value):
            inner = f"{path}.{names[i]}" if i < len(names) else f"{path}[{i}]"
            found.update(flatten(item, engine, inner))
        return found
    if isinstance(value, dict):
        return {
            k: v
            for key, item in value.items()
            for k, v in flatten(item, engine, f"{path}[{key!r}]").items()
        }
    if isinstance(value, np.ndarray) or engine.is_tensor(value):
        return {path: value}
    if type(value).__name__ == "Size":
        return {f"{path}:type": "Size", path: tuple(value)}
    if value is None or isinstance(value, (bool, int, float, complex, str)):
        return {path: value}
    if isinstance(value, np.generic):
        return {path: f"NumPy scalar {value.dtype}"}
    return {path: f"{type(value).__name__} {value}"}


def _alive(engine: Engine, sample: Sample, error: tuple[str, str]) -> None:
    """DeviceLostError if the exception says that the GPU's context is broken."""
    if engine.on_gpu and "CUDA error" in error[1]:
        said = error[1].splitlines()[0]
        raise DeviceLostError(f"{said}, in {sample}: nothing more can be run in this process")


def _overlap(a: np.ndarray, b: np.ndarray) -> bool:
    return a.size > 0 and b.size > 0 and bool(np.may_share_memory(a, b))


def value_of(item: Any, engine: Engine, arrays: list[np.ndarray]) -> Any:
    """The leaf `item` written down; tensors and NumPy arrays become a Value."""
    if isinstance(item, np.ndarray):
        return Value(
            item.copy(),
            f"numpy.{item.dtype}",
            item.strides,
            tuple(_overlap(item, a) for a in arrays),
        )
    if not engine.is_tensor(item):
        return item
    data = engine.array(item)
    alias = tuple(_overlap(data, a) for a in arrays) if engine.device == "cpu" else ()
    grad_fn = type(item.grad_fn).__name__ if item.grad_fn is not None else None
    if grad_fn in ("Node", "BackwardNode"):
        grad_fn = item.grad_fn.name()
    return Value(
        np.array(data),
        str(item.dtype).removeprefix("torch."),
        tuple(item.stride()),
        alias,
        item.requires_grad,
        grad_fn,
    )


def _cotangents(outs: dict[str, Any], engine: Engine, sample: Sample, order: str) -> dict[str, Any]:
    """A random cotangent for each output; eleven bits each, so that it is exact in every dtype."""

    def draw(out: Any, path: str) -> Any:
        r = rng(sample.op, sample.note, order, path)
        data = r.integers(-1024, 1025, tuple(out.shape)) / 512
        dtype = engine.array(out).dtype
        if dtype.kind == "c":
            data = data + 1j * r.integers(-1024, 1025, tuple(out.shape)) / 512
        return engine.tensor(np.asarray(data, dtype)).requires_grad_()

    return {path: draw(out, path) for path, out in outs.items()}


class Backward:
    """Gradients and second gradients of one call, kept as tensors (the bounds need their graph)."""

    def __init__(
        self, engine: Engine, sample: Sample, outs: dict[str, Any], leaves: list, wider: bool
    ) -> None:
        self.engine, self.sample, self.wider = engine, sample, wider
        self.outs = {p: o for p, o in outs.items() if engine.is_tensor(o) and o.requires_grad}
        self.leaves = list(leaves)
        self.cots: dict[str, Any] = {}
        self.cots2: dict[str, Any] = {}
        self.grads: dict[str, Any] = {}
        self.seconds: dict[str, Any] = {}

    def first(self) -> None:
        """grads["grad[i]"]: the gradient for leaf i, None where the op does not depend on it."""
        self.cots = _cotangents(self.outs, self.engine, self.sample, "cotangent")
        found = self.engine.module.autograd.grad(
            list(self.outs.values()),
            self.leaves,
            list(self.cots.values()),
            create_graph=True,
            allow_unused=True,
        )
        self.grads = {f"grad[{i}]": g for i, g in enumerate(found)}

    def second(self) -> None:
        """seconds["grad2[i]"]: gradient of the gradients, for leaves and then for cotangents."""
        firsts = {k: g for k, g in self.grads.items() if g is not None and g.requires_grad}
        if not firsts:
            return
        inputs = self.leaves + list(self.cots.values())
        self.cots2 = _cotangents(firsts, self.engine, self.sample, "second")
        found = self.engine.module.autograd.grad(
            list(firsts.values()),
            inputs,
            list(self.cots2.values()),
            create_graph=self.wider,
            allow_unused=True,
        )
        self.seconds = {f"grad2[{i}]": g for i, g in enumerate(found)}


def _written(tree: dict[str, Any], engine: Engine) -> dict[str, Value | None]:
    return {k: None if g is None else value_of(g, engine, []) for k, g in tree.items()}


def invoke(engine: Engine, sample: Sample, form: str, inputs: Inputs) -> Any:
    """Call the op in one of its forms: "function", "method" or "inplace" (`x.name_`)."""
    name = sample.name
    if form == "inplace":
        name = name + "_"
    function = (
        engine.find(sample.namespace, name) if form == "function" else engine.find_method(name)
    )
    if function is None:
        raise AttributeError(f"{engine.name} has no {form} {sample.op}")
    if form != "function" and (not inputs.args or not engine.is_tensor(inputs.args[0])):
        raise AttributeError(f"{sample.op} has no tensor to be a method of")
    return function(*inputs.args, **inputs.kwargs)


def run(
    engine: Engine,
    sample: Sample,
    form: str = "function",
    *,
    grad: bool = True,
    wider: bool = False,
    random: bool = False,
    keep: list | None = None,
    nudge: int | None = None,
) -> Record:
    """Run one form of one sample and write down what it did.

    wider: in float64 (the oracle run).  keep: receives (outputs, inputs, backward) as tensors.
    nudge: with floats moved a little, by this seed: a neighbour of the sample.
    """
    record = Record()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = Inputs(engine, sample, grad and sample.grad, wider, nudge)
        before = [a.copy() for a in inputs.arrays]
        record.complex_input = any(a.dtype.kind == "c" for a in before)
        try:
            if random:
                engine.seed(1234)
            call_inputs, watched = _inplace_target(form, inputs)
            version = watched._version if watched is not None else 0
            result = invoke(engine, sample, form, call_inputs)
        except Exception as error:  # the type and the text are what is compared
            record.error = error_of(error)
            _alive(engine, sample, record.error)
            return record
        outs = flatten(result, engine)
        record.outputs = {k: value_of(v, engine, inputs.arrays) for k, v in outs.items()}
        outs = _turned(record, outs, engine, sample)
        if watched is not None:
            record.facts["returns self"] = result is watched
            record.facts["version bumped"] = watched._version > version
        if random:
            record.facts["stream position"] = engine.stream_position()
        after = inputs.arrays
        if engine.device != "cpu":  # the call had copies of them
            after = [np.array(engine.array(t)).astype(a.dtype) for t, a in zip(inputs.tensors, before)]
        record.mutated = tuple(
            a.tobytes() != b.tobytes() for a, b in zip(after, before, strict=True)
        )
        for i, array in enumerate(after):
            if record.mutated[i]:
                record.outputs[f"argument[{i}] afterwards"] = Value(array.copy(), array.dtype.name)
        _differentiate(engine, sample, outs, inputs, record, wider, keep)
    return record


OUT_DTYPES = {
    "wider": {"float32": "float64", "complex64": "complex128", "int64": "float32"},
    "integer": {"float32": "int64", "complex64": "float32", "bool": "int64"},
}


def run_out(engine: Engine, sample: Sample, mode: str) -> Record | None:
    """Run the op with `out=`; None where `mode` does not apply to the dtype of its result.

    mode: "empty" an out of no elements, to be resized; "wider" of a wider dtype; "integer" of a
    dtype that cannot hold the result; "grad" with arguments that require grad.
    """
    record = Record()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = Inputs(engine, sample, grad=False)
        try:
            plain = invoke(engine, sample, "function", inputs)
        except Exception:  # the function form has compared this already
            return None
        found = list(plain) if isinstance(plain, (tuple, list)) else [plain]
        if not found or not all(engine.is_tensor(v) for v in found):
            return None
        names = [str(v.dtype).removeprefix("torch.") for v in found]
        record.own_dtype = names[0]
        if mode in OUT_DTYPES:
            if len(names) > 1 or names[0] not in OUT_DTYPES[mode] or not inputs.tensors:
                return None
            names = [OUT_DTYPES[mode][names[0]]]
        outs = [
            engine.module.empty(0, dtype=getattr(engine.module, n), device=engine.device)
            for n in names
        ]
        inputs = Inputs(engine, sample, grad=mode == "grad")
        record.complex_input = any(a.dtype.kind == "c" for a in inputs.arrays)
        if mode == "grad" and not inputs.leaves:
            return None
        given: Any = outs[0] if engine.is_tensor(plain) else tuple(outs)
        inputs.kwargs["out"] = given
        try:
            versions = [o._version for o in outs]
            result = invoke(engine, sample, "function", inputs)
        except Exception as error:
            record.error = error_of(error)
            return record
        result = given if result is None else result
        pairs = (
            [(result, given)] if engine.is_tensor(result) else list(zip(result, given, strict=True))
        )
        record.facts = {
            "returns out": all(r is g or r.data_ptr() == g.data_ptr() for r, g in pairs),
            "version bumped": all(o._version > v for o, v in zip(outs, versions, strict=True)),
        }
        outputs = flatten(result, engine)
        record.outputs = {k: value_of(v, engine, []) for k, v in outputs.items()}
        _turned(record, outputs, engine, sample)
    return record


def _turned(record: Record, outs: dict, engine: Engine, sample: Sample) -> dict:
    """The outputs in their sample's gauge; the facts on record stay those of the plain ones."""
    turned = canonical(sample.gauge, engine, outs)
    for path, tensor in turned.items():
        if tensor is not outs[path]:
            record.outputs[path].array = np.array(engine.array(tensor))
    return turned


def _inplace_target(form: str, inputs: Inputs) -> tuple[Inputs, Any]:
    """For `x.op_()`: the written tensor, a copy of the leaf when gradients are wanted."""
    if form != "inplace" or not inputs.args:
        return inputs, None
    target = inputs.args[0]
    if getattr(target, "requires_grad", False):
        target = target.clone()
        inputs.args = (target, *inputs.args[1:])
    return inputs, target


def _differentiate(
    engine: Engine,
    sample: Sample,
    outs: dict,
    inputs: Inputs,
    record: Record,
    wider: bool,
    keep: list | None,
) -> None:
    backward = Backward(engine, sample, outs, inputs.leaves, wider)
    if keep is not None:
        keep.append((outs, inputs, backward))
    if not inputs.leaves or not backward.outs:
        return
    try:
        backward.first()
    except Exception as error:
        record.grad_error = error_of(error)
        _alive(engine, sample, record.grad_error)
        return
    record.grads = _written(backward.grads, engine)
    if not sample.second:
        return
    try:
        backward.second()
    except Exception as error:
        record.second_error = error_of(error)
        _alive(engine, sample, record.second_error)
        return
    record.seconds = _written(backward.seconds, engine)
