"""Counter-based randomness: every random choice is a function of its purpose, never of earlier draws.

So nothing depends on the number of threads, on prefetching, or on where a run was stopped.
"""

from __future__ import annotations

import hashlib


def seed_for(*purpose: int | str) -> int:
    """A 63-bit seed for the choice that `purpose` names, such as `(seed, "augment", epoch, index)`."""
    digest = hashlib.blake2b(repr(purpose).encode("utf-8", "surrogateescape"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
