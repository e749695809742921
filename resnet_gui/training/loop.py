"""The training loop, top to bottom: a config goes in, events come out, a model file stays on disk.

The whole state of a run is one `RunState`, and a checkpoint holds exactly that. To resume is to read a state and to run
the same code with it. Every random choice is a function of the seed, the epoch and the step.
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
from resnet_gui.data.checks.duplicates import with_duplicates
from resnet_gui.data.checks.survey import survey
from resnet_gui.data.loader import FolderGone, Loader, steps_per_epoch
from resnet_gui.data.readers.class_folders import list_folder
from resnet_gui.data.samples import Listing
from resnet_gui.data.snapshot import Snapshot
from resnet_gui.data.split import split_samples, write_split
from resnet_gui.device import Compute, choose_device, out_of_memory_as_problem
from resnet_gui.evaluation.evaluate import Score, evaluate
from resnet_gui.evaluation.learned_pictures import among, learned_before
from resnet_gui.events import EpochDone, Event, Finished, Note, Resumed, Started, Stopped, Waiting
from resnet_gui.messages import Message, Problem, message
from resnet_gui.nets.catalog import find, require_size
from resnet_gui.output.advice import reason_and_advice
from resnet_gui.output.output_file import check_new_folder
from resnet_gui.paths import runs_folder
from resnet_gui.runs.event_log import record, rewind
from resnet_gui.runs.run_folder import checkpoints, make_run_folder, removed_if_nothing_was_learned
from resnet_gui.runs.run_lock import only_writer
from resnet_gui.seeds import seed_for
from resnet_gui.throttle import Throttle
from resnet_gui.training.cached_features import EpochInputs, feature_bytes, prepare_inputs
from resnet_gui.training.checkpoint import Checkpointer, restore
from resnet_gui.training.compute_plan import autotune, plan_event, resumed_plan_event
from resnet_gui.training.dataset_changes import dataset_changes, leave_out, require_some_left
from resnet_gui.training.epoch import EpochTrainer
from resnet_gui.training.initial_weights import find_initial_weights
from resnet_gui.training.resource_checks import MemoryWatch, check_disk, choose_batch_size
from resnet_gui.training.run_state import RunState
from resnet_gui.training.schedule import learning_rate
from resnet_gui.training.trainable import make_network

T = TypeVar("T")

_PROBED = 5
"""How many pictures are decoded to measure the time for one."""


def train(config: TrainConfig, stop: threading.Event) -> Iterator[Event]:
    """Trains `config.network` on the folder `config.dataset` and yields what happens.

    `stop` is checked before every step and every batch. When it is set, the run saves, emits `Stopped` and ends. The
    best model by validation accuracy (ties: lower loss) is in the run's `model.safetensors` from the first validation
    on. That model is scored on the test pictures once, after the last epoch.

    Raises `Problem` for what the user can fix: a folder without classes, a missing device, a loss that is not
    finite, memory or disk that is full.
    """
    check_new_folder(config.out or runs_folder())
    require_size(find(config.network), config.data.image_size)
    device = choose_device(config.machine)
    listing = list_folder(
        config.dataset, stop.is_set, layout=config.data.layout, validation_fold=config.data.validation_fold
    )
    listing = listing and with_duplicates(listing, stop.is_set)
    if listing is None:
        return  # stopped before there was anything to save
    splits = split_samples(listing, config.data.val_fraction, config.data.test_fraction, config.training.seed)
    surveyed = yield from survey(listing.root, splits.train, config.data, stop)
    if surveyed is None:
        return
    start = yield from find_initial_weights(config, len(splits.train), surveyed, stop)
    if start is None:
        return
    config = _resolved(start.config, listing, device)
    torch.manual_seed(seed_for(config.training.seed, "weights"))
    with out_of_memory_as_problem(device):
        network = make_network(config, len(splits.classes), start.preprocessing.channels)
        transferred = tuple(start.load_into(network))
        features = feature_bytes(config, network, start.preprocessing, splits)
        config, needed, warnings = choose_batch_size(config, network, start.preprocessing, device, features)
        pictures = [listing.root / sample.path for sample in splits.train[:_PROBED]]
        found = yield from autotune(config, network.to(device), start.preprocessing, pictures, device, stop)
    if found is None:
        return
    config, plan, plan_message = found
    check_disk(config, network)
    run = make_run_folder(config, splits)
    with removed_if_nothing_was_learned(run), only_writer(run):
        train, val, test = (
            Snapshot.take(config.dataset, samples) for samples in (splits.train, splits.val, splits.test)
        )
        compute = Compute.of(config.machine, device)
        state = RunState.of(
            config, splits, compute, compute.to_device(network), start.preprocessing, run, (train, val, test)
        )
        notes = (Note(note) for note in (*listing.notes, *splits.notes, *surveyed.notes))
        first_events = (plan_event(config, plan, needed, plan_message), *transferred, *warnings, *notes)
        yield from record(_begin(state, run, first_events, MemoryWatch(needed, device), stop), run)


def _begin(
    state: RunState, run: Path, first_events: tuple[Event, ...], watch: MemoryWatch, stop: threading.Event
) -> Iterator[Event]:
    """A new run. It saves a checkpoint first, so that a full disk shows before any time is spent."""
    yield _started(state, run)
    yield from first_events
    if not state.splits.val:
        yield Note(message("no_validation"))
    checkpointer = Checkpointer(state, run)
    yield checkpointer.save("cannot_write")
    for event in _run(state, checkpointer, stop):
        yield event
        if isinstance(event, EpochDone) and event.epoch == 1:
            yield from watch.check()


def resume(
    run: Path,
    stop: threading.Event,
    epochs: int | None = None,
    accept_changes: bool = False,
    moved_to: Path | None = None,
) -> Iterator[Event]:
    """Resumes the run in the folder `run` from its newest checkpoint, with the same bits as an uninterrupted run.

    `epochs` is the new number of epochs. If the pictures have changed, `DatasetChanged` is the only event, unless
    `accept_changes` is set: then the run goes on with the unchanged pictures. `moved_to` is the folder where they are
    now, if they were moved.
    Raises `Problem` as `train` does, and if the run is in use, has no checkpoint, or its pictures are not there.
    """
    if not checkpoints(run):  # perhaps not a run folder: leave no lock file in it
        raise Problem("no_checkpoint", path=str(run))
    with only_writer(run):
        state, notes = restore(run, moved_to)
        if state.train.is_gone:
            raise Problem("dataset_missing", path=str(state.config.dataset))
        changes = dataset_changes(state, run)
        if changes and moved_to is not None:
            require_some_left(state, changes)
        if changes and not accept_changes:
            yield changes
            return
        if changes:
            notes += leave_out(state, changes)
        if moved_to is not None:
            notes.append(message("dataset_moved", path=str(state.config.dataset)))
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
        str(state.compute.device),
        torch.get_num_threads(),
    )
    yield resumed_plan_event(state.config, state.compute)
    yield from (Note(note) for note in notes)
    checkpointer = Checkpointer(state, run)
    yield checkpointer.save("cannot_write")  # as at the beginning; it also holds the new settings
    yield from state.best.try_to_save()
    yield from _run(state, checkpointer, stop)


def _extend(state: RunState, epochs: int) -> Iterator[Message]:
    done, before = state.epoch - 1, state.config.training.epochs
    if epochs < max(done, 1):
        raise Problem("epochs_too_few", done=done, epochs=epochs)
    if epochs != before:
        plain = as_plain(state.config)
        plain["training"]["epochs"] = epochs
        state.config = from_plain(plain)  # checks the range: the checkpoint must be readable again
        yield message("more_epochs", epochs=epochs)


def _restore_files(state: RunState, run: Path) -> None:
    """Writes the run's other files as they were at the checkpoint."""
    try:
        write_config(state.config, run / "config.toml")
        write_split(state.splits, run / "split.csv")
        rewind(run, _started(state, run), state.history, state.epoch, state.step)
    except OSError as error:
        raise Problem("cannot_write", path=str(run), **reason_and_advice(error)) from error


def _started(state: RunState, run: Path) -> Started:
    splits = state.splits
    return Started(
        str(run), state.config.network, splits.classes, len(splits.train), len(splits.val), len(splits.test),
        state.config.training.epochs, str(state.compute.device), torch.get_num_threads(),
    )  # fmt: skip


def _resolved(config: TrainConfig, listing: Listing, device: torch.device) -> TrainConfig:
    """`config` with the device and the dataset's full path and layout, so that a resumed run and a rerun use the same."""
    machine = config.machine.model_copy(update={"device": str(device)})
    data = config.data.model_copy(update={"layout": listing.layout})
    return config.model_copy(update={"dataset": listing.root, "data": data, "machine": machine})


def _run(state: RunState, checkpointer: Checkpointer, stop: threading.Event) -> Iterator[Event]:
    """From the state's epoch and step to the end."""
    config = state.config
    state.learned_before = learned_before(config.start)
    with PictureCache(config.dataset, state.train.preprocessing, config.machine.cache_gigabytes) as cache:
        for loader in (state.train, state.val, state.test):
            loader.cache = cache
        try:
            complete = yield from _epochs(state, checkpointer, stop)
        except Problem:
            yield from state.best.try_to_save()  # the disk may have room by now
            raise
        if complete:
            yield from _finish(state, checkpointer, stop)


def _epochs(state: RunState, checkpointer: Checkpointer, stop: threading.Event) -> Generator[Event, None, bool]:
    """Trains the epochs that are left, if any. Returns False when stopped, after saving."""
    if state.epoch > state.config.training.epochs:
        return True
    with out_of_memory_as_problem(state.compute.device):
        inputs = yield from _waiting_for_folder(lambda: prepare_inputs(state, stop), state.train, checkpointer, stop)
    complete = inputs is not None and (yield from _learn(state, inputs, checkpointer, stop))
    if not complete:
        yield from _stop(state, checkpointer)
    return complete


def _learn(
    state: RunState, inputs: EpochInputs, checkpointer: Checkpointer, stop: threading.Event
) -> Generator[Event, None, bool]:
    """Trains and validates, epoch by epoch, and keeps the best model. Returns False when stopped."""
    trainer = EpochTrainer(state, inputs)
    validating = bool(state.val.samples)
    while state.epoch <= state.config.training.epochs:
        score = None
        with out_of_memory_as_problem(state.compute.device):
            complete = yield from _waiting_for_folder(
                lambda: trainer.epoch(stop, checkpointer), state.train, checkpointer, stop
            )
            began = time.monotonic()
            if complete and validating:
                score = yield from _waiting_for_folder(
                    lambda: _validate(state, inputs, stop), state.val, checkpointer, stop
                )
                complete = score is not None
        if not complete:
            return False
        if score is not None and not score.seen:
            yield Note(message("no_validation"))
            validating, score = False, None
        yield from _end_epoch(state, checkpointer, score, state.seconds + time.monotonic() - began, stop)
    return True


def _validate(state: RunState, inputs: EpochInputs, stop: threading.Event) -> Generator[Event, None, Score | None]:
    classes = len(state.splits.classes)
    score = yield from evaluate(inputs.network, inputs.val, classes, inputs.compute, stop, "validate", state.epoch)
    return score and score.with_leaks(_leaked(state, state.val))


def _end_epoch(
    state: RunState, checkpointer: Checkpointer, score: Score | None, seconds: float, stop: threading.Event
) -> Iterator[Event]:
    """Emits `EpochDone` once the checkpoint is written, or after the note that it could not be."""
    if score is not None and not math.isfinite(score.loss):
        raise Problem("loss_not_finite", epoch=state.epoch, step=state.step)
    state.require_finite()
    taken = state.best.offer(state.network, state.epoch, score)
    done = EpochDone(
        state.epoch, state.loss, state.accuracy, score.loss if score else None, score.accuracy if score else None,
        learning_rate(state.config.training, state.epoch - 1), seconds, taken and score is not None,
    )  # fmt: skip
    state.end_epoch(done)
    yield from checkpointer.try_to_save()
    yield done
    yield from state.best.try_to_save()
    if done.epoch == 1:  # not decoded before the end, but their digests must be known in case the folder is copied
        state.test.read_digests(stop.is_set)


def _stop(state: RunState, checkpointer: Checkpointer) -> Iterator[Event]:
    """Saves the checkpoint first, because the model may then get weights that were never validated."""
    yield checkpointer.save()
    best = state.best
    if not best.metadata.validated:  # better these weights than none
        best.offer(state.network, state.epoch, None)
    best.save()
    yield Stopped(str(best.path), state.epoch, state.step, best.metadata.validated)


def _finish(state: RunState, checkpointer: Checkpointer, stop: threading.Event) -> Iterator[Event]:
    """Scores the best model on the test pictures, once: not again if it already has a test score."""
    best = state.best
    best.save()
    if state.test.samples and best.metadata.test is None:
        with out_of_memory_as_problem(state.compute.device):
            score = yield from _waiting_for_folder(lambda: _test(state, stop), state.test, checkpointer, stop)
        if score is None:
            yield checkpointer.save()
            steps = steps_per_epoch(state.train.readable, state.config.training.batch_size)
            yield Stopped(str(best.path), state.config.training.epochs, steps, best.metadata.validated)
            return
        if score.seen:
            best.with_test(score.as_test(best.metadata.classes, best.metadata.test_opened + 1))
            best.save()
        else:
            yield Note(message("no_test"))
    for loader in (state.val, state.test):
        yield from loader.clipped_notes()
    yield Finished(str(best.path), best.metadata.epoch, best.metadata.val_accuracy, best.metadata.test)


def _test(state: RunState, stop: threading.Event) -> Generator[Event, None, Score | None]:
    """Scores a copy of the network: the run's own keeps its weights, in case it gets more epochs later."""
    network = copy.deepcopy(state.network)
    network.load_state_dict(state.best.weights)
    score = yield from evaluate(network, state.test, len(state.splits.classes), state.compute, stop, "test")
    return score and score.with_leaks(_leaked(state, state.test))


def _leaked(state: RunState, scored: Loader) -> set[int]:
    """The indices of pictures of `scored` from which the network, or its first weights, were learned."""
    return among(scored, {*state.train.digests().values(), *state.learned_before})


def _waiting_for_folder(
    work: Callable[[], Generator[Event, None, T]], loader: Loader, checkpointer: Checkpointer, stop: threading.Event
) -> Generator[Event, None, T | None]:
    """Does `work`. If the dataset folder vanishes meanwhile: saves, waits until it is back, and does `work` again.

    Returns None when stopped while waiting.
    """
    while True:
        try:
            return (yield from work())
        except FolderGone:
            pass
        yield from checkpointer.try_to_save()
        throttle, gone = Throttle(5.0), message("dataset_gone", path=str(loader.root))
        while loader.is_gone:
            if throttle.ready():
                yield Waiting(gone)
            if stop.wait(0.5):
                return None
        yield Note(message("dataset_back", path=str(loader.root)))
