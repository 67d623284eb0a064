"""Networks by name: discovery, and refusals in one line."""

import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.errors import RecipeError  # noqa: E402
from pneumoscope.lab import networks  # noqa: E402
from pneumoscope.lab.networks import create, names, registry  # noqa: E402

pytestmark = pytest.mark.lab

NEW = '''
from torch import nn
from pneumoscope.lab.networks.network import Network, PooledNetwork
from pneumoscope.lab.networks.registry import register


class Tiny(PooledNetwork):
    default_size = 32

    def __init__(self, classes):
        super().__init__(classes, 3, 0.5)

    def features(self, images):
        return images


@register
def brand_new(*, classes: int, size: int) -> Network:
    """A network of one file."""
    return Tiny(classes)
'''


def test_a_new_network_is_one_new_file(tmp_path, monkeypatch):
    (tmp_path / "brand_new.py").write_text(NEW, encoding="utf-8")
    monkeypatch.setattr(networks, "__path__", [*networks.__path__, str(tmp_path)])
    monkeypatch.setattr(registry, "_factories", dict(registry._factories))
    assert "brand_new" not in names()
    try:
        registry.discover(networks)
        assert "brand_new" in names()
        (entry,) = (e for e in networks.catalogue() if e.name == "brand_new")
        assert (entry.summary, entry.input_size, entry.parameters) == (
            "A network of one file.",
            32,
            3 * 3 + 3,
        )
        network = create("brand_new", classes=2, size=32, options={})
        assert network(torch.rand(1, 3, 32, 32)).shape == (1, 2)
    finally:
        sys.modules.pop("pneumoscope.lab.networks.brand_new", None)
        vars(networks).pop("brand_new", None)


def test_a_network_that_does_not_exist_names_those_that_do():
    with pytest.raises(RecipeError, match=r"'resnet9000'.*densenet_capsnet.*li_cnn"):
        create("resnet9000", classes=3, size=224, options={})


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("densenet_capsnet", {"backbone": 7}),
        ("densenet_capsnet", {"backbone": "121"}),
        ("densenet_capsnet", {"iterations": 2.5}),
        ("densenet_capsnet", {"iterations": True}),
        ("densenet_capsnet", {"iterations": 0}),
        ("densenet_capsnet", {"frozen": "no"}),
        ("densenet_capsnet", {"frozen": 0}),
        ("densenet_capsnet", {"shared_transform": 1}),
        ("densenet_fc", {"iterations": 4}),
        ("li_cnn", {"layers": 3}),
        ("li_cnn", {"bad\nkey": 3}),
        ("li_cnn", {"dropout": 2}),
        ("li_cnn", {"size": 64}),
        ("li_cnn", {"pretrained": True}),
        ("resnet152", {"pretrained": "yes"}),
        ("vision_transformer", {"dropout": -1}),
    ],
)
def test_an_impossible_option_is_refused(name, options):
    with pytest.raises(RecipeError, match=name) as caught:
        create(name, classes=3, size=64, options=options)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("densenet_capsnet", 63),
        ("densenet_fc", 63),
        ("inception_v3", 74),
        ("li_cnn", 40),
        ("resnet152", 31),
        ("vision_transformer", 40),
    ],
)
def test_an_impossible_size_is_refused(name, size):
    with pytest.raises(RecipeError, match=f"{name}.*{size}"):
        create(name, classes=3, size=size, options={})


def test_a_whole_number_will_do_where_a_fraction_is_asked_for():
    network = create("li_cnn", classes=3, size=32, options={"dropout": 0})
    assert {m.p for m in network.modules() if isinstance(m, torch.nn.Dropout)} == {0}
