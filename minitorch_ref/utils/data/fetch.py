"""Fetching: from a task of the sampler to a batch, in the loader's process or in a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .collate import default_collate


class MapFetcher:
    """Samples by index."""

    def __init__(self, dataset: Any, auto_collation: bool, collate_fn: Callable[..., Any]) -> None:
        self.dataset = dataset
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn

    def fetch(self, index: Any) -> Any:
        """The batch of the samples that `index` lists (or the sample it names)."""
        dataset = self.dataset
        if not self.auto_collation:
            return self.collate_fn(dataset[index])
        if getattr(dataset, "__getitems__", None):
            return self.collate_fn(dataset.__getitems__(index))
        return self.collate_fn([dataset[i] for i in index])


class WholeBatchFetcher(MapFetcher):
    """Asks the dataset for the collated batch first (see `dataset.py`)."""

    def fetch(self, index: Any) -> Any:
        batch = self.dataset._collated_batch(index)
        return super().fetch(index) if batch is None else batch


class IterableFetcher:
    """Samples from a stream; raises StopIteration at its end."""

    def __init__(
        self, dataset: Any, auto_collation: bool, collate_fn: Callable[..., Any], drop_last: bool
    ) -> None:
        self.samples = iter(dataset)
        self.auto_collation = auto_collation
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.ended = False

    def fetch(self, index: Any) -> Any:
        """The next sample, or the batch of as many as `index` has entries."""
        if self.ended:
            raise StopIteration
        if not self.auto_collation:
            return self.collate_fn(next(self.samples))
        batch = []
        for _ in index:
            try:
                batch.append(next(self.samples))
            except StopIteration:
                self.ended = True
                break
        if not batch or (self.drop_last and len(batch) < len(index)):
            raise StopIteration
        return self.collate_fn(batch)


def make_fetcher(
    dataset: Any,
    iterable: bool,
    auto_collation: bool,
    collate_fn: Callable[..., Any],
    drop_last: bool,
    whole_batches: bool = False,
) -> Any:
    """The fetcher for a loader's settings; whole_batches where `_collated_batch` may be used."""
    if iterable:
        return IterableFetcher(dataset, auto_collation, collate_fn, drop_last)
    default = auto_collation and collate_fn is default_collate
    if whole_batches and default and hasattr(dataset, "_collated_batch"):
        return WholeBatchFetcher(dataset, auto_collation, collate_fn)
    return MapFetcher(dataset, auto_collation, collate_fn)
