"""Handwritten digits, as scikit-learn brings them: the name of a split comes in, images and labels go out."""

import torch
from sklearn.datasets import load_digits
from torch import Tensor

from tutorial_lib.shapes import check_one_of

N_TRAINING_DIGITS = 1347  # three quarters, and not shuffled: neighbours in the file are often of one hand


def load(split: str) -> tuple[Tensor, Tensor]:
    """Handwritten digits of 8 by 8 pixels (N, 8, 8), ink between 0 and 1, and which digit each is (N,).

    The set that ships with scikit-learn (E. Alpaydin, C. Kaynak, UCI repository, 1998), in "train" and "test". It is
    not shuffled before it is split, because neighbours in the file are often of one hand.
    """
    parts = {"train": slice(None, N_TRAINING_DIGITS), "test": slice(N_TRAINING_DIGITS, None)}
    check_one_of(parts, split=split)
    stored = load_digits()
    images = torch.tensor(stored.images[parts[split]], dtype=torch.get_default_dtype())
    return images / 16, torch.tensor(stored.target[parts[split]])
