"""The list of networks tells of each what building it for real gives."""

import inspect
import json

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.lab import networks  # noqa: E402

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def entries():
    return networks.catalogue()


def test_entries_are_of_the_published_form_with_the_options_of_the_recipe(entries):
    assert [entry.name for entry in entries] == networks.names()
    for entry in entries:
        built = networks.create(
            entry.name, classes=entry.classes, size=entry.input_size, options=entry.options
        )
        assert entry.parameters == networks.count_parameters(built)
        assert entry.input_size == built.default_size
        assert (entry.classes, entry.weights_source) == (
            built.default_classes,
            built.weights_source,
        )
        assert entry.summary
        assert json.loads(json.dumps(entry.as_dict())) == entry.as_dict()


def test_the_published_count_of_li_2025(entries):
    (entry,) = (entry for entry in entries if entry.name == "li_cnn")
    assert (entry.input_size, entry.classes) == (256, 2)
    blocks = sum(
        9 * inputs * filters + filters + 4 * filters
        for inputs, filters in zip((3, 32, 64, 128), (32, 64, 128, 256), strict=True)
    )
    head = 16 * 16 * 256 * 100 + 100 + 4 * 100 + 100 * 2 + 2
    assert entry.parameters == blocks + head


def test_no_option_is_what_the_data_decide(entries):
    for entry in entries:
        assert not {"classes", "size"} & set(entry.options)
        assert inspect.Parameter.empty not in entry.options.values()
