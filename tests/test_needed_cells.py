import pytest
from needed_cells import needed_cells

SOURCES = [
    "import torch",  # 0
    "x = torch.ones(3)",  # 1
    "unused = x + 1",  # 2
    "def double(y):\n    return 2 * y",  # 3
    "x[0] = 5",  # 4
    "x.add_(1)",  # 5
    "model = net(x)",  # 6
    "history = training.train(model, x)",  # 7
    "print(double(x))",  # 8
    "print(model)",  # 9
    "x = torch.zeros(3)",  # 10
    "print(x)",  # 11
]


@pytest.mark.parametrize(
    ("wanted", "needed"),
    [
        ([2], [0, 1, 2]),
        ([8], [0, 1, 3, 4, 5, 8]),
        ([9], [0, 1, 4, 5, 6, 7, 9]),
        ([11], [0, 10, 11]),
        ([], []),
    ],
    ids=["what it reads", "functions and changes in place", "training", "the last binding counts", "nothing"],
)
def test_the_cells_that_a_cell_needs(wanted, needed):
    assert needed_cells(SOURCES, wanted) == needed
