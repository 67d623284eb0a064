"""One tiny run, trained and exported once for all tests: two sources of made-up radiographs."""

import copy
import csv
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from pneumoscope.synthetic import draw_phantom, write_png

Recipes = Callable[..., Path]
CLASSES = ["NORMAL", "ABNORMAL", "PNEUMONIA"]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    pytest.importorskip("torch").set_num_threads(1)


def _fill(folder: Path, header: list[str], rows: list[list[str]], seed: int) -> None:
    folder.mkdir()
    for index, (file, label, *_) in enumerate(rows):
        opacity = label == "PNEUMONIA"
        write_png(draw_phantom(seed + index, size=128, opacity=opacity), folder / file)
    with (folder / "labels.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory) -> Path:
    """`children` (two images per patient, no ABNORMAL) and `adults` (with a view column)."""
    folder = tmp_path_factory.mktemp("data")
    rows = [
        [f"{i:02}.png", ("NORMAL", "PNEUMONIA")[i % 2], f"c{i // 4}-{i % 2}"] for i in range(24)
    ]
    _fill(folder / "children", ["file", "label", "patient_id"], rows, seed=0)
    rows = [[f"{i:02}.png", CLASSES[i % 3], f"a{i}", ("PA", "AP")[i % 4 // 2]] for i in range(24)]
    _fill(folder / "adults", ["file", "label", "patient_id", "view"], rows, seed=100)
    return folder


@contextmanager
def _recipes_look_in(folder: Path) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PNEUMOSCOPE_DATA", str(folder))
        yield


@pytest.fixture(scope="module", autouse=True)
def _in_data_folder(data_folder):
    """Recipes find their sources, unless a test points them to a changed copy.

    By module, so that no test of another folder is touched in whatever order they run; what is
    made once for the session looks there by itself.
    """
    with _recipes_look_in(data_folder):
        yield


@pytest.fixture
def changed_data(data_folder, tmp_path, monkeypatch) -> Path:
    """A copy of the data that a test may change, in the place where recipes look."""
    monkeypatch.setenv("PNEUMOSCOPE_DATA", str(tmp_path / "data"))
    return Path(shutil.copytree(data_folder, tmp_path / "data"))


@pytest.fixture
def copied(run, tmp_path) -> Path:
    """A copy of the run that a test may spoil."""
    return Path(shutil.copytree(run, tmp_path / "run"))


@pytest.fixture(scope="session")
def contents(data_folder) -> dict:
    """A valid recipe, as YAML would read it."""
    return {
        "name": "tiny",
        "version": "0.1",
        "seed": 7,
        "classes": CLASSES,
        "positive_class": "PNEUMONIA",
        "sources": [
            {
                "name": "children",
                "folder": "children",
                "population": "made-up children",
                "licence": "CC0 1.0",
                "citation": "Nobody 2020, Made-up Children",
                "limits": ["drawn by a program."],
                "absent_classes": ["ABNORMAL"],
            },
            {
                "name": "adults",
                "folder": "adults",
                "population": "made-up adults",
                "ages": [18, 89],
                "licence": "for tests only",
            },
        ],
        "split": {"seed": 3, "train": 0.4, "stop": 0.2, "calibrate": 0.2, "report": 0.2},
        "input": {"size": 32, "clahe_tiles": 2},
        "network": {"name": "li_cnn", "options": {"dropout": 0.1}},
        "training": {
            "epochs": 3,
            "batch_size": 8,
            "samples_per_epoch": 16,
            "minutes": 5,
            "threads": 1,
        },
    }


@pytest.fixture(scope="session")
def write_recipe(contents) -> Recipes:
    """Write the valid recipe with changes, given as dotted names, such as `split.by`."""

    def write(path: Path, changes: dict | None = None) -> Path:
        changed = copy.deepcopy(contents)
        for name, value in (changes or {}).items():
            *sections, key = name.split(".")
            place = changed
            for section in sections:
                place = place[int(section) if isinstance(place, list) else section]
            # A copy: a further change may go inside it.
            place[key] = copy.deepcopy(value)
        path.write_text(yaml.safe_dump(changed))
        return path

    return write


@pytest.fixture(params=["replaced image", "swapped labels"])
def silently_changed(request, changed_data, run) -> Path:
    """Data whose file names, counts and parts are those of the run, but that are not the same."""
    adults = changed_data / "adults"
    if request.param == "replaced image":
        write_png(draw_phantom(999, size=128), adults / "00.png")
        return changed_data
    # Two images of one part that follow each other: the draw puts them where they were.
    lines = (adults / "labels.csv").read_text().splitlines()
    split = json.loads((run / "split.json").read_text())
    part = {split["images"][i]: name for name, rows in split["folds"][0].items() for i in rows}
    for i in range(1, len(lines) - 1):
        (file, label, *_), (next_file, next_label, *_) = (s.split(",") for s in lines[i : i + 2])
        if part[f"adults/{file}"] == part[f"adults/{next_file}"] and label < next_label:
            lines[i] = lines[i].replace(label, next_label)
            lines[i + 1] = lines[i + 1].replace(next_label, label)
            break
    (adults / "labels.csv").write_text("\n".join(lines) + "\n")
    return changed_data


def _rows(run: Path) -> int:
    try:
        return len((run / "metrics.csv").read_text().splitlines()) - 1
    except FileNotFoundError:
        return 0


@pytest.fixture
def cut_off() -> Callable[..., None]:
    """Train in a process of its own until some epochs are done, then send it a real signal."""
    if not hasattr(os, "fork"):
        pytest.skip("needs fork")
    from pneumoscope.lab.training import train

    def cut(recipe: Path, out: Path, epochs: int, sent=signal.SIGKILL, **options) -> None:
        child = os.fork()
        if not child:
            code = 1
            try:
                train(recipe, out, **options)
                code = 0
            except KeyboardInterrupt:
                code = 130
            finally:
                os._exit(code)
        deadline = time.monotonic() + 60
        # Without a checkpoint there would be nothing to go on with.
        last = out / "checkpoints" / "last.ckpt"
        while not (last.exists() and _rows(out) >= epochs) and time.monotonic() < deadline:
            time.sleep(0.002)
            if os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                break
        os.kill(child, sent)
        _, status = os.waitpid(child, 0)
        # It was cut off: it neither ended by itself nor failed.
        assert os.waitstatus_to_exitcode(status) in (-sent, 130)

    return cut


@pytest.fixture(scope="session")
def run(tmp_path_factory, write_recipe, data_folder) -> Path:
    """A finished run, split by patient."""
    from pneumoscope.lab.training import train

    folder = tmp_path_factory.mktemp("runs")
    with _recipes_look_in(data_folder):
        train(write_recipe(folder / "tiny.yaml"), folder / "by-patient")
    return folder / "by-patient"


@pytest.fixture(scope="session")
def run_by_image(tmp_path_factory, write_recipe, data_folder) -> Path:
    """The same recipe, split by image."""
    from pneumoscope.lab.training import train

    folder = tmp_path_factory.mktemp("runs")
    recipe = write_recipe(folder / "tiny.yaml", {"split.by": "image"})
    with _recipes_look_in(data_folder):
        train(recipe, folder / "by-image", accept_leak=True)
    return folder / "by-image"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, run, run_by_image, data_folder):
    """The run exported, with the comparison of the splits."""
    from pneumoscope.lab.training import export

    place = tmp_path_factory.mktemp("bundles") / "tiny"
    with _recipes_look_in(data_folder):
        return export(run, place, split_comparison=(run, run_by_image))


@pytest.fixture(scope="session")
def finished(run, data_folder):
    """The run as the export opens it."""
    from pneumoscope.lab.training.finished_run import open_run

    with _recipes_look_in(data_folder):
        return open_run(run)
