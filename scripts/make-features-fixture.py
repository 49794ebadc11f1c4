#!/usr/bin/env python3
"""Makes crates/evaluation/tests/fixture/features.json: what other people's code says of numbers that both sides generate.

    pip install mauve-text faiss-cpu vendi_score scikit-learn numpy scipy
    python3 scripts/make-features-fixture.py

mauve-text's divergence curve on given distributions, and all of it on clusters far apart, where every clustering finds the
same; vendi_score's own on features wider and narrower than they are many; scikit-learn's calibration_curve; SciPy's
paired t test. The numbers come from a 64-bit linear congruential generator (Knuth's MMIX): state = state *
6364136223846793005 + 1442695040888963407 from a given seed, each number being the state's upper 53 bits / 2^53 after a step.
Takes seconds.
"""

import json
import pathlib

import numpy as np
import scipy
import scipy.sparse

# vendi_score 0.0.3 asks for a module path that newer SciPy has removed.
if not hasattr(scipy.sparse, "csr"):
    scipy.sparse.csr = scipy.sparse
from mauve.compute_mauve import compute_mauve, get_divergence_curve_for_multinomials  # noqa: E402
from scipy.stats import ttest_rel  # noqa: E402
from sklearn.calibration import calibration_curve  # noqa: E402
from sklearn.metrics import auc  # noqa: E402
from vendi_score.vendi import score_dual, score_X  # noqa: E402


def lcg(seed, n):
    state, numbers = seed, []
    for _ in range(n):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        numbers.append((state >> 11) / 2**53)
    return np.array(numbers)


def area(p, q, scaling):
    curve = get_divergence_curve_for_multinomials(p, q, np.linspace(1e-6, 1 - 1e-6, 25), scaling)
    x, y = curve.T
    by_x, by_y = np.argsort(x), np.argsort(y)
    return 0.5 * (auc(x[by_x], y[by_x]) + auc(y[by_y], x[by_y]))


def distributions(seed, k):
    """Two distributions of which every fifth share is zero, at different places."""
    numbers = lcg(seed, 2 * k)
    p, q = numbers[:k] ** 3, numbers[k:] ** 3
    p[::5] = 0.0
    q[2::5] = 0.0
    return p / p.sum(), q / q.sum()


def blobs(seed, n, width, k, skew):
    """Documents around k of `width` axes; document i is of the cluster that the first of its numbers says."""
    numbers = lcg(seed, n * (width + 1)).reshape(n, width + 1)
    cluster = np.minimum((numbers[:, 0] ** skew * k).astype(int), k - 1)
    rows = (0.05 * (numbers[:, 1:] - 0.5)).astype(np.float32)
    rows[np.arange(n), cluster] += np.float32(1.0)
    return rows


fixture = {"areas": [], "mauve": [], "vendi": [], "calibration": [], "paired": []}

for seed, k, scaling in [(1, 10, 5.0), (2, 100, 5.0), (3, 100, 1.0)]:
    p, q = distributions(seed, k)
    fixture["areas"].append({"seed": seed, "k": k, "scaling": scaling, "value": area(p, q, scaling)})

for seeds, n, width, k, skews in [((11, 12), 300, 12, 8, (1.0, 2.0)), ((13, 14), 500, 20, 10, (1.0, 1.0))]:
    human, other = (blobs(s, n, width, k, skew) for s, skew in zip(seeds, skews))
    out = compute_mauve(p_features=human, q_features=other, num_buckets=k, seed=3, verbose=False)
    assert (np.minimum(out.p_hist, out.q_hist) > 0).all(), "a cluster was divided"
    fixture["mauve"].append({"seeds": seeds, "n": n, "width": width, "k": k, "skews": skews, "value": float(out.mauve)})

for seed, n, width in [(21, 60, 8), (22, 10, 32), (23, 200, 64)]:
    rows = (lcg(seed, n * width).reshape(n, width) - 0.3).astype(np.float32).astype(np.float64)
    value = float(score_dual(rows) if width <= n else score_X(rows))
    fixture["vendi"].append({"seed": seed, "n": n, "width": width, "value": value})

for seed, n in [(31, 50), (32, 2000)]:
    numbers = lcg(seed, 2 * n).reshape(n, 2)
    confidence, correct = numbers[:, 0] ** 0.5, numbers[:, 1] < numbers[:, 0]
    case = {"seed": seed, "n": n}
    for ours, theirs in [("equal_width", "uniform"), ("equal_mass", "quantile")]:
        right, said = calibration_curve(correct, confidence, n_bins=15, strategy=theirs)
        edges = np.linspace(0, 1, 16) if theirs == "uniform" else np.percentile(confidence, np.linspace(0, 1, 16) * 100)
        count = np.bincount(np.searchsorted(edges[1:-1], confidence), minlength=15)
        count = count[count > 0]
        error = float((count * np.abs(right - said)).sum() / n)
        case[ours] = {"count": count.tolist(), "accuracy": right.tolist(), "confidence": said.tolist(), "error": error}
    fixture["calibration"].append(case)

for seed, n in [(41, 2), (42, 5), (43, 10)]:
    numbers = lcg(seed, 2 * n).reshape(n, 2)
    first, second = numbers[:, 0] + 0.2, numbers[:, 1]
    test = ttest_rel(first, second)
    low, high = test.confidence_interval(0.95)
    above = ttest_rel(first, second, alternative="greater").pvalue
    fixture["paired"].append(
        {"seed": seed, "n": n, "p": test.pvalue, "above": above, "low": float(low), "high": float(high)}
    )

path = pathlib.Path(__file__).resolve().parent.parent / "crates/evaluation/tests/fixture/features.json"
path.write_text(json.dumps(fixture, indent=1, default=float) + "\n")
print(path.stat().st_size, "bytes")
