"""A plain training loop, shared by all models."""

import torch


def fit(model, x, y, loss_of, epochs, batch, lr, after_step=None):
    """Trains model on x -> y with Adam, gradients clipped to norm 4 as in the paper.

    after_step(step, steps), where given, runs after every optimiser step.
    """
    x, y = torch.as_tensor(x), torch.as_tensor(y)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    steps, step = epochs * -(-len(x) // batch), 0
    model.train()
    for _ in range(epochs):
        for index in torch.randperm(len(x)).split(batch):
            optimizer.zero_grad()
            loss_of(model(x[index]), y[index]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 4.0)
            optimizer.step()
            step += 1
            if after_step:
                after_step(step, steps)
    return model.eval()


def predict(model, x, batch=256):
    """The model's outputs for all of x, without gradients."""
    with torch.no_grad():
        return torch.cat([model(part) for part in torch.as_tensor(x).split(batch)])
