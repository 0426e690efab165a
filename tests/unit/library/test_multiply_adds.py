"""PVC at full size costs what its paper says: the static video is computed once below time."""

import pytest

from benchmarks.tower import TERA, internvl2_8b, pvc_8b, whole_model


def test_four_looks_cost_six_percent_of_the_whole_model() -> None:
    base, pvc = whole_model(internvl2_8b(), 1, 1), whole_model(pvc_8b(), 4, 1)
    assert base / TERA == pytest.approx(13.3, abs=0.05)  # table 4 of the paper
    assert pvc / TERA == pytest.approx(14.1, abs=0.05)
    assert whole_model(pvc_8b(), 4, 4) / base > 1.09  # copies: 10 %
