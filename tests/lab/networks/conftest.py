"""What several tests need: networks with lived-in statistics, and torchvision beside any torch."""

import importlib.util

import pytest


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    pytest.importorskip("torch").set_num_threads(1)


@pytest.fixture(scope="session")
def settled():
    """Build a network with running statistics that are not the initial ones."""
    torch = pytest.importorskip("torch")
    networks = pytest.importorskip("pneumoscope.lab.networks")

    def build(name, classes, size, options, shorten=lambda network: None):
        torch.manual_seed(1)
        network = networks.create(name, classes=classes, size=size, options=options)
        shorten(network)
        network.train()
        with torch.no_grad():
            for _ in range(3):
                network(torch.rand(4, 3, size, size))
        return network.eval()

    return build


@pytest.fixture(scope="session")
def torchvision():
    """Give torchvision as a second opinion; beside a CPU build of torch two operators lack."""
    torch = pytest.importorskip("torch")
    if importlib.util.find_spec("torchvision") is None:
        pytest.skip("torchvision is not installed (it must not be beside a CPU build of torch)")
    try:
        import torchvision
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        library.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.define("qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision
    return torchvision
