"""Notebooks 02 and 03 in six calls: cells, neighbours, Gram matrices, a model, samples, metrics.

Copy the body and change a line of it: each is one public function, and the notebooks say why it is there.
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
    real = representations.nearest_neighbours(cells, n_neighbours=8, cutoff=4.0).positions
    unseen = (
        real if held_out is None else representations.nearest_neighbours(held_out, n_neighbours=8, cutoff=4.0).positions
    )
    template = representations.Template.fit(real[:: -(-len(real) // N_FITTED)], seed=seed)
    gram = representations.gram_matrix(template.canonical(real))
    standardiser = representations.Standardiser.fit(gram)
    model = vae.VariationalAutoencoder(seed=seed)
    loss = vae.evidence_loss(beta=recipes.GRAM_VAE_BETA, reduction="sum", permute=False)
    training.train(model, standardiser.features(gram), loss, recipe or recipes.gram_vae(seed), progress=progress)
    drawn = standardiser.gram(model.cpu().sample(n_samples, torch.Generator().manual_seed(seed)))
    nearest, _ = representations.nearest_rank3(drawn)
    invented = representations.positions_from_gram(nearest)
    return invented, metrics.compare(invented, unseen, real, seed=seed)
