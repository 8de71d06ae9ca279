"""Layers, losses, optimizers and schedulers, trained for five steps on both engines.

Each case is built under the same seed on both sides, fed the same inputs and trained; what is
compared: the text of its repr, the initial state, the output, the gradients of inputs and
parameters, the parameters after each of five optimizer steps, the output in eval mode, and the
state dict through a file written by either engine and read by the other; and where the random
generator stands after each of these stages (standing.py).

Rounding is judged against the same training in float64, the oracle.  A tensor's error is counted in
ULPs of its largest element (small elements are differences of large ones).  Ours may be 2 ULP, or
torch's error and besides it what rounding can do: |ours − exact| ≤ |ours − torch| + |torch − exact|.
What rounding can do comes from the oracle, too: it trains again with the result of every op rounded
at random to a float32 (rounding.py), and the distances of a few such runs predict that of one more
(nullmodel.py).  So a gradient that cancels to zero is judged by the size of what cancels.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from . import nullmodel, standing
from .crew import Worker
from .engines import Engine, open_engine
from .modules_table import CASES, SCHEDULES, Case
from .outcome import Check, OpResult, SampleResult, Verdict
from .rounding import Rounded
from .runner import limit_threads, matches
from .samples.materialise import array
from .samples.spec import Arr

STEPS = 5
NULL_SEEDS = range(1, 7)  # of the rounded runs
SEED = 7


@dataclass
class Training:
    """Everything a training run left behind, by name; `error` if it raised.

    stands: the states of the random generator, by stage.
    """

    values: dict[str, np.ndarray]
    text: str = ""
    state: dict[str, str] | None = None
    error: tuple[str, str] | None = None
    stands: standing.States = field(default_factory=dict)


def inputs_for(engine: Engine, case: Case, wide: bool) -> list:
    """The inputs of a case; `wide`: floats in float64."""
    made = []
    for i, arr in enumerate(case.inputs):
        data = array(arr, "float32", (case.name, i))
        if data.dtype.kind == "f":
            tensor = engine.tensor(data.astype(np.float64) if wide else data)
            made.append(tensor.requires_grad_() if arr.grad else tensor)
        else:
            made.append(engine.tensor(data))
    return made


def _store(values: dict[str, np.ndarray], engine: Engine, prefix: str, tensors: Any) -> None:
    for name, tensor in tensors:
        if tensor is not None:
            values[f"{prefix}.{name}"] = np.array(engine.array(tensor))


def cotangent(case: Case, shape: tuple[int, ...]) -> np.ndarray:
    """The gradient of an output of this shape; of eight bits, so that products are exact."""
    weights = array(Arr(shape, "float32", (-2.0, 2.0)), "float32", (case.name, "cotangent"))
    return np.round(weights * 64) / 64


def _first(out: Any) -> Any:
    """The output that is looked at: of several the first."""
    return out[0] if isinstance(out, tuple) else out


def _total(engine: Engine, out: Any, case: Case) -> Any:
    """A scalar to differentiate: the loss itself, or the output against a fixed cotangent."""
    out = _first(out)
    if tuple(out.shape) == ():
        return out
    weights = cotangent(case, tuple(out.shape))
    return (out * engine.tensor(weights).to(out.dtype)).sum()


def train(engine: Engine, case: Case, wide: bool = False) -> Training:
    """Build, forward, backward, five optimizer steps, eval; `wide`: in float64."""
    found = Training({})
    torch = engine.module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            torch.manual_seed(SEED)
            net = case.build(torch)
            _store(found.values, engine, "initial", net.state_dict().items())
            found.text = repr(net)
            found.state = {
                k: f"{str(v.dtype).removeprefix('torch.')} {tuple(v.shape)}"
                for k, v in net.state_dict().items()
            }
            found.stands["building"] = standing.state(engine)
            net = net.double() if wide else net
            _fit(engine, case, net, inputs_for(engine, case, wide), found)
        except Exception as error:  # compared like any other outcome
            found.error = type(error).__name__, str(error)
    return found


def _fit(engine: Engine, case: Case, net: Any, inputs: list, found: Training) -> None:
    """Train (a single step, where there is nothing to learn), then run in eval mode."""
    torch, values = engine.module, found.values
    parameters = list(net.parameters())
    optimizer = case.optimizer(torch, parameters) if parameters else None

    def stand(stage: str) -> None:
        found.stands[stage] = standing.state(engine)

    for step in range(STEPS if optimizer is not None else 1):
        torch.manual_seed(SEED + step)
        if optimizer is not None:
            optimizer.zero_grad()
        out = net(*inputs)
        stand(f"the forward pass of step {step + 1}")
        loss = _total(engine, out, case)
        if loss.requires_grad:
            loss.backward()
        stand(f"the backward pass of step {step + 1}")
        if step == 0:
            _store(values, engine, "output", [("0", _first(out))])
            _store(values, engine, "grad", [(n, p.grad) for n, p in net.named_parameters()])
            leaves = [(str(i), x.grad) for i, x in enumerate(inputs) if x.requires_grad]
            _store(values, engine, "grad of input", leaves)
        if optimizer is not None:
            optimizer.step()
            stand(f"the optimizer's step {step + 1}")
            _store(values, engine, f"step {step + 1}", net.state_dict().items())
    net.eval()
    out = net(*inputs)
    stand("the forward pass in eval mode")
    _store(values, engine, "eval", [("0", _first(out))])


def scale_ulp(a: np.ndarray, exact: np.ndarray) -> float:
    """Largest |a − exact| in ULPs of float32 at the tensor's largest element."""
    if a.size == 0:
        return 0.0
    with np.errstate(all="ignore"):
        size = float(np.max(np.abs(exact), initial=0, where=np.isfinite(exact)))
        if not np.array_equal(np.isnan(a), np.isnan(exact)):
            return float("inf")
        off = np.abs(a.astype(np.float64) - exact)
        # In float64: what overflowed in float32 may be there.
        unit = float(np.spacing(max(size, 1e-38))) * 2.0**29
        return float(np.max(np.where(np.isnan(off), 0, off))) / unit


def compare_case(case: Case, ours: Engine, theirs: Engine) -> SampleResult:
    """One module or optimizer on both engines."""
    b = train(theirs, case)
    a = train(ours, case)
    checks: list[Check] = []
    if a.error or b.error:
        if a.error is None or b.error is None or a.error[0] != b.error[0]:
            checks.append(
                Check(Verdict.MISMATCH, "training", detail=f"ours: {a.error}, torch: {b.error}")
            )
        return SampleResult(case.name, case.name, "module", "float32", checks)
    if a.text != b.text:
        checks.append(Check(Verdict.MISMATCH, "repr", detail=f"ours {a.text!r}, torch {b.text!r}"))
    if a.state != b.state:
        checks.append(
            Check(Verdict.MISMATCH, "state_dict", detail=f"ours {a.state}, torch {b.state}")
        )
    checks += standing.checks(ours, theirs, a.stands, b.stands)
    checks += _compare_values(case, a, b)
    checks += exchange(case, ours, theirs)
    return SampleResult(
        case.name,
        case.name,
        "module",
        "float32",
        checks or [Check(Verdict.IDENTICAL, "everything")],
    )


def _compare_values(case: Case, a: Training, b: Training) -> list[Check]:
    checks: list[Check] = []
    if a.values.keys() != b.values.keys():
        odd = sorted(a.values.keys() ^ b.values.keys())
        checks.append(Check(Verdict.MISMATCH, "values", detail=f"only one side has {odd[:6]}"))
    different = [
        k for k in b.values if k in a.values and a.values[k].tobytes() != b.values[k].tobytes()
    ]
    if not different:
        return checks
    exact, rounded = oracle(case)
    return checks + [
        judge_tensor(k, a.values[k], b.values[k], exact.get(k), [r.get(k) for r in rounded])
        for k in different
    ]


def oracle(case: Case) -> tuple[dict[str, np.ndarray], list[dict[str, np.ndarray]]]:
    """The values of the training in float64, and of the runs with rounded results."""
    torch = open_engine("torch")
    rounded = []
    for seed in NULL_SEEDS:
        with Rounded(torch.module, seed):
            rounded.append(train(torch, case, wide=True).values)
    return train(torch, case, wide=True).values, rounded


def judge_tensor(
    name: str, a: np.ndarray, b: np.ndarray, exact: np.ndarray | None, rounded: list
) -> Check:
    if a.shape != b.shape or a.dtype != b.dtype:
        return Check(
            Verdict.MISMATCH,
            name,
            detail=f"ours is {a.dtype} {a.shape}, torch's {b.dtype} {b.shape}",
        )
    if a.dtype.kind != "f" or name.startswith("initial"):
        return Check(
            Verdict.MISMATCH, name, detail=f"{int((a != b).sum())} of {a.size} elements differ"
        )
    exact = b.astype(np.float64) if exact is None or exact.shape != b.shape else exact
    ours, theirs = scale_ulp(a, exact), scale_ulp(b, exact)
    apart = [scale_ulp(r, exact) for r in rounded if r is not None and r.shape == b.shape]
    band = float(nullmodel.limit(np.array(apart))) if apart else 0.0
    limit = max(2.0, theirs + band)
    verdict = Verdict.EQUAL if ours <= limit and np.isfinite(ours) else Verdict.WORSE
    detail = (
        ""
        if verdict.ok
        else f"{ours:.3g} ULP of the largest element off; torch {theirs:.3g}, rounding {band:.3g}"
    )
    return Check(
        verdict, name, detail=detail, ours=ours, theirs=theirs, bound=limit,
        share_ours=ours / limit, share_theirs=theirs / limit,
    )  # fmt: skip


def exchange(case: Case, ours: Engine, theirs: Engine) -> list[Check]:
    """A state dict written by one engine and loaded by the other, both ways."""
    checks = []
    for writer, reader in ((ours, theirs), (theirs, ours)):
        what = f"state dict from {writer.name} to {reader.name}"
        try:
            writer.module.manual_seed(SEED)
            written = case.build(writer.module)
            buffer = io.BytesIO()
            writer.module.save(written.state_dict(), buffer)
            buffer.seek(0)
            reader.module.manual_seed(SEED + 1)
            read = case.build(reader.module)
            message = str(read.load_state_dict(reader.module.load(buffer)))
            same = all(
                writer.array(v).tobytes() == reader.array(read.state_dict()[k]).tobytes()
                for k, v in written.state_dict().items()
            )
            if not same or message != "<All keys matched successfully>":
                checks.append(
                    Check(Verdict.MISMATCH, what, detail=f"loaded values differ, or {message!r}")
                )
        except Exception as error:
            checks.append(Check(Verdict.MISMATCH, what, detail=f"{type(error).__name__}: {error}"))
    return checks


def compare_schedule(name: str, make: Callable, ours: Engine, theirs: Engine) -> SampleResult:
    """The learning rates of twelve epochs: bit-identical, being Python floats."""

    def rates(engine: Engine, stands: standing.States) -> list | tuple:
        torch = engine.module
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                torch.manual_seed(SEED)
                p = torch.nn.Parameter(torch.zeros(2))
                optimizer = torch.optim.SGD([p], lr=0.5)
                schedule, arguments = make(torch, optimizer)
                found = []
                for epoch in range(12):
                    optimizer.step()
                    schedule.step(*arguments(epoch))
                    found.append(optimizer.param_groups[0]["lr"])
                stands["twelve epochs"] = standing.state(engine)
                return found
            except Exception as error:
                return type(error).__name__, str(error)

    stands: tuple[standing.States, standing.States] = {}, {}
    a, b = rates(ours, stands[0]), rates(theirs, stands[1])
    same = a == b
    check = Check(
        Verdict.IDENTICAL if same else Verdict.MISMATCH,
        "learning rates",
        detail="" if same else f"ours {a}, torch {b}",
    )
    return SampleResult(name, name, "schedule", "", [check, *standing.checks(ours, theirs, *stands)])


def cases(pattern: str = "") -> list[tuple[str, str, Callable[[Engine, Engine], SampleResult]]]:
    """(name, family, comparison) of everything whose name matches `pattern`."""
    found: list = [(c.name, c.family, partial(compare_case, c)) for c in CASES]
    found += [
        (name, "schedulers", partial(compare_schedule, name, make))
        for name, make in SCHEDULES.items()
    ]
    return [case for case in found if matches(case[0], pattern)]


def judged(case: tuple[str, str, Callable], ours: Engine, theirs: Engine) -> OpResult:
    """The result of one of `cases`; an exception in the laboratory costs this case only."""
    name, family, compare = case
    try:
        found = compare(ours, theirs)
    except Exception as error:
        return _lost(name, family, "laboratory", f"{type(error).__name__}: {error}")
    return OpResult("module", name, family, "sum", [found])


def _lost(name: str, family: str, what: str, text: str) -> OpResult:
    """The result of a case that could not be compared."""
    check = Check(Verdict.MISMATCH, what, detail=text)
    return OpResult("module", name, family, "sum", [SampleResult(name, name, what, "", [check])])


def compare_modules(
    ours: Engine,
    theirs: Engine,
    pattern: str = "",
    done: Callable[[OpResult], None] = lambda result: None,
    share: slice = slice(None),
) -> list[OpResult]:
    """Every case whose name matches `pattern`, or the `share` of them, in this process."""
    results = []
    for case in cases(pattern)[share]:
        results.append(judged(case, ours, theirs))
        done(results[-1])
    return results


def _family(name: str) -> str:
    return next((case[1] for case in cases() if case[0] == name), "")


def died(worker: Worker) -> OpResult:
    """The result of a case that ended its process."""
    return _lost(worker.key[1], _family(worker.key[1]), "process", worker.ended())


def late(worker: Worker, why: str) -> OpResult:
    """The result of a case that was stopped."""
    text = f"{why}: stopped (--op-limit)"
    return _lost(worker.key[1], _family(worker.key[1]), "process", text)


def work(pipe: Connection, ours: str, theirs: str) -> None:
    """A worker of runner.run_ops: receive ("module", name), send back its result."""
    engines = open_engine(ours), open_engine(theirs)
    for engine in engines:
        limit_threads(engine)
    table = {case[0]: case for case in cases()}
    pipe.send("")
    while (key := pipe.recv()) is not None:
        pipe.send(key[1])
        pipe.send(judged(table[key[1]], *engines))
