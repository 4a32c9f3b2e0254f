"""docs/models.md is what train.report writes, plots included."""

import xml.dom.minidom

import numpy as np

from train import plots, report


def test_the_page_is_current(tmp_path):
    docs = report.ROOT / "docs"
    assert (docs / "models.md").read_text() == report.page("small", tmp_path), "run python -m train.report"
    for file in tmp_path.iterdir():
        assert file.read_text() == (docs / "models" / file.name).read_text(), file.name
        xml.dom.minidom.parse(str(file))


def test_a_matrix_is_drawn_cell_by_cell():
    svg = plots.cells("t", [("m", np.array([[1.0, 1.0, 0.0], [0.0, 0.5, np.nan]]))], cell=10)
    # One rectangle for the two dark cells, one each for the middle and the missing one, the frame and the page.
    assert svg.count("<rect") == 5
    assert 'width="20" height="10"' in svg and "#cccccc" in svg
