"""The package as a user meets it: what it loads, what it offers, what it brings along."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

import pneumoscope
from pneumoscope.bundles import DEFAULT_BUNDLE, find_bundle
from pneumoscope.synthetic import draw_phantom, write_png

TRAINING = ["torch", "torchvision", "lightning", "monai", "ray", "tensorflow", "onnx"]
HEAVY = [*TRAINING, "pneumoscope.lab", "numpy", "scipy", "cv2", "onnxruntime", "pydicom", "PIL"]

# Refuses the training frameworks as a clinic's machine does, where they are not installed.
BLOCK = f"""
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {TRAINING} or name.startswith("pneumoscope.lab"):
            raise ModuleNotFoundError(f"refused: {{name}}", name=name)
sys.meta_path.insert(0, Refuse())
"""


def python(program: str) -> str:
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def test_a_network_runs_without_a_trace_in_the_home_folder(tmp_path: Path) -> None:
    """ONNX Runtime keeps an identifier and unsent reports there, if it is let."""
    program = (
        "from pneumoscope.bundles import find_bundle; "
        "from pneumoscope.inference import open_engine; open_engine(find_bundle())"
    )
    path = ":".join(part for part in sys.path if part)
    subprocess.run(
        [sys.executable, "-c", program],
        env={"HOME": str(tmp_path), "PYTHONPATH": path},
        check=True,
        timeout=60,
    )
    assert list(tmp_path.iterdir()) == []


def loaded_by(program: str) -> list[str]:
    """Which heavy modules a program leaves loaded."""
    report = f"import sys, json\nprint(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    last: list[str] = json.loads(python(f"{program}\n{report}").splitlines()[-1])
    return last


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import pneumoscope") == []


@pytest.mark.parametrize("arguments", [["--help"], ["diagnose", "--help"], ["train", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    program = (
        "import sys\nfrom pneumoscope.cli import main\n"
        f"sys.argv = ['pneumoscope', *{arguments}]\n"
        "try:\n    main()\nexcept SystemExit as ended:\n    assert ended.code == 0"
    )
    assert loaded_by(program) == []


def test_every_clinical_module_imports_without_the_training_frameworks() -> None:
    program = (
        f"{BLOCK}\nimport importlib, pkgutil, pneumoscope\n"
        "names = [m.name for m in pkgutil.walk_packages(pneumoscope.__path__, 'pneumoscope.',"
        " onerror=lambda name: None)]\n"
        "for name in names:\n"
        "    if not name.startswith('pneumoscope.lab'):\n"
        "        importlib.import_module(name)\n"
        "        print(name)\n"
    )
    imported = set(python(program).split())
    rooms = {
        path.name
        for path in Path(pneumoscope.__file__).parent.iterdir()
        if (path / "__init__.py").is_file() and path.name != "lab"
    }
    assert {f"pneumoscope.{room}" for room in rooms} <= imported
    assert {"pneumoscope.evaluation.compare", "pneumoscope.evaluation.evaluate"} <= imported


def test_the_public_names_are_there() -> None:
    assert all(getattr(pneumoscope, name) is not None for name in pneumoscope.__all__)
    with pytest.raises(AttributeError, match="no_such"):
        _ = pneumoscope.no_such


def test_the_package_is_typed() -> None:
    assert files("pneumoscope").joinpath("py.typed").is_file()


def test_the_default_bundle_is_small_has_terms_and_three_classes() -> None:
    bundle = find_bundle()
    size = sum(path.stat().st_size for path in bundle.folder.iterdir())
    assert size <= 40 * 2**20
    assert bundle.licence.strip()
    assert bundle.card.strip()
    assert set(bundle.description.classes) == {"NORMAL", "ABNORMAL", "PNEUMONIA"}
    assert bundle.training_images


def test_the_default_bundle_reads_a_phantom(tmp_path: Path) -> None:
    write_png(draw_phantom(0, size=512), tmp_path / "phantom.png")
    result = pneumoscope.diagnose(tmp_path / "phantom.png")
    assert result.bundle.name == DEFAULT_BUNDLE
    assert result.decision is not None
    assert sum(result.decision.probabilities.values()) == pytest.approx(1)
