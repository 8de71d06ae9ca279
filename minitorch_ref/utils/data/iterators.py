"""One pass over a DataLoader: what all have in common, and the one without worker processes."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from .fetch import make_fetcher
from .sampler import draw_seed

if TYPE_CHECKING:
    from .dataloader import DataLoader


class LoaderIterator:
    """What both kinds share: the sampler's indices, and the seed for workers.

    The seed is drawn whether there are workers or not, as in torch: the number of workers must not
    change the random stream of the program around the loader.
    """

    def __init__(self, loader: DataLoader[Any]) -> None:
        self._dataset = loader.dataset
        self._iterable = loader._iterable
        self._index_sampler = loader._index_sampler
        if loader.pin_memory:
            warnings.warn(
                "'pin_memory' argument is set as true but no accelerator is found, then device "
                "pinned memory won't be used.",
                stacklevel=3,
            )
        self._sampler_iter: Iterator[Any] = iter(self._index_sampler)
        self._base_seed = draw_seed(loader.generator)
        self._begin(loader)

    def _begin(self, loader: DataLoader[Any]) -> None:
        self._reported_length = loader._reported_length
        self._num_workers = loader.num_workers
        self._num_yielded = 0

    def __iter__(self) -> LoaderIterator:
        return self

    def __next__(self) -> Any:
        batch = self._next_data()
        self._num_yielded += 1
        expected = self._reported_length
        if self._iterable and expected is not None and self._num_yielded > expected:
            self._warn_of_length(expected)
        return batch

    def _next_data(self) -> Any:
        raise NotImplementedError

    def __len__(self) -> int:
        return len(self._index_sampler)

    def __getstate__(self) -> Any:
        raise NotImplementedError("{} cannot be pickled", type(self).__name__)

    def _warn_of_length(self, expected: int) -> None:
        text = (
            f"Length of IterableDataset {self._dataset} was reported to be {expected}"
            f"(when accessing len(dataloader)), but {self._num_yielded} samples have been fetched. "
        )
        if self._num_workers > 0:
            text += (
                "For multiprocessing data-loading, this could be caused by not properly "
                "configuring the IterableDataset replica at each worker. Please see "
                "https://pytorch.org/docs/stable/data.html#torch.utils.data.IterableDataset for "
                "examples."
            )
        warnings.warn(text, stacklevel=3)


class SingleProcessIterator(LoaderIterator):
    """Fetches each batch when it is asked for."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        super().__init__(loader)
        if loader.timeout != 0:
            raise AssertionError("_SingleProcessDataLoaderIter requires timeout == 0")
        self._fetcher = make_fetcher(
            loader.dataset, loader._iterable, loader._auto_collation, loader.collate_fn,
            loader.drop_last, whole_batches=True,
        )  # fmt: skip

    def _next_data(self) -> Any:
        return self._fetcher.fetch(next(self._sampler_iter))
