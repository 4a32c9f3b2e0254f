"""Plots as SVG text, without a plotting library: lines over time, and matrices as cells."""

from __future__ import annotations

import numpy as np

COLOURS = ("#1b6ca8", "#c8553d", "#3a7d44", "#7b4b94")
FONT = 'font-family="sans-serif" font-size="11"'


def lines(title, panels, width=720, height=220) -> str:
    """Panels side by side; a panel is (label of y, {name: (x, y)}), with x in epochs."""
    each, parts = width // len(panels), []
    names = list(dict.fromkeys(name for _, series in panels for name in series))
    colours = {name: COLOURS[i % len(COLOURS)] for i, name in enumerate(names)}
    for i, (label, series) in enumerate(panels):
        parts.append(f'<g transform="translate({i * each},0)">{_panel(label, series, each, height, colours)}</g>')
    return _svg(title, width, height, "".join(parts))


def _panel(label, series, width, height, colours):
    left, right, top, bottom = 46, 8, 34, 30
    xs, ys = (np.concatenate([np.asarray(s[j], float) for s in series.values()]) for j in (0, 1))
    x0, x1, y0, y1 = xs.min(), max(xs.max(), xs.min() + 1e-9), ys.min(), ys.max()
    y1 = y1 if y1 > y0 else y0 + 1

    def at(x, y):
        return (
            left + (width - left - right) * (x - x0) / (x1 - x0),
            height - bottom - (height - top - bottom) * (y - y0) / (y1 - y0),
        )

    out = [f'<text x="{left}" y="28" {FONT}>{_text(label)}</text>']
    for v in np.linspace(y0, y1, 4):
        y = at(x0, v)[1]
        out.append(f'<line x1="{left}" x2="{width - right}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 4}" y="{y + 4:.1f}" text-anchor="end" {FONT}>{v:.3g}</text>')
    for v in (x0, x1):
        out.append(f'<text x="{at(v, y0)[0]:.1f}" y="{height - 14}" text-anchor="middle" {FONT}>{v:.3g}</text>')
    out.append(f'<text x="{width / 2}" y="{height - 14}" text-anchor="middle" {FONT}>epoch</text>')
    for i, (name, (x, y)) in enumerate(series.items()):
        points = " ".join("{:.1f},{:.1f}".format(*at(a, b)) for a, b in zip(x, y))
        colour = colours[name]
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.6"/>')
        out.append(f'<text x="{width - right}" y="{top + 10 + 13 * i}" text-anchor="end" fill="{colour}" {FONT}>{_text(name)}</text>')
    return "".join(out)


def cells(title, matrices, cell=6, gap=24) -> str:
    """Matrices side by side, (name, values in [0, 1]): 0 is white, 1 is dark; NaN is grey."""
    x, out, height = 10, [], 0
    for name, matrix in matrices:
        rows, columns = matrix.shape
        out.append(f'<text x="{x}" y="34" {FONT}>{_text(name)}</text>')
        for i in range(rows):
            j = 0
            while j < columns:  # one rectangle for each run of equal cells
                k = j
                while k < columns and _shade(matrix[i, k]) == _shade(matrix[i, j]):
                    k += 1
                shade = _shade(matrix[i, j])
                if shade != "#ffffff":
                    out.append(f'<rect x="{x + j * cell}" y="{40 + i * cell}" width="{(k - j) * cell}" height="{cell}" fill="{shade}"/>')
                j = k
        out.append(f'<rect x="{x}" y="40" width="{columns * cell}" height="{rows * cell}" fill="none" stroke="#888"/>')
        x += max(columns * cell, 6 * len(name)) + gap
        height = max(height, 50 + rows * cell)
    return _svg(title, x, height, "".join(out))


def _shade(v):
    if v != v:
        return "#cccccc"
    light = 255 - int(round(8 * min(max(float(v), 0.0), 1.0))) * 25
    return "#ffffff" if light == 255 else f"#{light - 25:02x}{light:02x}{light + 20:02x}"


def _svg(title, width, height, body):
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<rect width="{width}" height="{height}" fill="white"/><text x="10" y="15" {FONT} font-weight="bold">{_text(title)}</text>{body}</svg>\n'
    )


def _text(s):
    return s.replace("&", "&amp;").replace("<", "&lt;")
