"""What the room offers, some of it imported when it is first used."""

from __future__ import annotations

import pytest

import pneumoscope.reports as room


def test_every_public_name_is_there_and_others_are_not() -> None:
    assert all(callable(getattr(room, name)) for name in room.__all__)
    with pytest.raises(AttributeError, match="to_fax"):
        _ = room.to_fax
