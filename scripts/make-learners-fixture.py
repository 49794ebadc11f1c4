#!/usr/bin/env python3
"""Makes crates/chain/tests/fixture/learners.json: what NumPy, SciPy and scikit-learn say of the solvable learners.

    pip install numpy scipy scikit-learn
    python3 scripts/make-learners-fixture.py

Forty points in the plane from two overlapping clouds; kernel densities by both rules, a two-component mixture run to its
maximum, least squares, and distances of two Gaussians in three dimensions. Numbers only; takes seconds.
"""

import json
import pathlib

import numpy as np
from scipy.linalg import sqrtm
from scipy.stats import gaussian_kde
from sklearn.mixture import GaussianMixture

rng = np.random.default_rng(5)
points = np.concatenate([rng.normal(size=(25, 2)) @ [[1.0, 0.6], [0.0, 0.7]], rng.normal(size=(15, 2)) * 0.8 + [2.5, 1.0]])
places = np.array([[0.0, 0.0], [2.5, 1.0], [-1.0, 2.0], [6.0, -4.0]])

floor = 1e-6 * points.var(axis=0).mean()
fits = [
    GaussianMixture(2, reg_covar=floor, tol=1e-13, max_iter=100_000, random_state=seed).fit(points) for seed in range(10)
]
mixture = max(fits, key=lambda fit: fit.score(points))

x, y = points[:20], points[20:, 0]
coefficients, *_ = np.linalg.lstsq(x, y, rcond=None)

factors = rng.normal(size=(2, 3, 3))
covariances = [factor @ factor.T for factor in factors]
gap = np.array([0.5, -1.0, 0.25])
one, two = covariances
root = sqrtm(sqrtm(two) @ one @ sqrtm(two)).real
wasserstein = gap @ gap + np.trace(one) + np.trace(two) - 2 * np.trace(root)
inverse = np.linalg.inv(one)
divergence = 0.5 * (np.trace(inverse @ two) + gap @ inverse @ gap - 3 + np.log(np.linalg.det(one) / np.linalg.det(two)))

fixture = {
    "points": points.tolist(),
    "places": places.tolist(),
    "kernel": {rule: gaussian_kde(points.T, rule).logpdf(places.T).tolist() for rule in ["scott", "silverman"]},
    "mixture": {
        "weights": mixture.weights_.tolist(),
        "means": mixture.means_.tolist(),
        "covariances": mixture.covariances_.tolist(),
        "log_densities": mixture.score_samples(places).tolist(),
    },
    "coefficients": coefficients.tolist(),
    "gaussians": {
        "covariances": [c.tolist() for c in covariances],
        "gap": gap.tolist(),
        "squared_wasserstein": wasserstein,
        "divergence": divergence,
    },
}
path = pathlib.Path(__file__).parent.parent / "crates/chain/tests/fixture/learners.json"
path.parent.mkdir(exist_ok=True)
path.write_text(json.dumps(fixture, indent=1) + "\n")
print(f"{path}: {path.stat().st_size} bytes; mixture {mixture.n_iter_} turns, scores {sorted(f.score(points) for f in fits)}")
