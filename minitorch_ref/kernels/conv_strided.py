"""Strided convolutions: the image cut into phases, in which every tap is one long run.

Taps two apart are copied at half the speed of runs, and output rows are short.  So the padded image is
cut into s·s phases once (the picture is in phases.py), each a plane of R rows of Q columns, and what
tap (i, j) reads is one run of its phase, that starts at its shift:

    phase (i mod s, j mod s)      x x x x x x x x x x x x      Q = OW + (kw-1) div s
                  shift ──────────────┤ run of OH·Q ├──        the last Q - OW columns of a row are
                                                               computed and not used

    y  = W · runs                          (O × C·KH·KW) · (C·KH·KW × n·OH·Q), the weight as it lies
    W̄  = runs · ȳᵀ                         ȳ, and the runs, with zeros in the unused columns
    x̄  by phases: W̄-transposed · runs of ȳ, shifted the other way; each phase meets its own taps only

Cost: s·s strided copies of the phases, 0.45 ns an element (the image once), kh·kw copies of runs at
0.12 ns an element, and Q/OW times the multiply-adds.  conv_rows pays kw copies of 1 ns instead.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from .axis import Axis
from .phases import covered, phase_axis
from .pieces import multiply
from .threads import Work
from .tiles import Take
from .workspace import scratch

LEAST = 8  # channels on either side; fewer are left to conv_rows, whose products are not so deep
WASTE = 1.2  # unused columns are worth it up to so many times the multiply-adds
RUNS = 1 << 20  # bytes of runs at a time ...
COLUMNS = 192  # ... but so many columns at least
LANES = 8  # partial sums of a weight gradient, whatever the number of threads


class Grid(NamedTuple):
    """The phases of both axes, and the run of every tap."""

    rows: Axis
    columns: Axis
    taps: list[tuple[int, int, int]]  # phase of the rows, phase of the columns, shift
    run: int  # OH·Q

    @property
    def plane(self) -> int:
        """Elements of a phase."""
        return self.rows.out * self.columns.out

    @property
    def reach(self) -> int:
        """The largest shift."""
        return self.taps[-1][2]


@functools.lru_cache(maxsize=256)
def grid_of(h: Axis, w: Axis) -> Grid:
    """How axes of dilation 1 fall into phases."""
    rows, columns = phase_axis(h), phase_axis(w)
    taps = [
        (i % h.stride, j % w.stride, i // h.stride * columns.out + j // w.stride)
        for i in range(h.kernel)
        for j in range(w.kernel)
    ]
    return Grid(rows, columns, taps, h.out * columns.out)


def suits(weight: tuple[int, ...], h: Axis, w: Axis, groups: int) -> bool:
    """Whether phases are worth it for a weight of this shape."""
    if h.stride == w.stride == 1 or h.dilation > 1 or w.dilation > 1:
        return False
    if min(weight[0] // groups, weight[1]) < LEAST:
        return False
    return phase_axis(w).out <= WASTE * w.out


def _chunks(samples: int, sample_bytes: int, run: int) -> list[slice]:
    """The batch in even pieces: by their size alone."""
    n = max(1, -(-COLUMNS // run), RUNS // sample_bytes)
    n = -(-samples // -(-samples // min(n, samples)))
    return [slice(i, min(i + n, samples)) for i in range(0, samples, n)]


# ---- the forward pass and the weight gradient: runs of x ----------------------------------------------


def forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, h: Axis, w: Axis, groups: int
) -> Work:
    """y (N, O, OH, OW) of x (N, C, H, W) and weight (O, C/G, KH, KW)."""
    grid, (o, cg) = grid_of(h, w), weight.shape[:2]
    og, k = o // groups, cg * h.kernel * w.kernel
    matrix = np.ascontiguousarray(weight).reshape(groups, og, k)
    y = np.empty((len(x), o, h.out, w.out), x.dtype)
    shift = None if bias is None else bias.reshape(o, 1, 1)

    def task(part: slice) -> None:
        with scratch() as take:
            runs = _runs_of(take, x[part], grid, h, w, groups)
            product = multiply(matrix, runs, take((groups, og, runs.shape[-1]), x.dtype))
            target = y[part]
            rows = product.reshape(o, len(target), h.out, grid.columns.out)
            target.swapaxes(0, 1)[...] = rows[..., : w.out]
            if shift is not None:
                np.add(target, shift, out=target)

    chunks = _chunks(len(x), groups * k * grid.run * x.itemsize, grid.run)
    return Work([functools.partial(task, part) for part in chunks], lambda: y)


def _runs_of(take: Take, x: np.ndarray, grid: Grid, h: Axis, w: Axis, groups: int) -> np.ndarray:
    """What all taps read of x (n, C, H, W): (G, C/G·KH·KW, n·OH·Q)."""
    (n, c), size = x.shape[:2], grid.plane
    phases = take((grid.rows.kernel, grid.columns.kernel, c * n * size + grid.reach), x.dtype)
    source = x.swapaxes(0, 1)
    for i, j in np.ndindex(grid.rows.kernel, grid.columns.kernel):
        phase = phases[i, j, : c * n * size].reshape(c, n, grid.rows.out, grid.columns.out)
        target = (slice(None), slice(None), grid.rows.target(i), grid.columns.target(j))
        if phase[target].shape != phase.shape:
            phase[...] = 0
        phase[target] = source[:, :, grid.rows.source(i), grid.columns.source(j)]
    runs = take((groups, c // groups, len(grid.taps), n, grid.run), x.dtype)
    for t, (i, j, shift) in enumerate(grid.taps):
        runs[:, :, t] = _shifted(phases[i, j], shift, groups, n, size, grid.run)
    return runs.reshape(groups, -1, n * grid.run)


def _shifted(flat: np.ndarray, start: int, groups: int, n: int, size: int, run: int) -> np.ndarray:
    """A run from `start` on of every plane in (G·C·n planes of `size`): (G, C, n, run)."""
    item, planes = flat.itemsize, len(flat) // size // (groups * n)
    strides = (planes * n * size * item, n * size * item, size * item, item)
    return np.ndarray((groups, planes, n, run), flat.dtype, flat, start * item, strides)


def weight_gradient(g: np.ndarray, x: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (O, C/G, KH, KW) from g (N, O, OH, OW) and x (N, C, H, W)."""
    grid, o, cg = grid_of(h, w), g.shape[1], x.shape[1] // groups
    og, k, q = o // groups, cg * h.kernel * w.kernel, grid.columns.out
    chunks = _chunks(len(x), groups * k * grid.run * x.itemsize, grid.run)
    lanes = min(LANES, len(chunks))
    sums = np.zeros((lanes, groups, k, og), x.dtype)

    def lane(i: int) -> None:
        for part in chunks[i::lanes]:
            with scratch() as take:
                runs = _runs_of(take, x[part], grid, h, w, groups)
                n = len(x[part])
                given = take((o, n, h.out, q), g.dtype)
                given[..., : w.out] = g[part].swapaxes(0, 1)
                if q > w.out:  # zeros on both sides: 0 times what is read there may be NaN
                    given[..., w.out :] = 0
                    runs.reshape(-1, n * h.out, q)[..., w.out :] = 0
                right = given.reshape(groups, og, -1).swapaxes(1, 2)
                sums[i] += multiply(runs, right, take((groups, k, og), x.dtype))

    def finish() -> np.ndarray:
        total = np.add.reduce(sums, axis=0).swapaxes(1, 2)
        return np.ascontiguousarray(total).reshape(o, cg, h.kernel, w.kernel)

    return Work([functools.partial(lane, i) for i in range(lanes)], finish)


# ---- the input gradient: runs of g, a product for every phase of x ------------------------------------


def input_gradient(g: np.ndarray, weight: np.ndarray, h: Axis, w: Axis, groups: int) -> Work:
    """Gradient (N, C, H, W) from g (N, O, OH, OW) and weight (O, C/G, KH, KW)."""
    grid, (o, cg) = grid_of(h, w), weight.shape[:2]
    og = o // groups
    x = np.empty((len(g), groups * cg, h.size, w.size), g.dtype)
    whole = covered(grid.rows) and covered(grid.columns)
    by_tap = weight.reshape(groups, og, cg, -1).transpose(0, 2, 3, 1)  # (G, C, taps, O)
    parts = []
    for i, j in np.ndindex(grid.rows.kernel, grid.columns.kernel):
        taps = [t for t, tap in enumerate(grid.taps) if tap[:2] == (i, j)]
        shifts = [grid.taps[t][2] for t in taps]
        parts.append((i, j, shifts, by_tap[:, :, taps].reshape(groups, cg, -1)))

    def task(part: slice) -> None:
        target = x[part].swapaxes(0, 1)
        if not whole:
            target[...] = 0
        with scratch() as take:
            given = _spread(take, g[part], grid, h, w)
            for i, j, shifts, matrix in parts:
                with scratch() as take_more:
                    phase = _phase_of(take_more, given, grid, shifts, matrix, len(g[part]))
                    found = phase[:, :, grid.rows.target(i), grid.columns.target(j)]
                    target[:, :, grid.rows.source(i), grid.columns.source(j)] = found

    most = max(len(p[2]) for p in parts)
    chunks = _chunks(len(g), most * o * grid.plane * g.itemsize, grid.plane)
    return Work([functools.partial(task, part) for part in chunks], lambda: x)


def _spread(take: Take, g: np.ndarray, grid: Grid, h: Axis, w: Axis) -> np.ndarray:
    """g (n, O, OH, OW) in the top left corner of planes of the phases' size, flat, zeros before it.

    Rows end in at least as many zeros as a tap reaches to the left, so no run meets another row.
    """
    (n, o), lead = g.shape[:2], grid.reach
    flat = take((lead + o * n * grid.plane,), g.dtype)
    flat[:lead] = 0
    planes = flat[lead:].reshape(o, n, grid.rows.out, grid.columns.out)
    planes[:, :, : h.out, w.out :] = 0
    planes[:, :, h.out :] = 0
    planes[:, :, : h.out, : w.out] = g.swapaxes(0, 1)
    return flat


def _phase_of(
    take: Take, given: np.ndarray, grid: Grid, shifts: list[int], matrix: np.ndarray, n: int
) -> np.ndarray:
    """A phase (C, n, R, Q) of x: the taps' weights (G, C, taps·O) times the runs they meet."""
    groups, cg, depth = matrix.shape
    og, size = depth // len(shifts), grid.plane
    runs = take((groups, len(shifts), og, n, size), given.dtype)
    for t, shift in enumerate(shifts):
        runs[:, t] = _shifted(given, grid.reach - shift, groups, n, size, size)
    columns = runs.reshape(groups, depth, n * size)
    product = multiply(matrix, columns, take((groups, cg, n * size), given.dtype))
    return product.reshape(groups * cg, n, grid.rows.out, grid.columns.out)
