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
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.controllers.prediction_controller import PredictionController
from resnet_gui.gui.controllers.resume_controller import ResumeController
from resnet_gui.gui.controllers.runs_controller import RunsController, is_run
from resnet_gui.gui.controllers.training_controller import TrainingController
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.predict.predict_pane import PredictPane
from resnet_gui.gui.runs.resume_banner import ResumeBanner
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.widgets.tab_widget import TabWidget
from resnet_gui.gui.window.close_dialog import ask_to_close
from resnet_gui.gui.window.docks import make_centre, make_dock
from resnet_gui.gui.window.menu_bar import MenuBar
from resnet_gui.gui.window.single_instance import SingleInstance
from resnet_gui.gui.window.status_bar import StatusBar
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import COMPUTING, TrainingEngine
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

    def __init__(self, theme: Theme, user_settings: UserSettings) -> None:
        super().__init__()
        self.setWindowTitle("resnet-gui")
        self._theme = theme
        self._user_settings = user_settings
        self._engine_state = "starting"
        self._painted = False
        self._quits_when_done = False
        self._leaves_at = 0.0
        self._patience = QTimer(self, interval=1000 * _PATIENCE, singleShot=True)
        self._patience.timeout.connect(QApplication.quit)

        # What does the work
        self.prediction_engine = PredictionEngine(self)
        self.training_engine = TrainingEngine(self)
        self.download_engine = DownloadEngine(self)
        self.dataset_lister = DatasetLister(self)

        with theme.without_stylesheet():
            self._make_panes()
            self._make_controllers()
            self._make_docks()
            self._make_menus(MenuBar(self, theme))
        self._restore_layout()
        self._connect()

    def _make_panes(self) -> None:
        """What is seen."""
        theme = self._theme
        self.setup = SetupPane(theme, NETWORKS, list(settings()))
        self.setup.set_values(self._user_settings.values())
        self.data_tab = DataTab(theme)
        self.network_page = QWidget()
        self.training_tab = TrainingTab(theme)
        self.predict_pane = PredictPane(theme)
        self.banner = ResumeBanner(theme)
        self.status = StatusBar(theme)
        self.tabs = TabWidget()
        self.tabs.addTab(self.data_tab, self.tr("Data"))
        self.tabs.addTab(self.network_page, self.tr("Network"))
        self.tabs.addTab(self.training_tab, self.tr("Training"))

    def _make_controllers(self) -> None:
        """What connects what does the work with what is seen."""
        remembered = self._user_settings
        self.dataset_controller = DatasetController(
            self.dataset_lister, self.prediction_engine, self.setup, self.data_tab, remembered
        )
        self.training_controller = TrainingController(
            self.training_engine, self.dataset_lister, self.dataset_controller, self.prediction_engine, self.setup, self.training_tab, remembered,
            self.download_engine,
        )  # fmt: skip
        self.resume_controller = ResumeController(
            self.training_engine, self.dataset_controller, self.setup, self.training_tab
        )
        self.runs_controller = RunsController(
            self.training_engine,
            self.prediction_engine,
            self.resume_controller,
            self.training_tab,
            self.banner,
            remembered,
        )
        self.prediction_controller = PredictionController(
            self.prediction_engine, self.training_engine, self.predict_pane, remembered
        )
        self._single_instance = SingleInstance(self)

    def _make_docks(self) -> None:
        self.setCentralWidget(make_centre(self.banner, self.tabs))
        self.setDockNestingEnabled(True)
        self.setup_dock = make_dock("setup", self.tr("Setup"), self.setup, self._theme, _SETUP_WIDTH)
        self.predict_dock = make_dock("predict", self.tr("Predict"), self.predict_pane, self._theme, _PREDICT_WIDTH)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.setup_dock)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.predict_dock)
        self.setStatusBar(self.status)

    def _restore_layout(self) -> None:
        """As it was when the window was closed; the first time, as wide as the panes need."""
        room = self.screen().availableSize() - QSize(0, _TITLE_BAR)
        self.resize(QSize(1280, 800).boundedTo(room))
        self.resizeDocks(
            [self.setup_dock, self.predict_dock], [_SETUP_WIDTH, _PREDICT_WIDTH], Qt.Orientation.Horizontal
        )
        self._first_layout = self.saveState()
        geometry, layout = self._user_settings.window()
        self.restoreGeometry(geometry)
        self.restoreState(layout)

    def _make_menus(self, commands: MenuBar) -> None:
        self._commands = commands
        self._make_file_menu(commands.menu(self.tr("&File")))
        edit = commands.menu(self.tr("&Edit"))
        self.predict_pane.paste_action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        edit.addActions([self.predict_pane.paste_action, self.predict_pane.copy_action])
        self._make_run_menu(commands.menu(self.tr("&Run")))
        self._make_view_menu(commands.menu(self.tr("&View")))
        self._make_help_menu(commands.menu(self.tr("&Help")))

    def _make_file_menu(self, menu: QMenu) -> None:
        add, recent, remembered = self._commands.add, self._commands.add_recent, self._user_settings
        choose = add(
            menu,
            self.tr("&Open pictures…"),
            self.dataset_controller.choose,
            "Ctrl+O",
            "folder-open",
            self.tr("Pictures"),
        )
        sample = add(
            menu,
            self.tr("Try the &sample pictures"),
            self.dataset_controller.open_sample,
            None,
            "sample",
            self.tr("Sample"),
        )
        add(
            menu,
            self.tr("Open &model…"),
            self.prediction_controller.choose_model,
            "Ctrl+Shift+O",
            "model",
            self.tr("Model"),
        )
        pictures = recent(
            menu, self.tr("Recent pictures"), lambda: remembered.recent("datasets"), lambda path: self.dataset_controller.open(Path(path))
        )  # fmt: skip
        recent(menu, self.tr("Recent models"), lambda: remembered.recent("models"), self.prediction_controller.load)
        menu.addSeparator()
        run = add(menu, self.tr("Open &run…"), self.runs_controller.choose, "Ctrl+R", "curves")
        runs = recent(
            menu,
            self.tr("Recent runs"),
            lambda: remembered.recent("runs"),
            lambda path: self.runs_controller.open(Path(path)),
        )
        self._opening_commands = (choose, sample, pictures, run, runs)
        menu.addSeparator()
        self._save = add(menu, self.tr("Save model &as…"), self.training_controller.save_model, "Ctrl+S", "save")
        self._run_folder = add(
            menu, self.tr("Show run &folder"), self.training_controller.show_run_folder, None, "run-folder"
        )
        menu.addSeparator()
        add(menu, self.tr("&Quit"), self.close, "Ctrl+Q")

    def _make_run_menu(self, menu: QMenu) -> None:
        add = self._commands.add
        self._start = add(
            menu, self.tr("&Start training"), self._start_or_pause, "Ctrl+Return", "play", self.tr("Start")
        )
        self._stop = add(menu, self.tr("S&top training"), self.training_controller.stop, None, "stop")
        add(
            menu,
            self.tr("Predict &pictures…"),
            self.prediction_controller.choose_pictures,
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
        self.prediction_engine.engine_phase_changed.connect(self._show_engine)
        self.prediction_engine.ready.connect(self.status.show_event)
        self.training_engine.event_received.connect(self.status.show_event)
        self.training_engine.event_received.connect(self._on_run_event)
        self.training_engine.silent.connect(
            lambda seconds: self.status.show_silence(seconds, running=self.training_engine.phase == "running")
        )
        self.status.restart_requested.connect(self.resume_controller.restart)
        self.status.end_requested.connect(self.training_engine.kill)
        self.training_engine.phase_changed.connect(self._on_phase_changed)
        self.dataset_controller.opened.connect(self.training_engine.prepare)
        self.dataset_controller.opened.connect(self._show_pictures)
        self.setup.folder_dropped.connect(lambda folder: self.open_path(Path(folder)))
        dataset = self.dataset_lister
        self.runs_controller.opened.connect(self._update_file_actions)
        for signal in (dataset.listing_began, dataset.opened, dataset.failed, dataset.cancelled):
            signal.connect(lambda *_: self._on_phase_changed(self.training_engine.phase))
        for signal in (self.training_controller.started, self.resume_controller.started, self.runs_controller.opened):
            signal.connect(lambda: self.tabs.setCurrentWidget(self.training_tab))
        self.setup.inspect_requested.connect(self._look_inside)
        self.setup.changed.connect(self._summarise_library_network)
        self.tabs.currentChanged.connect(lambda _: self.tabs.currentWidget() is self.network_page and self.network_tab)
        self._single_instance.notified.connect(self._come_back)
        self._imported.connect(lambda _: self.training_tab.plots)  # made by being named, before a run wants them
        self._on_phase_changed(self.training_engine.phase)

    def open_path(self, path: Path) -> None:
        """Opens what the program was started with: a folder of pictures, that of a run, or a model file."""
        if path.suffix.lower() == ".safetensors":
            self.prediction_controller.load(str(path))
        elif is_run(path):
            self.runs_controller.open(path)
        else:
            self.dataset_controller.open(path)

    @cached_property
    def network_tab(self) -> NetworkTab:
        """Made, and its modules imported, when it is first wanted: it takes a while, for which no start should wait."""
        from resnet_gui.gui.controllers.network_choice_controller import NetworkChoiceController
        from resnet_gui.gui.controllers.network_controller import NetworkController
        from resnet_gui.gui.network.network_tab import NetworkTab

        tab = NetworkTab(self._theme, NETWORKS, self.network_page)
        page = QVBoxLayout(self.network_page)
        page.setContentsMargins(0, 0, 0, 0)
        page.addWidget(tab)
        self.network_controller = NetworkController(self.prediction_engine, tab, self)
        self.network_choice_controller = NetworkChoiceController(
            self.setup, tab, self.network_controller, self.download_engine, self.dataset_lister
        )
        return tab

    def _summarise_library_network(self) -> None:
        """What a library has for its network is found out by what belongs to the tab, though nobody looks at it yet."""
        if not self.setup.network.is_curated:
            self.network_tab  # noqa: B018 - made by being named

    def _look_inside(self, network: str) -> None:
        self.network_tab.show_network(network)
        self.tabs.setCurrentWidget(self.network_page)

    def open_sample(self) -> None:
        """Draws and opens the sample pictures."""
        self.dataset_controller.open_sample()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Starts the engine after the first paint: nothing may come before that."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.prediction_engine.start)
            QTimer.singleShot(_LATER, self.runs_controller.look_for_unfinished)
            QTimer.singleShot(_LATER, self._summarise_library_network)
            QTimer.singleShot(_LATER, lambda: run_in_thread(_import_what_can_wait, self._imported))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Closes at once, unless a run computes: then the person decides. One that is being saved needs no question."""
        choice = ask_to_close(self) if self.training_engine.phase in ("running", "scoring") else "stop"
        if choice == "cancel":
            event.ignore()
            return
        self._save_settings()
        if choice == "keep" and self.training_engine.phase in COMPUTING:  # it may have ended while the question stood
            event.ignore()
            self._quits_when_done = True
            self._single_instance.listen()
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
        if self.training_engine.phase == "scoring":
            self.training_engine.stop()
        self.training_engine.pause()  # and not stop: the next start is to offer it
        self._on_phase_changed(self.training_engine.phase)

    def _start_or_pause(self) -> None:
        """What the command with the many names does now."""
        match self.training_engine.phase:
            case "idle":
                self.training_controller.start()
            case "running":
                self.training_engine.pause()
            case "paused":
                self.resume_controller.resume(self.training_engine.run)
            case "scoring":
                self.training_engine.stop()

    def _on_phase_changed(self, phase: str) -> None:
        """Keeps the commands and the status bar true to what the run does."""
        text, short, icon = {
            "running": (self.tr("&Pause training"), self.tr("Pause"), "pause"),
            "pausing": (self.tr("&Pause training"), self.tr("Pause"), "pause"),
            "paused": (self.tr("&Resume training"), self.tr("Resume"), "play"),
            "scoring": (self.tr("&Stop scoring"), self.tr("Stop"), "stop"),
        }.get(phase, (self.tr("&Start training"), self.tr("Start"), "play"))
        self._start.setText(text)
        self._start.setIconText(short)
        is_open = self.dataset_lister.listing is not None and not self.dataset_lister.is_listing
        self._start.setEnabled(is_open if phase == "idle" else phase in ("running", "paused", "scoring"))
        self._stop.setEnabled(phase in ("running", "pausing", "paused"))
        for action in self._opening_commands:
            action.setEnabled(phase == "idle")
        self._commands.set_icon(self._start, icon)
        self._update_file_actions()
        shown = {"running": "training", "scoring": "training", "pausing": "saving", "stopping": "saving"}
        self.status.show_engine(shown.get(phase) or ("paused" if phase == "paused" else self._engine_state))
        if phase not in COMPUTING and self._quits_when_done:
            QApplication.quit()

    def _show_pictures(self) -> None:
        """Turns to the pictures that were opened, unless they came with a run."""
        if self.training_engine.phase == "idle":
            self.tabs.setCurrentWidget(self.data_tab)

    def _show_engine(self, state: str) -> None:
        self._engine_state = state
        if self.training_engine.phase == "idle":
            self.status.show_engine(state)

    def _on_run_event(self, event: Event) -> None:
        """A run that fails while its window is minimised or hidden brings it back, for the person must know."""
        self._update_file_actions()
        if isinstance(event, Progress) and self.training_engine.phase == "running":
            self.status.show_engine("training")  # and no longer waiting
        if isinstance(event, Failed) and self._quits_when_done:
            self._come_back()

    def _update_file_actions(self) -> None:
        self._save.setEnabled(bool(self.training_tab.history.model))
        self._run_folder.setEnabled(bool(self.training_tab.history.run))

    def _come_back(self) -> None:
        """The window is wanted again: it no longer ends by itself."""
        self._quits_when_done = False
        self._patience.stop()
        self._leaves_at = 0.0
        self._single_instance.close()
        self.showNormal()
        self.activateWindow()

    def changeEvent(self, event: QEvent) -> None:
        """A window that is taken up from the task bar stays, as one that was called back."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and self._quits_when_done and not self.isMinimized():
            self._come_back()

    def end_engines(self) -> None:
        """The last thing: no process outlives the window."""
        self.dataset_lister.end()
        self.prediction_engine.end(2.0)
        self.download_engine.end(2.0)
        left = self._leaves_at - time.monotonic() if self._leaves_at else _PATIENCE
        self.training_engine.end(max(2.0, left))
        QThreadPool.globalInstance().waitForDone(2000)

    def _save_settings(self) -> None:
        self._user_settings.set_window(self.saveGeometry(), self.saveState())
        self._user_settings.set_values(self.dataset_controller.own_values())

    def _choose_theme(self, mode: str) -> None:
        self._theme.set_mode(mode)
        self._user_settings.set_theme(mode)

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
