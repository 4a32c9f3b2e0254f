"""The forward pass of a sparse binary transformer in numpy, from the paper's text."""

import numpy as np


def forward(a, p, x):
    """x (w, m) -> (m,) or (classes,), in float64."""
    x = _linear(x, p.embedding) * np.sqrt(a.d) + p.pe
    for layer in p.layers:
        x = _norm(a, layer.norm1, x + _attention(a, p, layer, x))
        hidden = np.maximum(_linear(x, layer.w1), 0)
        x = _norm(a, layer.norm2, x + _linear(hidden, layer.w2))
    y = _linear(np.maximum(x, 0), p.decoder)
    if a.task != "classification":
        return y[-1]
    logits = y.mean(axis=0)
    return logits - np.log(np.exp(logits).sum())


def _linear(x, layer):
    y = x @ layer.weight
    return y if layer.bias is None else y + layer.bias


def _attention(a, p, layer, x):
    projected = {name: _linear(x, getattr(layer, name)) for name in "qkv"}
    if p.zeros is not None:
        for name, y in projected.items():
            y.reshape(-1)[p.zeros[name]] = 0
    y = np.zeros((a.w, a.d))
    for head in range(a.h):
        part = slice(head * a.d // a.h, (head + 1) * a.d // a.h)
        q, k, v = (projected[name][:, part] for name in "qkv")
        for t in range(a.w):
            keys = list(range(a.w))
            if a.step_t:
                keys = [t] if t < a.w - 1 else keys[:-1]
            scores = np.exp(k[keys] @ q[t] / np.sqrt(a.d // a.h))
            y[t, part] = scores / scores.sum() @ v[keys]
    return _linear(y, layer.out_proj)


def _norm(a, norm, x):
    if a.norm == "batch":
        return (x - norm.mean) / np.sqrt(norm.var + 1e-5) * norm.gamma + norm.beta
    if a.norm == "window":
        x = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
        return x * norm.gamma[:, None] + norm.beta[:, None]
    return x
