"""Images: torchvision's place. `transforms`, `datasets`, `utils`, under torchvision's names."""

from . import datasets, transforms, utils

__all__ = ["datasets", "transforms", "utils"]
