"""Missing atoms: the known part of a cloud comes in, candidates for the rest go out, best first.

`holes` masks atoms and measures answers; `ranking` clusters and ranks the samples of any model. `library` retrieves
clouds that contain the known part, `latent` searches the latent space of an autoencoder, also by the objective of Uhrin
and Paulish, `flow_completion` samples a flow, and `baselines` are random positions, a rule of bonds, an energy,
templates and a linear Gaussian model. Models are handed in; `places` is a network that was made for this question.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "baselines": [
            "EnergyMinima",
            "FourthBond",
            "LinearGaussian",
            "RandomPlaces",
            "Retrieval",
            "TemplateCompletion",
        ],
        "holes": ["apart", "by_cell", "closest", "restored_error", "shell_places", "taken_out"],
        "latent": ["LatentCompletion", "TalkCompletion", "from_products"],
        "library": ["Library"],
        "ranking": ["Completer", "Completions", "Draws", "energy_score", "inpaint"],
    },
)
