"""A transformer forecaster built from PyTorch's own encoder layers."""

from torch import nn

from train.sbt import sinusoid


class Forecaster(nn.Module):
    """Forecasts the last channel: (batch, w, m) -> (batch, horizon).

    head "flatten" reads all w steps of the encoder's output, "last" only the
    last one.
    """

    def __init__(
        self, m=7, w=96, horizon=24, d_model=64, nhead=4, d_ff=256, n_layers=2, head="flatten"
    ):
        super().__init__()
        self.embedding = nn.Linear(m, d_model)
        self.register_buffer("pe", sinusoid(w, d_model))
        # Sequence-first: batch-first layers take a fused path in eval mode
        # (_transformer_encoder_layer_fwd) that the exporters cannot write.
        layer = nn.TransformerEncoderLayer(d_model, nhead, d_ff, dropout=0.0, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, n_layers, enable_nested_tensor=False)
        # nn.TransformerEncoder copies one layer, weights included.
        for parameter in self.encoder.parameters():
            if parameter.dim() > 1:
                nn.init.xavier_uniform_(parameter)
        self.flatten = head == "flatten"
        self.head = nn.Linear(w * d_model if self.flatten else d_model, horizon)

    def forward(self, x):
        x = self.embedding(x).transpose(0, 1) + self.pe
        x = self.encoder(x).transpose(0, 1)  # (batch, w, d_model)
        return self.head(x.flatten(1) if self.flatten else x[:, -1])
