"""An op on one screen: its call and formula, where it is defined, its source, torch's gradient.

    python -m parity source tanh           every op of that name, in each namespace that has one
    python -m parity source linalg.svd     one namespace only
"""

from __future__ import annotations

import argparse
import difflib

from . import options
from .engines import EngineError, open_engine
from .formulas import formula
from .report_sources import Sources


def add_arguments(parser: argparse.ArgumentParser) -> None:
    options.add(parser, "ours", ours="the engine whose source is shown (default: minitorch_ref)")
    parser.add_argument("name", help="an op: its name, with or without its namespace")


def found(sources: Sources, name: str) -> list[tuple[str, str]]:
    """The (namespace, name) of the ops that `name` may mean."""
    space, _, short = name.rpartition(".")
    space = space.removeprefix("torch").lstrip(".")
    return [
        key
        for key in sources.registry
        if key[1] == short and (not space or key[0] == space or key[0].endswith(f".{space}"))
    ]


def text_of(sources: Sources, namespace: str, name: str) -> str:
    """What there is to say of one op."""
    facts = sources.of(namespace, name)
    full = name if namespace == "torch" else f"{namespace}.{name}"
    parts = [f"{full}    {facts['call']}"]
    said = formula(full)
    if said:
        parts.append(f"    {said}")
    if facts["source"]:
        parts.append(f"# {facts['source']['place']}\n{facts['source']['text']}")
    elif facts["doc"]:
        parts.append(facts["doc"])
    if facts["derivative"]:
        parts.append(f"# torch's derivatives.yaml\n{facts['derivative']}")
    return "\n\n".join(parts)


def main(args: argparse.Namespace) -> int:
    """Print the ops; 2 if there is none of that name."""
    open_engine(args.ours)  # says at once what is wrong with it
    sources = Sources(args.ours)
    keys = found(sources, args.name)
    if not keys:
        names = sorted({name for _, name in sources.registry})
        near = difflib.get_close_matches(args.name.rpartition(".")[2], names, 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise EngineError(f"{args.ours} has no op {args.name!r}{hint}")
    print("\n\n\n".join(text_of(sources, *key) for key in keys))
    return 0
