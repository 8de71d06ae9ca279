"""Where the random generator stands after each stage of a computation: two engines take the same words.

A layer that draws once more after its own output gives right numbers and spoils all that is random
after it.  So the generator's state is kept from stage to stage, and compared byte by byte: on the CPU
it is a Mersenne Twister's words, the place among them and the normal number in stock.
"""

from __future__ import annotations

import numpy as np

from .draws import Twister
from .engines import Engine
from .outcome import Check, Verdict

States = dict[str, np.ndarray]  # by stage, in the order of the computation
PART = "generator after "
STOCK = 5040, 5052  # of torch's 5056 bytes, the two that say whether a normal number is in stock


def state(engine: Engine) -> np.ndarray:
    """The state of the engine's default generator; reading it draws nothing."""
    return np.array(engine.array(engine.generator().get_state()))


def checks(ours: Engine, theirs: Engine, here: States, there: States) -> list[Check]:
    """The failing check of the first stage after which the generators stand apart, if there is one.

    None between a GPU and a CPU: one seed promises the same words on the same kind of device only.
    """
    if ours.on_gpu != theirs.on_gpu:
        return []
    for stage in [*there, *(s for s in here if s not in there)]:
        pair = here.get(stage), there.get(stage)
        if pair[0] is None or pair[1] is None or pair[0].tobytes() != pair[1].tobytes():
            detail = f"ours {_place(pair[0])}, torch's {_place(pair[1])}"
            return [Check(Verdict.MISMATCH, PART + stage, detail=detail)]
    return []


def _place(found: np.ndarray | None) -> str:
    """How many words have been taken since the seed, in words."""
    if found is None:
        return "never came there"
    if found.size == 16:  # a GPU's
        seed, offset = found.view("<i8").tolist()
        return f"stands at offset {offset} of seed {seed}"
    words = Twister().look(found)
    if words is None:
        return "stands where no seed leads"
    stock = " and has a normal number in stock" if found[list(STOCK)].any() else ""
    return f"has taken {words} words{stock}"
