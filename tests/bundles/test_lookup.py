"""A path first, then $PNEUMOSCOPE_HOME, then the package; and what is said of nothing found."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pneumoscope.bundles import (
    DEFAULT_BUNDLE,
    HOME_VARIABLE,
    Bundle,
    available_bundles,
    find_bundle,
    lookup,
    write_bundle,
)
from pneumoscope.errors import BundleError


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a bundle "mine", and a current folder that holds nothing."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def packaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of the package's own bundles."""
    monkeypatch.setattr(lookup, "PACKAGED", tmp_path / "packaged")
    return tmp_path / "packaged"


def put(folder: Path, description: dict[str, Any], contents: dict[str, bytes]) -> Bundle:
    """Write a bundle whose version says where it lies."""
    version = folder.parent.name
    return write_bundle(folder, description | {"version": version}, contents)


def test_a_path_is_a_bundle(tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_bundle(str(tiny_bundle.folder)).identity == tiny_bundle.identity
    monkeypatch.chdir(tiny_bundle.folder.parent)
    assert find_bundle("./tiny").identity == tiny_bundle.identity


def test_home_wins_over_the_package(
    home: Path, packaged: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    put(packaged / "mine", description, contents)
    put(packaged / "theirs", description, contents)
    assert find_bundle("mine").description.version == "packaged"
    put(home / "bundles" / "mine", description, contents)
    assert find_bundle("mine").description.version == "bundles"
    assert find_bundle("theirs").description.version == "packaged"
    assert available_bundles() == {
        "mine": home / "bundles" / "mine",
        "theirs": packaged / "theirs",
    }


def test_a_path_wins_over_a_name(
    home: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    put(home / "bundles" / "mine", description, contents)
    put(home.parent / "here" / "mine", description, contents)
    assert find_bundle("mine").description.version == "here"


def test_a_changed_bundle_in_home_is_not_passed_over(
    home: Path, packaged: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    put(packaged / "mine", description, contents)
    mine = put(home / "bundles" / "mine", description, contents)
    (mine.folder / "card.md").write_text("better", encoding="utf-8")
    with pytest.raises(BundleError, match="changed"):
        find_bundle("mine")


def test_an_unknown_name_lists_what_there_is(
    home: Path, packaged: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    with pytest.raises(BundleError, match="by name: none"):
        find_bundle("mine")
    put(home / "bundles" / "mine", description, contents)
    put(packaged / "theirs", description, contents)
    with pytest.raises(BundleError, match=r"'yours'.*by name: mine, theirs$"):
        find_bundle("yours")


@pytest.mark.usefixtures("packaged")
def test_a_name_does_not_leave_its_folder(
    home: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    put(home / "outside", description, contents)
    (home / "bundles").mkdir()
    with pytest.raises(BundleError, match="not found"):
        find_bundle("../outside")


@pytest.mark.usefixtures("home", "packaged")
@pytest.mark.parametrize(
    "name", ["", "n" * 300, "n" * 5000, "a\0b", "Gr\u00f6\u00dfe", "\ud800", "a\nb", "*", "-x"]
)
def test_a_strange_name_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(BundleError, match="not found") as caught:
        find_bundle(name)
    assert str(caught.value).isprintable()


def test_strange_folders_are_not_listed(home: Path, packaged: Path, tiny_bundle: Bundle) -> None:
    for name in ("a\nb", ".tiny-x1", "UPPER", "tiny"):
        shutil.copytree(tiny_bundle.folder, home / "bundles" / name)
    (home / "bundles" / "empty").mkdir()
    (home / "bundles" / "file").write_text("", encoding="utf-8")
    packaged.write_text("not a folder", encoding="utf-8")
    assert list(available_bundles()) == ["tiny"]


@pytest.mark.usefixtures("packaged")
@pytest.mark.parametrize("place", ["", "n" * 5000, "/dev/null"])
def test_a_home_that_is_no_folder_holds_nothing(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv(HOME_VARIABLE, place)
    assert available_bundles() == {}


def test_a_folder_in_the_way_does_not_replace_the_default(tiny_bundle, tmp_path, monkeypatch):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    shutil.copytree(tiny_bundle.folder, home / "bundles" / DEFAULT_BUNDLE)
    shutil.copytree(tiny_bundle.folder, elsewhere / DEFAULT_BUNDLE)
    monkeypatch.setenv(HOME_VARIABLE, str(home))
    monkeypatch.chdir(elsewhere)
    assert find_bundle().folder == home / "bundles" / DEFAULT_BUNDLE
    assert find_bundle(DEFAULT_BUNDLE).folder == Path(DEFAULT_BUNDLE)
