"""Recording a trail: run a script on one engine and write down what every op did.

    python -m parity.trail_run [--nudge SEED | --draws | --losses HOW] ENGINE FILE script.py [arg …]

Forward records come from `watch.watching`, backward records from hooks on the nodes of the graph,
which both engines have (trail_backward.py); they carry the call site of the op.  An optimizer's step
is one record: parameters, gradients and state in, parameters and state out.

With `--nudge SEED` every number that an op makes is moved by −1, 0 or +1 ULP before anything reads
it: the null model, which shows how far rounding alone can take each record of this program.
"""

from __future__ import annotations

import contextlib
import functools
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .engines import Engine, EngineError, open_engine
from .observe import nudge_array, steps_of
from .trail import Sites, Writer, digest, floats_in, opaque, summary, tensors_in, written
from .trail_backward import Gradients
from .watch import watching

UNSET = {"empty", "empty_like", "new_empty", "empty_strided", "resize_", "new"}  # garbage comes out
UNREAD = {
    "uniform_",
    "normal_",
    "zero_",
    "fill_",
    "copy_",
    "zeros_",
    "ones_",
    "constant_",
    "random_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "xavier_uniform_",
    "xavier_normal_",
    "trunc_normal_",
    "bernoulli_",
    "exponential_",
    "orthogonal_",
    "eye_",
}  # what was there before does not count
HELPERS = ("clip_grad_norm_", "clip_grad_value_")  # of all parameters together
RANDOM = {
    "rand", "randn", "randint", "randperm", "rand_like", "randn_like", "randint_like", "normal",
    "bernoulli", "multinomial", "poisson", "uniform_", "normal_", "random_", "bernoulli_", "dropout",
    "exponential_", "cauchy_", "log_normal_", "geometric_", "dropout1d", "dropout2d", "dropout3d",
    "alpha_dropout", "feature_alpha_dropout", "rrelu", "binomial", "gumbel_softmax", "dropout_",
    "trunc_normal_", "kaiming_uniform_", "scaled_dot_product_attention",
}  # fmt: skip


class Recorder:
    """A `Watcher` that writes a trail."""

    def __init__(self, engine: Engine, writer: Writer, nudge: int | None = None) -> None:
        self.engine, self.writer, self.busy, self.nudge = engine, writer, False, nudge
        package = Path(str(engine.module.__file__)).parent
        self.programs = package / "programs"
        change = None if nudge is None else self._nudge_gradients
        self.gradients = Gradients(engine, writer, self._gradient, change)
        writer.rest = self.gradients.flush
        self.sites = Sites(str(Path(__file__).parent), *self._engine_folders(package))

    def _engine_folders(self, package: Path) -> list[str]:
        """The engine's own folders, without the programs that it ships."""
        if not self.programs.is_dir():
            return [str(package)]
        return [str(p) for p in package.iterdir() if p != self.programs]

    def around(self, name: str, function: Callable, args: tuple, kwargs: dict) -> Any:
        """Call, and write down what went in and what came out."""
        if self.busy:
            return function(*args, **kwargs)
        function = self.engine.replacement(name, function)
        given = tensors_in((args, kwargs), self.engine)
        with self._quiet():
            first = 1 if name in UNREAD else 0
            before = [self._sum(t) for t in given[first:]]
            versions = [self._version(t) for t in given]
            stream = self._stream(args, kwargs) if name in RANDOM else ""
        result = function(*args, **kwargs)
        with self._quiet():
            out = tensors_in(result, self.engine)
            known = {id(t) for t in out}
            out += [
                t
                for t, v in zip(given, versions, strict=True)
                if v is not None and self._version(t) != v and id(t) not in known
            ]
            if self.nudge is not None and name not in UNSET:
                self._nudge(out, [] if name.endswith("_") else given)
            self._note(name, before, out, result, floats_in((args, kwargs)), stream)
        return result

    def _note(
        self, name: str, before: list, out: list, result: Any, floats: list, stream: str
    ) -> None:
        plain = type(result) in (float, int, bool) and name in ("item", "float")
        if not out and not plain or name in UNSET:
            return
        at, line = self.sites.find()
        extra: dict[str, Any] = {"rng": stream} if stream else {}
        if floats:
            extra["args"] = floats
        if plain:
            extra["value"] = result
        after = [self._sum(t) for t in out]
        self.gradients.flush()
        number = self.writer.add(
            op=name, way="forward", at=at, line=line, **{"in": before}, out=after, **extra
        )
        self.gradients.watch([t.grad_fn for t in out], name, at, line, number)

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        before, self.busy = self.busy, True
        try:
            yield
        finally:
            self.busy = before

    def _sum(self, tensor: Any, gradient: bool = False) -> dict:
        try:
            dense = tensor.to_dense() if getattr(tensor, "is_sparse", False) else tensor
            return summary(self.engine.array(dense), gradient)
        except (TypeError, RuntimeError, NotImplementedError) as error:  # quantized, meta
            return opaque(tensor, error)

    def _version(self, tensor: Any) -> int | None:
        try:
            return tensor._version
        except RuntimeError:  # made in inference mode: it has none
            return None

    def _stream(self, args: tuple, kwargs: dict) -> str:
        state = self.engine.generator(args, kwargs).get_state()
        return digest(self.engine.array(state))

    def _gradient(self, array: np.ndarray) -> dict:
        return summary(array, True)

    def _nudge_gradients(self, tensors: list) -> None:
        with self._quiet():
            self._nudge(tensors, [])

    def _nudge(self, tensors: list, given: list) -> None:
        """Move new floating tensors by up to an ULP, in place; views of what was given stay."""
        assert self.nudge is not None
        here = self.engine.device == "cpu"
        old = [self.engine.array(t) for t in given] if here else []
        there = set() if here else {t.untyped_storage().data_ptr() for t in given}
        for k, tensor in enumerate(tensors):
            if not (tensor.is_floating_point() and tensor.numel()):
                continue
            data = self.engine.array(tensor)
            if 0 in data.strides or any(np.may_share_memory(data, o) for o in old):
                continue
            if there and tensor.untyped_storage().data_ptr() in there:
                continue
            moved = nudge_array(data, "steps", self.nudge * 2**32 + 64 * self.writer.count + k)
            moved = np.where(data == 0, data, moved)  # an exact zero decides branches
            if here and data.flags.writeable:
                data[...] = moved
            else:
                tensor.data.copy_(self.engine.module.from_numpy(moved))

    # ---- helpers and optimizers ----

    @contextlib.contextmanager
    def helpers(self) -> Iterator[None]:
        """While it lasts, each of nn.utils' functions on all gradients is one record."""
        utils = self.engine.module.nn.utils
        places = [utils, getattr(utils, "clip_grad", utils)]
        before = [(p, n, vars(p)[n]) for p in places for n in HELPERS if n in vars(p)]
        made: dict[Callable, Callable] = {}
        try:
            for place, name, function in before:
                setattr(place, name, made.setdefault(function, self._helping(name, function)))
            yield
        finally:
            for place, name, function in before:
                setattr(place, name, function)

    def _helping(self, name: str, function: Callable) -> Callable:
        @functools.wraps(function)
        def recorded(parameters: Any, *args: Any, **kwargs: Any) -> Any:
            if self.busy:
                return function(parameters, *args, **kwargs)
            whole = [parameters] if self.engine.is_tensor(parameters) else list(parameters)
            with self._quiet():
                self.gradients.flush()
                grads = [p.grad for p in whole if p.grad is not None]
                given = [self._sum(g, True) for g in grads]
                result = function(whole, *args, **kwargs)
                out = [*tensors_in(result, self.engine), *grads]
                if self.nudge is not None:
                    self._nudge(out, [])
                at, line = self.sites.find()
                self.writer.add(
                    op=name, way="forward", at=at, line=line, **{"in": given},
                    out=[self._sum(t, True) for t in out], args=floats_in((args, kwargs)),
                )  # fmt: skip
            return result

        return recorded

    @contextlib.contextmanager
    def steps(self) -> Iterator[None]:
        """While it lasts, the `step` of every optimizer is one record."""
        before = steps_of(self.engine.module.optim)
        try:
            for kind, step in before.items():
                kind.step = self._stepping(step)
            yield
        finally:
            for kind, step in before.items():
                kind.step = step

    def _stepping(self, step: Callable) -> Callable:
        @functools.wraps(step)
        def recorded(optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if self.busy:
                return step(optimizer, *args, **kwargs)
            args = tuple(self._loud(a) if callable(a) else a for a in args)
            with self._quiet():
                given, floats = self._state(optimizer, True), _options(optimizer)
                result = step(optimizer, *args, **kwargs)
                at, line = self.sites.find()
                name = f"{type(optimizer).__name__}.step"
                if self.nudge is not None:
                    groups = optimizer.param_groups
                    self._nudge([p for group in groups for p in group["params"]], [])
                self.gradients.flush()
                made, names = self._state(optimizer, False), _state_names(self.engine, optimizer)
                self.writer.add(
                    op=name, way="step", at=at, line=line, **{"in": given}, out=made, args=floats,
                    names=names,
                )  # fmt: skip
            return result

        return recorded

    def _loud(self, closure: Callable) -> Callable:
        """A closure handed to `step` is the program's own: its ops count."""

        def heard(*args: Any, **kwargs: Any) -> Any:
            before, self.busy = self.busy, False
            try:
                return closure(*args, **kwargs)
            finally:
                self.busy = before

        return heard

    def _state(self, optimizer: Any, gradients: bool) -> list[dict]:
        found = []
        for group in optimizer.param_groups:
            for p in group["params"]:
                found.append(self._sum(p))
                if gradients and p.grad is not None:
                    found.append(self._sum(p.grad, True))
                state = optimizer.state.get(p, {})
                found += [
                    self._sum(state[k]) for k in sorted(state) if self.engine.is_tensor(state[k])
                ]
        return found


def _state_names(engine: Engine, optimizer: Any) -> list[str]:
    """What the outputs of a step are, in the order of `_state`."""
    found: list[str] = []
    for k, p in enumerate(p for group in optimizer.param_groups for p in group["params"]):
        state = optimizer.state.get(p, {})
        found += [f"parameter {k}"]
        found += [f"{n} of parameter {k}" for n in sorted(state) if engine.is_tensor(state[n])]
    return found


def _options(optimizer: Any) -> list[float]:
    return [
        float(group[k])
        for group in optimizer.param_groups
        for k in sorted(group)
        if isinstance(group[k], float)
    ]


def compiled(script: Path) -> Any:
    """The code of a script; EngineError, with file and line, if it is not one."""
    if not script.is_file():
        raise EngineError(f"{script}: no such script")
    try:
        return compile(script.read_bytes(), str(script), "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        raise EngineError(f"{script}:{line}: not a Python script: {error}") from error


def run_script(engine: Engine, script: Path, argv: list[str]) -> None:
    """Run the file as `python script.py …` does, with `torch` meaning this engine."""
    code = compiled(script)
    if not engine.is_torch:
        from minitorch_ref.__main__ import install

        install()
    elif engine.device != "cpu":
        engine.module.set_default_device(engine.device)
    sys.argv = [str(script), *argv]
    sys.path.insert(0, str(script.resolve().parent))
    exec(code, {"__name__": "__main__", "__file__": str(script), "__builtins__": __builtins__})


def record(
    engine: Engine, path: Path, script: Path, argv: list[str], nudge: int | None = None
) -> str:
    """Write the trail of a script; the exception that ended it, or an empty string."""
    version = str(getattr(engine.module, "__version__", "?"))
    writer = Writer(path, engine=engine.name, version=version, script=str(script), argv=argv)
    recorder = Recorder(engine, writer, nudge)

    def watched() -> None:
        with recorder.steps(), recorder.helpers(), watching(engine, recorder):
            run_script(engine, script, argv)

    return written(writer, watched)


def main(argv: list[str]) -> int:
    """[--nudge SEED | --draws | --losses HOW] ENGINE FILE script.py [arg …]; 0, 2 if it could not run."""
    what, options = (argv[0], argv[1:]) if argv[0].startswith("--") else ("", argv)
    how, *options = options if what in ("--nudge", "--losses") else ["", *options]
    spec, path, script, *rest = options
    # what a shell starts in the background ignores Ctrl-C, by which runs that do not end are stopped
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def program() -> None:
        run_script(engine, Path(script), rest)

    try:
        engine = open_engine(spec)
        if not engine.is_torch and engine.module.__name__ != "minitorch_ref":
            raise EngineError(f"{spec}: scripts run on torch and on minitorch_ref only")
        if what == "--draws":
            from . import draws

            error = draws.record(engine, Path(path), program, script=script)
        elif what == "--losses":
            from . import trajectory

            error = trajectory.record(engine, Path(path), program, how, script=script)
        else:
            nudge = int(how) if what == "--nudge" else None
            error = record(engine, Path(path), Path(script), rest, nudge)
    except (EngineError, OSError) as wrong:
        print(f"parity: {wrong}", file=sys.stderr)
        return 2
    if error:
        print(f"parity: {script} on {spec} ended with {error}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
