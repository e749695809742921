"""Events of a run, to be shown in the training tab."""

import math

from resnet_gui.events import BestSaved, EpochDone, Progress, Started
from resnet_gui.records import ClassScore, TestScore
from resnet_gui.runs.run_status import RunStatus

RUN, MODEL = "/runs/1", "/runs/1/model.safetensors"
STEPS = 4
TWO_CLASSES = (ClassScore("daisy", 71, 80), ClassScore("rose", 72, 80))


def show_start(tab, epochs=12, test=160):
    tab.show_event(Started(RUN, "resnet18", ("daisy", "rose"), 480, 160, test, epochs, "cpu", 2))


def show_epoch(tab, number, best=True, validated=True):
    """Shows all events of one epoch. From epoch to epoch the accuracy rises and the loss falls."""
    loss, accuracy = math.exp(-number / 4), 1 - math.exp(-number / 4)
    for step in range(1, STEPS + 1):
        tab.show_event(Progress("train", step, STEPS, number, loss, accuracy, 22.8, 120.0))
    tab.show_event(Progress("validate", 1, 2, number, seconds_left=120.0))
    figures = (loss, accuracy) if validated else (None, None)
    tab.show_event(EpochDone(number, loss, accuracy, *figures, 0.00041, 28.4, best))
    if best:
        tab.show_event(BestSaved(MODEL, number, figures[1], figures[0]))


def score_event(right=143, total=160, opened=1, classes=TWO_CLASSES):
    return TestScore(right, total, 0.3, classes, opened)


def run_status():
    return RunStatus(RUN, "resnet18", "/photos", 12, 3, 12, "interrupted")


def cell_text(tab, row, column):
    return tab.table.epochs.index(row, column).data()
