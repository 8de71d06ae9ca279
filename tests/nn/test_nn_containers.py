"""Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict: the same stories on both."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nn_cases import array, outcome, same

import minitorch_ref as mt

LAYERS = ("ReLU", "Tanh", "Sigmoid", "ELU", "SiLU", "Mish")


def made(e, count, kind="Sequential"):
    layers = [getattr(e.nn, name)() for name in LAYERS[:count]]
    return e.nn.Sequential(*layers) if kind == "Sequential" else e.nn.ModuleList(layers)


SEQUENTIAL = {
    "index": lambda e, m: [m[0], m[-1], m[e.tensor(1)]],
    "index-out": lambda e, m: m[3],
    "index-out-negative": lambda e, m: m[-4],
    "index-text": lambda e, m: m["0"],
    "slice": lambda e, m: [m[1:], m[::-1], m[5:], type(m[:]).__name__],
    "set": lambda e, m: m.__setitem__(-1, e.nn.GELU()),
    "set-not-module": lambda e, m: m.__setitem__(0, 3),
    "set-out": lambda e, m: m.__setitem__(7, e.nn.GELU()),
    "delete": lambda e, m: m.__delitem__(0),
    "delete-slice": lambda e, m: m.__delitem__(slice(None, None, 2)),
    "delete-out": lambda e, m: m.__delitem__(9),
    "append": lambda e, m: m.append(e.nn.GELU()) is m,
    "append-not": lambda e, m: m.append(e.ones(1)),
    "extend": lambda e, m: m.extend([e.nn.GELU(), e.nn.CELU()]) is m,
    "insert": lambda e, m: m.insert(1, e.nn.GELU()) is m,
    "insert-end": lambda e, m: m.insert(3, e.nn.GELU()) is m,
    "insert-negative": lambda e, m: m.insert(-1, e.nn.GELU()) is m,
    "insert-out": lambda e, m: m.insert(4, e.nn.GELU()),
    "pop": lambda e, m: [m.pop(0), m],
    "pop-slice": lambda e, m: [m.pop(slice(0, 2)), m],
    "add": lambda e, m: [m + made(e, 2), type(m + m).__name__],
    "add-list": lambda e, m: m + [e.nn.ReLU()],
    "iadd": lambda e, m: m.__iadd__(made(e, 2)) is m,
    "iadd-list": lambda e, m: m.__iadd__([e.nn.ReLU()]),
    "mul": lambda e, m: [m * 2, 3 * m, (m * 2)[0] is (m * 2)[3]],
    "mul-zero": lambda e, m: m * 0,
    "mul-float": lambda e, m: m * 1.5,
    "imul": lambda e, m: [m.__imul__(2) is m, len(m)],
    "imul-negative": lambda e, m: m.__imul__(-1),
    "len-iter": lambda e, m: [len(m), [type(x).__name__ for x in m], m[0] in m],
}


@pytest.mark.parametrize("change", SEQUENTIAL.values(), ids=SEQUENTIAL)
def test_sequential(change):
    def story(e):
        m = made(e, 3)
        told = outcome(lambda e: change(e, m), e)
        return told, m, list(m._modules)

    same(story)


def test_sequential_calls_in_order_and_takes_names():
    def story(e):
        m = e.nn.Sequential(OrderedDict([("first", e.nn.Tanh()), ("second", e.nn.ReLU())]))
        m.append(e.nn.Threshold(0.0, -1.0))
        one_dict = e.nn.Sequential(OrderedDict())
        return m, m.first, m(e.tensor([-1.0, 0.5])).tolist()[0], m[1:], one_dict, len(one_dict)

    same(story)
    with pytest.raises(TypeError):
        mt.nn.Sequential({"a": mt.nn.ReLU()})


LISTS = {
    "index": lambda e, m: [m[0], m[-1], m[1:], m[::2]],
    "index-out": lambda e, m: m[3],
    "set": lambda e, m: m.__setitem__(-1, e.nn.GELU()),
    "delete": lambda e, m: m.__delitem__(-1),
    "delete-slice": lambda e, m: m.__delitem__(slice(0, 2)),
    "append": lambda e, m: m.append(e.nn.GELU()) is m,
    "extend": lambda e, m: m.extend(x for x in [e.nn.GELU()]) is m,
    "extend-not": lambda e, m: m.extend(3),
    "insert": lambda e, m: m.insert(1, e.nn.GELU()),
    "pop": lambda e, m: [m.pop(1), m],
    "add": lambda e, m: [m + [e.nn.GELU()], type(m + m).__name__],
    "iadd": lambda e, m: m.__iadd__([e.nn.GELU()]) is m,
    "call": lambda e, m: m(e.ones(1)),
    "contains": lambda e, m: [m[0] in m, len(m), "0" in dir(m)],
}


@pytest.mark.parametrize("change", LISTS.values(), ids=LISTS)
def test_module_list(change):
    def story(e):
        m = made(e, 3, "ModuleList")
        return outcome(lambda e: change(e, m), e), m, list(m._modules)

    same(story)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(LAYERS[:3]), max_size=9), st.data())
def test_module_list_behaves_as_a_list(names, data):
    """Against Python's own list: indexing, slices, deletion, insertion; and torch's repr."""
    plain = list(names)
    ours = mt.nn.ModuleList(getattr(mt.nn, name)() for name in names)
    assert [type(m).__name__ for m in ours] == plain
    if plain:
        i = data.draw(st.integers(-len(plain), len(plain) - 1))
        assert type(ours[i]).__name__ == plain[i]
        j = data.draw(st.integers(0, len(plain)))
        ours.insert(j, mt.nn.ELU())
        plain.insert(j, "ELU")
        cut = slice(*data.draw(st.tuples(*[st.none() | st.integers(-6, 6)] * 2)))
        assert [type(m).__name__ for m in ours[cut]] == plain[cut]
        del ours[cut], plain[cut]
    assert [type(m).__name__ for m in ours] == plain
    assert list(ours._modules) == [str(i) for i in range(len(plain))]
    same(lambda e: repr(e.nn.ModuleList(getattr(e.nn, name)() for name in plain)))


def pairs(e):
    return [("a", e.nn.ReLU()), ("b", e.nn.Tanh())]


MAPPINGS = {
    "reading": lambda e, m: [m["a"], len(m), list(m), "b" in m, list(m.keys()), len(m.values())],
    "items": lambda e, m: [[k, v] for k, v in m.items()],
    "missing": lambda e, m: m["q"],
    "set": lambda e, m: m.__setitem__("c", e.nn.GELU()),
    "set-not": lambda e, m: m.__setitem__("c", 3),
    "set-number": lambda e, m: m.__setitem__(1, e.nn.GELU()),
    "set-attribute": lambda e, m: m.__setitem__("forward", e.nn.GELU()),
    "delete": lambda e, m: m.__delitem__("a"),
    "pop": lambda e, m: m.pop("a"),
    "pop-missing": lambda e, m: m.pop("q"),
    "clear": lambda e, m: m.clear(),
    "update-dict": lambda e, m: m.update({"z": e.nn.ELU(), "a": e.nn.GELU()}),
    "update-module-dict": lambda e, m: m.update(e.nn.ModuleDict({"z": e.nn.ELU()})),
    "update-not": lambda e, m: m.update(3),
    "update-not-pairs": lambda e, m: m.update([3]),
    "update-triples": lambda e, m: m.update([("a", 1, 2)]),
}


@pytest.mark.parametrize("change", MAPPINGS.values(), ids=MAPPINGS)
def test_module_dict(change):
    def story(e):
        m = e.nn.ModuleDict(pairs(e))
        return outcome(lambda e: change(e, m), e), m, list(m._modules)

    same(story)


PARAMETER_LISTS = {
    "reading": lambda e, m: [m[0], m[-1], m[1:], len(m), list(m), type(m[1:]).__name__],
    "out": lambda e, m: m[4],
    "set-tensor": lambda e, m: m.__setitem__(0, e.ones(5)),
    "set-other": lambda e, m: m.__setitem__(2, "new"),
    "append": lambda e, m: m.append(e.ones(1)) is m,
    "extend": lambda e, m: m.extend([e.ones(1), 3]) is m,
    "extend-not": lambda e, m: m.extend(3),
    "extend-tensor": lambda e, m: m.extend(e.ones(3)),
    "iadd": lambda e, m: m.__iadd__([e.ones(1)]) is m,
    "call": lambda e, m: m(1),
    "dir": lambda e, m: "0" in dir(m),
}


@pytest.mark.parametrize("change", PARAMETER_LISTS.values(), ids=PARAMETER_LISTS)
def test_parameter_list(change):
    def story(e):
        m = e.nn.ParameterList([e.zeros(2), e.nn.Parameter(e.ones(1, 2), False), "text"])
        told = outcome(lambda e: change(e, m), e)
        return told, m, dict(m.named_parameters()), dict(m.state_dict())

    same(story)


PARAMETER_DICTS = {
    "reading": lambda e, m: [m["b"], len(m), list(m), "a" in m, list(m.keys()), list(m.values())],
    "items": lambda e, m: [list(i) for i in m.items()],
    "reversed": lambda e, m: list(reversed(m)),
    "missing": lambda e, m: m["q"],
    "number": lambda e, m: m[3],
    "set": lambda e, m: m.__setitem__("c", e.ones(1)),
    "delete": lambda e, m: m.__delitem__("b"),
    "pop": lambda e, m: m.pop("a"),
    "popitem": lambda e, m: list(m.popitem()),
    "get": lambda e, m: [m.get("a"), m.get("q"), m.get("q", 3)],
    "setdefault": lambda e, m: [m.setdefault("a"), m.setdefault("q", e.ones(2))],
    "clear": lambda e, m: m.clear(),
    "copy": lambda e, m: [m.copy(), m.copy()["a"] is m["a"]],
    "or": lambda e, m: [m | e.nn.ParameterDict({"c": e.ones(1)}), m],
    "ior": lambda e, m: m.__ior__(e.nn.ParameterDict({"c": e.ones(1)})) is m,
    "fromkeys": lambda e, m: m.fromkeys(["x", "y"], 1),
    "update-dict-sorts": lambda e, m: m.update({"z": e.ones(1), "c": e.ones(2)}),
    "update-ordered": lambda e, m: m.update(OrderedDict(z=e.ones(1), c=e.ones(2))),
    "update-not": lambda e, m: m.update(3),
    "update-not-pairs": lambda e, m: m.update([3]),
    "update-triples": lambda e, m: m.update([("a", 1, 2)]),
    "call": lambda e, m: m(1),
}


@pytest.mark.parametrize("change", PARAMETER_DICTS.values(), ids=PARAMETER_DICTS)
def test_parameter_dict(change):
    def story(e):
        m = e.nn.ParameterDict([("b", e.zeros(2)), ("a", e.nn.Parameter(e.ones(1, 2))), ("t", 5)])
        told = outcome(lambda e: change(e, m), e)
        return told, m, dict(m.named_parameters()), list(m.state_dict())

    same(story)


def test_the_stories_reject_a_wrong_container(monkeypatch):
    monkeypatch.setattr(mt.nn.Sequential, "__len__", lambda self: len(self._modules) + 1)
    with pytest.raises(AssertionError):
        test_sequential(SEQUENTIAL["len-iter"])


def test_parameters_in_containers_get_gradients():
    m = mt.nn.ParameterList([mt.ones(2), mt.ones(2) * 2])
    (m[0] * m[1]).sum().backward()
    assert array(m[0].grad).tolist() == [2, 2] and array(m[1].grad).tolist() == [1, 1]
