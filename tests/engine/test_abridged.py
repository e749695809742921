"""The window gets a few class names of a bounded length, whatever the model holds; other events are as they were."""

from resnet_gui.engine.abridged import abridged
from resnet_gui.events import Predicted, Started, to_json
from resnet_gui.records import ClassScore, ModelInfo, Prediction, TestScore

LONG = tuple(f"{number:05} ".ljust(1_000, "x") for number in range(10_000))


def test_a_model_of_ten_thousand_long_names_is_a_short_line() -> None:
    test = TestScore(1, 2, 0.5, tuple(ClassScore(name, 1, 2) for name in LONG), 1)
    info = ModelInfo("m", "resnet20", LONG, 32, 1, True, 0.5, test, 1)
    sent = abridged(info)
    assert isinstance(sent, ModelInfo)
    assert len(to_json(sent)) < 20_000
    assert (sent.known, sent.classes[0], sent.test and sent.test.percent) == (10_000, LONG[0], 50)
    assert abridged(sent) == sent


def test_a_model_of_few_classes_is_whole() -> None:
    info = ModelInfo("m", "resnet20", ("cat", "dog"), 32, 1, True, 0.5, None, 1)
    sent = abridged(info)
    assert isinstance(sent, ModelInfo)
    assert (sent.classes, sent.known, info.known) == (info.classes, 2, 2)


def test_a_label_of_ten_megabytes_is_cut_and_one_of_a_thousand_letters_is_not() -> None:
    event = Predicted("m", (Prediction("a.png", ("x" * 10_000_000, LONG[0]), (0.9, 0.1)),))
    sent = abridged(event)
    assert isinstance(sent, Predicted)
    assert len(to_json(sent)) < 3_000
    assert sent.items[0].labels[1] == LONG[0]


def test_other_events_are_passed_on() -> None:
    event = Started("run", "resnet20", LONG, 1, 1, 1, 1, "cpu", 1)
    assert abridged(event) is event
