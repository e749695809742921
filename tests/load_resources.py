"""Loads every icon of the installed package: python -P tests/load_resources.py, from outside the checkout."""

import sys
import sysconfig
from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtGui import QGuiApplication, QIcon, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

from resnet_gui.paths import resource


def paints_something(icon: Path) -> bool:
    """Whether the drawing is valid and leaves at least one point that is not transparent."""
    renderer = QSvgRenderer(str(icon))
    image = QImage(QSize(64, 64), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter)
    painter.end()
    blank = QImage(image.size(), image.format())
    blank.fill(0)
    return renderer.isValid() and image != blank and not QIcon(str(icon)).pixmap(64, 64).isNull()


def main() -> int:
    application = QGuiApplication(sys.argv)
    folder = resource("icons")
    site_packages = Path(sysconfig.get_path("purelib")).resolve()
    if not folder.is_relative_to(site_packages):
        print(f"{folder} is not inside {site_packages}: the installed package does not carry its resources.")
        return 1
    icons = sorted(folder.glob("*.svg"))
    broken = [icon.name for icon in icons if not paints_something(icon)]
    print(f"{len(icons)} icons in {folder}, {len(broken)} broken: {', '.join(broken) or 'none'}")
    del application
    return 1 if broken or not icons else 0


if __name__ == "__main__":
    sys.exit(main())
