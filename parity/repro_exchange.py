"""A state dict that one engine writes and the other cannot read, as a script with the file in it."""

from __future__ import annotations

import base64
import io
import textwrap
from collections.abc import Iterator
from pathlib import Path

from .engines import Engine
from .modules import SEED
from .outcome import Check
from .repro_text import assemble, observe
from .scripts import Scripts

READ = """\
net = {net}
file = io.BytesIO(base64.b64decode(FILE))
seen = [f"message {{net.load_state_dict(torch.load(file))}}"]
for name, value in net.state_dict().items():
    seen += show(name, value)"""
WRITTEN = """\
torch.manual_seed({seed})
net = {net}
seen = ["message <All keys matched successfully>"]
for name, value in net.state_dict().items():
    seen += show(name, value)"""
TRUTH = "what was written"


def scripts(
    name: str, net: str, checks: list[Check], engines: tuple[Engine, Engine], out: Scripts
) -> Iterator[tuple[Path, Check]]:
    """Write a script for each direction that fails; (path, check)."""
    ours, theirs = engines
    for check in checks:
        writer, reader = (
            (ours, theirs)
            if check.part.startswith(f"state dict from {ours.name} ")
            else engines[::-1]
        )
        writer.module.manual_seed(SEED)
        buffer = io.BytesIO()
        writer.module.save(eval(net, {"torch": writer.module}).state_dict(), buffer)
        lines = "\n".join(textwrap.wrap(base64.b64encode(buffer.getvalue()).decode(), 96))
        constants = f'\nFILE = """\n{lines}\n"""'
        title = f"{name}: a file written by {writer.name}, read by {reader.name}: {check.detail}"
        body, written = READ.format(net=net), WRITTEN.format(net=net, seed=SEED)

        def text(recorded: dict[str, list[str]]) -> str:
            return assemble(title, [body], recorded, TRUTH, constants=constants)

        truth = observe(assemble(title, [written], {}, TRUTH), writer)
        recorded = {TRUTH: truth, **{e.name: observe(text({}), e) for e in (reader, writer)}}
        yield out.save(f"{name}-{check.part}", text(recorded)), check
