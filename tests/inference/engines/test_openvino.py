"""OpenVINO answers as ONNX Runtime does, tells nobody, and says when it is not there."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from pneumoscope.bundles import Bundle, available_bundles, find_bundle
from pneumoscope.documents import to_document
from pneumoscope.errors import InputError
from pneumoscope.findings import Radiograph
from pneumoscope.inference import open_engine
from pneumoscope.reports import verify_document
from pneumoscope.synthetic import draw_phantom
from pneumoscope.workflow import Reader

PACKAGED = available_bundles()
# Stated in docs/reference/bundle-format.md: of a logit, a probability, a distance, or a map's peak.
TOLERANCE = 1e-4

installed = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is not installed")


def phantoms(count: int) -> list[Radiograph]:
    drawn = [draw_phantom(seed, size=400, opacity=bool(seed % 2)) for seed in range(count)]
    return [Radiograph(each.pixels, "phantom.png", "PNG") for each in drawn]


@installed
@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_parity_with_onnx_runtime_on_every_output(name: str) -> None:
    bundle, images = find_bundle(str(PACKAGED[name])), phantoms(4)
    pairs = zip(
        open_engine(bundle, name="openvino").predict(images),
        open_engine(bundle).predict(images),
        strict=True,
    )
    for found, expected in pairs:
        for output in ("logits", "evidence", "age_group_logits", "distance"):
            ours, theirs = getattr(found, output), getattr(expected, output)
            if theirs is None:
                assert ours is None
            else:
                np.testing.assert_allclose(ours, theirs, rtol=0, atol=TOLERANCE, err_msg=output)
        peak = float(expected.activation_maps.max())
        assert peak > 0
        apart = np.abs(found.activation_maps - expected.activation_maps).max()
        assert apart <= TOLERANCE * peak


@installed
@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_whole_results_are_the_same_heatmaps_and_contours_included(name: str) -> None:
    bundle, (image,) = find_bundle(str(PACKAGED[name])), phantoms(1)
    ours, theirs = (
        to_document(Reader(bundle, engine=engine).diagnose(image)).json_values()
        for engine in ("openvino", "onnxruntime")
    )
    found = verify_document(theirs, ours, 2e-4)
    assert [each.place for each in found.differences] == ["provenance.engine.name"]


@installed
def test_the_maker_is_not_told_of_its_use(tmp_path: Path, tiny_bundle: Bundle) -> None:
    """By itself the library leaves an identifier in the home folder, and sends it."""
    script = (
        "import sys; from pathlib import Path; from pneumoscope.bundles import read_bundle; "
        "from pneumoscope.inference import open_engine; "
        "open_engine(read_bundle(Path(sys.argv[1])), name='openvino'); "
        "print('openvino' in sys.modules, 'openvino_telemetry' in sys.modules)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script, str(tiny_bundle.folder)],
        env={"HOME": str(tmp_path), "PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ended.stdout.split() == ["True", "False"]
    assert list(tmp_path.iterdir()) == []


def test_where_it_is_not_installed_one_line_says_how(
    tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(InputError, match=r"^engine openvino: is not installed; install .*\[fast\]"):
        open_engine(tiny_bundle, name="openvino")
