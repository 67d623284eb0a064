"""What a run says of its data: how long it waited for them, and which it could not read."""

import csv
import json
import time

import pytest

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

import lightning
import torch

from pneumoscope.errors import DataError
from pneumoscope.lab.datasets import PrefetchingLoader
from pneumoscope.lab.training import train
from pneumoscope.lab.training.data_wait import DataWait

pytestmark = pytest.mark.lab


class Sleepy(lightning.LightningModule, torch.utils.data.Dataset):
    """A data set and a step that take the seconds they are told to."""

    def __init__(self, item_seconds, step_seconds):
        super().__init__()
        self.item_seconds, self.step_seconds = item_seconds, step_seconds
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def __len__(self):
        return 10

    def __getitem__(self, item):
        time.sleep(self.item_seconds)
        return (torch.zeros(1),) * 4

    def training_step(self, batch, _):
        time.sleep(self.step_seconds)
        return (self.weight - batch[0]).square().sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


def share(tmp_path, item_seconds, step_seconds):
    sleepy = Sleepy(item_seconds, step_seconds)
    trainer = lightning.Trainer(
        max_epochs=1,
        callbacks=[DataWait()],
        logger=False,
        accelerator="cpu",
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=tmp_path,
    )
    trainer.fit(sleepy, PrefetchingLoader(sleepy, 1, threads=1))
    return float(trainer.callback_metrics["data_wait_share"])


def test_the_share_tells_a_slow_loader_from_a_slow_step(tmp_path):
    assert share(tmp_path, 0.05, 0) > 0.5
    assert share(tmp_path, 0, 0.05) < 0.2


def test_every_epoch_has_its_share(run):
    with (run / "metrics.csv").open(newline="") as stream:
        shares = [row["data_wait_share"] for row in csv.DictReader(stream)]
    shares = [float(value) for value in shares if value]
    assert len(shares) == 3
    assert all(0 <= value <= 1 for value in shares)


def test_an_unreadable_image_stops_the_run_before_it_begins(changed_data, write_recipe, tmp_path):
    (changed_data / "adults" / "05.png").write_bytes(b"no image")
    recipe = write_recipe(tmp_path / "r.yaml")
    with pytest.raises(DataError, match=r"adults: 1 of 24 .*05\.png.*max_unreadable_share: 0\.042"):
        train(recipe, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_record_names_what_was_left_out(changed_data, write_recipe, tmp_path, run):
    (changed_data / "adults" / "05.png").write_bytes(b"no image")
    changes = {"data": {"max_unreadable_share": 0.05}, "training.epochs": 1}
    train(write_recipe(tmp_path / "r.yaml", changes), tmp_path / "out")
    record = json.loads((tmp_path / "out" / "record.json").read_bytes())
    assert record["left_out"] == ["adults/05.png"]
    assert "adults/05.png" not in (tmp_path / "out" / "split.json").read_text()
    assert json.loads((run / "record.json").read_bytes())["left_out"] == []
