"""What the report says of an op beside the verdicts: its call, its docstring, its source, torch's rule.

An op is found in the engine's registry.  A function that is written out is shown as it stands; a row
of a table is found by its name, the first argument of a call at a module's top level.  torch's
gradient comes from the derivatives.yaml inside the installed torch, if it has one.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from .engines import EngineError, open_engine
from .formulas import ALIASES
from .names import OTHER_NAMES
from .runner import registry_keys

LINES = 60  # of one op's source


@cache
def _texts(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


@cache
def _nodes(path: Path) -> list[ast.stmt]:
    return ast.parse("\n".join(_texts(path))).body


@cache
def rows(package: Path) -> dict[str, tuple[Path, int, int]]:
    """Where the tables' rows are: name → file, first line, last line."""
    found: dict[str, tuple[Path, int, int]] = {}
    for path in sorted(package.rglob("*.py")):
        if path.name == "return_types.py":  # the named tuples of the ops, not the ops
            continue
        for node in _nodes(path):
            value = getattr(node, "value", None)
            if not isinstance(node, (ast.Assign, ast.Expr)) or not isinstance(value, ast.Call):
                continue
            for call in (n for n in ast.walk(value) if isinstance(n, ast.Call)):
                name = call.args[0] if call.args else None
                if isinstance(name, ast.Constant) and isinstance(name.value, str):
                    place = path, node.lineno, node.end_lineno or node.lineno
                    found.setdefault(name.value, place)
                    break
    return found


@cache
def _functions(path: Path) -> dict[int, int]:
    """First line (decorators included) → last line of a file's functions."""
    kinds = (ast.FunctionDef, ast.Lambda)
    found = [n for body in _nodes(path) for n in ast.walk(body) if isinstance(n, kinds)]
    first = {id(n): _begins(n) for n in found}
    return {first[id(n)]: n.end_lineno or n.lineno for n in found}


def _function(call: Any) -> tuple[Path, int, int] | None:
    """The lines of the function that `call` wraps."""
    code = getattr(inspect.unwrap(call), "__code__", None)
    if code is None or not Path(code.co_filename).is_file():
        return None
    path, first = Path(code.co_filename), code.co_firstlineno
    return path, first, _functions(path).get(first, first)


def behind(path: Path, first: int) -> str:
    """The function of the same file that this one hands everything on to, if it does only that."""
    node = next((n for n in _nodes(path) if _begins(n) == first), None)
    body = [n for n in getattr(node, "body", []) if not _is_text(n)]
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        return ""
    helper = next((n for n in _nodes(path) if getattr(n, "name", "") == call.func.id), None)
    if not isinstance(helper, ast.FunctionDef) or helper is node:
        return ""
    lines = _texts(path)[_begins(helper) - 1 : helper.end_lineno or helper.lineno]
    return "\n\n\n" + "\n".join(lines)


def recorded(path: Path, first: int) -> str:
    """The `NAME = Row(…)` of the same file by which this function is recorded: its gradient."""
    node = next((n for n in _nodes(path) if _begins(n) == first), None)
    used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)} if node is not None else set()
    text = ""
    for row in _nodes(path):
        if not isinstance(row, ast.Assign) or not isinstance(row.value, ast.Call):
            continue
        if getattr(row.value.func, "id", "") == "Row":
            if used & {t.id for t in row.targets if isinstance(t, ast.Name)}:
                text += "\n\n\n" + "\n".join(_texts(path)[row.lineno - 1 : row.end_lineno])
    return text


def _begins(node: Any) -> int:
    return min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", ()))])


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def source(call: Any, name: str, package: Path) -> dict[str, str] | None:
    """The op's source: {"place": file:line, "text": …}, or None."""
    written = _function(call)
    own = getattr(inspect.unwrap(call), "__code__", None)
    exact = own is not None and own.co_name.strip("_") == name.strip("_")
    table = rows(package)
    found = written if exact else table.get(name) or table.get(call.__name__) or written
    if found is None or package not in found[0].parents:
        return None
    path, first, last = found
    lines = _texts(path)[first - 1 : last]
    text = inspect.cleandoc("\n".join(lines)) if lines[0].startswith(" ") else "\n".join(lines)
    if found == written:
        text += behind(path, first) + recorded(path, first)
    count = text.count("\n") + 1
    if count > LINES:
        text = "\n".join(text.splitlines()[:LINES]) + f"\n… {count - LINES} more lines"
    return {"place": f"{path.relative_to(package.parent)}:{first}", "text": text}


@cache
def derivatives() -> dict[str, str]:
    """torch's gradient formulas by op, as the installed torch has them; {} where it has none."""
    found = find_spec("torchgen")
    if found is None or found.origin is None:
        return {}
    path = Path(found.origin).parent / "packaged" / "autograd" / "derivatives.yaml"
    if not path.is_file():
        return {}
    table: dict[str, str] = {}
    for entry in re.split(r"\n(?=- name: )", path.read_text(encoding="utf-8"))[1:]:
        lines = [
            line[2:]
            for line in entry.splitlines()
            if line[:2] in ("- ", "  ")
            and not re.match(r"  (result\d*|output_diff\w*):|  +#", line)
        ]
        name = re.match(r"name: (\w+)", lines[0])
        if name and len(lines) > 1:
            table.setdefault(name[1], "\n".join([lines[0].removeprefix("name: "), *lines[1:7]]))
    return table


# ops that torch makes of another one, which has the entry
MADE_OF = {
    **dict.fromkeys([f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3)], "convolution"),
    **{f"{k}_norm": f"native_{k}_norm" for k in ("batch", "layer", "group")},
    **{f"max_pool{n}d": f"max_pool{n}d_with_indices" for n in (2, 3)},
    **{f"linalg_{n}": f"_linalg_{n}" for n in ("svd", "eigh", "det", "slogdet")},
    **dict.fromkeys(("fft", "ifft", "fft2", "ifft2", "fftn", "ifftn"), "_fft_c2c"),
    **dict.fromkeys(("rfft", "rfft2", "rfftn", "ihfft"), "_fft_r2c"),
    **dict.fromkeys(("irfft", "irfft2", "irfftn", "hfft"), "_fft_c2r"),
    "linalg_solve": "_linalg_solve_ex",
    "linalg_inv": "linalg_inv_ex",
    "linalg_cholesky": "linalg_cholesky_ex",
    "linalg_lu_factor": "linalg_lu_factor_ex",
    "matmul": "mm",
    "linear": "addmm",
    "dropout": "native_dropout",
    "nll_loss": "nll_loss_forward",
    "cross_entropy": "_log_softmax",
    "logsigmoid": "log_sigmoid_forward",
    "multilabel_margin_loss": "multilabel_margin_loss_forward",
    "avg_pool1d": "avg_pool2d",
    "det": "_linalg_det",
    "slogdet": "_linalg_slogdet",
    "svd": "_linalg_svd",
    "inverse": "linalg_inv_ex",
    "inv": "linalg_inv_ex",
}


def derivative(namespace: str, name: str) -> str:
    """torch's entry for the op, or for the one that it is made of; or ""."""
    short = namespace.rpartition(".")[2]
    table, plain = derivatives(), name.strip("_")
    plain = ALIASES.get(plain, OTHER_NAMES.get(plain, plain))
    keys = [f"{short}_{plain}", plain, f"_{plain}", f"{plain}_backward"]
    for key in [*keys, *(MADE_OF[k] for k in keys if k in MADE_OF)]:
        if key in table:
            return table[key]
    return ""


class Sources:
    """The facts of ops of one engine; empty for an engine without a registry."""

    def __init__(self, engine: str) -> None:
        self.registry: dict = {}
        module = engine.partition(":")[0]
        try:
            if find_spec(f"{module}.ops.registry") is None:
                return
            registry_keys(open_engine(engine))  # namespaces that are imported late register now
            self.registry = importlib.import_module(f"{module}.ops.registry").REGISTRY
        except (ImportError, EngineError, ValueError):  # ValueError: a module made at run time
            return
        origin = importlib.import_module(module).__file__
        self.package = Path(origin or "").resolve().parent

    def of(self, namespace: str, name: str) -> dict[str, Any]:
        """call, doc, source and torch's derivative: what there is of them."""
        found = self.registry.get((namespace, name)) or self.registry.get(("Tensor", name))
        facts: dict[str, Any] = {"call": "", "doc": "", "source": None}
        facts["derivative"] = derivative(namespace, name)
        if found is None:
            return facts
        try:
            facts["call"] = f"{name}{inspect.signature(found.call)}"
        except (TypeError, ValueError):
            facts["call"] = name
        facts["call"] = re.sub(r"(: |-> )'([^']*)'", r"\1\2", facts["call"])
        facts["doc"] = inspect.cleandoc(found.call.__doc__ or "")
        facts["source"] = source(found.call, name, self.package)
        return facts
