"""The phases of a download and of a run."""

from __future__ import annotations

from typing import Literal

DownloadPhase = Literal["none", "here", "running", "paused", "failed"]
"""The phase of a download; "here" when the weights are on this machine."""

RunPhase = Literal["idle", "running", "pausing", "stopping", "paused", "scoring"]
"""While "pausing" and "stopping" the engine saves. A run that is "paused" is saved and has no engine."""
