#!/usr/bin/env python3
"""Makes crates/curation/tests/fixture/logistic.json: what scikit-learn says of logistic regressions.

    pip install numpy scikit-learn
    python3 scripts/make-logistic-fixture.py

Overlapping and separable classes of unequal size, a strong and a weak penalty, classes balanced: the rows, the labels,
and the coefficients and intercept at the minimum. The Rust test holds the crate's own fit to them. Takes seconds.
"""

import json
import pathlib

import numpy
from sklearn.linear_model import LogisticRegression

random = numpy.random.default_rng(7)
cases = []
for count, columns, shift, l2 in [(30, 4, 0.7, 1.0), (40, 3, 0.3, 0.01), (24, 30, 0.5, 0.5), (20, 2, 4.0, 1.0)]:
    labels = numpy.arange(count) % 3 == 0
    rows = numpy.round(random.normal(size=(count, columns)) + shift * labels[:, None], 2)
    fit = LogisticRegression(C=1.0 / l2, class_weight="balanced", solver="newton-cholesky", tol=1e-12, max_iter=1000)
    fit.fit(rows, labels)
    cases.append({
        "l2": l2,
        "rows": rows.tolist(),
        "labels": labels.tolist(),
        "weights": [round(float(x), 9) for x in fit.coef_[0]],
        "intercept": round(float(fit.intercept_[0]), 9),
    })

path = pathlib.Path(__file__).parent.parent / "crates/curation/tests/fixture/logistic.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")
