"""Networks and their layers as tables: aligned for a terminal, or as CSV. Nothing here imports torch."""

from __future__ import annotations

import io
import itertools
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from resnet_gui.events import NetworkSummary
from resnet_gui.nets.catalog import by_family, find
from resnet_gui.nets.spec import NetworkSpec, Stage
from resnet_gui.output.spreadsheet import SpreadsheetWriter
from resnet_gui.records import Layer, Weights

WIDTH = 100
"""The largest width of a table of layers, in characters."""

_KIND_WIDTH = 26
_GAP = "  "


def facts(spec: NetworkSpec, weights: Weights | None) -> str:
    """A few lines on a network before it is built; there is little to print for one outside the catalogue."""
    lines = [_known(spec)] if spec.is_curated else [f"{spec.title}, from {spec.source}"]
    lines += [
        _shared(weights),
        *(textwrap.fill(text, WIDTH) for text in (spec.description, spec.lesson, spec.note) if text),
    ]
    return "\n".join(lines)


def _known(spec: NetworkSpec) -> str:
    return (
        f"{spec.title}: {spec.paper}\n"
        f"{spec.depth} layers with weights, {spec.parameters:,} parameters with {spec.classes:,} classes\n"
        f"{spec.multiply_adds:,} multiply-adds at {spec.default_size} pixels; sizes that it takes, in pixels: {spec.sizes}"
    )


def _shared(weights: Weights | None) -> str:
    if weights is None:
        return "No trained weights are shared that this program knows of"
    score = "" if weights.top1 is None else f", {weights.top1:.1%} right"
    return f"Trained weights: {weights.trained_on}{score}, {weights.megabytes:.0f} MB from {weights.host} ({weights.licence})"


def layer_table(summary: NetworkSummary, only_stages: bool = False) -> str:
    """A line for each stage and, unless `only_stages`, for each layer in it; then the sums. At most `WIDTH` wide."""
    lines = [_Line("Layer", "Kind", "Output", "Parameters", "Multiply-adds")]
    stages = {stage.name: stage for stage in find(summary.network).stages}
    for name, rows in itertools.groupby(summary.layers, key=lambda layer: layer.stage):
        lines += _stage_lines(stages.get(name), name, list(rows), only_stages)
    lines.append(_Line("Sum", "", "", f"{summary.parameters:,}", f"{summary.multiply_adds:,}"))
    title = (
        f"{summary.network}, {summary.classes:,} classes, picture {summary.channels}×{summary.image_size}×{summary.image_size}, "
        f"{len(summary.layers)} rows"
    )
    return "\n".join([title, *_aligned(lines)])


@dataclass(frozen=True, slots=True)
class _Line:
    name: str
    kind: str
    shape: str
    parameters: str
    multiply_adds: str


def _stage_lines(stage: Stage | None, name: str, rows: Sequence[Layer], only_stages: bool) -> list[_Line]:
    """The line of a stage, which is None outside the catalogue, and those of its layers."""
    if len(rows) == 1 and rows[0].name == name:
        return [_line(rows[0], name, rows[0].kind)]
    shape = stage.gives(rows[-1].shape) if stage else rows[-1].shape
    parameters, multiply_adds = sum(row.parameters for row in rows), sum(row.multiply_adds for row in rows)
    count = "1 row" if len(rows) == 1 else f"{len(rows)} rows"
    head = _line(Layer(name, "", shape, parameters, multiply_adds), name, count)
    layers = [_line(row, f"  {row.name.removeprefix(name + '.')}", row.kind) for row in rows]
    return [head] if only_stages else [head, *layers]


def _line(row: Layer, name: str, kind: str) -> _Line:
    return _Line(name, kind, shape_text(row.shape), f"{row.parameters:,}", f"{row.multiply_adds:,}")


def shape_text(shape: tuple[int, ...]) -> str:
    """`64×112×112`; "not called" for a layer that is called in training only."""
    return "×".join(map(str, shape)) or "not called"


def _aligned(lines: Sequence[_Line]) -> list[str]:
    """Text left-aligned, numbers right-aligned. Of a name that is too long, the end is kept."""
    shape = max(len(line.shape) for line in lines)
    parameters = max(len(line.parameters) for line in lines)
    multiply_adds = max(len(line.multiply_adds) for line in lines)
    kind = min(_KIND_WIDTH, max(len(line.kind) for line in lines))
    room = WIDTH - kind - shape - parameters - multiply_adds - 4 * len(_GAP)
    name = min(room, max(len(line.name) for line in lines))
    return [
        _GAP.join((
            _cut(line.name, name).ljust(name), line.kind[:kind].ljust(kind), line.shape.rjust(shape),
            line.parameters.rjust(parameters), line.multiply_adds.rjust(multiply_adds),
        ))
        for line in lines
    ]  # fmt: skip


def _cut(name: str, width: int) -> str:
    return name if len(name) <= width else "…" + name[len(name) - width + 1 :]


def layers_csv(tables: Iterable[NetworkSummary]) -> str:
    """A row for each layer, numbers unabbreviated; shapes as `64x112x112`, empty for layers called in training only."""
    text = io.StringIO()
    table = SpreadsheetWriter(text, lineterminator="\n")
    table.write(["network", "stage", "layer", "kind", "output", "parameters", "multiply_adds"])
    for summary in tables:
        for row in summary.layers:
            shape = "x".join(map(str, row.shape))
            table.write([summary.network, row.stage, row.name, row.kind, shape, row.parameters, row.multiply_adds])
    return text.getvalue()


def comparison(first: NetworkSummary, second: NetworkSummary) -> str:
    """A sentence with the ratios of the two networks' parameters and multiply-adds."""
    return (
        f"{second.network} has {_times(second.parameters, first.parameters)} the parameters of {first.network}, "
        f"and {_times(second.multiply_adds, first.multiply_adds)} its multiply-adds."
    )


def _times(large: int, small: int) -> str:
    return f"{large / small:.2f} ×" if small else "no measure of"


def network_table(specs: Iterable[NetworkSpec]) -> str:
    """A line for each network, by family in the order of the catalogue."""
    rows = {spec: _network_row(spec) for spec in specs}
    widths = [max(map(len, column)) for column in zip(_HEADINGS, *rows.values(), strict=True)]
    lines = [_spread(_HEADINGS, widths)]
    for family, members in by_family(rows).items():
        lines += [family, *(_spread(rows[spec], widths) for spec in members)]
    return "\n".join(lines)


_HEADINGS = ("name", "title", "year", "depth", "parameters", "multiply-adds", "sizes", "weights")
_WORDS = (0, 1, 6, 7)
"""The columns that hold text, which are left-aligned; numbers are right-aligned."""


def _network_row(spec: NetworkSpec) -> tuple[str, ...]:
    return (
        spec.name, spec.title, str(spec.year), str(spec.depth), short_count(spec.parameters), short_count(spec.multiply_adds),
        spec.sizes, "yes" if spec.weights else "no",
    )  # fmt: skip


def short_count(count: int) -> str:
    """Three digits: `11.7 M`, `138 M`, `1.81 G` or `620`; 0 means that the figure is not known: `–`."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= 0.9995 * size:  # in the smaller unit it would be 1,000
            return f"{count / size:.3g} {letter}"
    return str(count) if count else "–"


def _spread(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (
        text.ljust(width) if column in _WORDS else text.rjust(width)
        for column, (text, width) in enumerate(zip(row, widths, strict=True))
    )
    return (_GAP + _GAP.join(cells)).rstrip()
