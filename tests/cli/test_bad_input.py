"""What a user can get wrong: exit code 2, one line on stderr, nothing else anywhere."""

from __future__ import annotations

import json
import shutil
import struct
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import MPEG2MPML

from pneumoscope.bundles import Bundle

Cli = Callable[..., Any]
Dicom = Callable[..., Path]
Options = Callable[[dict[str, Any]], list[str]]


def assert_refused(ended: Any, *words: str) -> None:
    assert ended.code == 2
    assert ended.out == ""
    assert ended.err.startswith("pneumoscope: ")
    assert ended.err.endswith("\n")
    assert ended.err.count("\n") == 1
    assert "internal error" not in ended.err
    for word in words:
        assert word in ended.err


def chunk(kind: bytes, content: bytes) -> bytes:
    crc = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + crc


def png_claiming(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


def _cut(source: Path, target: Path) -> Path:
    data = source.read_bytes()
    target.write_bytes(data[: len(data) // 2])
    return target


def _jpeg(path: Path) -> Path:
    grey = np.random.default_rng(0).integers(0, 255, (200, 200), dtype=np.uint8)
    Image.fromarray(grey).save(path)
    return path


def _one_pixel(path: Path) -> Path:
    Image.fromarray(np.zeros((1, 1), np.uint8)).save(path)
    return path


def _undecodable(image: Path) -> Path:
    dataset = dcmread(image)
    dataset.file_meta.TransferSyntaxUID = MPEG2MPML
    dataset.PixelData = encapsulate([b"\0\0\1\xb3" + b"\0" * 60])
    dataset["PixelData"].VR = "OB"
    dataset["PixelData"].is_undefined_length = True
    dataset.save_as(image, enforce_file_format=True)
    return image


def _two_frames(make: Dicom) -> Path:
    pixels = np.random.default_rng(0).integers(0, 4000, (2, 128, 128), dtype=np.uint16)
    return make(NumberOfFrames=2, PixelData=pixels.tobytes())


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


IMAGES: dict[str, Callable[[Path, Dicom], Path]] = {
    "missing file": lambda at, _: at / "absent.png",
    "folder": lambda at, _: at,
    "empty file": lambda at, _: _written(at / "empty.png", b""),
    "text named png": lambda at, _: _written(at / "text.png", b"not an image at all\n"),
    "truncated png": lambda at, _: _cut(_jpeg(at / "whole.png"), at / "cut.png"),
    "truncated jpeg": lambda at, _: _cut(_jpeg(at / "whole.jpg"), at / "cut.jpg"),
    "truncated dicom": lambda at, make: _cut(make(), at / "cut.dcm"),
    "bomb": lambda at, _: _written(at / "bomb.png", png_claiming(30_000, 30_000)),
    "long side": lambda at, _: _written(at / "long.png", png_claiming(30_000, 40)),
    "one pixel": lambda at, _: _one_pixel(at / "dot.png"),
    "dicom without pixels": lambda at, make: make(PixelData=None),
    "dicom of several frames": lambda at, make: _two_frames(make),
    "dicom nobody decodes": lambda at, make: _undecodable(make()),
}


@pytest.mark.parametrize("kind", IMAGES)
def test_image_that_cannot_be_read(
    cli: Cli, dicom: Dicom, bundle: str, tmp_path: Path, kind: str
) -> None:
    image, out = IMAGES[kind](tmp_path, dicom), tmp_path / "out"
    out.mkdir()
    ended = cli(
        *("diagnose", image, "--bundle", bundle, "--json", out / "a.json"),
        *("--overlay", out / "a.png", "--report", out / "a.html"),
    )
    assert_refused(ended, image.name)
    assert list(out.iterdir()) == []
    assert_refused(cli("diagnose", image, "--bundle", bundle, "--json", "-"), image.name)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"wheezing": 0.5}, ["wheezing"]),
        ({"fever_value": 99}, ["fever_value", "99"]),
        ({"fatigue": "nan"}, ["fatigue"]),
        ({"fatigue": "inf"}, ["fatigue"]),
        ({"fatigue": "much"}, ["fatigue", "much"]),
        ({"oxygen_level": -1}, ["oxygen_level"]),
        ({"fatigue": None}, ["missing", "fatigue"]),
        ({"fatigue": None, "hemoptysis": None}, ["fatigue", "hemoptysis"]),
    ],
)
def test_symptom_that_cannot_be(
    cli: Cli,
    picture: Path,
    bundle: str,
    all_symptoms: dict[str, Any],
    options: Options,
    change: dict[str, Any],
    words: list[str],
) -> None:
    given = {name: value for name, value in (all_symptoms | change).items() if value is not None}
    start = ("diagnose", picture, "--bundle", bundle, "--json", "-")
    published = ("--rule-base", "baral2025")
    assert_refused(cli(*start, *options(given), *published), *words)


def test_symptom_given_twice(
    cli: Cli,
    picture: Path,
    bundle: str,
    all_symptoms: dict[str, float],
    options: Options,
    tmp_path: Path,
) -> None:
    file = tmp_path / "symptoms.json"
    file.write_text(json.dumps(all_symptoms), "utf-8")
    start = ("diagnose", picture, "--bundle", bundle)
    again = ("--symptom", "fatigue=0.4")
    assert_refused(cli(*start, *options(all_symptoms), *again), "fatigue", "twice")
    assert_refused(cli(*start, "--symptoms", file, *again), "fatigue", "keep one")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "{}", '{"fatigue": 1, "fatigue": 0}', '{"fatigue": NaN}', "\xff"]
)
def test_symptom_file_that_is_broken(
    cli: Cli, picture: Path, bundle: str, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "symptoms.json"
    file.write_bytes(content.encode("latin-1"))
    start = ("diagnose", picture, "--bundle", bundle, "--symptoms", file)
    assert_refused(cli(*start), "symptoms.json")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--age", "200"], ["200"]),
        (["--age", "-1"], ["-1"]),
        (["--age", "nan"], ["nan"]),
        (["--age", "old"], ["--age"]),
        (["--sex", "X"], ["X"]),
        (["--symptom", "fatigue"], ["fatigue", "name=value"]),
        (["--symptoms", "absent.json"], ["absent.json"]),
        (["--rule-base", "guess", "--symptom", "fatigue=1"], ["guess", "guideline"]),
        (["--symptom", "oxygen_level=0.97"], ["oxygen_level", "unit"]),
        (["--symptom", "fever_value=98.6"], ["98.6", "Fahrenheit"]),
        (["--colour", "red"], ["--colour"]),
        (["--bundle"], ["--bundle"]),
        (["second.png"], ["second.png"]),
    ],
)
def test_option_that_cannot_be(
    cli: Cli, picture: Path, bundle: str, more: list[str], words: list[str]
) -> None:
    assert_refused(cli("diagnose", picture, "--bundle", bundle, *more), *words)


@pytest.mark.parametrize(
    "arguments", [[], ["bundle"], ["diagnose"], ["evaluate"], ["heal"], ["--colour"]]
)
def test_usage(cli: Cli, arguments: list[str]) -> None:
    assert_refused(cli(*arguments), "--help")


@pytest.mark.parametrize(
    "command", [["diagnose"], ["evaluate", "--nonsense"], ["data", "fingerprint"], ["bundle", "x"]]
)
def test_wrong_usage_leads_to_the_help_of_its_own_command(cli: Cli, command: list[str]) -> None:
    named = command[:1] if command[0] != "data" else command
    assert_refused(cli(*command), f"(see pneumoscope {' '.join(named)} --help)")
    assert_refused(cli("heal"), "(see pneumoscope --help)")


@pytest.mark.parametrize("symptoms", [[], ["--symptom", "oxygen_level=92"]])
def test_a_rule_base_that_is_unknown(cli: Cli, picture: Path, symptoms: list[str]) -> None:
    ended = cli("diagnose", picture, "--rule-base", "foo", *symptoms)
    assert_refused(ended, "'foo' is not one of", "'guideline', 'baral2025'")


def test_control_characters_of_an_argument_do_not_reach_the_terminal(
    cli: Cli, picture: Path
) -> None:
    target = "\x1b[2Jab\u202esent/out"
    for arguments in (["diagnose", picture, "--json", target], ["evaluate", "--data", target]):
        ended = cli(*arguments)
        assert_refused(ended, "sent/out")
        assert ended.err.rstrip("\n").isprintable()


BUNDLE_FILES = ("model.onnx", "card.md", "LICENSE-BUNDLE", "training-images.txt")


@pytest.mark.parametrize("file", BUNDLE_FILES)
def test_bundle_that_was_changed(
    cli: Cli, picture: Path, tiny_bundle: Bundle, tmp_path: Path, file: str
) -> None:
    spoiled = Path(shutil.copytree(tiny_bundle.folder, tmp_path / "spoiled"))
    (spoiled / file).write_bytes((spoiled / file).read_bytes() + b"\n")
    for arguments in (("diagnose", picture, "--bundle", spoiled), ("bundle", "info", spoiled)):
        assert_refused(cli(*arguments), "spoiled", file)


@pytest.mark.parametrize("file", [*BUNDLE_FILES, "bundle.json"])
def test_bundle_that_lacks_a_file(
    cli: Cli, picture: Path, tiny_bundle: Bundle, tmp_path: Path, file: str
) -> None:
    spoiled = Path(shutil.copytree(tiny_bundle.folder, tmp_path / "spoiled"))
    (spoiled / file).unlink()
    for arguments in (("diagnose", picture, "--bundle", spoiled), ("bundle", "info", spoiled)):
        assert_refused(cli(*arguments), "spoiled")


def test_bundle_that_is_unknown(cli: Cli, picture: Path) -> None:
    assert_refused(cli("diagnose", picture, "--bundle", "no-such"), "no-such")


class TestTargets:
    """Files that cannot be written are told before the image is read."""

    @pytest.mark.parametrize("option", ["--json", "--overlay", "--report"])
    @pytest.mark.parametrize(
        "name", ["absent/out", "folder", "x" * 300, "picture.png", "link", "symptoms.json"]
    )
    def test_target_that_cannot_be(
        self, cli: Cli, picture: Path, bundle: str, tmp_path: Path, option: str, name: str
    ) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to(picture)
        (tmp_path / "symptoms.json").write_text("{}", "utf-8")
        before = {path: path.is_file() and path.read_bytes() for path in tmp_path.iterdir()}
        ended = cli(
            *("diagnose", picture, "--bundle", bundle, option, tmp_path / name),
            *("--symptoms", tmp_path / "symptoms.json"),
        )
        assert_refused(ended, option, name)
        assert {p: p.is_file() and p.read_bytes() for p in tmp_path.iterdir()} == before

    @pytest.mark.parametrize(
        ("option", "name", "ending"),
        [
            ("--report", "out.pdf", ".html"),
            ("--report", "out", ".html"),
            ("--overlay", "out.jpg", ".png"),
            ("--overlay", "png", ".png"),
        ],
    )
    def test_a_name_that_promises_another_kind_of_file(
        self, cli: Cli, tmp_path: Path, option: str, name: str, ending: str
    ) -> None:
        # Before any work: the image that is asked for is not there.
        ended = cli("diagnose", tmp_path / "absent.png", option, tmp_path / name)
        assert_refused(ended, option, name, f"ends in {ending}")
        if option == "--report":
            assert_refused(cli("evaluate", "--data", tmp_path, option, tmp_path / name), ending)
        assert list(tmp_path.iterdir()) == []

    def test_pipe_is_not_replaced_by_a_file(
        self, cli: Cli, picture: Path, bundle: str, named_pipe: Path
    ) -> None:
        start = ("diagnose", picture, "--bundle", bundle)
        assert_refused(cli(*start, "--json", named_pipe), "pipe")
        assert named_pipe.is_fifo()

    @pytest.mark.parametrize("second", ["same", "./same", "folder/../same", "link"])
    def test_equal_targets(
        self, cli: Cli, picture: Path, bundle: str, tmp_path: Path, second: str
    ) -> None:
        (tmp_path / "folder").mkdir()
        (tmp_path / "link").symlink_to(tmp_path / "same")
        start = ("diagnose", picture, "--bundle", bundle)
        ended = cli(*start, "--json", tmp_path / "same", "--report", f"{tmp_path}/{second}")
        assert_refused(ended, "--json", "--report")
        assert not (tmp_path / "same").exists()

    def test_evaluation_does_not_overwrite_the_labels(
        self, cli: Cli, folder: Path, bundle: str
    ) -> None:
        labels = folder / "labels.csv"
        labels.write_text("file,label\nNORMAL/0.png,NORMAL\n", "utf-8")
        before = labels.read_bytes()
        start = ("evaluate", "--data", folder, "--bundle", bundle)
        assert_refused(cli(*start, "--json", labels), "labels.csv")
        assert labels.read_bytes() == before


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--positive", "TUMOUR"], ["TUMOUR"]),
        (["--negative", "COVID"], ["positive"]),
        (["--positive", "NORMAL", "--negative", "NORMAL"], ["NORMAL"]),
    ],
)
def test_evaluation_of_classes_that_cannot_be(
    cli: Cli, folder: Path, bundle: str, more: list[str], words: list[str]
) -> None:
    ended = cli("evaluate", "--data", folder, "--bundle", bundle, "--json", "-", *more)
    assert_refused(ended, *words)


def _unknown_label(folder: Path) -> None:
    (folder / "NORMAL").rename(folder / "HEALTHY")


def _missing_file(folder: Path) -> None:
    (folder / "labels.csv").write_text("file,label\nabsent.png,NORMAL\n", "utf-8")


def _no_folder(folder: Path) -> None:
    shutil.rmtree(folder)


def _no_image(folder: Path) -> None:
    _no_folder(folder)
    folder.mkdir()


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        (_unknown_label, "HEALTHY"),
        (_missing_file, "absent.png"),
        (_no_folder, "no such folder"),
        (_no_image, "no labelled image"),
    ],
)
def test_data_folder_that_cannot_be_used(
    cli: Cli, folder: Path, bundle: str, spoil: Callable[[Path], None], word: str
) -> None:
    spoil(folder)
    target = folder.parent / "a.json"
    start = ("evaluate", "--data", folder, "--bundle", bundle)
    assert_refused(cli(*start, "--json", target), word)
    assert not target.exists()


def test_phantoms_that_cannot_be_drawn(cli: Cli, tmp_path: Path) -> None:
    assert_refused(cli("phantom", "--out", tmp_path / "p", "--count", 0), "0")
    assert not (tmp_path / "p").exists()


def test_training_without_the_laboratory(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lightning", None)
    for arguments in (("train", "--recipe", "r.yaml", "--out", "run"), ("export", "run")):
        more = () if arguments[0] == "train" else ("--out", "bundle")
        assert_refused(cli(*arguments, *more), "pip install '.[lab]'")
