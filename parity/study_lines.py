"""The lines of a study, by what it is of: a layer, an optimizer, a schedule, one call, draws.

Each function is a `form` of study.py: it makes the lines from the study's expressions, the names of
what is given, and what is to be looked at.
"""

from __future__ import annotations

from .modules import SEED
from .study import BUILT, Study


def looks(study: Study, pairs: list[tuple[str, str]]) -> list[str]:
    """The lines that look at (name, expression), those of them that are wanted."""
    return [f'seen += show("{n}", {text})' for n, text in pairs if study.wants(n)]


def path_of(name: str, root: str = "net") -> str:
    """ "0.weight" as code: net[0].weight."""
    words = [f"[{w}]" if w.isdigit() else f".{w}" for w in name.split(".")]
    return root + "".join(words)


def repeated(steps: int, body: list[str], seed: int | None = None) -> list[str]:
    """`body`, in a loop unless it runs once; seeded before each turn."""
    if steps == 1:
        return [*([f"torch.manual_seed({seed})"] if seed is not None else []), *body]
    seeding = [f"torch.manual_seed({seed} + step)"] if seed is not None else []
    return [f"for step in range({steps}):", *(f"    {line}" for line in [*seeding, *body])]


def layer_lines(study: Study) -> list[str]:
    """A net built, given its weights, trained, looked at.

    given: "state" by name, "x0", "x1", … and, unless the output is a number, "cotangent": the
    gradient with respect to it.
    """
    net, kind = study.expressions["net"], study.kind
    if kind in BUILT:
        return _built_lines(net, kind)
    lines, state = [f"net = {net}"], study.given.get("state", {})
    if state:
        lines.append("net.load_state_dict(state)")
    if study.learn:
        lines += [f"optimizer = {study.expressions['optimizer']}"]
    if study.steps:
        lines += repeated(study.steps, _turn(study), SEED if study.drawn else None)
    if kind == "eval":
        lines += ["net.eval()", f"out = net({_arguments(study)})"]
        return lines + looks(study, [("eval", _first(study))])
    if kind == "afterwards":
        return lines + looks(study, [(f"afterwards.{n}", path_of(n)) for n in state])
    lines += looks(study, [("output", _first(study))])
    if kind == "output":
        return lines
    inputs = [n for n in study.leaves if n.startswith("x")]
    pairs = [(f"grad.{n}", f"{path_of(n)}.grad") for n in state]
    return lines + looks(study, pairs + [(f"grad of input.{n[1:]}", f"{n}.grad") for n in inputs])


def _built_lines(net: str, kind: str) -> list[str]:
    """A net built and looked at; "file": after it was saved and loaded again."""
    if kind == "repr":
        return [f"net = {net}", 'seen += show("repr", repr(net))']
    if kind == "state_dict":
        what = 'show(f"state_dict.{name}", f"{x.dtype} {tuple(x.shape)}".replace("torch.", ""))'
    else:
        what = f'show(f"{kind}.{{name}}", x)'
    round_trip = [
        "file = io.BytesIO()",
        "torch.save(net.state_dict(), file)",
        "file.seek(0)",
        "net.load_state_dict(torch.load(file))",
    ]
    return [
        f"torch.manual_seed({SEED})",
        f"net = {net}",
        *(round_trip if kind == "file" else []),
        "for name, x in net.state_dict().items():",
        f"    seen += {what}",
    ]


def _arguments(study: Study) -> str:
    return ", ".join(n for n in study.given if n.startswith("x") and n[1:].isdigit())


def _first(study: Study) -> str:
    return "out[0]" if study.first else "out"


def _turn(study: Study) -> list[str]:
    """One turn of the loop: forward and, where gradients matter, backward and a step."""
    out, forward = _first(study), [f"out = net({_arguments(study)})"]
    backward = study.learn or study.kind.startswith("grad")
    cotangent = "cotangent" if "cotangent" in study.given else ""
    zero = ["optimizer.zero_grad()"] if study.learn and study.steps > 1 else []
    back = [f"{out}.backward({cotangent})"] if backward else []
    return [*zero, *forward, *back, *(["optimizer.step()"] if study.learn else [])]


def optimizer_lines(study: Study) -> list[str]:
    """Parameters, the gradient of each at each step, and if it has one the optimizer's state.

    given: "values", "gradients" (a list for each step) and "state" (a dict for each parameter).
    """
    count = len(study.given["values"])
    lines = [
        "p = [torch.nn.Parameter(x) for x in values]",
        f"optimizer = {study.expressions['optimizer']}",
    ]
    if "state" in study.given:
        lines += ["for q, kept in zip(p, state):", "    optimizer.state[q] = kept"]
    lines += [
        "for step in gradients:",
        "    for q, gradient in zip(p, step):",
        "        q.grad = gradient",
        "    optimizer.step()",
    ]
    return lines + looks(study, [(f"afterwards.p[{i}]", f"p[{i}]") for i in range(count)])


def schedule_lines(study: Study) -> list[str]:
    """The learning rate after the last of some epochs."""
    arguments = study.calls
    turns = repeated(study.steps, ["optimizer.step()", "schedule.step()"])
    if any(arguments):
        loop = f"for value in [{', '.join(arguments[: study.steps])}]:"
        turns = [loop, "    optimizer.step()", "    schedule.step(value)"]
    return [
        "p = torch.nn.Parameter(torch.zeros(1))",
        "optimizer = torch.optim.SGD([p], lr=0.5)",
        f"schedule = {study.expressions['schedule']}",
        *turns,
        'seen += show("rate", optimizer.param_groups[0]["lr"])',
    ]


def call_lines(study: Study) -> list[str]:
    """One call of an op, and its gradients.

    given: the tensors of the call, and "cotangent" unless the output is a number.
    """
    lines = [f"torch.manual_seed({study.seed})"] if study.drawn else []
    lines += [f"out = {study.expressions['call']}", *looks(study, [("output", _first(study))])]
    if study.kind == "output":
        return lines
    cotangent = "cotangent" if "cotangent" in study.given else ""
    lines.append(f"{_first(study)}.backward({cotangent})")
    return lines + looks(study, [(f"grad.{n}", f"{n}.grad") for n in study.leaves])


def draw_lines(study: Study) -> list[str]:
    """Draws from one stream, one after the other."""
    lines = [f"torch.manual_seed({study.seed})"]
    for i, text in enumerate(study.calls, 1):
        name = f"draw.{i}"
        lines.append(f'seen += show("{name}", {text})' if study.wants(name) else text)
    return lines + looks(study, [("draw.next", "torch.randint(0, 2**24, (2,))")])
