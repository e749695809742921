"""Values as text for the window: messages, positions in a run, counts, times, sizes and percentages."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication

from resnet_gui.data.samples import Listing
from resnet_gui.data.split import Splits
from resnet_gui.messages import Message, sentence
from resnet_gui.names import WHOLE, shown
from resnet_gui.records import Weights


def message_text(message: Message) -> str:
    """The translated sentence of `message`."""
    return sentence(message, lambda text: QCoreApplication.translate("messages", text))


def parts_to_choose(problem: Message) -> tuple[str, ...]:
    """The parts of a file of weights of which the user must choose one; none unless that is the `problem`."""
    parts = dict(problem.values).get("parts", "") if problem.code in ("weights_tie", "weights_no_part") else ""
    return tuple(part for part in str(parts).split(", ") if part)


def parts_text(problem: Message) -> str:
    """The question that goes with `parts_to_choose`."""
    if problem.code != "weights_tie":
        return message_text(problem)
    text = _tr(
        "{path} holds several sets of weights that fit equally well, but their numbers differ. Choose the one to use."
    )
    return text.format(path=shown(str(dict(problem.values)["path"]), WHOLE))


def position_text(epoch: int, step: int) -> str:
    """ "epoch 7, step 40" after `step` steps of `epoch`; if `step` is 0, the end of the epoch before."""
    if step:
        return _tr("epoch {epoch}, step {step}").format(epoch=epoch, step=step)
    return _tr("the end of epoch {epoch}").format(epoch=epoch - 1) if epoch > 1 else _tr("the beginning")


def per_cent(probabilities: Sequence[float]) -> list[str]:
    """Each as "87.1 %". They are rounded together, so that the figures shown never add up to more than 100."""
    tenths = [1000 * probability for probability in probabilities]
    rounded = [int(each) for each in tenths]
    short = min(round(sum(tenths)), 1000) - sum(rounded)
    by_remainder = sorted(range(len(tenths)), key=lambda index: rounded[index] - tenths[index])
    for index in by_remainder[: max(short, 0)]:
        rounded[index] += 1
    return [f"{each / 10:.1f} %" for each in rounded]


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


def megabytes(count: float) -> str:
    """`count` bytes as text: "44.7 MB", "548 MB"."""
    size = count / 1e6
    return f"{size:.1f} MB" if size < 100 else f"{size:,.0f} MB"


def time_left(seconds: float) -> str:
    """ "about 2 min left", for an estimate in seconds."""
    if seconds < 10:
        return _tr("a few seconds left")
    if seconds < 57:
        return _tr("about {count} s left").format(count=5 * round(seconds / 5))
    minutes = max(1, round(seconds / 60))
    if minutes < 90:
        return _tr("about {count} min left").format(count=minutes)
    return _tr("about {hours} h {minutes} min left").format(hours=minutes // 60, minutes=minutes % 60)


def time_taken(seconds: float) -> str:
    """ "0.8 s", "28 s", "1:28 min" or "1:02 h", for a measured time in seconds."""
    if seconds < 9.95:
        return _tr("{count} s").format(count=f"{seconds:.1f}")
    whole = round(seconds)
    if whole < 60:
        return _tr("{count} s").format(count=whole)
    if whole < 3600:
        return _tr("{minutes}:{seconds} min").format(minutes=whole // 60, seconds=f"{whole % 60:02}")
    return _tr("{hours}:{minutes} h").format(hours=whole // 3600, minutes=f"{whole % 3600 // 60:02}")


def scientific(value: float) -> str:
    """ "4.1e-4" """
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def loss_text(value: float | None) -> str:
    """ "0.412", or a dash for None."""
    return "–" if value is None else f"{value:.3f}"


def percent_text(share: float | None) -> str:
    """ "97.5 %" for a share from 0 to 1, or a dash for None."""
    return "–" if share is None else f"{100 * share:.1f} %"


def shape_text(shape: tuple[int, ...]) -> str:
    """ "64 × 112 × 112"."""
    return " × ".join(f"{side:,}" for side in shape)


def weights_text(weights: Weights, *more: str) -> str:
    """ "ImageNet-1k · 69.8 % right · 44.7 MB", followed by those of `more` that are not empty."""
    score = _tr("{percent} % right").format(percent=f"{100 * weights.top1:.1f}") if weights.top1 else ""
    return " · ".join(filter(None, (weights.trained_on, score, megabytes(1e6 * weights.megabytes), *more)))


def _tr(text: str) -> str:
    return QCoreApplication.translate("text", text)
