"""`DistributedSampler`: one process's share of a dataset.

It needs no communication: all processes shuffle with the same seed and take every n-th index.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

from ...ops.sampling import randperm
from ...random import Generator
from .sampler import Sampler


class DistributedSampler(Sampler[int]):
    """The indices `rank`, `rank` + `num_replicas`, … of a permutation that depends on the epoch.

    All shares are equally long: the first indices come again at the end, or with `drop_last` the
    last ones are left out.  RuntimeError without `num_replicas` and `rank`, which a process group
    would know; ValueError for a rank outside of [0, num_replicas).
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available")
        if not 0 <= rank < num_replicas:
            raise ValueError(
                f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]"
            )
        self.dataset = dataset
        self.num_replicas, self.rank, self.epoch = num_replicas, rank, 0
        self.drop_last = drop_last
        count = len(dataset)
        rounded = count - num_replicas if drop_last and count % num_replicas else count
        self.num_samples = math.ceil(rounded / num_replicas)
        self.total_size = self.num_samples * num_replicas
        self.shuffle = shuffle
        self.seed = seed

    def __iter__(self) -> Iterator[int]:
        order = list(range(len(self.dataset)))
        if self.shuffle:
            generator = Generator()
            generator.manual_seed(self.seed + self.epoch)
            order = randperm(len(order), generator=generator).tolist()
        if not self.drop_last and order:
            order *= math.ceil(self.total_size / len(order))
        return iter(order[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Choose the permutation of the next pass: without it every pass has the same."""
        self.epoch = epoch
