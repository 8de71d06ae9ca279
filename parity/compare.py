"""One op on two engines: every form, every fact that torch documents, one verdict per sample.

`compare_sample` runs the function, method, in-place and `out=` forms of a sample on both engines
and lists what it found as checks.  Nothing here knows about a particular op.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import choices, errors, explain
from .engines import Engine
from .oracle import Oracle
from .outcome import Check, OpResult, SampleResult, Verdict
from .record import Record, Value, run, run_out
from .samples import row_for, samples_for
from .samples.spec import Arr, Row, Sample
from .values import compare_arrays

CLOSER = 12  # failing checks of an op that are looked at more closely


def mismatch(part: str, detail: str) -> Check:
    return Check(Verdict.MISMATCH, part, detail=detail)


def compare_errors(
    a: tuple[str, str] | None, b: tuple[str, str] | None, part: str = "error"
) -> Check | None:
    """One raises and the other does not, or they raise differently; None when nobody raises."""
    if a is None:
        said = b and f"torch raises {b[0]}: {errors.short(b[1])}; ours gives a result"
        return mismatch(part, said) if said else None
    if b is None:
        return mismatch(part, f"torch gives a result; ours raises {a[0]}: {a[1][:200]}")
    why = errors.difference(a, b)
    return mismatch(part, why) if why else Check(Verdict.IDENTICAL, part)


def facts_of(a: Value, b: Value, part: str, views: bool) -> Iterator[Check]:
    """dtype, shape, autograd facts; with `views` names of nodes, strides, whose memory it is."""
    if a.dtype != b.dtype:
        yield mismatch(f"{part}.dtype", f"ours is {a.dtype}, torch's {b.dtype}")
    if a.array.shape != b.array.shape:
        yield mismatch(f"{part}.shape", f"ours is {a.array.shape}, torch's {b.array.shape}")
    if a.requires_grad != b.requires_grad:
        yield mismatch(
            f"{part}.requires_grad", f"ours is {a.requires_grad}, torch's {b.requires_grad}"
        )
    if views and a.grad_fn != b.grad_fn and a.requires_grad == b.requires_grad:
        yield mismatch(f"{part}.grad_fn", f"ours is {a.grad_fn}, torch's {b.grad_fn}")
    if views and a.alias != b.alias:
        words = [
            "shares memory with" if any(x) else "is independent of" for x in (a.alias, b.alias)
        ]
        yield mismatch(f"{part}.view", f"ours {words[0]} the input, torch's {words[1]} it")
    elif views and any(b.alias) and a.stride != b.stride and b.array.size:
        yield mismatch(f"{part}.stride", f"ours is {a.stride}, torch's {b.stride}")


def compare_leaf(
    a: Any, b: Any, part: str, level: str, oracle: Oracle, views: bool = True
) -> list[Check]:
    """One output (or gradient): a tensor, or a plain Python value."""
    if not isinstance(a, Value) or not isinstance(b, Value):
        same = type(a) is type(b) and (a == b or a != a and b != b)
        return [Check(Verdict.IDENTICAL, part)] if same else _scalars(a, b, part, level)
    found = list(facts_of(a, b, part, views))
    if a.array.dtype != b.array.dtype or a.array.shape != b.array.shape or level == "shape":
        return found
    theirs = b.array
    check = compare_arrays(
        a.array,
        theirs,
        part,
        level,
        lambda: oracle.value(part, theirs),
        oracle.bound(part, theirs),
        lambda: oracle.near(part),
    )
    return [*found, check]


def _scalars(a: Any, b: Any, part: str, level: str) -> list[Check]:
    if type(a) is float and type(b) is float and level != "exact":
        return [compare_arrays(np.array(a), np.array(b), part, level, lambda: None)]
    return [mismatch(part, f"ours is {_brief(a)}, torch's {_brief(b)}")]


def _brief(value: Any) -> str:
    if isinstance(value, Value):
        return f"a tensor {value.dtype} {list(value.array.shape)}"
    return f"{value!r} ({type(value).__name__})"


def level_for(row: Row, value: Any, complex_input: bool) -> str:
    """The row's level, or the one it has for complex numbers."""
    complex_output = isinstance(value, Value) and value.array.dtype.kind == "c"
    return row.complex_level or row.level if complex_output or complex_input else row.level


def compare_records(
    a: Record, b: Record, row: Row, oracle: Oracle, views: bool = True
) -> list[Check]:
    """Everything that two runs of one form wrote down."""
    raised = compare_errors(a.error, b.error)
    if raised is not None:
        return [raised]
    if a.mutated != b.mutated:
        return [mismatch("inputs", f"arguments written to: ours {a.mutated}, torch {b.mutated}")]
    if a.outputs.keys() != b.outputs.keys():
        return [mismatch("structure", f"ours returns {list(a.outputs)}, torch {list(b.outputs)}")]
    found: list[Check] = []
    for part, theirs in b.outputs.items():
        found += compare_leaf(
            a.outputs[part], theirs, part, level_for(row, theirs, b.complex_input), oracle, views
        )
    for name, value in b.facts.items():
        if a.facts.get(name) != value:
            found.append(mismatch(name, f"ours is {a.facts.get(name)}, torch's {value}"))
    return found + _compare_gradients(a, b, oracle)


def _compare_gradients(a: Record, b: Record, oracle: Oracle) -> list[Check]:
    raised = compare_errors(a.grad_error, b.grad_error, "grad")
    if raised is not None:
        return [raised]
    found: list[Check] = []
    for part in b.grads.keys() | a.grads.keys():
        found += _gradient(a.grads.get(part), b.grads.get(part), part, oracle, strict=True)
    if b.second_error is not None and a.second_error is None:
        return [
            *found,
            Check(Verdict.BETTER, "grad2", detail=f"torch has none: {b.second_error[1][:120]}"),
        ]
    raised = compare_errors(a.second_error, b.second_error, "grad2")
    if raised is not None:
        return [*found, raised]
    for part in b.seconds.keys() | a.seconds.keys():
        found += _gradient(a.seconds.get(part), b.seconds.get(part), part, oracle, strict=False)
    return found


def _gradient(
    a: Value | None, b: Value | None, part: str, oracle: Oracle, strict: bool
) -> list[Check]:
    """A missing gradient equals a gradient of zeros, except for first gradients."""
    if a is None and b is None:
        return [Check(Verdict.IDENTICAL, part)]
    if a is None or b is None:
        there = a if a is not None else b
        if not strict and there is not None and not there.array.any():
            return [Check(Verdict.IDENTICAL, part)]
        return [
            mismatch(
                part,
                "ours is None, torch's a tensor" if a is None else "ours is a tensor, torch's None",
            )
        ]
    found = [
        c for c in facts_of(a, b, part, False) if not c.part.endswith(("requires_grad", "grad_fn"))
    ]
    if a.array.dtype != b.array.dtype or a.array.shape != b.array.shape:
        return found
    ours, theirs = a.array + 0, b.array + 0  # the sign of a zero gradient is not documented
    check = compare_arrays(
        ours,
        theirs,
        part,
        "sum",
        lambda: oracle.value(part, theirs),
        oracle.bound(part, theirs),
        lambda: oracle.near(part),
    )
    return [*found, check]


class Lab:
    """Two engines side by side: `ours` is judged, `theirs` is torch."""

    def __init__(self, ours: Engine, theirs: Engine) -> None:
        self.ours, self.theirs = ours, theirs
        self.views = ours.device == theirs.device == "cpu"  # what concerns memory and messages
        self._no_out: set[tuple[str, str]] = set()
        self.looks_closer, self._looks = True, 0
        self.begun: Callable[[Sample], None] = lambda sample: None  # told of each sample

    def has(self, row: Row, form: str, everywhere: bool = True) -> bool:
        """Both engines (or torch alone) have this form of the op."""
        engines = (self.ours, self.theirs) if everywhere else (self.theirs,)
        if form == "function":
            return all(callable(e.find(row.namespace, row.name)) for e in engines)
        if row.namespace != "torch":
            return False
        return all(
            e.find_method(row.name + ("_" if form == "inplace" else "")) is not None
            for e in engines
        )

    def primary(self, row: Row) -> str | None:
        """The form that is compared with everything: the function where both have it."""
        forms = (row.form,) if row.form else ("function", "method")
        return next((f for f in forms if self.has(row, f)), None)

    def compare_sample(self, sample: Sample, row: Row) -> SampleResult:
        """All the forms of one sample."""
        form = self.primary(row)
        checks: list[Check] = []
        if form is None:
            checks = [mismatch("op", f"{self.ours.name} has no {sample.op}")]
        else:
            checks += self.compare_form(sample, row, form)
            for other in self._other_forms(sample, row, form):
                checks += self.compare_form(
                    sample, row, other, grad=other == "inplace" and sample.second
                )
            if form == "function" and sample.kind == "call" and not row.random:
                checks += self._out(sample, row)
        return SampleResult(sample.note, str(sample), sample.kind, sample.dtype, checks)

    def _other_forms(self, sample: Sample, row: Row, form: str) -> Iterator[str]:
        if sample.args and isinstance(sample.args[0], Arr) and row.namespace == "torch":
            if form == "function" and sample.kind == "call" and self.has(row, "method"):
                yield "method"
            if self.has(row, "inplace"):
                yield "inplace"

    def compare_form(self, sample: Sample, row: Row, form: str, grad: bool = True) -> list[Check]:
        """The checks of one form: "function", "method" or "inplace"."""
        theirs = run(self.theirs, sample, form, grad=grad, random=row.random)
        ours = run(self.ours, sample, form, grad=grad, random=row.random)
        oracle = Oracle(self.ours, self.theirs, sample, row, form)
        checks = compare_records(ours, theirs, row, oracle, self.views)
        for check in checks:
            check.form = form
        self._look_closer(checks, sample, row, form, ours, theirs)
        return checks

    def _look_closer(
        self, checks: list[Check], sample: Sample, row: Row, form: str, ours: Record, theirs: Record
    ) -> None:
        """Ask of failing values: a discrete choice (choices.py)?  From which cause (explain.py)?"""
        if row.random or form.startswith("out=") or not self.looks_closer:
            return
        for check in [c for c in checks if not c.verdict.ok]:
            pair = [{**r.outputs, **r.grads, **r.seconds}.get(check.part) for r in (ours, theirs)]
            a, b = (v.array if isinstance(v, Value) else None for v in pair)
            if a is None or b is None or a.shape != b.shape or a.dtype != b.dtype:
                continue
            self._looks += 1
            if self._looks > CLOSER:
                return
            try:
                self._explain(check, sample, form, a, b)
            except Exception as error:  # the finding stands, whatever becomes of its explanation
                check.detail += f" [not explained: {type(error).__name__}: {error}]"

    def _explain(
        self, check: Check, sample: Sample, form: str, a: np.ndarray, b: np.ndarray
    ) -> None:
        """Add to a failing check whether it is a choice, and else which cause reproduces it."""
        found = choices.of_sample(self.theirs, sample, form, check.part, a, b)
        check.choice = str(found)
        check.detail = f"{found}; {check.detail}" if found.discrete else check.detail
        if check.part == "out" and not found.discrete and form == "function":
            explained = explain.of_sample(self.theirs, sample, form, a, b)
            check.causes = str(explained) if explained.total else ""  # signs of zeros count as equal
            check.detail += f" [{check.causes}]" if check.causes else ""
        same = "" if found.discrete else explain.relation(a, b)
        if same:
            check.causes = f"ours is {same}"
            check.detail += f" [{check.causes}]"
        if found.both_valid and not self.views:  # no order is promised across devices
            check.verdict = Verdict.EQUAL

    def _out(self, sample: Sample, row: Row) -> list[Check]:
        """The `out=` form, where torch and we have it: empty, ready-made and wrongly typed outs."""
        if row.key in self._no_out:
            return []
        return self.compare_outs(sample, row)

    def compare_outs(self, sample: Sample, row: Row) -> list[Check]:
        """The checks of the `out=` form, by mode: "out=empty", "out=wider", …"""
        found: list[Check] = []
        for mode in ("empty", "wider", "integer", "grad"):
            theirs = run_out(self.theirs, sample, mode)
            if theirs is None:
                continue
            ours = run_out(self.ours, sample, mode)
            if _takes_no_out(theirs) or ours is not None and _takes_no_out(ours):
                self._no_out.add(row.key)
                return []
            if ours is None:
                return [mismatch("out=", "ours gives no tensor to compare")]
            if mode == "wider":  # the op rounds to its own dtype first, then casts
                _narrow(ours, theirs.own_dtype)
                _narrow(theirs, theirs.own_dtype)
            checks = compare_records(
                ours,
                theirs,
                row,
                Oracle(self.ours, self.theirs, sample, row, "function"),
                self.views,
            )
            for check in checks:
                check.form = f"out={mode}"
            found += checks
        return found

    def compare_op(self, key: tuple[str, str]) -> OpResult:
        """Every sample of one op."""
        started = time.perf_counter()
        row, self._looks = row_for(key), 0
        if row is None:
            return OpResult(*key, "", "", [])
        results = []
        for sample in samples_for(key):
            if self.theirs.on_gpu and (sample.bad or sample.kind == "bad"):
                continue  # messages are the CPU's; a wrong index would break the GPU's context
            self.begun(sample)
            results.append(self.compare_sample(sample, row))
        return OpResult(*key, row.family, row.level, results, time.perf_counter() - started)


def _narrow(record: Record, dtype: str) -> None:
    """Values in the dtype that the op computes in, whatever it stored them as."""
    for value in record.outputs.values():
        if (
            isinstance(value, Value)
            and value.array.dtype.itemsize > np.dtype(dtype).itemsize
            and np.dtype(dtype).kind in "fc"
        ):
            value.array = value.array.astype(dtype)


def _takes_no_out(record: Record) -> bool:
    """Whether it raised because there is no such argument."""
    kind, text = record.error or ("", "")
    return kind == "TypeError" and "out" in text.split("\n")[0]
