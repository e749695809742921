"""The training loop, top to bottom: a config goes in, events come out, a model file is left behind.

Everything a run is at a moment lies in one `State`, which is what a checkpoint holds; so to go on from a checkpoint is
to do the same as before with a state that was read. Every random choice is a function of the seed and the place.
"""

from __future__ import annotations

import copy
import math
import threading
import time
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TypeVar

import torch

from resnet_gui.config import TrainConfig, as_plain, from_plain, write_config
from resnet_gui.data.cache.picture_cache import PictureCache
from resnet_gui.data.loader import FolderGone, Loader, steps_per_epoch
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import split_samples, write_split
from resnet_gui.device import Compute, choose_device, out_of_memory_as_problem
from resnet_gui.evaluation.evaluate import Score, evaluate
from resnet_gui.events import EpochDone, Event, Finished, Note, Resumed, Started, Stopped, Waiting
from resnet_gui.messages import Message, Problem, message, reason
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.runs.event_log import record, rewind
from resnet_gui.runs.run_folder import checkpoints, make_run_folder
from resnet_gui.runs.run_lock import only_writer
from resnet_gui.seeds import seed_for
from resnet_gui.throttle import Throttle
from resnet_gui.training.cached_features import EpochInputs, feature_bytes, prepare_inputs
from resnet_gui.training.checkpoint import Checkpointer, restore
from resnet_gui.training.compute_plan import autotune, plan_event, resumed_plan_event
from resnet_gui.training.dataset_changes import dataset_changes, leave_out
from resnet_gui.training.epoch import EpochTrainer
from resnet_gui.training.initial_weights import find_initial_weights
from resnet_gui.training.resource_checks import MemoryWatch, check_disk, choose_batch_size
from resnet_gui.training.run_state import RunState
from resnet_gui.training.schedule import learning_rate
from resnet_gui.training.trainable import make_network

T = TypeVar("T")

_PROBED = 5
"""So many pictures are decoded to see how long one takes."""


def train(config: TrainConfig, stop: threading.Event) -> Iterator[Event]:
    """Trains `config.network` on the folder `config.dataset` and yields what happens.

    `stop` is looked at before every step and every batch: when it is set, what there is is saved, `Stopped` comes and
    the iterator ends. The best model by validation accuracy (ties: lower loss) is in the run's `model.safetensors`
    from the first validation on. The test pictures are opened once, by that model, after the last epoch.

    Raises `Problem` for what the person can mend: a folder without classes, a missing device, a loss that is not
    finite, memory or disk that is full.
    """
    require_size(find(config.network), config.data.image_size)
    device = choose_device(config.machine)
    listing = list_folder(config.dataset, stop.is_set)
    if listing is None:
        return  # stopped before there was anything to save
    splits = split_samples(listing, config.data.val_fraction, config.data.test_fraction, config.training.seed)
    start = yield from find_initial_weights(config, len(splits.train), stop)
    if start is None:
        return
    config = _resolved(start.config, listing.root, device)
    torch.manual_seed(seed_for(config.training.seed, "weights"))
    with out_of_memory_as_problem(device):
        network = make_network(config, len(splits.classes), start.preprocessing.channels)
        given = tuple(start.load_into(network))
        features = feature_bytes(config, network, start.preprocessing, splits)
        config, needed, warnings = choose_batch_size(config, network, start.preprocessing, device, features)
        pictures = [listing.root / sample.path for sample in splits.train[:_PROBED]]
        found = yield from autotune(config, network.to(device), start.preprocessing, pictures, device, stop)
    if found is None:
        return
    config, plan, said = found
    check_disk(config, network)
    run = make_run_folder(config, splits)
    with only_writer(run):
        train, val, test = (
            Snapshot.take(config.dataset, samples) for samples in (splits.train, splits.val, splits.test)
        )
        compute = Compute.of(config.machine, device)
        state = RunState.of(
            config, splits, compute, compute.to_device(network), start.preprocessing, run, (train, val, test)
        )
        notes = (Note(note) for note in (*listing.notes, *splits.notes))
        told = (plan_event(config, plan, needed, said), *given, *warnings, *notes)
        yield from record(_begin(state, run, told, MemoryWatch(needed, device), stop), run)


def _begin(
    state: RunState, run: Path, told: tuple[Event, ...], watch: MemoryWatch, stop: threading.Event
) -> Iterator[Event]:
    """A new run. Its first checkpoint shows that the disk takes one before any time is spent."""
    yield _started(state, run)
    yield from told
    if not state.splits.val:
        yield Note(message("no_validation"))
    keeper = Checkpointer(state, run)
    yield keeper.save("cannot_write")
    for event in _run(state, keeper, stop):
        yield event
        if isinstance(event, EpochDone) and event.epoch == 1:
            yield from watch.check()


def resume(
    run: Path, stop: threading.Event, epochs: int | None = None, accept_changes: bool = False
) -> Iterator[Event]:
    """Goes on with the run in the folder `run` from its newest checkpoint, to the bit as if it had never ended.

    `epochs` gives it more of them. If the pictures are not those it began with, `DatasetChanged` comes and nothing
    else, unless `accept_changes`: then those that are as they were are used.
    Raises `Problem` as `train` does, and if the run is in use, has no checkpoint, or its pictures are not there.
    """
    if not checkpoints(run):  # no run of ours, perhaps: nothing is to be left in that folder
        raise Problem("no_checkpoint", path=str(run))
    with only_writer(run):
        state, notes = restore(run)
        if state.train.is_gone:
            raise Problem("dataset_missing", path=str(state.config.dataset))
        changes = dataset_changes(state, run)
        if changes and not accept_changes:
            yield changes
            return
        if changes:
            notes += leave_out(state, changes)
        if epochs is not None:
            notes += _extend(state, epochs)
        _restore_files(state, run)
        yield from record(_go_on(state, run, notes, stop), run, state.history)


def _go_on(state: RunState, run: Path, notes: list[Message], stop: threading.Event) -> Iterator[Event]:
    yield Resumed(
        str(run),
        state.config.training.epochs,
        state.epoch,
        state.step,
        state.compute.device.type,
        torch.get_num_threads(),
    )
    yield resumed_plan_event(state.config, state.compute)
    yield from (Note(note) for note in notes)
    keeper = Checkpointer(state, run)
    yield keeper.save("cannot_write")  # as at the beginning; what was decided anew is kept, too
    yield from state.best.try_to_save()
    yield from _run(state, keeper, stop)


def _extend(state: RunState, epochs: int) -> Iterator[Message]:
    done, before = state.epoch - 1, state.config.training.epochs
    if epochs < max(done, 1):
        raise Problem("epochs_too_few", done=done, epochs=epochs)
    if epochs != before:
        plain = as_plain(state.config)
        plain["training"]["epochs"] = epochs
        state.config = from_plain(plain)  # which checks the range: the checkpoint must be readable again
        yield message("more_epochs", epochs=epochs)


def _restore_files(state: RunState, run: Path) -> None:
    """The run's other files as they were at the checkpoint, whatever became of them."""
    try:
        write_config(state.config, run / "config.toml")
        write_split(state.splits, run / "split.csv")
        rewind(run, _started(state, run), state.history, state.epoch, state.step)
    except OSError as error:
        raise Problem("cannot_write", path=str(run), reason=reason(error)) from error


def _started(state: RunState, run: Path) -> Started:
    splits = state.splits
    return Started(
        str(run), state.config.network, splits.classes, len(splits.train), len(splits.val), len(splits.test),
        state.config.training.epochs, state.compute.device.type, torch.get_num_threads(),
    )  # fmt: skip


def _resolved(config: TrainConfig, root: Path, device: torch.device) -> TrainConfig:
    """`config` with what was chosen on this machine written out, so that a resumed run and a rerun choose the same."""
    machine = config.machine.model_copy(update={"device": device.type})
    return config.model_copy(update={"dataset": root, "machine": machine})


def _run(state: RunState, keeper: Checkpointer, stop: threading.Event) -> Iterator[Event]:
    """From the state's place to the end."""
    config = state.config
    with PictureCache(config.dataset, state.train.preprocessing, config.machine.cache_gigabytes) as cache:
        for loader in (state.train, state.val, state.test):
            loader.cache = cache
        try:
            complete = yield from _epochs(state, keeper, stop)
        except Problem:
            yield from state.best.try_to_save()  # the disk may have room by now
            raise
        if complete:
            yield from _finish(state, keeper, stop)


def _epochs(state: RunState, keeper: Checkpointer, stop: threading.Event) -> Generator[Event, None, bool]:
    """What is left of the epochs, if anything is. Returns False when stopped, with what there is saved."""
    if state.epoch > state.config.training.epochs:
        return True
    with out_of_memory_as_problem(state.compute.device):
        course = yield from _patiently(lambda: prepare_inputs(state, stop), state.train, keeper, stop)
    complete = course is not None and (yield from _learn(state, course, keeper, stop))
    if not complete:
        yield from _stop(state, keeper)
    return complete


def _learn(
    state: RunState, course: EpochInputs, keeper: Checkpointer, stop: threading.Event
) -> Generator[Event, None, bool]:
    """Learns and validates, epoch by epoch, and keeps the best. Returns False when stopped."""
    learner = EpochTrainer(state, course)
    validating = bool(state.val.samples)
    while state.epoch <= state.config.training.epochs:
        score = None
        with out_of_memory_as_problem(state.compute.device):
            complete = yield from _patiently(lambda: learner.epoch(stop, keeper), state.train, keeper, stop)
            began = time.monotonic()
            if complete and validating:
                score = yield from _patiently(lambda: _validate(state, course, stop), state.val, keeper, stop)
                complete = score is not None
        if not complete:
            return False
        if score is not None and not score.seen:
            yield Note(message("no_validation"))
            validating, score = False, None
        yield from _end_epoch(state, keeper, score, state.seconds + time.monotonic() - began, stop)
    return True


def _validate(state: RunState, course: EpochInputs, stop: threading.Event) -> Generator[Event, None, Score | None]:
    classes = len(state.splits.classes)
    return (yield from evaluate(course.network, course.val, classes, course.compute, stop, "validate", state.epoch))


def _end_epoch(
    state: RunState, keeper: Checkpointer, score: Score | None, seconds: float, stop: threading.Event
) -> Iterator[Event]:
    """The epoch is told once its checkpoint is written, or after the news that it could not be."""
    if score is not None and not math.isfinite(score.loss):
        raise Problem("loss_not_finite", epoch=state.epoch, step=state.step)
    state.require_finite()
    taken = state.best.offer(state.network, state.epoch, score)
    done = EpochDone(
        state.epoch, state.loss, state.accuracy, score.loss if score else None, score.accuracy if score else None,
        learning_rate(state.config.training, state.epoch - 1), seconds, taken and score is not None,
    )  # fmt: skip
    state.end_epoch(done)
    yield from keeper.try_to_save()
    yield done
    yield from state.best.try_to_save()
    if done.epoch == 1:  # the test pictures are not looked at before the end, but must be known should they be copied
        state.test.read_digests(stop.is_set)


def _stop(state: RunState, keeper: Checkpointer) -> Iterator[Event]:
    """Saves everything: the checkpoint first, for the model may hold weights that no validation has seen."""
    yield keeper.save()
    best = state.best
    if not best.card.validated:  # better these weights than none
        best.offer(state.network, state.epoch, None)
    best.save()
    yield Stopped(str(best.path), state.epoch, state.step, best.card.validated)


def _finish(state: RunState, keeper: Checkpointer, stop: threading.Event) -> Iterator[Event]:
    """Opens the test pictures, once, with the best model; if that was done before, they stay closed."""
    best = state.best
    best.save()
    if state.test.samples and best.card.test is None:
        with out_of_memory_as_problem(state.compute.device):
            score = yield from _patiently(lambda: _test(state, stop), state.test, keeper, stop)
        if score is None:
            yield keeper.save()
            steps = steps_per_epoch(state.train.readable, state.config.training.batch_size)
            yield Stopped(str(best.path), state.config.training.epochs, steps, best.card.validated)
            return
        if score.seen:
            best.with_test(score.as_test(best.card.classes, best.card.test_opened + 1))
            best.save()
        else:
            yield Note(message("no_test"))
    yield Finished(str(best.path), best.card.epoch, best.card.val_accuracy, best.card.test)


def _test(state: RunState, stop: threading.Event) -> Generator[Event, None, Score | None]:
    """In a network of its own: the run's stays where it is, should it get more epochs one day."""
    network = copy.deepcopy(state.network)
    network.load_state_dict(state.best.weights)
    return (yield from evaluate(network, state.test, len(state.splits.classes), state.compute, stop, "test"))


def _patiently(
    work: Callable[[], Generator[Event, None, T]], loader: Loader, keeper: Checkpointer, stop: threading.Event
) -> Generator[Event, None, T | None]:
    """Does `work`. When the dataset folder vanishes meanwhile, saves, waits until it is back, and does it again.

    Returns None when stopped while waiting.
    """
    while True:
        try:
            return (yield from work())
        except FolderGone:
            pass
        yield from keeper.try_to_save()
        pace, gone = Throttle(5.0), message("dataset_gone", path=str(loader.root))
        while loader.is_gone:
            if pace.ready():
                yield Waiting(gone)
            if stop.wait(0.5):
                return None
        yield Note(message("dataset_back", path=str(loader.root)))
