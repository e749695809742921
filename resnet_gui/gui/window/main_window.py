"""The main window: makes the panes and what drives them, and connects them."""

from __future__ import annotations

import time
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QThreadPool, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QMenu, QMessageBox, QVBoxLayout, QWidget

from resnet_gui import __version__
from resnet_gui.config import settings
from resnet_gui.events import Event, Failed, Progress
from resnet_gui.gui.controllers.dataset_controller import Opening
from resnet_gui.gui.controllers.prediction_controller import Predicting
from resnet_gui.gui.controllers.resume_controller import Resuming
from resnet_gui.gui.controllers.runs_controller import OldRuns, is_run
from resnet_gui.gui.controllers.training_controller import Running
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.predict.predict_pane import PredictPane
from resnet_gui.gui.runs.resume_banner import Banner
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.thread_pool import in_background
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import Remembered
from resnet_gui.gui.widgets.tab_widget import Tabs
from resnet_gui.gui.window.close_dialog import ask_to_close
from resnet_gui.gui.window.docks import make_centre, make_dock
from resnet_gui.gui.window.menu_bar import Commands
from resnet_gui.gui.window.single_instance import Doorbell
from resnet_gui.gui.window.status_bar import StatusBar
from resnet_gui.gui.workers.dataset_lister import Dataset
from resnet_gui.gui.workers.download_engine import Fetching
from resnet_gui.gui.workers.prediction_engine import Asking
from resnet_gui.gui.workers.training_engine import COMPUTING, Training
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.paths import log_folder

if TYPE_CHECKING:
    from resnet_gui.gui.network.network_tab import NetworkTab

_TITLE_BAR = 32
_SETUP_WIDTH = 300
_PREDICT_WIDTH = 330
_PATIENCE = 60
"""Seconds that a run gets to finish its step and save when the window is closed."""
_LATER = 300
"""Milliseconds after the first paint: what can wait until the engine has been started."""


class MainWindow(QMainWindow):
    """Setup on the left, data and training in the middle, prediction on the right."""

    _imported = Signal(object)

    def __init__(self, theme: Theme, remembered: Remembered) -> None:
        super().__init__()
        self.setWindowTitle("resnet-gui")
        self._theme = theme
        self._remembered = remembered
        self._engine_state = "starting"
        self._painted = False
        self._quits_when_done = False
        self._leaves_at = 0.0
        self._patience = QTimer(self, interval=1000 * _PATIENCE, singleShot=True)
        self._patience.timeout.connect(QApplication.quit)

        # What does the work
        self.asking = Asking(self)
        self.training = Training(self)
        self.fetching = Fetching(self)
        self.dataset = Dataset(self)

        with theme.undressed():
            self._make_panes()
            self._make_drivers()
            self._place_panes()
            self._make_commands(Commands(self, theme))
        self._lay_out()
        self._connect()

    def _make_panes(self) -> None:
        """What is seen."""
        theme = self._theme
        self.setup = SetupPane(theme, NETWORKS, list(settings()))
        self.setup.set_values(self._remembered.values())
        self.data_tab = DataTab(theme)
        self.network_page = QWidget()
        self.training_tab = TrainingTab(theme)
        self.predict_pane = PredictPane(theme)
        self.banner = Banner(theme)
        self.status = StatusBar(theme)
        self.tabs = Tabs()
        self.tabs.addTab(self.data_tab, self.tr("Data"))
        self.tabs.addTab(self.network_page, self.tr("Network"))
        self.tabs.addTab(self.training_tab, self.tr("Training"))

    def _make_drivers(self) -> None:
        """What connects what does the work with what is seen."""
        remembered = self._remembered
        self.opening = Opening(self.dataset, self.asking, self.setup, self.data_tab, remembered)
        self.running = Running(
            self.training, self.dataset, self.opening, self.asking, self.setup, self.training_tab, remembered,
            self.fetching,
        )  # fmt: skip
        self.resuming = Resuming(self.training, self.opening, self.setup, self.training_tab)
        self.old_runs = OldRuns(self.training, self.asking, self.resuming, self.training_tab, self.banner, remembered)
        self.predicting = Predicting(self.asking, self.training, self.predict_pane, remembered)
        self._doorbell = Doorbell(self)

    def _place_panes(self) -> None:
        self.setCentralWidget(make_centre(self.banner, self.tabs))
        self.setDockNestingEnabled(True)
        self.setup_dock = make_dock("setup", self.tr("Setup"), self.setup, self._theme, _SETUP_WIDTH)
        self.predict_dock = make_dock("predict", self.tr("Predict"), self.predict_pane, self._theme, _PREDICT_WIDTH)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.setup_dock)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.predict_dock)
        self.setStatusBar(self.status)

    def _lay_out(self) -> None:
        """As it was when the window was closed; the first time, as wide as the panes need."""
        room = self.screen().availableSize() - QSize(0, _TITLE_BAR)
        self.resize(QSize(1280, 800).boundedTo(room))
        self.resizeDocks(
            [self.setup_dock, self.predict_dock], [_SETUP_WIDTH, _PREDICT_WIDTH], Qt.Orientation.Horizontal
        )
        self._first_layout = self.saveState()
        geometry, layout = self._remembered.window()
        self.restoreGeometry(geometry)
        self.restoreState(layout)

    def _make_commands(self, commands: Commands) -> None:
        self._commands = commands
        self._make_file_menu(commands.menu(self.tr("&File")))
        edit = commands.menu(self.tr("&Edit"))
        self.predict_pane.paste_action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        edit.addActions([self.predict_pane.paste_action, self.predict_pane.copy_action])
        self._make_run_menu(commands.menu(self.tr("&Run")))
        self._make_view_menu(commands.menu(self.tr("&View")))
        self._make_help_menu(commands.menu(self.tr("&Help")))

    def _make_file_menu(self, menu: QMenu) -> None:
        add, recent, remembered = self._commands.add, self._commands.add_recent, self._remembered
        choose = add(
            menu, self.tr("&Open pictures…"), self.opening.choose, "Ctrl+O", "folder-open", self.tr("Pictures")
        )
        sample = add(
            menu, self.tr("Try the &sample pictures"), self.opening.open_sample, None, "sample", self.tr("Sample")
        )
        add(menu, self.tr("Open &model…"), self.predicting.choose_model, "Ctrl+Shift+O", "model", self.tr("Model"))
        pictures = recent(
            menu, self.tr("Recent pictures"), lambda: remembered.recent("datasets"), lambda path: self.opening.open(Path(path))
        )  # fmt: skip
        recent(menu, self.tr("Recent models"), lambda: remembered.recent("models"), self.predicting.load)
        menu.addSeparator()
        run = add(menu, self.tr("Open &run…"), self.old_runs.choose, "Ctrl+R", "curves")
        runs = recent(
            menu, self.tr("Recent runs"), lambda: remembered.recent("runs"), lambda path: self.old_runs.open(Path(path))
        )
        self._opening_commands = (choose, sample, pictures, run, runs)
        menu.addSeparator()
        self._save = add(menu, self.tr("Save model &as…"), self.running.save_model, "Ctrl+S", "save")
        self._run_folder = add(menu, self.tr("Show run &folder"), self.running.show_run_folder, None, "run-folder")
        menu.addSeparator()
        add(menu, self.tr("&Quit"), self.close, "Ctrl+Q")

    def _make_run_menu(self, menu: QMenu) -> None:
        add = self._commands.add
        self._start = add(
            menu, self.tr("&Start training"), self._start_or_pause, "Ctrl+Return", "play", self.tr("Start")
        )
        self._stop = add(menu, self.tr("S&top training"), self.running.stop, None, "stop")
        add(
            menu,
            self.tr("Predict &pictures…"),
            self.predicting.choose_pictures,
            "Ctrl+P",
            "picture",
            self.tr("Predict"),
        )
        menu.addSeparator()
        add(menu, self.tr("Use the &default settings"), self.setup.reset)

    def _make_view_menu(self, menu: QMenu) -> None:
        tabs = (
            (self.tr("&Data"), self.data_tab), (self.tr("&Network"), self.network_page), (self.tr("&Training"), self.training_tab),
        )  # fmt: skip
        for number, (name, tab) in enumerate(tabs, start=1):
            self._commands.add(menu, name, partial(self.tabs.setCurrentWidget, tab), f"Ctrl+{number}")
        menu.addSeparator()
        for dock in (self.setup_dock, self.predict_dock):
            menu.addAction(dock.toggleViewAction())
        self._commands.add(menu, self.tr("&Reset layout"), lambda: self.restoreState(self._first_layout))
        menu.addSeparator()
        self._commands.add_themes(menu, self._choose_theme)

    def _make_help_menu(self, menu: QMenu) -> None:
        def show_logs() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder())))

        self._commands.add(menu, self.tr("Show &log folder"), show_logs)
        self._commands.add(menu, self.tr("&About resnet-gui"), self._show_about)

    def _connect(self) -> None:
        self.asking.engine_said.connect(self._show_engine)
        self.asking.ready.connect(self.status.show_event)
        self.training.said.connect(self.status.show_event)
        self.training.said.connect(self._hear_run)
        self.training.silent.connect(
            lambda seconds: self.status.show_silence(seconds, running=self.training.state == "running")
        )
        self.status.restart_requested.connect(self.resuming.restart)
        self.status.end_requested.connect(self.training.kill)
        self.training.state_changed.connect(self._follow_run)
        self.opening.opened.connect(self.training.prepare)
        self.opening.opened.connect(self._show_pictures)
        self.setup.folder_dropped.connect(lambda folder: self.open_path(Path(folder)))
        dataset = self.dataset
        self.old_runs.opened.connect(self._follow_files)
        for signal in (dataset.listing_began, dataset.opened, dataset.failed, dataset.cancelled):
            signal.connect(lambda *_: self._follow_run(self.training.state))
        for signal in (self.running.started, self.resuming.started, self.old_runs.opened):
            signal.connect(lambda: self.tabs.setCurrentWidget(self.training_tab))
        self.setup.inspect_requested.connect(self._look_inside)
        self.setup.changed.connect(self._ask_library)
        self.tabs.currentChanged.connect(lambda _: self.tabs.currentWidget() is self.network_page and self.network_tab)
        self._doorbell.rung.connect(self._come_back)
        self._imported.connect(lambda _: self.training_tab.plots)  # made by being named, before a run wants them
        self._follow_run(self.training.state)

    def open_path(self, path: Path) -> None:
        """Opens what the program was started with: a folder of pictures, that of a run, or a model file."""
        if path.suffix.lower() == ".safetensors":
            self.predicting.load(str(path))
        elif is_run(path):
            self.old_runs.open(path)
        else:
            self.opening.open(path)

    @cached_property
    def network_tab(self) -> NetworkTab:
        """Made, and its modules imported, when it is first wanted: it takes a while, for which no start should wait."""
        from resnet_gui.gui.controllers.network_choice_controller import Choosing
        from resnet_gui.gui.controllers.network_controller import Exploring
        from resnet_gui.gui.network.network_tab import NetworkTab

        tab = NetworkTab(self._theme, NETWORKS, self.network_page)
        page = QVBoxLayout(self.network_page)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(tab)
        self.exploring = Exploring(self.asking, tab, self)
        self.choosing = Choosing(self.setup, tab, self.exploring, self.fetching, self.dataset)
        return tab

    def _ask_library(self) -> None:
        """What a library has for its network is found out by what belongs to the tab, though nobody looks at it yet."""
        if not self.setup.network.is_curated:
            self.network_tab  # noqa: B018 - made by being named

    def _look_inside(self, network: str) -> None:
        self.network_tab.show_network(network)
        self.tabs.setCurrentWidget(self.network_page)

    def open_sample(self) -> None:
        """Draws and opens the sample pictures."""
        self.opening.open_sample()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Starts the engine after the first paint: nothing may come before that."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.asking.start)
            QTimer.singleShot(_LATER, self.old_runs.look_for_unfinished)
            QTimer.singleShot(_LATER, self._ask_library)
            QTimer.singleShot(_LATER, lambda: in_background(_import_what_can_wait, self._imported))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closes at once, unless a run computes: then the person decides. One that is being saved needs no question."""
        choice = ask_to_close(self) if self.training.state in ("running", "scoring") else "stop"
        if choice == "cancel":
            event.ignore()
            return
        self._remember()
        if choice == "keep" and self.training.state in COMPUTING:  # it may have ended while the question stood
            event.ignore()
            self._quits_when_done = True
            self._doorbell.hang()
            self.showMinimized()
            return
        event.accept()
        self.hide()
        self._stop_and_quit()

    def _stop_and_quit(self) -> None:
        """Ends when the run has saved, or after a minute; the engines are gone before the program is."""
        self._quits_when_done = True
        self._leaves_at = time.monotonic() + _PATIENCE
        self._patience.start()
        if self.training.state == "scoring":
            self.training.stop()
        self.training.pause()  # and not stop: the next start is to offer it
        self._follow_run(self.training.state)

    def _start_or_pause(self) -> None:
        """What the command with the many names does now."""
        match self.training.state:
            case "idle":
                self.running.start()
            case "running":
                self.training.pause()
            case "paused":
                self.resuming.resume(self.training.run)
            case "scoring":
                self.training.stop()

    def _follow_run(self, state: str) -> None:
        """Keeps the commands and the status bar true to what the run does."""
        text, short, icon = {
            "running": (self.tr("&Pause training"), self.tr("Pause"), "pause"),
            "pausing": (self.tr("&Pause training"), self.tr("Pause"), "pause"),
            "paused": (self.tr("&Resume training"), self.tr("Resume"), "play"),
            "scoring": (self.tr("&Stop scoring"), self.tr("Stop"), "stop"),
        }.get(state, (self.tr("&Start training"), self.tr("Start"), "play"))
        self._start.setText(text)
        self._start.setIconText(short)
        is_open = self.dataset.listing is not None and not self.dataset.is_listing
        self._start.setEnabled(is_open if state == "idle" else state in ("running", "paused", "scoring"))
        self._stop.setEnabled(state in ("running", "pausing", "paused"))
        for action in self._opening_commands:
            action.setEnabled(state == "idle")
        self._commands.set_icon(self._start, icon)
        self._follow_files()
        shown = {"running": "training", "scoring": "training", "pausing": "saving", "stopping": "saving"}
        self.status.show_engine(shown.get(state) or ("paused" if state == "paused" else self._engine_state))
        if state not in COMPUTING and self._quits_when_done:
            QApplication.quit()

    def _show_pictures(self) -> None:
        """Turns to the pictures that were opened, unless they came with a run."""
        if self.training.state == "idle":
            self.tabs.setCurrentWidget(self.data_tab)

    def _show_engine(self, state: str) -> None:
        self._engine_state = state
        if self.training.state == "idle":
            self.status.show_engine(state)

    def _hear_run(self, event: Event) -> None:
        """A run that fails while its window is minimised or hidden brings it back, for the person must know."""
        self._follow_files()
        if isinstance(event, Progress) and self.training.state == "running":
            self.status.show_engine("training")  # and no longer waiting
        if isinstance(event, Failed) and self._quits_when_done:
            self._come_back()

    def _follow_files(self) -> None:
        self._save.setEnabled(bool(self.training_tab.story.model))
        self._run_folder.setEnabled(bool(self.training_tab.story.run))

    def _come_back(self) -> None:
        """The window is wanted again: it no longer ends by itself."""
        self._quits_when_done = False
        self._patience.stop()
        self._leaves_at = 0.0
        self._doorbell.take_down()
        self.showNormal()
        self.activateWindow()

    def changeEvent(self, event: QEvent) -> None:
        """A window that is taken up from the task bar stays, as one that was called back."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self._quits_when_done and not self.isMinimized():
            self._come_back()

    def end_engines(self) -> None:
        """The last thing: no process outlives the window."""
        self.dataset.end()
        self.asking.end(2.0)
        self.fetching.end(2.0)
        left = self._leaves_at - time.monotonic() if self._leaves_at else _PATIENCE
        self.training.end(max(2.0, left))
        QThreadPool.globalInstance().waitForDone(2000)

    def _remember(self) -> None:
        self._remembered.set_window(self.saveGeometry(), self.saveState())
        self._remembered.set_values(self.opening.own_values())

    def _choose_theme(self, mode: str) -> None:
        self._theme.set_mode(mode)
        self._remembered.set_theme(mode)

    def _show_about(self) -> None:
        QMessageBox.about(
            self,
            self.tr("About resnet-gui"),
            self.tr("resnet-gui {version}\n\nTrains image classifiers on your own machine.").format(
                version=__version__
            ),
        )


def _import_what_can_wait() -> None:
    """What the first run and the first look at the Network tab need. In a thread, for it takes a third of a second."""
