"""What all tests share: data in general position, one real cell, and how notebooks are compared."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import matplotlib
import pytest
import torch
from chromium import CHROMIUM, OPTIONS

from tutorial_lib import datasets, representations

matplotlib.use("agg")
collect_ignore = ["no_network"]  # no tests; and Debian's Python has a module of that name already


@pytest.fixture(scope="module")
def browser():
    """A Chromium without a window."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.fixture
def clouds(generator):
    """Sixteen clouds of eight points, angstrom, float64, without any symmetry."""
    return 2 * torch.randn(16, 8, 3, generator=generator, dtype=torch.float64)


@pytest.fixture(scope="session")
def cell():
    return datasets.load_amorphous("validation")[0]


@pytest.fixture(scope="session")
def motifs_of_cell(cell):
    return representations.nearest_neighbours(cell).positions
