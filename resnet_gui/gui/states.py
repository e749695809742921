"""The phases that a download can be in."""

from __future__ import annotations

from typing import Literal

State = Literal["none", "here", "running", "paused", "failed"]
