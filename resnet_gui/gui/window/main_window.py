"""The main window: makes the panes, the workers and the controllers, and connects them."""

from __future__ import annotations

from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QPaintEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QMessageBox, QVBoxLayout, QWidget

from resnet_gui import __version__
from resnet_gui.config import settings
from resnet_gui.events import Event, Progress
from resnet_gui.gui.controllers.adopt_controller import AdoptController
from resnet_gui.gui.controllers.dataset_controller import DatasetController
from resnet_gui.gui.controllers.prediction_controller import PRECISIONS, PredictionController
from resnet_gui.gui.controllers.resume_controller import ResumeController
from resnet_gui.gui.controllers.runs_controller import RunsController, is_run
from resnet_gui.gui.controllers.start_part_controller import StartPartController
from resnet_gui.gui.controllers.training_controller import TrainingController
from resnet_gui.gui.data.data_tab import DataTab
from resnet_gui.gui.predict.predict_pane import PredictPane
from resnet_gui.gui.runs.resume_banner import ResumeBanner
from resnet_gui.gui.setup.setup_pane import SetupPane
from resnet_gui.gui.theme import Theme
from resnet_gui.gui.thread_pool import run_in_thread
from resnet_gui.gui.training.training_tab import TrainingTab
from resnet_gui.gui.user_settings import UserSettings
from resnet_gui.gui.widgets.mime_data import is_model
from resnet_gui.gui.widgets.tab_widget import TabWidget
from resnet_gui.gui.window.docks import make_centre, make_dock
from resnet_gui.gui.window.menu_bar import MenuBar
from resnet_gui.gui.window.shutdown import Shutdown
from resnet_gui.gui.window.status_bar import StatusBar
from resnet_gui.gui.workers.dataset_lister import DatasetLister
from resnet_gui.gui.workers.download_engine import DownloadEngine
from resnet_gui.gui.workers.prediction_engine import PredictionEngine
from resnet_gui.gui.workers.training_engine import TrainingEngine
from resnet_gui.nets.catalog import NETWORKS
from resnet_gui.paths import log_folder

if TYPE_CHECKING:
    from resnet_gui.gui.network.network_tab import NetworkTab

_TITLE_BAR = 32
_SETUP_WIDTH = 300
_PREDICT_WIDTH = 330
_LATER = 300
"""Milliseconds after the first paint, for work that can wait until the engine has been started."""


class MainWindow(QMainWindow):
    """Setup on the left, data and training in the middle, prediction on the right."""

    _imported = Signal(object)

    def __init__(self, theme: Theme, user_settings: UserSettings) -> None:
        super().__init__()
        self._theme = theme
        self._user_settings = user_settings
        self._engine_phase = "starting"
        self._painted = False

        # The workers
        self.prediction_engine = PredictionEngine(self)
        self.training_engine = TrainingEngine(self)
        self.download_engine = DownloadEngine(self)
        self.dataset_lister = DatasetLister(self)
        self._shutdown = Shutdown(
            self, self.training_engine, self.prediction_engine, self.download_engine, self.dataset_lister
        )
        self.setWindowTitle("resnet-gui")

        with theme.without_stylesheet():
            self._make_panes()
            self._make_controllers()
            self._make_docks()
            self._make_menus(MenuBar(self, theme))
        self._restore_layout()
        self._connect()

    def _make_panes(self) -> None:
        """Makes the widgets."""
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
        """Makes the controllers, which connect workers and widgets."""
        user_settings = self._user_settings
        self.dataset_controller = DatasetController(
            self.dataset_lister, self.prediction_engine, self.setup, self.data_tab, user_settings
        )
        self.training_controller = TrainingController(
            self.training_engine, self.dataset_lister, self.dataset_controller, self.prediction_engine, self.setup, self.training_tab,
            user_settings, self.download_engine,
        )  # fmt: skip
        self.resume_controller = ResumeController(
            self.training_engine, self.dataset_controller, self.setup, self.training_tab
        )
        self.start_part_controller = StartPartController(
            self.training_engine, self.training_controller, self.setup, self.training_tab
        )
        self.runs_controller = RunsController(
            self.training_engine,
            self.prediction_engine,
            self.resume_controller,
            self.training_tab,
            self.banner,
            user_settings,
        )
        self.prediction_controller = PredictionController(
            self.prediction_engine, self.training_engine, self.predict_pane, user_settings
        )
        self.adopt_controller = AdoptController(
            self.prediction_engine, self.prediction_controller, self.setup, self._theme, self
        )

    def _make_docks(self) -> None:
        self.setCentralWidget(make_centre(self.banner, self.tabs))
        self.setDockNestingEnabled(True)
        self.setup_dock = make_dock("setup", self.tr("Setup"), self.setup, self._theme, _SETUP_WIDTH)
        self.predict_dock = make_dock("predict", self.tr("Predict"), self.predict_pane, self._theme, _PREDICT_WIDTH)
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, self.setup_dock)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.predict_dock)
        self.setStatusBar(self.status)

    def _restore_layout(self) -> None:
        """Restores the layout of the last session; the first time, the docks get their default widths."""
        available = self.screen().availableSize() - QSize(0, _TITLE_BAR)
        self.resize(QSize(1280, 800).boundedTo(available))
        self.resizeDocks(
            [self.setup_dock, self.predict_dock], [_SETUP_WIDTH, _PREDICT_WIDTH], Qt.Orientation.Horizontal
        )
        self._first_layout = self.saveState()
        geometry, layout = self._user_settings.window()
        self.restoreGeometry(geometry)
        self.restoreState(layout)

    def _make_menus(self, menu_bar: MenuBar) -> None:
        self._menu_bar = menu_bar
        self._make_file_menu(menu_bar.menu(self.tr("&File")))
        edit = menu_bar.menu(self.tr("&Edit"))
        self.predict_pane.paste_action.setShortcutContext(Qt.ShortcutContext.WindowShortcut)
        edit.addActions([self.predict_pane.paste_action, self.predict_pane.copy_action])
        self._make_run_menu(menu_bar.menu(self.tr("&Run")))
        self._make_view_menu(menu_bar.menu(self.tr("&View")))
        self._make_help_menu(menu_bar.menu(self.tr("&Help")))

    def _make_file_menu(self, menu: QMenu) -> None:
        add, recent, user_settings = self._menu_bar.add, self._menu_bar.add_recent, self._user_settings
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
        add(menu, self.tr("Make a model from &weights…"), self.adopt_controller.open)
        pictures = recent(
            menu, self.tr("Recent pictures"), lambda: user_settings.recent("datasets"), lambda path: self.dataset_controller.open(Path(path))
        )  # fmt: skip
        recent(menu, self.tr("Recent models"), lambda: user_settings.recent("models"), self.prediction_controller.load)
        menu.addSeparator()
        run = add(menu, self.tr("Open &run…"), self.runs_controller.choose, "Ctrl+R", "curves")
        runs = recent(
            menu,
            self.tr("Recent runs"),
            lambda: user_settings.recent("runs"),
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
        add = self._menu_bar.add
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
        precisions = {each: self.tr("Automatic") if each == "auto" else each for each in PRECISIONS}
        self._menu_bar.add_choice(
            menu.addMenu(self.tr("P&recision of predictions")), precisions, self.prediction_engine.precision,
            self.prediction_controller.set_precision,
        )  # fmt: skip
        menu.addSeparator()
        add(menu, self.tr("Use the &default settings"), self.setup.reset)

    def _make_view_menu(self, menu: QMenu) -> None:
        tabs = (
            (self.tr("&Data"), self.data_tab), (self.tr("&Network"), self.network_page), (self.tr("&Training"), self.training_tab),
        )  # fmt: skip
        for number, (name, tab) in enumerate(tabs, start=1):
            self._menu_bar.add(menu, name, partial(self.tabs.setCurrentWidget, tab), f"Ctrl+{number}")
        menu.addSeparator()
        for dock in (self.setup_dock, self.predict_dock):
            menu.addAction(dock.toggleViewAction())
        self._menu_bar.add(menu, self.tr("&Reset layout"), lambda: self.restoreState(self._first_layout))
        menu.addSeparator()
        self._menu_bar.add_themes(menu, self._choose_theme)

    def _make_help_menu(self, menu: QMenu) -> None:
        def show_logs() -> None:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_folder())))

        self._menu_bar.add(menu, self.tr("Show &log folder"), show_logs)
        self._menu_bar.add(menu, self.tr("&About resnet-gui"), self._show_about)

    def _connect(self) -> None:
        self.prediction_engine.engine_phase_changed.connect(self._on_engine_phase_changed)
        self.prediction_engine.ready.connect(self.status.show_event)
        self.prediction_engine.ready.connect(lambda event: self.setup.add_devices(event.devices))
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
        self.dataset_controller.asked.connect(lambda: self.tabs.setCurrentWidget(self.data_tab))
        self.setup.folder_dropped.connect(lambda folder: self.open_path(Path(folder)))
        dataset = self.dataset_lister
        self.runs_controller.opened.connect(self._update_file_actions)
        for signal in (dataset.listing_began, dataset.opened, dataset.failed, dataset.unclear, dataset.cancelled):
            signal.connect(lambda *_: self._on_phase_changed(self.training_engine.phase))
        for signal in (self.training_controller.started, self.resume_controller.started, self.runs_controller.opened):
            signal.connect(lambda: self.tabs.setCurrentWidget(self.training_tab))
        self.setup.inspect_requested.connect(self._inspect_network)
        self.setup.changed.connect(self._make_tab_for_library)
        self.tabs.currentChanged.connect(lambda _: self.tabs.currentWidget() is self.network_page and self.network_tab)
        self._imported.connect(lambda _: self.training_tab.plots)  # makes the plots before a run needs them
        self._imported.connect(lambda _: QTimer.singleShot(_LATER, self.adopt_controller.import_dialog))
        self._on_phase_changed(self.training_engine.phase)

    def open_path(self, path: Path) -> None:
        """Opens a folder of pictures, the folder of a run, a model, or weights, of which a model can be made."""
        if is_model(str(path)):
            self.prediction_controller.load(str(path))
        elif is_run(path):
            self.runs_controller.open(path)
        else:
            self.dataset_controller.open(path)

    @cached_property
    def network_tab(self) -> NetworkTab:
        """Made, and its modules imported, at the first access: that takes a while, and the start should not wait for it."""
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

    def _make_tab_for_library(self) -> None:
        """Makes the Network tab if the chosen network is a library's: its controllers look up the weights for Setup."""
        if not self.setup.network.is_curated:
            self.network_tab  # noqa: B018 - reading the attribute makes the tab

    def _inspect_network(self, network: str) -> None:
        self.network_tab.show_network(network)
        self.tabs.setCurrentWidget(self.network_page)

    def open_sample(self) -> None:
        """Draws and opens the sample pictures."""
        self.dataset_controller.open_sample()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Starts the engine after the first paint, which nothing may delay."""
        super().paintEvent(event)
        if not self._painted:
            self._painted = True
            QTimer.singleShot(0, self.prediction_engine.start)
            QTimer.singleShot(_LATER, self.runs_controller.look_for_unfinished)
            QTimer.singleShot(_LATER, self._make_tab_for_library)
            QTimer.singleShot(_LATER, lambda: run_in_thread(_import_what_can_wait, self._imported))

    def closeEvent(self, event: QCloseEvent) -> None:
        """Saves the settings and closes, or asks the user what a run that computes is to do."""
        self._shutdown.close_window(event, self._save_settings)

    def changeEvent(self, event: QEvent) -> None:
        """Notices when the user restores a minimised window."""
        super().changeEvent(event)
        self._shutdown.change_window(event)

    def end_engines(self) -> None:
        """Ends all threads and engines at the end of the program: no process outlives the window."""
        self._shutdown.end_engines()

    def _start_or_pause(self) -> None:
        """Starts, pauses, resumes or stops, depending on the phase."""
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
        """Updates the menus and the status bar to the phase of the run."""
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
        self._menu_bar.set_icon(self._start, icon)
        self._update_file_actions()
        shown = {"running": "training", "scoring": "training", "pausing": "saving", "stopping": "saving"}
        self.status.show_engine(shown.get(phase) or ("paused" if phase == "paused" else self._engine_phase))

    def _show_pictures(self) -> None:
        """Shows the Data tab with the opened pictures, unless they belong to a run."""
        if self.training_engine.phase == "idle":
            self.tabs.setCurrentWidget(self.data_tab)

    def _on_engine_phase_changed(self, phase: str) -> None:
        self._engine_phase = phase
        if self.training_engine.phase == "idle":
            self.status.show_engine(phase)

    def _on_run_event(self, event: Event) -> None:
        """Updates the menus and the status bar."""
        self._update_file_actions()
        if isinstance(event, Progress) and self.training_engine.phase == "running":
            self.status.show_engine("training")  # instead of "waiting"

    def _update_file_actions(self) -> None:
        self._save.setEnabled(bool(self.training_tab.history.model))
        self._run_folder.setEnabled(bool(self.training_tab.history.run))

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
    """Imports what the first run and the Network tab need. Called in a thread, because it takes a third of a second."""
    # Imported for their effect alone; without the mark below, ruff would take them away.
    import resnet_gui.gui.controllers.network_choice_controller
    import resnet_gui.gui.controllers.network_controller
    import resnet_gui.gui.network.network_tab
    import resnet_gui.gui.training.training_plots  # noqa: F401
