"""Files, splits and scores."""

import numpy as np
import pytest
import torch

from train import scores, sources, tasks
from train.data import Scaler
from train.parts import Horizons, LastSteps, spread


def write(path, header, rows):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return str(path)


def series(path, n=60, extra=()):
    rows = [
        [f"2020-01-{1 + i // 24:02d} {i % 24:02d}:00:00", i, np.sin(i), *(e[i] for e in extra)] for i in range(n)
    ]
    return write(path, "date,a,b" + (",label" if extra else ""), rows)


def test_channels_calendar_and_missing_values(tmp_path):
    rows = [["2020-01-01 00:00:00", 1, 5], ["2020-12-31 23:00:00", -9999, 6]]
    s = sources.open_series(write(tmp_path / "x.csv", "date,a,b", rows))
    assert s.channels == ["a", "b"]
    assert s.steps.tolist() == [[1, 5], [1, 6]]
    # Hour, weekday (a Wednesday and a Thursday), day of the month and day of a leap year.
    assert np.allclose(s.marks, [[-0.5, 2 / 6 - 0.5, -0.5, -0.5], [0.5, 3 / 6 - 0.5, 0.5, 0.5]])


@pytest.mark.parametrize(
    "text, told",
    [("a,b\n1,x\n", "needs a number"), ("a,b\n1,nan\n", "row 2"), ("a,b\n", "no rows"), ("date,a\nsoon,1\n", "write it as")],
)
def test_bad_files_are_told(tmp_path, text, told):
    (tmp_path / "x.csv").write_text(text)
    with pytest.raises(SystemExit, match=told):
        sources.open_series(str(tmp_path / "x.csv"))


def test_splits(tmp_path):
    assert sources.borders("ETTh1", 17420) == (8640, 11520, 14400)
    assert sources.borders("exchange", 7588) == (5311, 6071, 7588)
    data = tasks.horizon(series(tmp_path / "x.csv"), None, window=6, label=3, ahead=2)
    # 42 steps train, 6 validate, 12 test; targets lie in their part, windows may reach back.
    assert [len(p) for p in (data.train, data.val, data.test)] == [42 - 7, 6 - 1, 12 - 1]
    (x, mark, decoded), y = data.test.batch(torch.tensor([0]))
    assert (x.shape, mark.shape, decoded.shape, y.shape) == ((1, 6, 2), (1, 6, 4), (1, 5, 4), (1, 2, 2))
    raw = y[0, :, 0].numpy() * data.scaler.std[0] + data.scaler.mean[0]
    assert np.allclose(raw, [48, 49], atol=1e-4)
    assert np.isclose(data.scaler.mean[0], 20.5)


def test_hidden_step(tmp_path):
    data = tasks.forecast(series(tmp_path / "x.csv"), None, window=6)
    (x,), y = data.test.batch(torch.tensor([0, 1]))
    assert (x[:, -1] == 0).all()
    assert np.allclose(y[:, 0].numpy() * data.scaler.std[0] + data.scaler.mean[0], [48, 49], atol=1e-4)
    assert np.allclose(x[1, -2].numpy(), y[0].numpy())


def test_anomaly_of_ones_own(tmp_path):
    label = [int(30 <= i < 33) for i in range(60)]
    data = tasks.anomaly(series(tmp_path / "a.csv"), None, 5, series(tmp_path / "b.csv", extra=[label]))
    assert len(data.train) + 4 == 54 and len(data.val) == 6
    assert len(data.anomalous) == len(data.test) == 56
    assert np.flatnonzero(data.anomalous).tolist() == [26, 27, 28]
    with pytest.raises(SystemExit, match="column label"):
        tasks.anomaly(series(tmp_path / "a.csv"), None, 5, series(tmp_path / "a.csv"))


def test_classification_of_ones_own(tmp_path):
    rows = [[f"c{i}", "up" if i % 2 else "down", t * (1 if i % 2 else -1)] for i in range(20) for t in range(3 + i % 3)]
    data = tasks.classification(write(tmp_path / "c.csv", "case,label,x", rows), None)
    assert data.classes == ["down", "up"] and data.channels == ["x"]
    assert [len(p) for p in (data.train, data.val, data.test)] == [14, 2, 4]
    x, present = data.train.inputs
    assert x.shape == (14, 5, 1) and (x[present == 0] == 0).all()
    assert set(data.val.labels.tolist()) == {0, 1}


def test_held_out_is_of_each_class():
    held = tasks.held_out(["a"] * 10 + ["b"] * 5 + ["c"], 0.2, 0)
    assert (held[:10].sum(), held[10:15].sum(), held[15]) == (2, 1, False)


def test_scaler_leaves_still_channels():
    scaler = Scaler.fit(np.array([[1.0, 1e-4, 7.0], [3.0, 3e-4, 7.0]]))
    assert np.allclose(scaler(np.array([[2.0, 2e-4, 7.0]])), 0)
    assert np.allclose(scaler.std, [1.0, 1e-4, 1.0])


def test_spread_is_even_and_fixed():
    part = spread(LastSteps(torch.zeros(109, 2), 10, False), 4)
    assert part.starts.tolist() == [0, 33, 66, 99]
    whole = Horizons(torch.zeros(20, 2), torch.zeros(20, 4), 4, 2, 3)
    assert spread(whole, 100) is whole


def test_f1_and_point_adjustment():
    anomalous = np.array([0, 1, 1, 1, 0, 0, 1, 1], bool)
    alarms = np.array([0, 0, 1, 0, 1, 0, 0, 0], bool)
    assert scores.f1(alarms, anomalous) == pytest.approx(2 * 1 / (2 + 5))
    assert scores.adjusted(alarms, anomalous).tolist() == [0, 1, 1, 1, 1, 0, 0, 0]
    assert scores.f1(scores.adjusted(alarms, anomalous), anomalous) == pytest.approx(2 * 3 / (4 + 5))
    found = scores.anomalies(np.arange(10.0), [np.zeros(90)], np.arange(10) >= 8, 0.98)
    assert found["f1"] == pytest.approx(1.0)


def test_errors():
    assert scores.mse(np.array([1.0, 3.0]), np.array([0.0, 0.0])) == 5
    assert scores.mae(np.array([1.0, -3.0]), np.array([0.0, 0.0])) == 2
    assert scores.accuracy(np.eye(3), [0, 1, 1]) == pytest.approx(2 / 3)
