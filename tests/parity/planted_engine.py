"""minitorch_ref with one fault, named by $PLANTED: an engine that can be imported by name.

The fault is planted in the engine itself, so that importing this module gives the engine itself.
"""

import os
import sys

import minitorch_ref as torch


def wrong_linear(patch):
    """The gradient of the bias has the wrong sign."""
    right = torch.nn.Linear.__init__

    def made(self, *args, **kwargs):
        right(self, *args, **kwargs)
        if self.bias is not None:
            self.bias.register_hook(lambda g: -g)

    patch(torch.nn.Linear, "__init__", made)


def wrong_conv(patch):
    """One more of padding before the width, where the stride is 2."""
    right = torch.nn.Conv2d.forward

    def forward(self, x):
        if self.stride[0] == 2:
            x = torch.nn.functional.pad(x, (1, 0))[..., :-1]
        return right(self, x)

    patch(torch.nn.Conv2d, "forward", forward)


def dampened(patch):
    """Momentum loses a tenth at each step."""
    right = torch.optim.SGD.step

    def step(self, closure=None):
        found = right(self, closure)
        for state in self.state.values():
            if state.get("momentum_buffer") is not None:
                state["momentum_buffer"].mul_(0.9)
        return found

    patch(torch.optim.SGD, "step", step)


def dropped_draw(patch):
    """Dropout leaves out the first draw."""
    right = torch.nn.Dropout.forward

    def forward(self, x):
        if self.training:
            torch.empty(1).bernoulli_(0.5)
        return right(self, x)

    patch(torch.nn.Dropout, "forward", forward)


def hungry_layer(patch):
    """Dropout is right, and draws once more afterwards."""
    right = torch.nn.Dropout.forward

    def forward(self, x):
        found = right(self, x)
        torch.rand(1)
        return found

    patch(torch.nn.Dropout, "forward", forward)


def hungry_schedule(patch):
    """The rates are right, and every step draws."""
    right = torch.optim.lr_scheduler.StepLR.get_lr

    def rates(self):
        torch.rand(1)
        return right(self)

    patch(torch.optim.lr_scheduler.StepLR, "get_lr", rates)


def hungry_optimizer(patch):
    """A step is right, and draws."""
    right = torch.optim.SGD.step

    def step(self, closure=None):
        torch.rand(1)
        return right(self, closure)

    patch(torch.optim.SGD, "step", step)


def hungry_start(patch):
    """Weights are right, and one number more is drawn."""
    right = torch.nn.Linear.reset_parameters

    def reset(self):
        right(self)
        torch.rand(1)

    patch(torch.nn.Linear, "reset_parameters", reset)


def biased_variance(patch):
    """The running variance is not that of a sample."""
    right = torch.nn.BatchNorm2d.forward

    def forward(self, x):
        before = None if self.running_var is None else self.running_var.clone()
        out = right(self, x)
        if self.training and before is not None:
            n = x.numel() // x.shape[1]
            with torch.no_grad():
                self.running_var.copy_(before * 0.9 + (self.running_var - before * 0.9) * (n - 1) / n)
        return out

    patch(torch.nn.BatchNorm2d, "forward", forward)


def late_schedule(patch):
    """A step comes one epoch late."""
    right = torch.optim.lr_scheduler.StepLR.__init__

    def made(self, optimizer, step_size, *args, **kwargs):
        right(self, optimizer, step_size + 1, *args, **kwargs)

    patch(torch.optim.lr_scheduler.StepLR, "__init__", made)


def wrong_gradient(name, change):
    """The gradients of the nodes of this name are changed."""

    def plant(patch):
        from minitorch_ref.autograd import graph, rows

        for kind in (graph.Node, graph.JointNode, rows.RowNode):
            patch(kind, "gradients", changed(kind.gradients))

    def changed(right):
        def gradients(self, g, wanted=None):
            found = right(self, g, wanted)
            return [(*edge, change(x)) for *edge, x in found] if self.name() == name else found

        return gradients

    return plant


def wrong_kernel(patch):
    """A 5x5 convolution is shifted by a column."""
    from minitorch_ref.nn.functional import conv

    right = conv._conv

    def shifted(name, dims, x, w, *rest):
        if w.shape[-1] == 5:
            x = x.roll(1, -1)
        return right(name, dims, x, w, *rest)

    patch(conv, "_conv", shifted)


def short_permutation(patch):
    """A permutation is drawn without its last exchange."""
    import numpy as np

    from minitorch_ref.kernels import draws

    right = draws.permutation
    patch(draws, "permutation", lambda source, count: np.append(right(source, count - 1), count - 1))


def hungry_permutation(patch):
    """A permutation is right, and takes a word too many."""
    from minitorch_ref.kernels import draws

    right = draws.permutation

    def hungry(source, count):
        found = right(source, count)
        right(source, 2)
        return found

    patch(draws, "permutation", hungry)


def lossy_file(patch):
    """What is written to a file is half of what it should be."""
    right = torch.save
    patch(torch, "save", lambda what, *rest: right({k: x * 0.5 for k, x in what.items()}, *rest))


def other_repr(patch):
    patch(torch.nn.Linear, "extra_repr", lambda self: f"{self.in_features} to {self.out_features}")


def other_start(patch):
    """Weights start twice as large."""
    right = torch.nn.Linear.reset_parameters

    def reset(self):
        right(self)
        with torch.no_grad():
            self.weight.mul_(2)

    patch(torch.nn.Linear, "reset_parameters", reset)


def refusing(patch):
    """A 5x5 convolution raises."""
    from minitorch_ref.nn.functional import conv

    right = conv._conv

    def refuse(name, dims, x, w, *rest):
        if w.shape[-1] == 5:
            raise RuntimeError("no kernel for this")
        return right(name, dims, x, w, *rest)

    patch(conv, "_conv", refuse)


FAULTS = {f.__name__: f for f in (wrong_linear, wrong_conv, dampened, dropped_draw, hungry_layer, hungry_schedule, hungry_optimizer, hungry_start, biased_variance, late_schedule, wrong_kernel, short_permutation, hungry_permutation, lossy_file, other_repr, other_start, refusing)}
FAULTS["wrong_sigmoid"] = wrong_gradient("SigmoidBackward0", lambda g: -g)
FAULTS["wrong_pool"] = wrong_gradient("MaxPool2DWithIndicesBackward0", lambda g: g * 0.5)
if os.environ.get("PLANTED"):
    FAULTS[os.environ["PLANTED"]](setattr)
    sys.modules[__name__] = torch
