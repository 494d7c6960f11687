"""The extra exercise of notebook 10: the middles of clusters that share points."""

import torch
from torch import Generator, Tensor

from tutorial_lib.exercises.grader import Answer, Verdict, Wrong, close, judge, recognise

HINTS = {
    "10.s sum": "A larger cluster does not lie farther out. By what is a sum divided?",
    "10.s all": "How many members has each cluster? Not as many as there are points.",
    "10.s last": "A cluster has several members. What becomes of those that were written first?",
    "10.s pairs": "Whose place is it: which of the two lists points into the cloud?",
    "10.s once": "A shared corner belongs to two clusters, wholly to both of them.",
    "10.s other": "Two clusters on a line: points 0, 1 and 5, the one in the middle shared. Where are they?",
}
RIGHT = "each cluster stands in the middle of its members, and a shared point counts in all of them."


def check_10_s(answer: object) -> Verdict:
    """The verdict on `centres(x, point, cluster, n)`: (n, 3), angstrom, from x (p, 3) and memberships (m,) and (m,).

    Args:
        answer: the function.

    Returns:
        Open, right, or what is wrong.
    """
    return judge("10.s", answer, _finds_middles, RIGHT)


def _finds_middles(answer: Answer, generator: Generator) -> None:
    for n_points, n in ((9, 3), (12, 5), (6, 2)):
        x = 2 * torch.randn(n_points, 3, generator=generator, dtype=torch.float64)
        point = torch.cat(
            [torch.randperm(n_points, generator=generator), torch.randperm(n_points, generator=generator)[: 2 * n]]
        )
        cluster = torch.cat([torch.arange(n_points) % n, (torch.arange(2 * n) + 1) % n])
        pair = torch.unique(torch.stack([point, cluster]), dim=1)
        point, cluster = pair[:, torch.randperm(pair.shape[1], generator=generator)]
        sums = x.new_zeros(n, 3).index_add(0, cluster, x[point])
        sizes = torch.bincount(cluster, minlength=n)[:, None]
        found = answer(x, point, cluster, n, shape=(n, 3)).detach()
        if close(found, sums / sizes):
            continue
        last = torch.stack([x[point[cluster == k][-1]] for k in range(n)])
        first = torch.tensor([bool((point[:i] != p).all()) for i, p in enumerate(point)])
        final = torch.tensor([bool((point[i + 1 :] != p).all()) for i, p in enumerate(point)])
        part = 1 / torch.bincount(point)[point].to(x)
        shared = "a shared point counts in one of its clusters only."
        mistakes = [
            ("10.s sum", sums, "members are added up."),
            ("10.s all", sums / n_points, "each cluster is divided by the number of all points."),
            ("10.s all", sums / len(point), "each cluster is divided by the number of all memberships."),
            ("10.s last", last, "of each cluster only the last member is left."),
            ("10.s once", _weighed(x, point, cluster, n, first.to(x)), shared),
            ("10.s once", _weighed(x, point, cluster, n, final.to(x)), shared),
            ("10.s once", _weighed(x, point, cluster, n, part), "a shared point counts for less than others."),
            ("10.s pairs", x.new_zeros(n, 3).index_add(0, cluster, x[cluster]) / sizes, "it takes places by cluster."),
        ]
        recognise(found, mistakes, HINTS)
        raise Wrong("the middles are elsewhere.", HINTS["10.s other"])


def _weighed(x: Tensor, point: Tensor, cluster: Tensor, n: int, weight: Tensor) -> Tensor:
    sums = x.new_zeros(n, 3).index_add(0, cluster, weight[:, None] * x[point])
    sizes = x.new_zeros(n).index_add(0, cluster, weight)
    return sums / torch.where(sizes > 0, sizes, 1)[:, None]
