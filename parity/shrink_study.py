"""Shrinking a study: fewer steps, a simpler expression, fewer and simpler numbers.

A layer's sizes stand in its expression as well as in its tensors, so numbers in the code and dims of
the inputs that are equal shrink together first, then each alone; weights follow what the net that is
built then asks for, the gradient of the output its shape.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from .engines import Engine
from .modules import SEED
from .shrink import MOST, ddmin, simpler_numbers, taken
from .study import BUILT, Study, leaves_of, run, with_arrays


class Attempts:
    """Tries candidates: the study, put in order, if it still fails.

    After `most` of them all pass, so shrinking stops; `again` starts to count anew.  One with more
    than `numbers` passes, too: an argument that goes may have a large default.
    """

    def __init__(
        self, fails: Callable[[Study], bool], theirs: Engine, numbers: int, most: int = MOST
    ) -> None:
        self.fails, self.theirs, self.numbers = fails, theirs, numbers
        self.most, self.left = most, most

    def again(self) -> None:
        """Each stage has trials of its own: many elements must not cost the simple ones."""
        self.left = self.most

    def __call__(self, candidate: Study) -> Study | None:
        if self.left <= 0:
            return None
        self.left -= 1
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                study = in_order(candidate, self.theirs)
                fits = count(study) <= self.numbers
                return study if fits and self.fails(study) else None
            except Exception:  # a candidate that makes no sense is none
                return None


def shrink(study: Study, attempt: Attempts) -> Study:
    """The smallest failing study that was found; sizes once more after the numbers are simple.

    (An index of 0 needs no table of five.)
    """
    for _ in range(2):
        study = _fewer(study, attempt)
        attempt.again()
        study = _simpler(study, attempt)
        attempt.again()
    return study


def _fewer(study: Study, attempt: Attempts) -> Study:
    before = None
    while before != _size(study):
        before = _size(study)
        study = _fewer_steps(study, attempt)
        study = _fewer_leaves(study, attempt)
        study = _fewer_calls(study, attempt)
        for expressions in (_without_keywords, _without_last, _without_members, _unwrapped):
            study = _simpler_code(study, attempt, expressions)
        study = _fewer_arrays(study, attempt)
        study = _smaller(study, attempt)
    return study


def count(study: Study) -> int:
    """How many numbers its tensors have."""
    return sum(a.size for a in leaves_of(study.given))


def _size(study: Study) -> tuple:
    return (
        count(study),
        sum(map(len, study.expressions.values())),
        study.steps,
        study.learn,
        len(leaves_of(study.given)),
        len(study.calls),
        len(study.leaves),
    )


# ---- steps ---------------------------------------------------------------------------------------


def _fewer_steps(study: Study, attempt: Attempts) -> Study:
    if study.learn:
        study = attempt(replace(study, learn=False)) or study
    for steps in range(0 if study.kind == "eval" else 1, study.steps):
        found = attempt(replace(study, steps=steps))
        if found is not None:
            return found
    return study


def _fewer_leaves(study: Study, attempt: Attempts) -> Study:
    for name in study.leaves:
        leaves = tuple(n for n in study.leaves if n != name)
        study = attempt(replace(study, leaves=leaves)) or study
    return study


def _fewer_calls(study: Study, attempt: Attempts) -> Study:
    """Of draws, only those without which the last is right."""
    if study.kind != "draw":
        return study
    calls = list(study.calls)
    calls = ddmin(calls, lambda kept: attempt(_with_calls(study, kept)) is not None)
    for i, place in [(i, p) for i, text in enumerate(calls) for p in range(len(numbers_in(text)))]:
        size = numbers_in(calls[i])[place]
        for smaller in (n for n in (1, 2, size // 2) if 0 < n < size):
            changed = [*calls[:i], with_numbers(calls[i], {place: smaller}), *calls[i + 1 :]]
            if attempt(_with_calls(study, changed)) is not None:
                calls = changed
                break
    return _with_calls(study, calls)


def _with_calls(study: Study, calls: list[str]) -> Study:
    text = " ".join(calls)
    given = {k: v for k, v in study.given.items() if named(k, text)}
    return replace(study, calls=tuple(calls), given=given)


def _fewer_arrays(study: Study, attempt: Attempts) -> Study:
    """Items of lists in `given` that can go: an optimizer's parameters, its steps."""
    if "values" not in study.given:
        return study

    def steps(kept: list[int]) -> Study:
        gradients = [study.given["gradients"][i] for i in kept]
        return replace(study, given={**study.given, "gradients": gradients})

    study = _kept(study, attempt, steps, len(study.given["gradients"]))

    def parameters(kept: list[int]) -> Study:
        given = {k: [v[i] for i in kept] for k, v in study.given.items() if k != "gradients"}
        gradients = [[step[i] for i in kept] for step in study.given["gradients"]]
        return replace(study, given={**given, "gradients": gradients})

    return _kept(study, attempt, parameters, len(study.given["values"]))


def _kept(study: Study, attempt: Attempts, take: Callable[[list[int]], Study], count: int) -> Study:
    indices = ddmin(list(range(count)), lambda kept: attempt(take(kept)) is not None)
    return take(indices) if len(indices) < count else study


# ---- code ----------------------------------------------------------------------------------------


def _simpler_code(
    study: Study, attempt: Attempts, variants: Callable[[str], Iterator[str]]
) -> Study:
    for name in study.expressions:
        done = False
        while not done:
            done = True
            for text in variants(study.expressions[name]):
                changed = {**study.expressions, name: text}
                found = attempt(replace(study, expressions=changed))
                if found is not None:
                    study, done = found, False
                    break
    return study


def _calls(tree: ast.AST) -> list[ast.Call]:
    return [node for node in ast.walk(tree) if isinstance(node, ast.Call)]


def _without_keywords(text: str) -> Iterator[str]:
    """The expression without one of its keyword arguments."""
    for i, call in enumerate(_calls(ast.parse(text))):
        for j in range(len(call.keywords)):
            tree = ast.parse(text)
            del _calls(tree)[i].keywords[j]
            yield ast.unparse(tree)


def _without_last(text: str) -> Iterator[str]:
    """The expression without the last positional argument of a call."""
    for i, call in enumerate(_calls(ast.parse(text))):
        if len(call.args) > 1 and not _is_sequence(call):
            tree = ast.parse(text)
            del _calls(tree)[i].args[-1]
            yield ast.unparse(tree)


def _is_sequence(call: ast.Call) -> bool:
    return ast.unparse(call.func).endswith("Sequential")


def _without_members(text: str) -> Iterator[str]:
    """The expression without one of the layers of a Sequential."""
    for i, call in enumerate(_calls(ast.parse(text))):
        for j in range(len(call.args) if _is_sequence(call) and len(call.args) > 1 else 0):
            tree = ast.parse(text)
            del _calls(tree)[i].args[j]
            yield ast.unparse(tree)


def _unwrapped(text: str) -> Iterator[str]:
    """A Sequential of one layer as that layer."""
    body = ast.parse(text, mode="eval").body
    if isinstance(body, ast.Call) and _is_sequence(body) and len(body.args) == 1:
        yield ast.unparse(body.args[0])


def numbers_in(text: str) -> list[int]:
    """The whole numbers in an expression, in reading order."""
    return [int(ast.literal_eval(n)) for n in _numbers(ast.parse(text))]


def _numbers(tree: ast.AST) -> list[ast.Constant]:
    found = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and type(n.value) is int]
    return sorted(found, key=lambda n: (n.lineno, n.col_offset))


def with_numbers(text: str, changed: dict[int, int]) -> str:
    """The expression with other whole numbers, by their place in reading order."""
    tree = ast.parse(text)
    nodes = _numbers(tree)
    for place, value in changed.items():
        nodes[place].value = value
    return ast.unparse(tree)


# ---- sizes ---------------------------------------------------------------------------------------


def _smaller(study: Study, attempt: Attempts) -> Study:
    """Dims of inputs and numbers in the code, equal ones together and then one by one."""
    sizes = {n for _, _, n in _places(study)} | {n for _, _, n in _constants(study)}
    for size in sorted((n for n in sizes if n > 1), reverse=True):
        study = _fewest(study, attempt, _places(study), _constants(study), size)
        study = _fewest(study, attempt, _places(study), [], size)
    for i in range(len(_places(study))):
        places = _places(study)
        study = _fewest(study, attempt, places[i : i + 1], [], places[i][2])
    for i in range(len(_constants(study))):
        constants = _constants(study)
        study = _fewest(study, attempt, [], constants[i : i + 1], constants[i][2])
    return study


def _places(study: Study) -> list[tuple[int, int, int]]:
    """(array, dim, size) of everything but the weights of a net, which follow its expression."""
    given = {k: v for k, v in study.given.items() if k != "state" or "net" not in study.expressions}
    free = [id(a) for a in leaves_of(given)]
    return [
        (i, d, n)
        for i, a in enumerate(leaves_of(study.given))
        if id(a) in free
        for d, n in enumerate(a.shape)
    ]


def _constants(study: Study) -> list[tuple[str, int, int]]:
    """(expression, place, value) of the whole numbers in the code."""
    return [
        (name, place, value)
        for name, text in study.expressions.items()
        for place, value in enumerate(numbers_in(text))
    ]


def _fewest(study: Study, attempt: Attempts, places: list, constants: list, size: int) -> Study:
    places = [(i, d) for i, d, n in places if n == size]
    constants = [(name, place) for name, place, n in constants if n == size]
    if size < 2 or not places and not constants:
        return study
    arrays = leaves_of(study.given)

    def take(kept: list[int]) -> Study:
        expressions = {
            name: with_numbers(text, {p: len(kept) for n, p in constants if n == name})
            for name, text in study.expressions.items()
        }
        return replace(with_arrays(study, taken(arrays, places, kept)), expressions=expressions)

    kept = ddmin(list(range(size)), lambda kept: attempt(take(kept)) is not None)
    return (attempt(take(kept)) or study) if len(kept) < size else study


# ---- numbers -------------------------------------------------------------------------------------


def _simpler(study: Study, attempt: Attempts) -> Study:
    found = simpler_numbers(
        leaves_of(study.given), lambda arrays: attempt(with_arrays(study, arrays)) is not None
    )
    return with_arrays(study, found)


# ---- what follows from the rest ------------------------------------------------------------------


def in_order(study: Study, theirs: Engine) -> Study:
    """The study with the weights that its net has now, and a gradient of its output's shape."""
    if "call" in study.expressions:
        text = study.expressions["call"]
        study = replace(
            study,
            given={k: v for k, v in study.given.items() if k == "cotangent" or named(k, text)},
            leaves=tuple(n for n in study.leaves if named(n, text)),
        )
    if study.kind in BUILT:
        return study
    if "net" not in study.expressions:
        return _with_cotangent(study, theirs)
    torch, old = theirs.module, study.given.get("state", {})
    torch.manual_seed(SEED)
    net = eval(study.expressions["net"], {"torch": torch})
    weights = net.state_dict() if hasattr(net, "state_dict") else {}
    state = {name: fitted(old.get(name), np.array(theirs.array(x))) for name, x in weights.items()}
    given = {**({"state": state} if state or "state" in study.given else {})}
    given |= {k: v for k, v in study.given.items() if k != "state"}
    expressions = dict(study.expressions)
    if not study.learn:
        expressions.pop("optimizer", None)
        if study.kind in ("afterwards", "eval"):
            given.pop("cotangent", None)
    return _with_cotangent(replace(study, given=given, expressions=expressions), theirs)


def named(name: str, text: str) -> bool:
    """Whether some code has this name."""
    return re.search(rf"\b{name}\b", text) is not None


def _with_cotangent(study: Study, theirs: Engine) -> Study:
    """The study whose gradient of the output has the shape that the output has now."""
    if "cotangent" not in study.given:
        return study
    seen = run(replace(study, kind="output", shown=()), theirs)
    if seen.error:
        return study
    cotangent = cropped(study.given["cotangent"], seen.values["output"].shape)
    return replace(study, given={**study.given, "cotangent": cotangent})


def fitted(old: np.ndarray | None, new: np.ndarray) -> np.ndarray:
    """The old values in the new shape, or the new ones where there are not enough."""
    if old is None or old.ndim != new.ndim or any(a < b for a, b in zip(old.shape, new.shape)):
        return new
    return cropped(old, new.shape)


def cropped(data: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The corner of an array that has this shape; ValueError if it is too small for that."""
    if data.ndim != len(shape) or any(a < b for a, b in zip(data.shape, shape)):
        raise ValueError(f"{data.shape} has no corner of shape {shape}")
    return np.ascontiguousarray(data[tuple(map(slice, shape))]).reshape(shape)
