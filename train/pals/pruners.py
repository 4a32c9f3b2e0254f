"""What changes the masks while a model trains: PALS, GraNet and gradual magnitude pruning."""

from __future__ import annotations

from train.loop import NoPruner
from train.pals.masks import Masks
from train.pals.rule import Best, State, cosine, cubic, decide, pruning_epochs, to_regrow, to_remove


class Pruner(NoPruner):
    """Keeps masked weights at 0; subclasses change the masks every `every` steps while pruning lasts.

    log gets a row for each change.
    """

    def __init__(self, model, per_epoch, epochs, every, log=None):
        self.masks, self.every, self.log = Masks(model), every, [] if log is None else log
        self.steps = per_epoch * epochs
        self.last = per_epoch * pruning_epochs(epochs)

    def due(self, step):
        return (step + 1) % self.every == 0 and step + 1 <= self.last

    def after(self, step):
        self.masks.apply()
        if self.due(step):
            self.update(step)
            self.masks.apply()
            row = self.log[-1] if self.log and self.log[-1]["step"] == step + 1 else {"step": step + 1}
            if row not in self.log:
                self.log.append(row)
            row["sparsity"] = round(self.masks.sparsity(), 6)

    def update(self, step):
        """Changes the masks."""

    def sparsity(self):
        return self.masks.sparsity()

    def state_dict(self):
        return {"masks": self.masks.state()}

    def load_state_dict(self, state):
        self.masks.load(state["masks"])


class Pals(Pruner):
    """PALS: each update shrinks, expands or keeps the network by what the validation loss says (train.pals.rule)."""

    def __init__(self, model, per_epoch, epochs, every, log=None, freedom=1.1, gamma=1.1, least=0.2, most=0.9):
        super().__init__(model, per_epoch, epochs, every, log)
        self.freedom, self.gamma, self.bounds = freedom, gamma, (least, most)
        self.best, self.decision = Best(), State.STABLE

    def before(self, step, loss_of_val):
        if not self.due(step):
            return
        loss = loss_of_val()
        self.decision, self.best = decide(loss, self.sparsity(), self.best, self.freedom, *self.bounds)
        self.log.append({"step": step + 1, "val_loss": loss, "state": self.decision.value})

    def update(self, step):
        zeta = cosine(step + 1, self.steps)
        for i, nonzero in enumerate(self.masks.nonzero()):
            removed = self.masks.drop(i, to_remove(self.decision, zeta, self.gamma, nonzero))
            self.masks.grow(i, to_regrow(self.decision, self.gamma, removed))

    def state_dict(self):
        return {**super().state_dict(), "best": (self.best.loss, self.best.sparsity)}

    def load_state_dict(self, state):
        super().load_state_dict(state)
        self.best = Best(*state["best"])


class Magnitude(Pruner):
    """Gradual magnitude pruning: each layer to its largest weights, on a cubic schedule to a final sparsity."""

    def __init__(self, model, per_epoch, epochs, every, log=None, final=0.8):
        super().__init__(model, per_epoch, epochs, every, log)
        self.final = final

    def target(self, step):
        # The last update is on or before self.last; it has to reach the final sparsity.
        end = self.last - self.last % self.every
        return cubic(step + 1, 0, max(end, 1), self.final)

    def update(self, step):
        for i in range(len(self.masks.masks)):
            self.masks.keep_largest(i, 1 - self.target(step))


class GraNet(Magnitude):
    """GraNet (arXiv 2106.10404): as Magnitude, then a share zeta of what is left makes place for weights of large gradient."""

    def update(self, step):
        super().update(step)
        zeta = cosine(step + 1, self.steps)
        for i, nonzero in enumerate(self.masks.nonzero()):
            self.masks.grow(i, self.masks.drop(i, int(zeta * nonzero)))
