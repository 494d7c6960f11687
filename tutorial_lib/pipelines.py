"""Notebooks 02 and 03 in six steps: cells, neighbours, Gram matrices, a model, samples, metrics.

Copy the body and change a line of it; every call is of a public function, and the notebooks say why it is there. With
another number n of neighbours the network is `VariationalAutoencoder(n_features=n * (n + 1) // 2)`.
"""

from collections.abc import Iterable

import torch
from ase import Atoms

from tutorial_lib import metrics, representations, training
from tutorial_lib.models import vae
from tutorial_lib.shapes import Motifs
from tutorial_lib.training import recipes

N_FITTED = 150  # motifs are enough for a template


def motifs_like(
    cells: Atoms | Iterable,
    held_out: Atoms | Iterable | None = None,
    *,
    n_samples: int = 1024,
    seed: int = 0,
    recipe: training.Recipe | None = None,
    progress: bool = True,
) -> tuple[Motifs, metrics.Comparison]:
    """New motifs like those of cells, drawn from a variational autoencoder of Gram matrices, and how they compare.

    Eight neighbours within 4 angstrom make a motif. They are compared with those of the cells `held_out`, and without
    any with those that the model has learnt from, which flatters it. What counts as valid is for silicon.
    """
    # 1. Neighbours: what is around each atom.
    known = representations.nearest_neighbours(cells, n_neighbours=8, cutoff=4.0).positions
    unseen = (
        known
        if held_out is None
        else representations.nearest_neighbours(held_out, n_neighbours=8, cutoff=4.0).positions
    )
    # 2. One order of atoms for all motifs: that of the template which lies nearest to all.
    template = representations.Template.fit(known[:: -(-len(known) // N_FITTED)], seed=seed)
    # 3. Gram matrices, which do not turn, as features of unit variance.
    gram = representations.gram_matrix(template.canonical(known))
    standardiser = representations.Standardiser.fit(gram)
    # 4. A variational autoencoder learns them.
    model = vae.VariationalAutoencoder(seed=seed)
    loss = vae.evidence_loss(beta=recipes.GRAM_VAE_BETA, reduction="sum", permute=False)
    training.train(model, standardiser.features(gram), loss, recipe or recipes.gram_vae(seed), progress=progress)
    # 5. Samples, and back: features to a Gram matrix, to the nearest one of rank 3, to positions.
    drawn = standardiser.gram(model.cpu().sample(n_samples, torch.Generator().manual_seed(seed)))
    nearest, _ = representations.nearest_rank3(drawn)
    invented = representations.positions_from_gram(nearest)
    # 6. Beside real motifs of cells that the model has not seen.
    return invented, metrics.compare(invented, unseen, known, seed=seed)
