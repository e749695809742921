"""The whole program on a virtual screen: a picture is dragged to it from another process, then it is closed."""

import contextlib
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from resnet_gui.data.transforms import Preprocessing
from resnet_gui.model_file import ModelMetadata, save_model
from resnet_gui.nets.build import build

ROOT = Path(__file__).resolve().parents[3]
MAGENTA = (255, 0, 255)
"""Nothing else on the screen has the colour of the dragged picture."""
ACCENT = (0x25, 0x63, 0xEB)
"""The bar of the most probable class, in the light theme."""

_missing = [tool for tool in ("Xvfb", "xdotool", "openbox") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X servers of one's own are a thing of Linux"),
    pytest.mark.skipif(bool(_missing), reason=f"not installed: {', '.join(_missing)}"),
]


class Screen:
    """An X server without a monitor, with a window manager, for processes with a home folder of their own."""

    def __init__(self, folder: Path, display: str, framebuffer: Path) -> None:
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "WAYLAND_DISPLAY"},
            "DISPLAY": display, "QT_QPA_PLATFORM": "xcb", "HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache"),
            "XDG_CONFIG_HOME": str(folder / "config"), "XDG_RUNTIME_DIR": str(folder),
        }  # fmt: skip
        self._framebuffer = framebuffer

    def xdotool(self, *words: object) -> str:
        """What xdotool prints."""
        command = ["xdotool", *(str(word) for word in words)]
        return subprocess.run(
            command, env=self.environment, check=True, capture_output=True, text=True, timeout=20
        ).stdout

    def window(self, title: str) -> str:
        """The number of the window called `title`, once it is there."""
        return wait(lambda: self._search(title), 20, f"a window called “{title}”").split()[-1]

    def _search(self, title: str) -> str:
        with contextlib.suppress(subprocess.CalledProcessError):  # there is none yet
            return self.xdotool("search", "--onlyvisible", "--name", f"^{title}$")
        return ""

    def count(self, colour: tuple[int, int, int]) -> int:
        """How many pixels of the screen have `colour`."""
        data = self._framebuffer.read_bytes()
        header = struct.unpack(">20I", data[:80])  # of the XWD format
        start, (width, height) = header[0] + 12 * header[19], header[4:6]
        image = Image.frombytes("RGB", (width, height), data[start:], "raw", "BGRX", header[12])
        return sum(count for count, each in image.getcolors(width * height) if each == colour)


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    """A free display; its server and window manager end with the test."""
    ours, servers = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(servers), "-screen", "0", "1600x850x24", "-nolisten", "tcp", "-fbdir", str(tmp_path)],
        pass_fds=[servers], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(servers)
    try:
        with os.fdopen(ours) as pipe:
            number = pipe.readline().strip()
        assert number, "Xvfb did not start"
        screen = Screen(tmp_path, f":{number}", tmp_path / "Xvfb_screen0")
        with running(["openbox"], screen):
            yield screen
    finally:
        end(server)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A ResNet-18 that takes everything for a kite."""
    network = build("resnet18", 3)
    weights = network.state_dict()
    weights["fc.weight"].zero_()
    weights["fc.bias"].copy_(weights["fc.bias"].new_tensor([0.0, 20.0, 0.0]))
    metadata = ModelMetadata(
        "resnet18", ("crane", "kite", "lark"), Preprocessing.for_size(32), epoch=1, validated=False
    )
    path = tmp_path / "birds.safetensors"
    save_model(path, weights, metadata)
    return path


def test_a_dragged_picture_is_predicted_and_closing_leaves_no_engine(screen, model, tmp_path):
    picture = tmp_path / "magenta.png"
    Image.new("RGB", (800, 600), MAGENTA).save(picture)
    with (
        running([sys.executable, "-m", "resnet_gui", str(model)], screen) as program,
        running([sys.executable, str(ROOT / "tests" / "helpers" / "drag_source.py"), str(picture)], screen),
    ):
        window, source = screen.window("resnet-gui"), screen.window("drag source")
        settings = tmp_path / "config" / "resnet-gui" / "resnet-gui.conf"
        wait(lambda: settings.is_file() and model.name in settings.read_text(), 30, "the model to be loaded")
        screen.xdotool("windowmove", "--sync", source, 1360, 300)
        assert screen.count(MAGENTA) == 0
        accent_before = screen.count(ACCENT)

        drag(screen, source, target_of(screen, window))
        wait(lambda: screen.count(MAGENTA) > 20_000, 15, "the picture to be shown")
        wait(lambda: screen.count(ACCENT) > accent_before + 500, 5, "the bar of the answer")

        assert engines(tmp_path)
        assert closed(screen, window, program) == 0
        assert not engines(tmp_path)


def closed(screen: Screen, window: str, program: subprocess.Popen) -> int:
    """Closes the window as a user does, and returns the program's exit status.

    The keys are pressed again where a window manager that shares one core with the program was too slow for them.
    """
    for _ in range(4):
        screen.xdotool("windowactivate", "--sync", window, "key", "--clearmodifiers", "alt+F4")
        with contextlib.suppress(subprocess.TimeoutExpired):
            return program.wait(timeout=4)
    return program.wait(timeout=1)


def target_of(screen: Screen, window: str) -> tuple[int, int]:
    """The middle of the Predict pane, which is at the window's right side."""
    lines = screen.xdotool("getwindowgeometry", "--shell", window).split()
    geometry = dict(line.split("=") for line in lines)
    return int(geometry["X"]) + int(geometry["WIDTH"]) - 165, int(geometry["Y"]) + int(geometry["HEIGHT"]) // 2


def drag(screen: Screen, source: str, target: tuple[int, int]) -> None:
    """Moves the mouse in steps, as a hand does: a drag begins with a movement, and Qt queries the target on the way."""
    screen.xdotool("mousemove", "--window", source, 60, 60, "mousedown", 1)
    began = 1420, 360
    for step in range(1, 11):
        x, y = (round(a + (b - a) * step / 10) for a, b in zip(began, target, strict=True))
        screen.xdotool("mousemove", x, y)
        time.sleep(0.08)
    screen.xdotool("mousemove_relative", 3, 3)
    time.sleep(0.3)
    screen.xdotool("mouseup", 1)


def engines(home: Path) -> list[str]:
    """The process ids of the engines that the program on this screen has started, read from /proc."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it has ended since
            command, environment = ((process / name).read_bytes() for name in ("cmdline", "environ"))
            if command.endswith(b"\0serve\0") and f"HOME={home}\0".encode() in environment:
                found.append(process.name)
    return found


@contextlib.contextmanager
def running(command: list[str], screen: Screen) -> Iterator[subprocess.Popen]:
    """A process on `screen` that is gone afterwards."""
    process = subprocess.Popen(command, cwd=ROOT, env=screen.environment)
    try:
        yield process
    finally:
        end(process)


def end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wait(condition: Callable[[], object], seconds: float, what: str) -> object:
    """What `condition` returns, once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain for {what}"
        time.sleep(0.05)
    return found
