"""Whether operations are recorded: `no_grad`, `enable_grad`, `inference_mode`, per thread."""

from __future__ import annotations

import functools
import inspect
import threading
from collections.abc import Callable
from typing import Any


class _State(threading.local):
    grad = True  # are operations recorded?
    inference = False  # are new tensors marked as never to be recorded?
    running: Any = None  # the backward pass that is under way, the innermost of several


state = _State()
# One entry per `inference_mode` that is open in any thread.  Looking at this list is cheaper than
# looking at the thread's own state, which new tensors then need to do only while it is not empty.
inferring: list[None] = []


class _Anomaly:
    enabled = False  # are backward passes watched?
    check_nan = True


anomaly = _Anomaly()  # for all threads, as in torch; see anomaly.py


class _Mode:
    """A context manager that is a decorator as well; it restores what it found on entry."""

    grad: bool
    inference: Any = None  # True or False; None: leave as it is

    def __enter__(self) -> None:
        self._before = (state.grad, state.inference)
        state.grad = self.grad
        if self.inference is not None:
            state.inference = self.inference

    def __exit__(self, *exc: Any) -> None:
        state.grad, state.inference = self._before

    def _fresh(self) -> _Mode:
        """A copy of its own for each call, so that a decorated function may call itself."""
        twin = object.__new__(type(self))
        twin.grad, twin.inference = self.grad, self.inference
        return twin

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function):
            return self._wrap_generator(function)

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            with self._fresh():
                return function(*args, **kwargs)

        return inside

    def _wrap_generator(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """The mode holds while the generator runs, and not while it is suspended."""

        @functools.wraps(function)
        def inside(*args: Any, **kwargs: Any) -> Any:
            generator = function(*args, **kwargs)
            try:
                with self._fresh():
                    value = next(generator)
                while True:
                    try:
                        sent = yield value
                    except GeneratorExit:
                        with self._fresh():
                            generator.close()
                        raise
                    except BaseException as error:
                        with self._fresh():
                            value = generator.throw(error)
                    else:
                        with self._fresh():
                            value = generator.send(sent)
            except StopIteration as stop:
                return stop.value

        return inside


class _BareDecorator(type):
    """Lets `@no_grad` stand for `@no_grad()`."""

    def __call__(cls, function: Any = None) -> Any:
        mode = super().__call__()
        return mode if function is None else mode(function)


class no_grad(_Mode, metaclass=_BareDecorator):  # noqa: N801
    """Operations inside are not recorded: their results do not require gradients."""

    grad = False


class enable_grad(_Mode, metaclass=_BareDecorator):  # noqa: N801
    """Operations inside are recorded again, within `no_grad`."""

    grad = True


class set_grad_enabled(_Mode):  # noqa: N801
    """Record or not, by `mode`; takes effect at once, and is undone when used with `with`."""

    def __init__(self, mode: bool) -> None:
        self._before = (state.grad, state.inference)
        self.grad = state.grad = bool(mode)

    def __enter__(self) -> None:
        state.grad = self.grad

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        state.grad = self._before[0]  # as a decorator it must not act before the call
        return super().__call__(function)


class inference_mode(_Mode):  # noqa: N801
    """Like `no_grad`, and tensors made inside can never take part in a graph later."""

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if callable(mode) and not isinstance(mode, bool):  # bare @inference_mode
            cls.__init__(self)
            return self(mode)
        return self

    def __init__(self, mode: bool = True) -> None:
        self.inference = bool(mode)
        self.grad = not mode

    def __enter__(self) -> None:
        self._before = (state.grad, state.inference)
        if self.inference:
            state.grad = False
        else:
            state.grad = True if state.inference else state.grad
        state.inference = self.inference
        if self.inference:
            inferring.append(None)

    def __exit__(self, *exc: Any) -> None:
        super().__exit__(*exc)
        if self.inference:
            inferring.pop()


def is_grad_enabled() -> bool:
    """Whether operations of this thread are being recorded."""
    return state.grad


def is_inference_mode_enabled() -> bool:
    """Whether this thread is inside `inference_mode`."""
    return state.inference
