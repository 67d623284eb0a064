"""The published figures: that they fit together, and what the page makes of them."""

import json

import numpy as np
import pytest
from sklearn.metrics import precision_recall_fscore_support

pytest.importorskip("torch")
pytest.importorskip("matplotlib")

from pneumoscope.lab.studies import run_study
from pneumoscope.lab.studies.baral2025_figures import Published, published
from pneumoscope.lab.studies.baral2025_published import difference, highest_runs
from pneumoscope.lab.studies.folds import AVERAGES, RATES, spread

pytestmark = pytest.mark.lab

CLASSES = ("ABNORMAL", "NORMAL", "PNEUMONIA")
FIGURES = published()


def test_every_backbone_has_every_scheme_and_one_fold_of_sixty_is_missing():
    schemes = {"stratified-kfold", "kfold", "monte-carlo", "bootstrap"}
    pairs = [(n.backbone, n.scheme) for n in FIGURES.notebooks]
    assert sorted(pairs) == sorted((b, s) for b in (121, 169, 201) for s in schemes)
    assert sum(len(n.test_accuracy) for n in FIGURES.notebooks) == 59
    assert [n.backbone for n in FIGURES.notebooks if len(n.test_accuracy) < 5] == [201]


def test_every_accuracy_is_a_share_of_the_test_images():
    for notebook in FIGURES.notebooks:
        folds = FIGURES.folds(notebook.backbone, notebook.scheme)
        np.testing.assert_allclose(folds, notebook.test_accuracy, atol=0.5e-4 + 1e-9)


@pytest.mark.parametrize(
    ("backbone", "scheme", "printed"),
    [
        (201, "stratified-kfold", "0.9865 ± 0.0029"),
        (201, "kfold", "0.9874 ± 0.0036"),
        (201, "monte-carlo", "0.9873 ± 0.0041"),
        (201, "bootstrap", "0.9836 ± 0.0044"),
        (169, "stratified-kfold", "0.9864 ± 0.0042"),
        (169, "kfold", "0.9853 ± 0.0046"),
        (169, "monte-carlo", "0.9861 ± 0.0037"),
        (169, "bootstrap", "0.9751 ± 0.0216"),
        (121, "stratified-kfold", "0.9842 ± 0.0040"),
        (121, "kfold", "0.9841 ± 0.0049"),
        (121, "monte-carlo", "0.9866 ± 0.0027"),
        (121, "bootstrap", "0.9870 ± 0.0017"),
    ],
)
def test_mean_and_spread_are_those_of_the_notebook(backbone, scheme, printed):
    assert spread(FIGURES.folds(backbone, scheme)) == printed


def test_the_images_of_every_scheme_add_up():
    images, bootstrap = FIGURES.images, FIGURES.bootstrap
    assert images.train + images.stop + images.test == images.total
    # What trains is not what stops, so the most of the one goes with the least of the other.
    for trained, stopped in zip(bootstrap.train, reversed(bootstrap.stop), strict=True):
        assert trained + stopped == images.train + images.stop
    assert bootstrap.draws == images.train


def test_the_confusion_matrix_is_of_the_test_set_and_of_the_quoted_accuracy():
    counts = FIGURES.headline.counts(CLASSES)
    # The fixed test set, by class.
    assert counts.sum(axis=1).tolist() == [593, 659, 977]
    assert counts.sum() == FIGURES.images.test
    assert np.trace(counts) / counts.sum() == pytest.approx(FIGURES.quoted, abs=1e-9)
    assert f"{FIGURES.quoted:.4f}" == "0.9901"
    turned = FIGURES.headline.counts(CLASSES[::-1])
    np.testing.assert_array_equal(turned, counts[::-1, ::-1])


def test_the_rates_of_the_quoted_fold_are_scikit_learns_of_its_matrix():
    counts = FIGURES.headline.counts(CLASSES).astype(int)
    true, called = np.divmod(np.repeat(np.arange(9), counts.ravel()), 3)
    rates = dict(zip([*CLASSES, *AVERAGES], FIGURES.headline.rates(CLASSES), strict=True))
    each = np.array(precision_recall_fscore_support(true, called)[:3]).T
    np.testing.assert_allclose([rates[name][:3] for name in CLASSES], each)
    for average in AVERAGES:
        expected = precision_recall_fscore_support(true, called, average=average)[:3]
        np.testing.assert_allclose(rates[average][:3], expected)
    specificity = [f"{rates[name][3]:.4f}" for name in CLASSES]
    assert specificity == ["0.9982", "0.9930", "0.9936"]


def test_no_quoted_average_follows_from_the_matrix():
    rates = dict(zip([*CLASSES, *AVERAGES], FIGURES.headline.rates(CLASSES), strict=True))
    for average, quoted in FIGURES.headline.averages.items():
        assert (abs(rates[average][:3] - quoted) > 0.0015).all()


def test_three_runs_are_higher_than_the_quoted_one():
    runs = highest_runs(FIGURES)
    assert [f"{run[0]:.4f}" for run in runs[:4]] == ["0.9915", "0.9910", "0.9906", "0.9901"]
    assert (201, "stratified-kfold", 5) in [run[1:] for run in runs]


def test_a_difference_is_told_where_there_is_one():
    apart = difference([0.9, 0.91, 0.9, 0.91, 0.9], [0.8, 0.81, 0.8, 0.82, 0.8])
    assert apart.low > 0
    same = difference([0.9, 0.8, 0.9, 0.8], [0.8, 0.9, 0.8, 0.9])
    assert same.value == pytest.approx(0)
    assert same.low < 0 < same.high


def test_a_changed_file_is_refused():
    contents = FIGURES.model_dump()
    contents["notebooks"][0]["test_loss"] = float("nan")
    with pytest.raises(ValueError, match="test_loss"):
        Published.model_validate(contents)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    work = tmp_path_factory.mktemp("work")
    return run_study("baral2025-published", scale="full", data=work, work=work, out=None)


def test_the_page_says_what_follows(page):
    text = page.read_text()
    numbers = json.loads(page.with_suffix(".json").read_text())
    assert "0 of 8 are told from nothing, and 0 with" in text
    for interval in numbers["differences"].values():
        assert interval["ci95"][0] < 0 < interval["ci95"][1]
    assert "8 of the 12 notebooks, all of DenseNet-121 and -169" in text
    assert set(numbers["quoted_fold"]["macro"]) == set(RATES)
    assert 8203 < numbers["bootstrap_expected_images"] < 8355
    assert (page.parent / "baral2025-published-folds.svg").is_file()


def test_a_smoke_page_shows_nothing_published(tmp_path):
    page = run_study(
        "baral2025-published", scale="smoke", data=tmp_path, work=tmp_path / "w", out=None
    )
    written = "".join(path.read_text() for path in page.parent.iterdir())
    for notebook in FIGURES.notebooks:
        assert not any(f"{accuracy:.4f}" in written for accuracy in notebook.test_accuracy)
