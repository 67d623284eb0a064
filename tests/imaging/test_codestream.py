from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from pneumoscope.imaging.codestream import frame_size


@pytest.mark.parametrize(
    ("file_format", "options"),
    [
        ("JPEG", {}),
        ("JPEG", {"progressive": True, "comment": b"before the frame"}),
        ("JPEG2000", {"no_jp2": True}),
        ("JPEG2000", {"no_jp2": False}),
    ],
)
def test_size_of_encoded_images(file_format, options):
    stream = BytesIO()
    Image.fromarray(np.eye(70, 333, dtype=np.uint8)).save(stream, file_format, **options)
    assert frame_size(stream.getvalue()) == (70, 333)


@given(st.sampled_from([b"", b"\xff\xd8", b"\xff\xd8\xff\xe0", b"\xff\x4f\xff\x51"]), st.binary())
def test_any_bytes_give_a_size_or_none(start, rest):
    size = frame_size(start + rest)
    assert size is None or len(size) == 2
