"""The phases that a download and a run can be in."""

from __future__ import annotations

from typing import Literal

DownloadPhase = Literal["none", "here", "running", "paused", "failed"]
"""Of a download."""

RunPhase = Literal["idle", "running", "pausing", "stopping", "paused", "scoring"]
"""While "pausing" and "stopping" the engine saves. A run that is "paused" is saved and has no engine."""
