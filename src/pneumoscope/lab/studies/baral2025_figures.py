"""What Baral 2025 and its authors' notebooks report of their networks, read from one file."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from pneumoscope.lab.datasets import Scheme
from pneumoscope.lab.studies.folds import spread
from pneumoscope.metrics import rates_of_confusion

RESOURCE = "published/baral2025.yaml"
REPOSITORY = "https://github.com/sulav1995/Pneumonia-Diagnosis-with-ML-and-Fuzzy"
# What every page that shows the notebooks' figures says of them.
NOTEBOOKS_SOURCE = (
    "Source: the authors' public repository of Baral 2025, archive `VAlidation files.7z`: twelve "
    "executed notebooks, one per backbone and scheme. One of the sixty folds printed no test "
    "accuracy. Test figures are of the best epoch, whose weights were restored; the validation "
    "figures, which Table 8 averages, are of the **last** epoch, and so of other weights."
)
NOTEBOOKS_HEADER = (
    "backbone",
    "scheme",
    "extra convolution",
    "backbone trained",
    "epochs at most",
    "test accuracy of each fold",
    "test accuracy",
    "test loss",
    "validation accuracy, last epoch",
    "validation loss, last epoch",
)


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Images(_Section):
    """Images of a fold, Table 3: all, those of the fixed test set, and of the two other parts."""

    total: int
    test: int
    train: int
    stop: int


class Bootstrap(_Section):
    """The bootstrap: its draws, and the least and the most images that train and stop."""

    draws: int
    train: tuple[int, int]
    stop: tuple[int, int]


class Validation(_Section):
    """Accuracy, 0..1, and cross-entropy on the images that stop the training."""

    accuracy: float = Field(ge=0, le=1)
    loss: float = Field(ge=0)


class Headline(_Section):
    """The fold that the publication quotes.

    Attributes
    ----------
    backbone : int
    scheme : str
    fold : int
        From 1.
    validation : Validation
        Of the epoch `validation_epoch`, from 1, the best.
    averages : mapping of str to tuple of float
        Quoted precision, recall and F1, 0..1, by kind of average.
    confusion : mapping of str to mapping of str to int
        Images by true class, then by the class that they were called.
    """

    backbone: int
    scheme: Scheme
    fold: int
    validation: Validation
    validation_epoch: int
    averages: dict[str, tuple[float, float, float]]
    confusion: dict[str, dict[str, int]]

    def counts(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """The confusion matrix, shape (classes, classes), in this order; rows are the truth."""
        rows = [[self.confusion[true][called] for called in classes] for true in classes]
        return np.array(rows, dtype=np.float64)

    def rates(self, classes: Sequence[str]) -> NDArray[np.float64]:
        """What follows from it, shape (classes + 3, 4); see `rates_of_confusion`."""
        counts = self.counts(classes)
        return rates_of_confusion(counts, counts.sum(axis=1) > 0)


class Notebook(_Section):
    """One executed notebook: a backbone by a scheme, five folds.

    Attributes
    ----------
    backbone : {121, 169, 201}
    scheme : str
    extra_convolution, frozen : bool
        Whether a convolution stands before the capsules; whether the backbone stayed as it was.
    max_epochs : int
    test_accuracy : tuple of float
        0..1, of each fold that was printed, in their order.
    test_loss : float
        Mean over the folds.
    last_validation : Validation or None
        Mean over the folds of their last epochs; None where not printed.
    plot_noise : float
        Standard deviation of the noise added to the probabilities that were plotted.
    """

    backbone: Literal[121, 169, 201]
    scheme: Scheme
    extra_convolution: bool
    frozen: bool
    max_epochs: int
    test_accuracy: tuple[float, ...]
    test_loss: float
    last_validation: Validation | None
    plot_noise: float


class Published(_Section):
    """All of ``published/baral2025.yaml``."""

    images: Images
    bootstrap: Bootstrap
    headline: Headline
    notebooks: tuple[Notebook, ...]

    def notebook(self, backbone: int, scheme: str) -> Notebook:
        """The one of a backbone and a scheme."""
        (found,) = (n for n in self.notebooks if (n.backbone, n.scheme) == (backbone, scheme))
        return found

    def folds(self, backbone: int, scheme: str) -> tuple[float, ...]:
        """Test accuracies of a notebook's folds, 0..1, exact.

        The printed digits tell how many of the test images were called right.
        """
        printed, test = self.notebook(backbone, scheme).test_accuracy, self.images.test
        return tuple(round(accuracy * test) / test for accuracy in printed)

    @property
    def headline_folds(self) -> tuple[float, ...]:
        """Those of the notebook whose fold is quoted."""
        return self.folds(self.headline.backbone, self.headline.scheme)

    @property
    def quoted(self) -> float:
        """Test accuracy of the fold that is quoted."""
        return self.headline_folds[self.headline.fold - 1]

    def row(self, notebook: Notebook) -> list[str]:
        """One line under `NOTEBOOKS_HEADER`."""
        folds = self.folds(notebook.backbone, notebook.scheme)
        validation = notebook.last_validation
        return [
            f"DenseNet-{notebook.backbone}",
            notebook.scheme,
            "yes" if notebook.extra_convolution else "no",
            "no" if notebook.frozen else "yes",
            str(notebook.max_epochs),
            ", ".join(f"{value:.4f}" for value in folds),
            spread(folds),
            f"{notebook.test_loss:.4f}",
            f"{validation.accuracy:.4f}" if validation else "-",
            f"{validation.loss:.4f}" if validation else "-",
        ]


@cache
def published() -> Published:
    """Read the published figures."""
    text = files("pneumoscope.lab.studies").joinpath(RESOURCE).read_text("utf-8")
    return Published.model_validate(yaml.safe_load(text))
