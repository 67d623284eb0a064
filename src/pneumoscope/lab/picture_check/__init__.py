"""The picture check: its pictures and what is done to them, its training, what it is worth."""

from pneumoscope.lab.picture_check.run import PictureCheckResult, train_picture_check

__all__ = ["PictureCheckResult", "train_picture_check"]
