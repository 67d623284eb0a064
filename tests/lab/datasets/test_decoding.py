"""The cache changes when images are decoded, never what they are."""

import logging
import os
import resource
import signal
import stat
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("torch")
pytest.importorskip("monai")
pytest.importorskip("lightning")

from pneumoscope.errors import ImageError
from pneumoscope.evaluation import LabelledImage
from pneumoscope.imaging import fingerprint, read_radiograph, reduce_by_area
from pneumoscope.lab.datasets.decoding import decode
from pneumoscope.synthetic import draw_phantom, write_dicom

pytestmark = pytest.mark.lab

SIZE = 32
# A process of its own that decodes a folder and says what it got.
SCRIPT = """
import hashlib, sys
from pathlib import Path
from pneumoscope.evaluation import LabelledImage
from pneumoscope.lab.datasets.decoding import decode
files = sorted(Path(sys.argv[1]).iterdir())
decoded = decode("a", [LabelledImage(f, f.name, "X", f.name) for f in files], 512)
print(hashlib.sha256(b"".join(d.pixels.tobytes() for d in decoded)).hexdigest())
"""


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("PNEUMOSCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "decoded"


@pytest.fixture
def folder(tmp_path) -> Path:
    """One image of each kind, no two of one shape."""
    folder = tmp_path / "images"
    folder.mkdir()
    grey = np.random.default_rng(0).integers(0, 256, (90, 70), dtype=np.uint8)
    cv2.imwrite(str(folder / "grey.png"), grey)
    cv2.imwrite(str(folder / "deep.png"), grey[:50].astype(np.uint16) * 257)
    cv2.imwrite(str(folder / "small.png"), grey[:35, :32])
    cv2.imwrite(str(folder / "colour.jpg"), np.dstack([grey[:, :40]] * 3))
    cv2.imwrite(str(folder / "grey.tif"), grey[:43])
    write_dicom(draw_phantom(1, size=128, opacity=True), folder / "phantom.dcm")
    return folder


def listed(folder: Path) -> list[LabelledImage]:
    return [LabelledImage(f, f.name, "NORMAL", f.name) for f in sorted(folder.iterdir())]


def assert_right(decoded, images, size=SIZE):
    """Hold against the plain way, one image at a time and without a cache."""
    assert len(decoded) == len(images)
    for got, image in zip(decoded, images, strict=True):
        pixels = read_radiograph(image.path).pixels
        np.testing.assert_array_equal(got.pixels, reduce_by_area(pixels, size))
        assert got.fingerprint == fingerprint(pixels)


def decoded_anew(images, caplog, size=SIZE) -> int:
    """How many images were decoded; all of them must be right."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        assert_right(decode("a", images, size), images, size)
    return sum(record.args[1] for record in caplog.records if "decoding" in record.msg)


def test_a_second_start_decodes_nothing_and_gives_the_same(folder, cache, caplog):
    images = listed(folder)
    assert decoded_anew(images, caplog) == 6
    assert decoded_anew(images, caplog) == 0
    assert decoded_anew(images, caplog, size=48) == 6
    assert decoded_anew(images[::-1], caplog) == 0


@settings(max_examples=15)
@given(
    shapes=st.lists(st.tuples(st.integers(32, 99), st.integers(32, 99)), min_size=1, max_size=6),
    size=st.integers(8, 64),
    suffix=st.sampled_from(["png", "jpg", "tif"]),
    seed=st.integers(0, 99),
)
def test_cached_is_uncached_bit_for_bit(tmp_path_factory, shapes, size, suffix, seed):
    folder = tmp_path_factory.mktemp("drawn")
    rng = np.random.default_rng(seed)
    for number, (height, width) in enumerate(shapes):
        pixels = rng.integers(0, 256, (height, width), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number}.{suffix}"), pixels)
    images = listed(folder)
    for _ in range(2):
        assert_right(decode("a", images, size), images, size)


def test_a_changed_file_is_decoded_again_whatever_its_times_say(folder, cache, caplog):
    images = listed(folder)
    decoded_anew(images, caplog)
    target = folder / "phantom.dcm"
    before = target.stat()
    content = bytearray(target.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20] = bytes(255 - byte for byte in content[middle : middle + 20])
    target.write_bytes(content)
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    after = target.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    assert decoded_anew(images, caplog) == 1


def test_added_removed_and_copied_files(folder, cache, caplog):
    images = listed(folder)
    decoded_anew(images[:4], caplog)
    assert decoded_anew(images, caplog) == 2
    (folder / "copy.png").write_bytes((folder / "grey.png").read_bytes())
    (folder / "colour.jpg").unlink()
    assert decoded_anew(listed(folder), caplog) == 0
    # What is no longer listed goes when something new comes.
    cv2.imwrite(str(folder / "new.png"), np.eye(44, dtype=np.uint8) * 255)
    held = next(cache.glob("*.rows")).stat().st_size
    assert decoded_anew(listed(folder), caplog) == 1
    assert next(cache.glob("*.rows")).stat().st_size == held


@settings(max_examples=40)
@given(where=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255), cut=st.booleans())
def test_a_damaged_cache_is_rebuilt(tmp_path_factory, where, change, cut):
    with pytest.MonkeyPatch.context() as patch:
        place = tmp_path_factory.mktemp("damaged")
        patch.setenv("PNEUMOSCOPE_CACHE", str(place))
        folder = place / "images"
        folder.mkdir()
        for number in range(3):
            cv2.imwrite(str(folder / f"{number}.png"), np.eye(40 + number, dtype=np.uint8) * 255)
        images = listed(folder)
        decode("a", images, 8)
        (file,) = (place / "decoded").glob("*.rows")
        sound = file.read_bytes()
        position = int(where * len(sound))
        damaged = bytearray(sound)
        damaged[position] ^= change
        file.write_bytes(sound[:position] if cut else damaged)
        assert_right(decode("a", images, 8), images, 8)
        assert len(file.read_bytes()) == len(sound)
        assert_right(decode("a", images, 8), images, 8)


@pytest.mark.parametrize("content", [b"", b"\0" * 50_000, b"\x93NUMPY" + b"x" * 9999, b"cos\nsys"])
def test_a_foreign_file_in_the_caches_place_is_replaced(folder, cache, caplog, content):
    images = listed(folder)
    decode("a", images, SIZE)
    (file,) = cache.glob("*.rows")
    file.write_bytes(content)
    assert decoded_anew(images, caplog) == 6
    assert decoded_anew(images, caplog) == 0


def test_only_the_user_may_look_into_the_cache(folder, cache):
    cache.mkdir(parents=True, mode=0o755)
    decode("a", listed(folder), SIZE)
    (file,) = cache.iterdir()
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = file.read_bytes()
    assert b"phantom" not in content
    assert b"images" not in content


@contextmanager
def file_in_its_place(cache: Path):
    cache.parent.mkdir(parents=True)
    cache.write_bytes(b"")
    yield


@contextmanager
def full_disk(cache: Path):
    """A limit on the size of files, hit in the middle of the second row."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE * SIZE * 3 // 2, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("trouble", [file_in_its_place, full_disk])
def test_without_a_cache_images_stay_in_memory(folder, cache, caplog, trouble):
    images = listed(folder)
    with trouble(cache):
        decoded = decode("a", images, SIZE)
    assert_right(decoded, images)
    (said,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert str(cache) in said
    assert "stay in memory" in said
    assert "\n" not in said
    assert not cache.is_dir() or not list(cache.iterdir())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_cache_folder(folder, cache, caplog):
    images = listed(folder)
    cache.parent.mkdir()
    cache.parent.chmod(0o500)
    assert_right(decode("a", images, SIZE), images)
    assert "stay in memory" in caplog.text


def test_images_outlive_the_file_they_lie_in(folder, cache):
    images = listed(folder)
    decoded = decode("a", images, SIZE)
    next(cache.iterdir()).unlink()
    assert_right(decoded, images)


def test_unreadable_images_are_told_in_their_place_every_time(folder, cache, caplog):
    (folder / "a-broken.png").write_bytes((folder / "grey.png").read_bytes()[:300])
    (folder / "b-empty.jpg").write_bytes(b"")
    (folder / "c-empty.jpg").write_bytes(b"")
    images = [*listed(folder), LabelledImage(folder / "gone.png", "gone.png", "NORMAL", "p")]
    for _ in range(2):
        decoded = decode("a", images, SIZE)
        for image, got in zip(images, decoded, strict=True):
            if image.file in ("a-broken.png", "b-empty.jpg", "c-empty.jpg", "gone.png"):
                assert isinstance(got, ImageError)
                assert image.file in str(got)
            else:
                assert_right([got], [image])
        assert len(list(cache.iterdir())) == 1


@pytest.fixture
def many(tmp_path) -> Path:
    folder = tmp_path / "many"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for number in range(24):
        pixels = rng.integers(0, 256, (512, 512), dtype=np.uint8)
        cv2.imwrite(str(folder / f"{number:02}.png"), pixels)
    return folder


def decoding(folder: Path) -> subprocess.Popen:
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_no_half_cache(many, cache, caplog):
    process = decoding(many)
    try:
        while process.poll() is None:
            if any(file.stat().st_size for file in cache.glob(".building-*")):
                process.kill()
            time.sleep(0.001)
    finally:
        process.kill()
    assert process.wait() == -signal.SIGKILL
    (half,) = cache.iterdir()  # and nothing under the cache's own name
    assert 0 < half.stat().st_size < 24 * 512 * 512
    images = listed(many)
    assert decoded_anew(images, caplog, size=512) == 24
    assert half.exists()  # it might be another process that is at work
    long_ago = time.time() - 2 * 3600
    os.utime(half, (long_ago, long_ago))
    cv2.imwrite(str(many / "00.png"), np.eye(50, dtype=np.uint8) * 255)
    assert decoded_anew(images, caplog, size=512) == 1
    assert not half.exists()


def test_two_processes_that_build_at_once_do_no_harm(many, cache, caplog):
    processes = [decoding(many) for _ in range(2)]
    said = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert said[0] == said[1]
    assert decoded_anew(listed(many), caplog, size=512) == 0
    assert len(list(cache.iterdir())) == 1
