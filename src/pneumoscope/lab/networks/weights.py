"""ImageNet weights: fetched from PyTorch's server or torch hub's cache, or refused in one line."""

from __future__ import annotations

import http.client
import importlib
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor, nn

SERVER = "https://download.pytorch.org/models/"
# ImageNet's own terms allow research only, which not everyone takes to bind weights.
SOURCE = "random; pretrained: ImageNet-1k (torchvision, BSD-3-Clause; images for research)"
# Without an answer for so long the server counts as out of reach. torch itself would wait forever.
TIMEOUT_S = 20.0

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Adaptation = Callable[[dict[str, Tensor]], Mapping[str, Tensor]]


class ImageNetScale(nn.Module):
    """Bring images from 0..1 to the scale that ImageNet weights were trained on.

    Inside the network, so that every bundle's input is 0..1.

    Parameters
    ----------
    mean, deviation : three floats
        Per channel; what torchvision states for nearly all of its weights.
    """

    def __init__(
        self,
        mean: tuple[float, float, float] = MEAN,
        deviation: tuple[float, float, float] = DEVIATION,
    ) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        # Constants: a checkpoint does not hold them.
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(3, 1, 1), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Images (n, 3, rows, columns) with values 0..1, scaled."""
        return (images - self.mean) / self.deviation


def load_imagenet(backbone: nn.Module, file: str, adapt: Adaptation) -> None:
    """Fill a backbone with ImageNet weights.

    Parameters
    ----------
    backbone : nn.Module
        Every one of its weights must be in the file.
    file : str
        Name on PyTorch's server and in torch hub's cache, with the start of its SHA-256.
    adapt : callable
        From the file's weights to the backbone's.

    Raises
    ------
    ValueError
        The file can neither be found nor fetched, or holds something else. The message says what
        to do.
    """
    place = Path(torch.hub.get_dir()) / "checkpoints" / file
    if not place.is_file():
        _fetch(file, place)
    try:
        stored = torch.load(place, map_location="cpu", weights_only=True)
        backbone.load_state_dict(adapt(dict(stored)))
    except Exception:
        # Whatever a wrong file makes torch or `adapt` say, the way out is the same.
        raise ValueError(
            f"{place} does not hold the weights that are expected; delete it, or set "
            "pretrained: false"
        ) from None


def load_packaged(backbone: nn.Module, package: str, finder: str, adapt: Adaptation) -> None:
    """Fill a backbone with ImageNet weights that a Python package carries.

    Parameters
    ----------
    backbone : nn.Module
        Every one of its weights must be in the file.
    package, finder : str
        The package, and its class whose `get_model_file_path` names the file.
    adapt : callable
        From the file's weights to the backbone's.

    Raises
    ------
    ValueError
        The package is not installed, or holds something else. The message says what to do.
    """
    try:
        place = getattr(importlib.import_module(package), finder).get_model_file_path()
    except ImportError:
        raise ValueError(
            f"ImageNet weights are in the package {package.replace('_', '-')}, which is not "
            "installed; install it, or set pretrained: false"
        ) from None
    try:
        stored = torch.load(place, map_location="cpu", weights_only=True)
        backbone.load_state_dict(adapt(dict(stored)))
    except Exception:
        raise ValueError(
            f"{place} does not hold the weights that are expected; install the package again, or "
            "set pretrained: false"
        ) from None


def _fetch(file: str, place: Path) -> None:
    # "resnet152-394f9c45.pth": torch compares the checksum's start.
    prefix = place.stem.rpartition("-")[2]
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _timeout(TIMEOUT_S):
            torch.hub.download_url_to_file(SERVER + file, str(place), prefix, progress=False)
    except (OSError, http.client.HTTPException, RuntimeError) as error:
        reason = " ".join(str(getattr(error, "reason", error)).split()) or type(error).__name__
        raise ValueError(
            f"ImageNet weights could not be fetched from {SERVER}{file} ({reason}); set "
            f"pretrained: false, or put the file into {place.parent}"
        ) from None


@contextmanager
def _timeout(seconds: float) -> Iterator[None]:
    """Limit every wait for the network in this process: torch hub takes no limit of its own."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
