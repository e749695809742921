import pytest

from resnet_gui.messages import Problem
from resnet_gui.nets.network_shapes import network_shapes, training_only


@pytest.mark.parametrize(
    ("name", "size", "head", "first"),
    [
        ("resnet20", 32, "linear", "conv1.weight"),
        ("lenet5", 32, "output", "c1.weight"),
        ("squeezenet1_1", 64, "classifier.1", "features.0.weight"),
    ],
)
def test_what_follows_the_classes_and_the_channels_is_found(name: str, size: int, head: str, first: str) -> None:
    found = network_shapes(name, size)
    assert found.head == head
    assert found.class_axes == {f"{head}.weight": 0, f"{head}.bias": 0}
    assert found.channel_axes == {first: 1}
    assert found.shapes[first][1] == 3


def test_only_auxiliary_classifiers_are_called_in_training_alone() -> None:
    assert {name.partition(".")[0] for name in training_only("googlenet", 64)} == {"aux1", "aux2"}
    assert not training_only("resnet20", 32)


def test_a_size_that_the_network_does_not_take_is_a_sentence() -> None:
    with pytest.raises(Problem) as caught:
        network_shapes("lenet5", 40)
    assert caught.value.message.code == "size_not_taken"
