"""Networks with maps of evidence: outputs by age group, exported names, what teaches what."""

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("monai")

from pneumoscope.errors import RecipeError  # noqa: E402
from pneumoscope.lab.networks import create, top_cells  # noqa: E402

pytestmark = pytest.mark.lab


def build(*, maps=2, groups=2, **options):
    torch.manual_seed(0)
    return create(
        "efficientnet_lite",
        classes=3,
        size=64,
        evidence_maps=maps,
        age_groups=groups,
        options={"variant": 0, **options},
    ).eval()


@pytest.mark.parametrize("head", ["plain", "capsules"])
@pytest.mark.parametrize("separate", [False, True])
def test_outputs_and_answer_agree(head, separate):
    network = build(head=head, separate_heads=separate)
    images = torch.rand(2, 3, 64, 64)
    with torch.no_grad():
        outputs, answer = network.outputs(images), network.answer(images)
    groups = (2,) if separate else ()
    assert outputs["logits"].shape == (2, *groups, 3)
    assert outputs["activation_maps"].shape == (2, *groups, 3, 2, 2)
    assert outputs["evidence"].shape == (2, 2, 4, 4)
    torch.testing.assert_close(outputs["logits"], answer.logits)
    torch.testing.assert_close(outputs["evidence"], torch.sigmoid(answer.evidence))
    torch.testing.assert_close(outputs["age_group_logits"], answer.age_group_logits)
    assert outputs["embedding"].shape[0] == 2


def test_one_age_group_is_not_told_apart():
    assert "age_group_logits" not in build(groups=1).outputs(torch.rand(1, 3, 64, 64))


def test_heads_of_their_own_do_not_teach_each_other():
    network = build(separate_heads=True)
    network(torch.rand(2, 3, 64, 64))[:, 0].sum().backward()
    gradient = network.output.weight.grad
    assert gradient[:3].abs().sum() > 0
    assert gradient[3:].abs().sum() == 0


def test_telling_age_groups_apart_teaches_the_backbone_nothing():
    network = build()
    network.answer(torch.rand(2, 3, 64, 64)).age_group_logits.sum().backward()
    reached = {name for name, p in network.named_parameters() if p.grad is not None}
    assert reached == {"age_group.weight", "age_group.bias"}


def test_the_highest_cells_stand_for_a_map():
    evidence = torch.full((1, 1, 10, 10), -5.0)
    evidence[0, 0, 2, 3:6] = torch.tensor([1.0, 2.0, 3.0])  # 3 of 100 cells
    assert top_cells(evidence).item() == pytest.approx(2.0)


def test_a_network_without_maps_is_refused_where_the_recipe_wants_them():
    with pytest.raises(RecipeError, match="no evidence map"):
        create("li_cnn", classes=3, size=64, evidence_maps=1, options={})


@pytest.mark.parametrize(("size", "message"), [(72, "multiple of 32"), (32, "at least 64")])
def test_sizes_that_leave_no_whole_cells_are_refused(size, message):
    with pytest.raises(RecipeError, match=message):
        create("efficientnet_lite", classes=3, size=size, options={})
