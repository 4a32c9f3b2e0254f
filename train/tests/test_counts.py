"""The paper's counts, against those that its own rules gave for its published settings."""

import pytest

from train.counts import paper_flops

VOWELS = ("classification", 12, 29, 32, 2, 256, 2, 9)
SMD = ("anomaly", 38, 200, 76, 2, 256, 2, 38)
ETT = ("forecast", 7, 200, 64, 2, 256, 2, 7)


@pytest.mark.parametrize(
    "sizes, k, p_a, expected",
    [
        (VOWELS, None, None, 326_532),
        (VOWELS, 0.5, 0.5, 156_148),
        (SMD, None, None, 19_513_552),
        (SMD, 0.25, None, 1_863_484),
        (ETT, None, None, 15_530_624),
        (ETT, 0.5, None, 2_610_656),
    ],
)
def test_counts(sizes, k, p_a, expected):
    assert paper_flops(*sizes, k, p_a) == expected
