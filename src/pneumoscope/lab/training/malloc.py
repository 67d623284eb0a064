"""Memory that a training step frees and takes again."""

from __future__ import annotations

import ctypes
import platform

# From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def keep_freed_memory() -> bool:
    """Let the process keep the memory that it frees, for the next step.

    By default glibc gives every large tensor back to the system and asks for it again in the next
    step, and the system clears each page anew: on a CPU that is up to half of a training step.

    Returns
    -------
    bool
        Whether the C library is one that this is known for; others are left alone.
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    library = ctypes.CDLL(None)
    settings = {
        _M_MMAP_THRESHOLD: 1 << 30,
        _M_TRIM_THRESHOLD: (1 << 31) - 1,
        _M_TOP_PAD: 1 << 28,
    }
    return all(library.mallopt(name, value) == 1 for name, value in settings.items())
