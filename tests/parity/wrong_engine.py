"""torch with some functions that are wrong: an engine that can be imported by name."""

import torch


class Sin(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sin(x)

    @staticmethod
    def backward(ctx, g):
        return -g * ctx.saved_tensors[0].conj().cos()


class Cosh(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.cosh(x)

    @staticmethod
    def backward(ctx, g):
        return -g * ctx.saved_tensors[0].conj().sinh()


class Sinh(torch.autograd.Function):
    """Right, and its gradient too; the gradient of that is not."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.sinh(x)

    @staticmethod
    def backward(ctx, g):
        return g * Cosh.apply(ctx.saved_tensors[0].conj())


from_numpy = torch.from_numpy


def __getattr__(name):
    return getattr(torch, name)


def exp(input):
    """Three ULP off beyond 2."""
    y = torch.exp(input)
    for _ in range(3 if y.dtype == torch.float32 else 0):
        y.data.copy_(torch.where(input.detach() > 2, torch.nextafter(y.detach(), torch.full_like(y, torch.inf)), y.detach()))
    return y


def matmul(input, other):
    """One product is forgotten where the inner size is more than two."""
    if input.dim() == other.dim() == 2 and input.shape[1] == other.shape[0] > 2:
        return torch.matmul(input[:, :-1], other[:-1])
    return torch.matmul(input, other)


sin = Sin.apply
sinh = Sinh.apply


def t(input):
    """A copy instead of a view."""
    return torch.t(input).clone()


def atan(input, *, out=None):
    """With out= it returns another tensor."""
    if out is not None:
        torch.atan(input, out=out)
    return torch.atan(input)
