"""How many pictures there are, in words."""

from __future__ import annotations

from PySide6.QtCore import QCoreApplication

from resnet_gui.data.folder import Listing
from resnet_gui.data.split import Splits


def totals(listing: Listing) -> str:
    """ "800 pictures · 5 classes"."""
    pictures = _counted(len(listing.samples), _tr("{count} picture"), _tr("{count} pictures"))
    return f"{pictures} · {_counted(len(listing.classes), _tr('{count} class'), _tr('{count} classes'))}"


def shares(splits: Splits) -> str:
    """ "Train 480 · Validation 160 · Test 160"."""
    parts = ((_tr("Train"), splits.train), (_tr("Validation"), splits.val), (_tr("Test"), splits.test))
    return " · ".join(f"{name} {len(samples):,}" for name, samples in parts)


def _counted(count: int, one: str, many: str) -> str:
    return (one if count == 1 else many).format(count=f"{count:,}")


def _tr(text: str) -> str:
    return QCoreApplication.translate("counts", text)
