#!/usr/bin/env python3
"""Makes crates/evaluation/tests/fixtures/metrics.json: what other software says of texts that the test makes again.

    pip install nltk scipy numpy lexical-diversity "textstat==0.7.3" "setuptools<80" rapidfuzz powerlaw
    python3 scripts/make-metrics-fixture.py

(Later versions of textstat fetch a dictionary.) From the project's root; takes seconds. The file holds numbers only. The texts come from a generator that is
written out here and in crates/evaluation/tests/others.rs: change both or neither.
"""

import json
import math
import sys
from collections import Counter
from importlib.metadata import version

import numpy as np
import powerlaw
import textstat
from lexical_diversity import lex_div
from nltk.translate.bleu_score import SmoothingFunction, sentence_bleu
from nltk.util import ngrams
from rapidfuzz.distance import Levenshtein
from scipy.optimize import brentq
from scipy.spatial.distance import jensenshannon
from scipy.special import zeta
from scipy.stats import entropy

PLAIN = "the cat sat on a red mat and then it ran to his barn for milk bread fish".split()


class Generator:
    """Knuth's MMIX: x <- 6364136223846793005 x + 1442695040888963407 mod 2^64; a draw is the upper 31 bits."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n

    def documents(self, count):
        """Document i has 20 + 7i mod 60 words; a word is the product of three draws, so that small numbers are frequent."""
        word = lambda: f"w{self.below(40) * self.below(40) * self.below(40) // 16}"
        return [[word() for _ in range(20 + 7 * i % 60)] for i in range(count)]

    def sentences(self, count):
        """Words of one syllable, as every program counts them; each sentence has 4 to 12."""
        words = lambda: " ".join(PLAIN[self.below(len(PLAIN))] for _ in range(4 + self.below(9)))
        return " ".join(words().capitalize() + "." for _ in range(count))


def grams(documents, n):
    return Counter(gram for document in documents for gram in ngrams(document, n))


def self_bleu(documents):
    starts, smoothing = [document[:64] for document in documents], SmoothingFunction().method1
    scores = [
        sentence_bleu(starts[:i] + starts[i + 1 :], start, smoothing_function=smoothing)
        for i, start in enumerate(starts)
    ]
    return math.fsum(scores) / len(scores)


def divergence(ours, theirs, n):
    a, b = grams(ours, n), grams(theirs, n)
    kinds = sorted(a.keys() | b.keys())
    return jensenshannon([a[kind] for kind in kinds], [b[kind] for kind in kinds], base=2) ** 2


def zipf(documents):
    """Exponent of the frequency by rank and its error; the `powerlaw` package must agree with the exponent of the counts."""
    counts = np.array(sorted(grams(documents, 1).values()))
    mean = np.log(counts).mean()
    slope = lambda g, h=1e-4: (math.log(zeta(g + h)) - math.log(zeta(g - h))) / (2 * h)
    exponent = brentq(lambda g: slope(g) + mean, 1.05, 10, xtol=1e-12)
    fit = powerlaw.Fit(counts, discrete=True, xmin=1, estimate_discrete=False, verbose=False)
    assert abs(fit.power_law.alpha - exponent) < 1e-3, (fit.power_law.alpha, exponent)
    curvature = (slope(exponent + 1e-3) - slope(exponent - 1e-3)) / 2e-3
    error = 1 / math.sqrt(curvature * len(counts))
    return 1 / (exponent - 1), error / (exponent - 1) ** 2


def main():
    human, twin, ours = (Generator(seed).documents(60) for seed in (1, 2, 3))
    words = [word for document in ours for word in document]
    values = {"words": len(words), "self-bleu": self_bleu(ours), "mattr": lex_div.mattr(words, window_length=500)}
    for n in range(1, 5):
        counts = grams(ours, n)
        values[f"distinct/equal/{n}"] = len(counts) / sum(counts.values())
        values["unigram-entropy" if n == 1 else f"entropy/equal/{n}"] = entropy(list(counts.values()))
        values[f"jensen-shannon/equal/{n}"] = divergence(ours, human, n)
        values[f"jensen-shannon/human/equal/{n}"] = divergence(twin, human, n)
    values["zipf-exponent/equal"], values["zipf-error/equal"] = zipf(ours)
    for percent in (10, 50, 90):
        lengths = [len(document) for document in ours]
        values[f"length-quantile/words/{percent}"] = float(np.quantile(lengths, percent / 100))
    pairs = [Generator(100 + i).documents(2 + 5 * i)[-2:] for i in range(20)]
    distances = [Levenshtein.normalized_distance(a[:64], b[:64]) for a, b in pairs]
    textstat.set_rounding(False)
    text = Generator(4).sentences(100)
    made = {
        "made-by": "scripts/make-metrics-fixture.py",
        "versions": {name: version(name) for name in ("nltk", "scipy", "lexical-diversity", "textstat", "RapidFuzz", "powerlaw")},
        "values": values,
        "edit-distances": distances,
        "reading-ease": textstat.flesch_reading_ease(text),
    }
    with open("crates/evaluation/tests/fixtures/metrics.json", "w") as file:
        json.dump(made, file, indent=1)
        file.write("\n")


if __name__ == "__main__":
    sys.exit(main())
