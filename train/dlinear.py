"""DLinear (arXiv 2205.13504): a linear forecast of trend and season each."""

import torch
from torch import nn


class DLinear(nn.Module):
    """Forecasts every channel: (batch, w, m) -> (batch, horizon, m).

    The trend is a moving average over kernel steps, the season what remains;
    both linear layers work along time and are shared by all channels.
    """

    inputs = ("x_enc",)

    def __init__(self, w=96, horizon=24, kernel=25):
        super().__init__()
        self.edge = (kernel - 1) // 2
        self.average = nn.AvgPool1d(kernel, stride=1)
        self.seasonal, self.trend = nn.Linear(w, horizon), nn.Linear(w, horizon)
        for linear in (self.seasonal, self.trend):
            # The paper starts both from the plain mean of the window.
            nn.init.constant_(linear.weight, 1 / w)

    def forward(self, x, *calendar):
        # The edge steps are repeated so that the average keeps the length w.
        first, last = x[:, :1].repeat(1, self.edge, 1), x[:, -1:].repeat(1, self.edge, 1)
        padded = torch.cat([first, x, last], dim=1)
        trend = self.average(padded.permute(0, 2, 1))  # (batch, m, w)
        season = x.permute(0, 2, 1) - trend
        return (self.seasonal(season) + self.trend(trend)).permute(0, 2, 1)
