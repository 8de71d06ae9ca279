"""The short-time Fourier transform and its inverse.

stft cuts the signal into overlapping frames, weighs each with a window and transforms it.  istft
transforms the frames back, weighs them once more, adds them where they overlap, and divides by what
the squared windows add up to.  Every step is an op, so the gradients come by themselves.
(source: ATen/native/SpectralOps.cpp)
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..autograd.graph import rename
from ..dtypes import FLOATING, float16
from ..tensor import Tensor, wrap
from .parts import _unfold_gradient as overlap_add
from .parts import narrow, unfold
from .registry import op
from .spectral import c2c, c2r, r2c, resized

_NO_WINDOW = (
    "A window was not provided. A rectangular window will be applied,which is known to cause "
    "spectral leakage. Other windows such as torch.hann_window or torch.hamming_window are "
    "recommended to reduce spectral leakage.To suppress this warning and use a rectangular window, "
    "explicitly set `window=torch.ones(n_fft, device=<device>)`."
)
_NO_WINDOW_BACK = (
    "A window was not provided. A rectangular window will be applied.Please provide the same window "
    "used by stft to make the inversion lossless.To suppress this warning and use a rectangular "
    "window, explicitly set `window=torch.ones(n_fft, device=<device>)`."
)
_RETURN_COMPLEX = (
    "stft requires the return_complex parameter be given for real inputs, and will further require "
    "that return_complex=True in a future PyTorch release."
)
_DEPRECATED = (
    "stft with return_complex=False is deprecated. In a future pytorch release, stft will return "
    "complex tensors for all inputs, and return_complex=False will raise an error.\nNote: you can "
    "still call torch.view_as_real on the complex output to recover the old return format."
)
_SHORT = (
    "The length of signal is shorter than the length parameter. Result is being padded with zeros in "
    "the tail. Please check your center and hop_length settings."
)


def _check_types(name: str, n_fft: Any, window: Any) -> None:
    if not hasattr(n_fft, "__index__"):
        raise TypeError(f"{name}(): argument 'n_fft' must be int, not {type(n_fft).__name__}")
    if window is not None and not isinstance(window, Tensor):
        raise TypeError(f"{name}(): argument 'window' must be Tensor, not {type(window).__name__}")


def _described(name: str, kind: str, x: Tensor, window: Tensor | None, **rest: Any) -> str:
    """The call as torch's messages show it."""
    shown = "None" if window is None else f"{_type_name(window)}{{{list(window.shape)}}}"
    words = {"n_fft": 0, "hop_length": 0, "win_length": 0, "window": shown} | rest
    pairs = [f"{k}={int(v) if isinstance(v, bool) else v}" for k, v in words.items()]
    return f"{name}({kind}{list(x.shape)}, {', '.join(pairs)})"


def _type_name(x: Tensor) -> str:
    """What torch prints a tensor's type as; complex ones have no legacy name."""
    return f"CPU{x.dtype.title}Type" if x.is_complex() else f"torch.{x.dtype.legacy}"


# ---- padding ---------------------------------------------------------------------------------------


def _padded(x: Tensor, pad: int, mode: str) -> Tensor:
    """`pad` samples more at both ends of the last dim, which lies in a batch of two dims or more."""
    n = x._array.shape[-1] if x.ndim else 1
    shape = [1] * (3 - x.ndim) + list(x.shape)
    if x.ndim < 1:
        x = x.reshape(shape)
    if mode == "constant":
        return resized(x, x.ndim - 1, n + 2 * pad, pad)
    if mode not in ("reflect", "replicate", "circular"):
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if 0 in shape[1:]:
        raise RuntimeError(
            "Expected 2D or 3D (batch mode) tensor with possibly 0 batch size and other non-zero "
            f"dimensions for input, but got: {shape}"
        )
    places = np.arange(-pad, n + pad)
    if mode == "replicate":
        places = places.clip(0, n - 1)
    elif mode == "circular":
        if pad > n:
            raise RuntimeError("Padding value causes wrapping around more than once.")
        places = places % n
    else:
        if pad >= n:
            raise RuntimeError(
                "Argument #4: Padding size should be less than the corresponding input dimension, "
                f"but got: padding ({pad}, {pad}) at dimension 2 of input {shape}"
            )
        places = n - 1 - np.abs(n - 1 - np.abs(places))
    return x.index_select(-1, wrap(places))


def _centred(window: Tensor | None, like: Tensor, length: int, n_fft: int) -> Tensor | None:
    """The window with zeros on both sides, up to `n_fft`; a window of ones is None if it fills it."""
    if window is None:
        if length == n_fft:
            return None
        window = like.real.new_ones((length,)) if like.is_complex() else like.new_ones((length,))
    return resized(window, 0, n_fft, (n_fft - length) // 2)


# ---- forward ---------------------------------------------------------------------------------------


@op
def stft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, pad_mode: str = "reflect",
    normalized: bool = False, onesided: bool | None = None, return_complex: bool | None = None,
    align_to_window: bool | None = None,
) -> Tensor:  # fmt: skip
    """Spectra of overlapping frames: [batch?, n_fft//2 + 1, frames] (n_fft bins if not onesided).

    Frames of `n_fft` samples, `hop_length` (n_fft//4) apart; `center` pads so that frame t is centred
    on sample t·hop_length.  Raises RuntimeError for frames or windows that do not fit.
    """
    if center and align_to_window is not None:
        raise RuntimeError("stft align_to_window should only be set when center = false")
    _check_types("stft", n_fft, window)
    x = _padded(input, max(n_fft, 0) // 2, pad_mode) if center else input
    hop = n_fft >> 2 if hop_length is None else hop_length
    length = n_fft if win_length is None else win_length
    _check_stft(x, n_fft, hop, length, window, {
        "normalized": normalized, "onesided": onesided, "return_complex": return_complex,
        "align_to_window": align_to_window,
    })  # fmt: skip
    if x.ndim == 1:
        x = x.unsqueeze(0)
    if align_to_window:
        x = resized(x, 1, x._array.shape[1] + n_fft - length, (n_fft - length) // 2)
    frames = unfold(x, -1, n_fft, hop)
    weights = _centred(window, input, length, n_fft)
    if weights is not None:
        frames = frames * weights
    out = _spectra(frames, n_fft, normalized, onesided).transpose(1, 2)
    out = rename(out, "TransposeBackward1")
    if input.ndim == 1:
        out = rename(out.squeeze(0), "SqueezeBackward4")
    complex_out = input.is_complex() or (window is not None and window.is_complex())
    return out if (complex_out if return_complex is None else return_complex) else out.view_as_real()


def _spectra(frames: Tensor, n_fft: int, normalized: bool, onesided: bool | None) -> Tensor:
    power = -0.5 if normalized else 0.0
    last = (frames.ndim - 1,)
    if frames.is_complex():
        if onesided:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        return c2c(frames, last, power, True)
    if frames.dtype is float16:
        raise RuntimeError("MKL FFT doesn't support tensors of type: Half")
    return r2c(frames, last, power, onesided=onesided is None or bool(onesided))


def _check_stft(
    x: Tensor, n_fft: int, hop: int, length: int, window: Tensor | None, options: dict[str, Any]
) -> None:
    """Raise torch's RuntimeErrors, which name the whole call; warn as torch does."""
    if window is None:
        warnings.warn(_NO_WINDOW, UserWarning, stacklevel=4)
    complex_result = x.is_complex() or (window is not None and window.is_complex())
    if not (complex_result if options["return_complex"] is None else options["return_complex"]):
        if options["return_complex"] is None:
            raise RuntimeError(_RETURN_COMPLEX)
        warnings.warn(_DEPRECATED, UserWarning, stacklevel=4)
    size = x._array.shape[-1] if x.ndim else 1
    shape = None if window is None else list(window.shape)
    problem = ""
    if x.dtype.category < FLOATING:
        problem = "expected a tensor of floating point or complex values"
    elif x.ndim not in (1, 2):
        problem = "expected a 1D or 2D tensor"
    elif not 0 < n_fft <= size:
        problem = f"expected 0 < n_fft < {size}, but got n_fft={length}"
    elif hop <= 0:
        problem = f"expected hop_length > 0, but got hop_length={hop}"
    elif not 0 < length <= n_fft:
        problem = f"expected 0 < win_length <= n_fft, but got win_length={length}"
    elif shape is not None and shape != [length]:
        problem = (
            f"expected a 1D window tensor of size equal to win_length={length}, but got window with "
            f"size {shape}"
        )
    if problem:
        call = _described(
            "stft", _type_name(x), x, window,
            n_fft=n_fft, hop_length=hop, win_length=length, **options,
        )  # fmt: skip
        raise RuntimeError(f"{call} : {problem}")


# ---- inverse ---------------------------------------------------------------------------------------


@op
def istft(
    input: Tensor, n_fft: int, hop_length: int | None = None, win_length: int | None = None,
    window: Tensor | None = None, center: bool = True, normalized: bool = False,
    onesided: bool | None = None, length: int | None = None, return_complex: bool = False,
) -> Tensor:  # fmt: skip
    """The signal whose `stft` (called with the same arguments) this is: [batch?, samples].

    The least-squares answer where no signal has exactly this one.  Raises RuntimeError where the
    windows leave a sample without weight.
    """
    _check_types("istft", n_fft, window)
    if window is None:
        warnings.warn(_NO_WINDOW_BACK, UserWarning, stacklevel=2)
    hop = n_fft >> 2 if hop_length is None else hop_length
    width = n_fft if win_length is None else win_length
    options = {
        "center": center, "normalized": normalized, "onesided": onesided, "length": length,
        "return_complex": return_complex,
    }  # fmt: skip
    call = _check_istft(input, n_fft, hop, width, window, options)
    bins, count = input._array.shape[-2:]
    half = bins != n_fft if onesided is None else onesided
    x = (input.unsqueeze(0) if input.ndim == 2 else input).transpose(1, 2)
    frames = _signals(x, n_fft, -0.5 if normalized else -1.0, half, window, return_complex)
    weights = _centred(window, input, width, n_fft)
    if weights is None:
        weights = wrap(np.ones(n_fft, frames._array.real.dtype))
    total = n_fft + hop * (count - 1)
    y = overlap_add(frames * weights, (x._array.shape[0], total), 1, hop)
    squares = (weights**2).expand(1, count, n_fft)
    envelope = overlap_add(squares, (1, total), 1, hop)
    start = n_fft // 2 if center else 0
    end = start + length if length is not None else total - start
    kept = max(min(end, total) - start, 0)
    y, envelope = narrow(y, 1, start, kept), narrow(envelope, 1, start, kept)
    if (envelope.detach().abs().min() < 1e-11).item():
        raise RuntimeError(f"{call}window overlap add min: 1\n[ CPUBoolType{{}} ]")
    y = y / envelope
    if input.ndim == 2:
        y = y.squeeze(0)
    if end > total:
        warnings.warn(_SHORT, UserWarning, stacklevel=2)
        y = resized(y, y.ndim - 1, y._array.shape[-1] + end - total)
    return y


def _signals(
    x: Tensor, n_fft: int, power: float, half: bool, window: Tensor | None, return_complex: bool
) -> Tensor:
    """The frames that these spectra belong to."""
    if return_complex:
        if half:
            raise RuntimeError("Cannot have onesided output if window or input is complex")
        return c2c(x, (2,), power, False)
    if window is not None and window.is_complex():
        raise RuntimeError("Complex windows are incompatible with return_complex=False")
    return c2r(x if half else narrow(x, 2, 0, n_fft // 2 + 1), (2,), power, n_fft)


def _check_istft(
    x: Tensor, n_fft: int, hop: int, width: int, window: Tensor | None, options: dict[str, Any]
) -> str:
    """The call as messages show it.  Raises torch's errors for arguments that do not fit."""
    if not x.is_complex():
        raise RuntimeError(
            "istft requires a complex-valued input tensor matching the output from stft with "
            "return_complex=True."
        )
    if x.ndim < 2:
        raise IndexError("Dimension out of range (expected to be in range of [-2, 1], but got -3)")
    call = _described(
        "istft", _type_name(x), x, window,
        n_fft=n_fft, hop_length=hop, win_length=width, **options,
    )  # fmt: skip
    bins, onesided = x._array.shape[-2], options["onesided"]
    half = bins != n_fft if onesided is None else onesided
    problem = ""
    if x._array.size == 0:
        problem = "input tensor cannot be empty."
    elif x.ndim > 3:
        problem = f"expected a tensor with 3 or 4 dimensions, but got {x.ndim + 1}"
    elif bins != (n_fft // 2 + 1 if half else n_fft):
        problem = (
            "expected the frequency dimension (3rd to the last) of the input tensor to match n_fft"
            f"{' / 2 + 1' if half else ''} when onesided={bool(half)}, but got {bins}"
        )
    elif not 0 < hop <= width:
        problem = "expected 0 < hop_length <= win_length"
    elif not 0 < width <= n_fft:
        problem = "expected 0 < win_length <= n_fft"
    elif window is not None and list(window.shape) != [width]:
        problem = "Invalid window shape. window has to be 1D and length of `win_length`"
    if problem:
        raise RuntimeError(f"{call} : {problem}")
    return f"{call} "
