"""Randomness by counter: every random choice is a function of what it is for, never of what was drawn before.

So nothing depends on the number of threads, on prefetching, or on where a run was stopped.
"""

from __future__ import annotations

import hashlib


def seed_for(*purpose: int | str) -> int:
    """A 63-bit seed for the choice that `counter` names, such as `(seed, "augment", epoch, index)`."""
    digest = hashlib.blake2b(repr(purpose).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
