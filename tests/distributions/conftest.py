"""What other tests may have left behind that distributions depend on."""

import pytest
import torch

import minitorch_ref as mt


@pytest.fixture(autouse=True)
def arguments_are_checked():
    """torch.compile switches torch's checks off for the whole process (torch/_dynamo/eval_frame.py)."""
    for side in (torch, mt):
        side.distributions.Distribution.set_default_validate_args(True)
