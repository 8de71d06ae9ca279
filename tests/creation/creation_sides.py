"""Running one call on both engines and putting what happened in terms that both share."""

import warnings

import torch

import minitorch_ref as mt
from minitorch_ref.ops import creation, from_data


class Ours:
    """minitorch_ref with the functions under test, whatever the top level exports."""

    def __getattr__(self, name):
        if name in creation.__all__:
            return getattr(creation, name)
        return from_data.LEGACY_TYPES.get(name) or getattr(mt, name)


OURS = Ours()


def outcome(engine, call, values=True):
    """Values, dtype, shape, strides, requires_grad, warnings; or the exception and its first words."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            x = call(engine)
        except Exception as error:
            return "error", type(error).__name__, str(error)[:50]
    warned = [(w.category.__name__, str(w.message)[:50]) for w in caught]
    array = x.detach().numpy()
    content = array.tobytes() if values else None
    return content, str(x.dtype), tuple(x.shape), tuple(x.stride()), x.requires_grad, warned


def same(call, values=True, warned=True):
    """Assert that a call has the same outcome on both engines (but for warnings, if so asked)."""
    theirs, ours = outcome(torch, call, values), outcome(OURS, call, values)
    assert ours[: None if warned else -1] == theirs[: None if warned else -1]
