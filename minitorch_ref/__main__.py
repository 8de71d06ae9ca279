"""`python -m minitorch_ref script.py …`: run a script written for torch on this engine.

For this process only, `import torch` and `import torchvision` (and their submodules) give the
modules of minitorch_ref, whether torch is installed or not.  The rest is as `python` does it:

    python -m minitorch_ref script.py [arg …]      sys.argv, sys.path[0] and __main__ as usual
    python -m minitorch_ref -m module [arg …]
    python -m minitorch_ref -c "code" [arg …]

What is not there raises ImportError naming it.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import runpy
import sys
import types
from collections.abc import Callable, Sequence
from typing import Any

from .version import as_torch

_HOMES = {"torch": "minitorch_ref", "torchvision": "minitorch_ref.vision"}
_USAGE = "usage: python -m minitorch_ref (script.py | -m module | -c code) [arg ...]"


class Aliases(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds torch's and torchvision's modules among ours.

    The module put into `sys.modules` is ours itself, not a copy, so `torch.nn` and
    `minitorch_ref.nn` are one, whichever name was imported first.
    """

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: types.ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in _HOMES:
            return None
        if _ours(fullname) is None:
            raise ModuleNotFoundError(
                f"No module named {fullname!r} here: minitorch_ref has no {_name_of(fullname)}",
                name=fullname,
            )
        return importlib.machinery.ModuleSpec(fullname, self)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return None  # a placeholder, replaced below: the import system writes to what it creates

    def exec_module(self, module: types.ModuleType) -> None:
        ours = _ours(module.__name__)
        assert ours is not None  # find_spec has seen it
        sys.modules[module.__name__] = ours


def _name_of(fullname: str) -> str:
    top, _, rest = fullname.partition(".")
    return f"{_HOMES[top]}.{rest}" if rest else _HOMES[top]


def _ours(fullname: str) -> types.ModuleType | None:
    """Our module for `fullname`, or None: a file of that name, or a module kept as an attribute."""
    name = _name_of(fullname)
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not (name + ".").startswith(error.name + "."):
            raise  # ours, but something it needs is missing
    above, _, last = name.rpartition(".")
    found = vars(sys.modules[above]).get(last) if above in sys.modules else None
    is_ours = isinstance(found, types.ModuleType) and found.__name__.startswith("minitorch_ref")
    return found if is_ours else None


def install() -> None:
    """Make torch and torchvision mean this engine, from now on in this process.

    RuntimeError if the real torch has already been imported.
    """
    for name in _HOMES:
        loaded = sys.modules.get(name)
        if loaded is not None and loaded is not _ours(name):
            raise RuntimeError(f"{name} is already imported; it cannot be replaced any more")
    if not any(isinstance(finder, Aliases) for finder in sys.meta_path):
        sys.meta_path.insert(0, Aliases())
    for name in ("minitorch_ref", "minitorch_ref.version"):  # scripts ask which torch this is
        importlib.import_module(name).__version__ = as_torch  # type: ignore[attr-defined]
    _prepare_spawned()


class _Arrival:
    """Unpickled in a process that a script spawns, it makes torch mean this engine there too.

    `multiprocessing` sends a new process what it must know before it runs the script again.
    """

    def __reduce__(self) -> tuple[Any, ...]:
        code = "from minitorch_ref.__main__ import install; install()"
        return exec, (f"import sys; sys.path[:] = {sys.path!r}; {code}", {})


def _prepare_spawned() -> None:
    """Processes that are spawned from this one get an `_Arrival`."""
    from multiprocessing import spawn

    prepared = spawn.get_preparation_data
    if prepared.__module__ == __name__:
        return

    def with_arrival(name: str) -> dict[str, Any]:
        return {"minitorch_ref": _Arrival(), **prepared(name)}

    spawn.get_preparation_data = with_arrival


def _fresh_main(**attributes: Any) -> dict[str, Any]:
    """An empty `__main__` in place of this file's; its namespace."""
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=__builtins__, __spec__=None, **attributes)
    sys.modules["__main__"] = main
    return main.__dict__


def run_script(path: str, arguments: Sequence[str]) -> None:
    """Run the file at `path` as `python path arguments` does."""
    full = os.path.abspath(path)  # what `python` calls it in __file__ and in tracebacks
    with open(path, "rb") as f:
        code = compile(f.read(), full, "exec", dont_inherit=True)
    sys.argv = [path, *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = os.path.dirname(os.path.realpath(path))
    exec(code, _fresh_main(__file__=full, __cached__=None))


def run_code(source: str, arguments: Sequence[str]) -> None:
    """Run `source` as `python -c source arguments` does."""
    sys.argv = ["-c", *arguments]
    if not getattr(sys.flags, "safe_path", False):
        sys.path[0] = ""
    exec(compile(source, "<string>", "exec", dont_inherit=True), _fresh_main())


def run_module(name: str, arguments: Sequence[str]) -> None:
    """Run the module `name` as `python -m name arguments` does."""
    sys.argv = [name, *arguments]  # sys.path[0] is the current folder already, as it should be
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def _without_runner(error: BaseException) -> BaseException:
    """`error` with this file's and runpy's frames off the top of its traceback."""
    trace, own = error.__traceback__, (__file__, runpy.__file__, "<frozen runpy>")
    while trace is not None and trace.tb_frame.f_code.co_filename in own:
        trace = trace.tb_next
    return error.with_traceback(trace)


def main(argv: Sequence[str] | None = None) -> int:
    """Run what `argv` names; the exit status is the script's."""
    words = list(sys.argv[1:] if argv is None else argv)
    if not words or words[0] in ("-h", "--help"):
        print(__doc__ if words else _USAGE, file=sys.stdout if words else sys.stderr)
        return 0 if words else 2
    runner: Callable[[str, Sequence[str]], None] = run_script
    rest = words
    if words[0] in ("-m", "-c"):
        runner, rest = (run_module if words[0] == "-m" else run_code), words[1:]
        if not rest:
            print(f"{words[0]} needs an argument\n{_USAGE}", file=sys.stderr)
            return 2
    elif words[0].startswith("-"):
        print(f"unknown option {words[0]}\n{_USAGE}", file=sys.stderr)
        return 2
    elif not os.path.isfile(words[0]):
        print(f"can't open file {words[0]!r}: no such file", file=sys.stderr)
        return 2
    install()
    try:
        runner(rest[0], rest[1:])
    except Exception as error:
        sys.excepthook(type(error), _without_runner(error), error.__traceback__)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
