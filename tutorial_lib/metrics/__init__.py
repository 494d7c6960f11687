"""Metrics of structures, predictions and samples, and the baselines beside which they are read.

`symmetry` measures invariance and equivariance, `motif_statistics` and `two_sample` compare sets of motifs, `network`
measures a whole cell (coordination, angles, rings, g(r), S(q)), `energy` is the Stillinger-Weber energy of an atom or a
cell, `matrices` are errors of Hamiltonians, and `baselines` are PCA and the nearest training motif.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    None,
    {
        "baselines": ["gram_error", "PrincipalComponents", "nearest_training", "nearest_motif_rmsd"],
        "energy": [
            "StillingerWeber",
            "central_energy",
            "cluster_energy",
            "dihedral_angles",
            "energy_above_crystal",
            "minimised",
        ],
        "glass": ["compare_cells"],
        "matrices": ["MILLI_EV", "MatrixErrors", "orbitals", "matrix_errors"],
        "silica": ["SilicaQuality", "compare_silica", "silica_quality", "silica_rings"],
        "species": ["compare_glasses", "partial_distributions"],
        "motif_statistics": [
            "MAX_RADIUS",
            "MIN_DISTANCE",
            "centre_distances",
            "pair_distances",
            "bond_angles",
            "validity",
            "wasserstein",
            "descriptor",
            "coverage",
            "novelty",
            "Comparison",
            "compare",
        ],
        "network": [
            "BOND_CUTOFF",
            "SHELL_CUTOFF",
            "NetworkQuality",
            "network_quality",
            "radial_distribution",
            "rings_per_atom",
            "strongest_wave",
            "structure_factor",
        ],
        "symmetry": ["Transformation", "equivariance_error", "invariance_error", "Ledger", "symmetry_ledger"],
        "two_sample": ["TwoSample", "Memory", "statistics", "two_sample_auc", "memory", "mean_miss"],
    },
)
