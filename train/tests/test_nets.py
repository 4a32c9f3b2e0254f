"""The exact rewrites of the forecasters against the forms in the papers: FFTs, sampled keys, complex numbers."""

import math

import pytest
import torch

from train import nets
from train.nets.autoformer import AutoCorrelation
from train.nets.fedformer import FourierAttention, FourierBlock
from train.nets.informer import Prob
from train.nets.layers import CircularConv, Decomposition
from train.nets.spectrum import complex_tanh, forward_matrix, inverse_matrix

SIZES = dict(w=24, label=12, horizon=8, d=16, h=2, d_ff=16)


def sizes(**others):
    return nets.Sizes(3, **{**SIZES, **others})


@pytest.mark.parametrize("n", [8, 9, 144])
def test_matrices_are_the_fourier_transform(n):
    x, f = torch.randn(4, n), n // 2 + 1
    spectrum = torch.fft.rfft(x)
    y = x @ forward_matrix(n, torch.arange(f))
    assert torch.allclose(y, torch.cat([spectrum.real, spectrum.imag], 1), atol=1e-4)
    assert torch.allclose(y @ inverse_matrix(n, torch.arange(f)), x, atol=1e-5)


def test_complex_tanh():
    a, b = torch.randn(1000) * 3, torch.randn(1000) * 3
    re, im = complex_tanh(a, b)
    expected = torch.tanh(torch.complex(a.double(), b.double()))
    small = expected.abs() < 50
    # In float32 the angle 2b itself is rounded, which counts more the nearer a pole is.
    bound = 1e-5 * (1 + expected.abs() ** 2)
    assert ((re - expected.real).abs() < bound)[small].all()
    assert ((im - expected.imag).abs() < bound)[small].all()
    re, im = complex_tanh(torch.tensor([500.0, -500.0, 0.0]), torch.tensor([3.0, 1e3, math.pi / 2]))
    assert torch.isfinite(torch.cat([re, im])).all()
    assert re[:2].tolist() == [1.0, -1.0]


@pytest.mark.parametrize("queries, keys", [(12, 12), (12, 8), (8, 12)])
def test_autocorrelation(queries, keys):
    torch.manual_seed(0)
    block = AutoCorrelation(sizes(), queries, keys)
    q, k, v = torch.randn(2, queries, 16), torch.randn(2, keys, 16), torch.randn(2, keys, 16)
    y = block(q, k, v)
    pad = max(0, queries - keys)
    k, v = (torch.nn.functional.pad(x, (0, 0, 0, pad))[:, :queries] for x in (k, v))
    spectrum = torch.fft.rfft(q, dim=1) * torch.fft.rfft(k, dim=1).conj()
    mean = torch.fft.irfft(spectrum, n=queries, dim=1).mean(dim=2)
    for b in range(2):
        weights, delays = mean[b].topk(int(3 * math.log(queries)))
        expected = sum(
            torch.roll(v[b], -int(d), 0) * w for d, w in zip(delays, torch.softmax(weights, 0))
        )
        assert torch.allclose(y[b], expected, atol=1e-5)


def test_fourier_block():
    torch.manual_seed(0)
    block = FourierBlock(sizes(modes=5), 24)
    block.weight.data *= 1e3
    chosen = modes_of(block.dft, 24)
    q = torch.randn(2, 24, 16)
    spectrum = torch.fft.rfft(q, dim=1).view(2, 13, 2, 8)
    weight = torch.view_as_complex(block.weight.detach())
    out = torch.zeros(2, 13, 2, 8, dtype=torch.cfloat)
    for i, mode in enumerate(chosen):
        out[:, i] = torch.einsum("bhe,heo->bho", spectrum[:, mode], weight[i])
    expected = torch.fft.irfft(out, n=24, dim=1).reshape(2, 24, 16)
    assert torch.allclose(block(q), expected, atol=1e-4)


def test_fourier_attention():
    torch.manual_seed(0)
    s = sizes(modes=5)
    block = FourierAttention(s)
    block.weight.data *= 1e4
    mq, mk = modes_of(block.dft_q, s.decoded), modes_of(block.dft_k, s.w)
    q, k = torch.randn(2, s.decoded, 16) * 0.1, torch.randn(2, s.w, 16) * 0.1
    fq = torch.fft.rfft(q, dim=1)[:, mq].view(2, 5, 2, 8)
    fk = torch.fft.rfft(k, dim=1)[:, mk].view(2, 5, 2, 8)
    attention = torch.tanh(torch.einsum("bxhe,byhe->bhxy", fq, fk))
    mixed = torch.einsum("bhxy,byhe->bxhe", attention, fk)
    weighted = torch.einsum("bxhe,xheo->bxho", mixed, torch.view_as_complex(block.weight.detach()))
    out = torch.zeros(2, s.decoded // 2 + 1, 2, 8, dtype=torch.cfloat)
    out[:, mq] = weighted
    expected = torch.fft.irfft(out, n=s.decoded, dim=1).reshape(2, s.decoded, 16) / 256
    assert torch.allclose(block(q, k), expected, atol=1e-5, rtol=1e-3)


def modes_of(matrix, n):
    """The modes that a forward matrix (2 f, n) was made for, from its second column."""
    f = matrix.shape[0] // 2
    angle = torch.atan2(-matrix[f:, 1], matrix[:f, 1]) % (2 * math.pi)
    return (angle * n / (2 * math.pi)).round().long().tolist()


@pytest.mark.parametrize("causal", [False, True])
def test_prob_attention(causal):
    torch.manual_seed(0)
    block = Prob(sizes(), 20, 20, causal).eval()
    q, k, v = (torch.randn(1, 2, 20, 4) for _ in range(3))
    y = block(q, k, v)
    for head in range(2):
        scores = q[0, head] @ k[0, head].t()
        standing = torch.zeros(20)
        for i in range(20):
            sample = [j for j in range(20) for _ in range(int(block.counts[i, j]))]
            standing[i] = scores[i, sample].max() - scores[i, sample].sum() / 20
        top = set(standing.topk(block.u).indices.tolist())
        for i in range(20):
            seen = v[0, head][: i + 1] if causal else v[0, head]
            expected = seen.sum(0) if causal else seen.mean(0)
            if i in top:
                row = scores[i][: i + 1] if causal else scores[i]
                expected = torch.softmax(row / 2, 0) @ seen
            assert torch.allclose(y[0, head, i], expected, atol=1e-5)


def test_circular_convolution_and_moving_average():
    conv = CircularConv(3, 5)
    x = torch.randn(2, 7, 3)
    circular = torch.nn.Conv1d(3, 5, 3, padding=1, padding_mode="circular", bias=False)
    circular.weight = conv.conv.weight
    assert torch.allclose(conv(x), circular(x.transpose(1, 2)).transpose(1, 2), atol=1e-6)
    season, trend = Decomposition(5)(x)
    assert torch.allclose(season + trend, x, atol=1e-6)
    assert torch.allclose(trend[:, 0], (3 * x[:, 0] + x[:, 1] + x[:, 2]) / 5, atol=1e-6)
    assert torch.allclose(trend[:, 3], x[:, 1:6].mean(1), atol=1e-6)


@pytest.mark.parametrize("name", nets.MODELS)
def test_models(name):
    """Shapes, finite gradients for every parameter, and the same results from one sample as from a batch."""
    torch.manual_seed(0)
    s = sizes()
    model = nets.build(name, s)
    inputs = (torch.randn(3, 24, 3), torch.rand(3, 24, 4) - 0.5, torch.rand(3, 20, 4) - 0.5)
    y = model(*inputs)
    assert y.shape == (3, 8, 3)
    y.square().mean().backward()
    for path, p in model.named_parameters():
        assert p.grad is not None and torch.isfinite(p.grad).all(), path
    model.eval()
    y = model(*inputs)
    one = model(*(x[1:2] for x in inputs))
    assert torch.allclose(y[1:2], one, atol=1e-5)


def test_nstransformer_follows_the_level_of_its_window():
    torch.manual_seed(0)
    model = nets.build("nstransformer", sizes()).eval()
    x, xm, ym = torch.randn(1, 24, 3), torch.zeros(1, 24, 4), torch.zeros(1, 20, 4)
    flat = model(torch.full_like(x, 7.0), xm, ym)
    # A constant series has deviation sqrt(1e-5): the forecast stays near it.
    assert torch.allclose(flat, torch.full_like(flat, 7.0), atol=0.05)


@pytest.mark.parametrize(
    "name, parameters",
    [
        ("transformer", 10_540_039),
        ("informer", 11_328_007),
        ("autoformer", 10_535_943),
        ("nstransformer", 10_589_895),
        # Published: 16,303,111 with each complex number counted once, and seven projections that nothing reads.
        ("fedformer", 16_303_111 + 5_767_168 - 7 * (512 * 512 + 512)),
        ("dlinear", 18_624),
    ],
)
def test_parameters_at_full_size_are_the_papers(name, parameters):
    model = nets.build(name, nets.Sizes(7))
    assert sum(p.numel() for p in model.parameters()) == parameters
