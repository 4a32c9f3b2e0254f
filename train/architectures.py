"""The models that the SBT paper (arXiv 2308.04637) evaluates, with seeded random weights."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np

from train.weights import Weights, dropped


@dataclass(frozen=True)
class Architecture:
    """One model: m channels, w steps, d features, h heads, ff hidden, L layers.

    k is the density of the ternary weights, p_a that of the masks on Q, K and V
    (classification). dense: the float twin, with full attention and biases
    everywhere. gamma: "masked" zeroes half of the window norms' gammas (forecast).
    """

    name: str
    task: str  # classification, anomaly or forecast
    m: int
    w: int
    d: int
    k: float
    h: int = 2
    ff: int = 256
    L: int = 2
    classes: int | None = None
    p_a: float | None = None
    dense: bool = False
    gamma: str = "masked"

    @property
    def norm(self):
        """"batch" over channels, "window" over time steps, or None (section 1)."""
        if self.task == "classification":
            return "batch"
        return "window" if self.dense or self.task == "forecast" else None

    @property
    def step_t(self):
        return self.task != "classification" and not self.dense

    @property
    def input_output(self):
        """The names of the graph's input and output."""
        return {
            "anomaly": ("window", "reconstruction"),
            "forecast": ("window", "forecast"),
            "classification": ("series", "log_probabilities"),
        }[self.task]

    def metadata(self):
        """ONNX metadata; keys that do not apply are absent."""
        values = {key: getattr(self, key) for key in ("task", "m", "w", "d", "h", "ff", "L")}
        values["classes"] = self.classes
        if not self.dense:
            values.update(k=self.k, p_a=self.p_a)
        return {f"sbt.{key}": str(value) for key, value in values.items() if value is not None}


def _classifier(name, m, w, d, classes, k, **sizes):
    return Architecture(name, "classification", m, w, d, k, classes=classes, p_a=0.5, **sizes)


ARCHITECTURES = {
    a.name: a
    for a in [
        _classifier("spokenarabicdigits-k90", 13, 93, 64, 10, 0.9),
        _classifier("spokenarabicdigits-k50", 13, 93, 64, 10, 0.5),
        _classifier("facedetection", 144, 62, 128, 2, 0.5),
        _classifier("heartbeat-k90", 61, 405, 64, 2, 0.9),
        _classifier("heartbeat-k50", 61, 405, 64, 2, 0.5),
        _classifier("insectwingbeat-d256", 200, 30, 256, 10, 0.5, h=8, L=3),
        _classifier("insectwingbeat-d512", 200, 30, 512, 10, 0.5, h=8, L=3),
        _classifier("japanesevowels", 12, 29, 32, 9, 0.5),
        Architecture("smd", "anomaly", 38, 200, 76, 0.25),
        Architecture("msl", "anomaly", 55, 50, 110, 0.25),
        Architecture("smap", "anomaly", 25, 50, 50, 0.25),
        Architecture("ecl-d350", "forecast", 321, 200, 350, 0.5),
        Architecture("ecl-d512", "forecast", 321, 200, 512, 0.5),
        Architecture("wth", "forecast", 12, 200, 100, 0.5),
        Architecture("ettm1", "forecast", 7, 200, 64, 0.5),
    ]
}


def parameters(a, seed):
    """All constants of the model, the same however its graph is spelled.

    embedding (m, d), decoder (d, m or classes); pe (w, d); layers, each with q,
    k, v, out_proj (d, d), w1 (d, ff), w2 (ff, d), norm1 and norm2; step_t (w, w)
    or None; zeros, the flat indices into (w, d) that the masks on q, k and v
    clear, or None. In SBT only q, k, v and out_proj have biases.
    """
    weights = Weights(seed, 1.0, "float") if a.dense else Weights(seed, a.k)
    random = weights.random

    def layer():
        return SimpleNamespace(
            **{name: weights.linear(a.d, a.d, bias=True) for name in ("q", "k", "v", "out_proj")},
            w1=weights.linear(a.d, a.ff, a.dense),
            w2=weights.linear(a.ff, a.d, a.dense),
            norm1=_norm(a, random),
            norm2=_norm(a, random),
        )

    p = SimpleNamespace(
        embedding=weights.linear(a.m, a.d, a.dense),
        pe=sinusoid(a.w, a.d),
        layers=[layer() for _ in range(a.L)],
        decoder=weights.linear(a.d, a.classes or a.m, a.dense),
        step_t=step_t_mask(a.w) if a.step_t else None,
        zeros=None,
    )
    if a.task == "classification":
        if a.dense:  # a learned encoding, of which w rows are used
            p.pe = random.uniform(-0.02, 0.02, (a.w, a.d))
        else:
            n = a.w * a.d
            p.zeros = {part: random.permutation(n)[: dropped(a.p_a, n)] for part in "qkv"}
    if a.task == "forecast" and not a.dense and a.gamma == "masked":
        for layer in p.layers:
            for norm in (layer.norm1, layer.norm2):
                # With a masked last gamma the last row would forget its input.
                norm.gamma[random.permutation(a.w - 1)[: a.w // 2]] = 0
    return p


def _norm(a, random):
    if a.norm is None:
        return None
    size = a.d if a.norm == "batch" else a.w
    norm = SimpleNamespace(
        gamma=random.uniform(0.5, 1.5, size), beta=random.uniform(-0.2, 0.2, size)
    )
    if a.norm == "batch":
        norm.mean, norm.var = random.uniform(-0.5, 0.5, size), random.uniform(0.5, 1.5, size)
    return norm


def step_t_mask(w):
    """The Step-T mask (w, w), section 3: past steps see themselves, the last all past ones.

    The last step does not see itself. A 1 alone in its row has no effect.
    """
    mask = np.full((w, w), -np.inf, np.float32)
    np.fill_diagonal(mask, 1)
    mask[-1, :-1], mask[-1, -1] = 0, -np.inf
    return mask


def sinusoid(w, d):
    """Sinusoidal positional encoding (w, d): sine on even channels, cosine on odd."""
    angle = np.arange(w)[:, None] * 10000.0 ** (-np.arange(0, d, 2) / d)
    pe = np.zeros((w, d))
    pe[:, 0::2], pe[:, 1::2] = np.sin(angle), np.cos(angle)
    return pe
