"""Reading: nothing that was changed is taken. Writing: all of it is there, or nothing."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pneumoscope.bundles import (
    CARD,
    GRAPH,
    LICENCE,
    TRAINING_IMAGES,
    Bundle,
    read_bundle,
    write_bundle,
)
from pneumoscope.errors import BundleError
from pneumoscope.imaging import fingerprint, pack_hashes, perceptual_hash

DESCRIPTION, CHECKSUM = "bundle.json", "bundle.json.sha256"
CONTENTS = (GRAPH, CARD, LICENCE, TRAINING_IMAGES)


def refusal(folder: Path) -> str:
    """Read a bundle that must be refused, in one line that names the place."""
    with pytest.raises(BundleError) as caught:
        read_bundle(folder)
    message = str(caught.value)
    assert message.isprintable()
    assert str(folder) in message
    return message


def test_what_is_written_is_read(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    written = write_bundle(tmp_path / "deep" / "copy", description, contents)
    read = read_bundle(tmp_path / "deep" / "copy")
    assert read.graph == written.graph == contents[GRAPH]
    assert read.card == contents[CARD].decode()
    assert read.licence == contents[LICENCE].decode()
    assert read.training_images == {fingerprint(np.zeros((64, 64), np.float32))}
    assert read.identity == written.identity
    assert {p.name for p in read.folder.iterdir()} == {DESCRIPTION, CHECKSUM, *CONTENTS}
    assert read.description == written.description
    said = json.loads(read.description.model_dump_json(exclude={"files"}))
    assert said == description
    assert list((tmp_path / "deep").iterdir()) == [tmp_path / "deep" / "copy"]


def test_the_same_content_is_the_same_bundle(
    tiny_bundle: Bundle, tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    assert write_bundle(tmp_path / "again", description, contents).sha256 == tiny_bundle.sha256
    contents[CARD] += b"."
    assert write_bundle(tmp_path / "other", description, contents).sha256 != tiny_bundle.sha256


def test_identity_names_the_training_sets(tiny_bundle: Bundle) -> None:
    assert tiny_bundle.identity.training_sets == ("made up: nobody",)
    assert (tiny_bundle.identity.name, tiny_bundle.identity.version) == ("tiny", "0.1")


@pytest.fixture(scope="module")
def flippable(tiny_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("flips") / "tiny"
    return Path(shutil.copytree(tiny_bundle.folder, folder))


def flipped(folder: Path, name: str, offset: int, bits: int) -> Bundle | BundleError:
    """Read the bundle with one byte changed, then mend it."""
    path = folder / name
    whole = path.read_bytes()
    changed = bytearray(whole)
    changed[offset % len(whole)] ^= bits
    path.write_bytes(changed)
    try:
        return read_bundle(folder)
    except BundleError as error:
        return error
    finally:
        path.write_bytes(whole)


OFFSETS, BITS = st.integers(0, 1 << 20), st.integers(1, 255)


@given(name=st.sampled_from(CONTENTS), offset=OFFSETS, bits=BITS)
@settings(max_examples=150)
def test_a_flipped_byte_is_refused(flippable: Path, name: str, offset: int, bits: int) -> None:
    answer = flipped(flippable, name, offset, bits)
    assert isinstance(answer, BundleError)
    assert name in str(answer)
    assert "changed" in str(answer)


@pytest.mark.parametrize("name", [DESCRIPTION, CHECKSUM])
@given(offset=OFFSETS, bits=BITS)
@settings(max_examples=150)
def test_a_flipped_byte_of_the_description_or_its_checksum_is_refused(
    flippable: Path, name: str, offset: int, bits: int
) -> None:
    answer = flipped(flippable, name, offset, bits)
    assert isinstance(answer, BundleError)
    assert "bundle.json: was changed since the bundle was made" in str(answer)


@pytest.mark.parametrize("change", [b"", b"\n", b"\xff" * 100], ids=["empty", "line", "bytes"])
def test_a_checksum_that_is_none_is_refused(spoiled: Path, change: bytes) -> None:
    path = spoiled / CHECKSUM
    path.write_bytes(path.read_bytes() + change if change else b"")
    assert "changed since" in refusal(spoiled)


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_checksum_is_one_that_others_can_check(spoiled: Path) -> None:
    command = ["sha256sum", "--check", "--strict", CHECKSUM]
    assert subprocess.run(command, cwd=spoiled, capture_output=True).returncode == 0
    with (spoiled / DESCRIPTION).open("ab") as stream:
        stream.write(b" ")
    assert subprocess.run(command, cwd=spoiled, capture_output=True).returncode == 1


@pytest.mark.parametrize("name", [DESCRIPTION, CHECKSUM, *CONTENTS])
def test_a_missing_file_is_named(spoiled: Path, name: str) -> None:
    (spoiled / name).unlink()
    assert f"{name} is missing" in refusal(spoiled)


@pytest.mark.parametrize("name", CONTENTS)
@pytest.mark.parametrize("change", [b"", b"longer than it was"], ids=["cut", "longer"])
def test_a_file_of_another_length_is_refused(spoiled: Path, name: str, change: bytes) -> None:
    path = spoiled / name
    path.write_bytes(path.read_bytes() + change if change else path.read_bytes()[:-1])
    assert name in refusal(spoiled)


def test_a_folder_or_a_pipe_in_a_files_place_is_refused(spoiled: Path) -> None:
    (spoiled / CARD).unlink()
    (spoiled / CARD).mkdir()
    assert CARD in refusal(spoiled)
    (spoiled / CARD).rmdir()
    os.mkfifo(spoiled / CARD)
    assert CARD in refusal(spoiled)


def test_a_link_is_held_against_the_same_checksum(spoiled: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    (spoiled / CARD).rename(elsewhere)
    (spoiled / CARD).symlink_to(elsewhere)
    assert read_bundle(spoiled).card == elsewhere.read_text("utf-8")
    elsewhere.write_text("another card", encoding="utf-8")
    assert CARD in refusal(spoiled)
    (spoiled / CARD).unlink()
    (spoiled / CARD).symlink_to(spoiled / CARD)
    assert CARD in refusal(spoiled)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"not JSON", b"[]", b"\xff\xfe{}", b"[" * 100_000, b"null"],
    ids=["empty", "cut", "text", "list", "not UTF-8", "nested", "null"],
)
def test_a_description_that_is_no_object_is_refused(
    spoiled: Path, restate: Callable[[Path], object], content: bytes
) -> None:
    (spoiled / DESCRIPTION).write_bytes(content)
    restate(spoiled)
    message = refusal(spoiled)
    assert f"{DESCRIPTION}: " in message
    assert "changed" not in message


def test_a_description_of_more_than_a_mebibyte_is_refused(
    spoiled: Path, restate: Callable[[Path], object]
) -> None:
    path = spoiled / DESCRIPTION
    whole = path.read_bytes()
    path.write_bytes(whole + b" " * ((1 << 20) - len(whole)))
    restate(spoiled)
    read_bundle(spoiled)
    path.write_bytes(whole + b" " * ((1 << 20) - len(whole) + 1))
    restate(spoiled)
    assert f"{DESCRIPTION}: cannot be read (larger than 1 MiB)" in refusal(spoiled)


def test_a_text_that_is_not_utf8_is_refused_before_anything_is_written(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    for name in (CARD, LICENCE, TRAINING_IMAGES):
        with pytest.raises(BundleError, match="not UTF-8"):
            write_bundle(tmp_path / "new", description, contents | {name: b"\xff"})
    assert not list(tmp_path.iterdir())


def test_perceptual_hashes_are_read_beside_the_fingerprints(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    pictures = np.random.default_rng(1).random((3, 64, 64), np.float32)
    exact = [fingerprint(each) for each in pictures]
    hashes = [perceptual_hash(each) for each in pictures]
    lines = [f"{name} {look}" for name, look in zip(exact, hashes, strict=True)]
    contents[TRAINING_IMAGES] = "\n".join([*lines, ""]).encode()
    read = write_bundle(tmp_path / "new", description, contents)
    assert read.training_images == set(exact)
    np.testing.assert_array_equal(read.training_hashes, pack_hashes(hashes))


@pytest.mark.parametrize("text", ["", f"{'0' * 16}\n"])
def test_a_bundle_without_perceptual_hashes_is_read(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes], text: str
) -> None:
    contents[TRAINING_IMAGES] = text.encode()
    read = write_bundle(tmp_path / "new", description, contents)
    assert read.training_images == set(text.split())
    assert read.training_hashes.shape == (0, 4)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"{'0' * 16} {'1' * 64}\n{'2' * 16}\n", "some lines have a perceptual hash and some"),
        (f"{'0' * 16}\n{'0' * 15}\n", "line 2 holds no fingerprint"),
        (f"{'0' * 16} {'1' * 63}\n", "line 1 holds no fingerprint"),
        (f"{'0' * 16} {'1' * 64} 2\n", "line 1 holds no fingerprint"),
        (f"{'0' * 16}\n\n", "line 2 holds no fingerprint"),
    ],
)
def test_training_images_of_another_form_are_refused(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes], text: str, said: str
) -> None:
    with pytest.raises(BundleError, match=f"training-images.txt: {said}.*export it again"):
        write_bundle(tmp_path / "new", description, contents | {TRAINING_IMAGES: text.encode()})
    assert not list(tmp_path.iterdir())


def test_an_existing_folder_is_left_alone(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(BundleError, match="already exists"):
        write_bundle(tmp_path / "taken", description, contents)
    assert not list((tmp_path / "taken").iterdir())
    assert list(tmp_path.iterdir()) == [tmp_path / "taken"]


@pytest.mark.parametrize(
    ("part", "value", "named"),
    [
        ("age_groups", [], "age_groups"),
        ("name", "../up", "name"),
        ("classes", ["A"], "classes"),
        ("surprise", 1, "surprise"),
    ],
)
def test_an_invalid_description_is_never_written(
    tmp_path: Path,
    description: dict[str, Any],
    contents: dict[str, bytes],
    part: str,
    value: object,
    named: str,
) -> None:
    description |= {part: value}
    with pytest.raises(BundleError, match=named):
        write_bundle(tmp_path / "new", description, contents)
    assert not list(tmp_path.iterdir())


def test_only_the_files_of_a_bundle_are_written(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    few = {name: data for name, data in contents.items() if name != LICENCE}
    for wrong in (few, contents | {"../escape": b""}, {}):
        with pytest.raises(BundleError, match="files must be exactly"):
            write_bundle(tmp_path / "new", description, wrong)
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_refused(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    dangling = tmp_path / "dangling"
    dangling.symlink_to(tmp_path / "nowhere")
    for place in (tmp_path / "file" / "new", tmp_path / ("n" * 300), dangling):
        with pytest.raises(BundleError, match="cannot be written"):
            write_bundle(place, description, contents)
    assert {place.name for place in tmp_path.iterdir()} == {"dangling", "file"}


KILLED = """
import json, os, signal, sys
from pathlib import Path
from pneumoscope.bundles import write_bundle

source, target, event, name = sys.argv[1:]
whole = json.loads((Path(source) / "bundle.json").read_text("utf-8"))
contents = {name: (Path(source) / name).read_bytes() for name in whole.pop("files")}

def die(seen, arguments):
    if seen == event and Path(os.fsdecode(arguments[0])).name == name:
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
write_bundle(Path(target), whole, contents)
"""


@pytest.mark.parametrize(
    ("event", "name"),
    [("open", CARD), ("open", DESCRIPTION), ("open", CHECKSUM), ("os.rename", "new")],
)
def test_a_write_that_is_killed_leaves_no_half_bundle(
    tiny_bundle: Bundle,
    tmp_path: Path,
    description: dict[str, Any],
    contents: dict[str, bytes],
    event: str,
    name: str,
) -> None:
    target = tmp_path / "new"
    command = [sys.executable, "-c", KILLED, str(tiny_bundle.folder), str(target), event, name]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert list(tmp_path.iterdir()), "killed before it began to write"
    assert not target.exists()
    assert write_bundle(target, description, contents).sha256 == tiny_bundle.sha256


def test_the_terms_name_every_training_set_in_one_line(
    tmp_path: Path, description: dict[str, Any], contents: dict[str, bytes]
) -> None:
    first = description["training_sets"][0]
    description["training_sets"].append(first | {"name": "other", "licence": "by asking"})
    terms = write_bundle(tmp_path / "new", description, contents).terms
    assert "made up: CC0" in terms
    assert "other: by asking" in terms
    assert terms.isprintable()
