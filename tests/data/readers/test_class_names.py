"""Class names in the forms in which people publish them."""

import json
import os
from pathlib import Path

import pytest

from resnet_gui.data.readers.class_names import IMAGENET, class_names
from resnet_gui.data.readers.plain_names import find_names
from resnet_gui.messages import Problem

TWO = ("cat", "big dog")
FORMS = {
    "a.txt": "cat\nbig dog\n\n\n",
    "crlf.txt": "cat\r\nbig dog\r\n",
    "mark.txt": b"\xef\xbb\xbfcat\nbig dog",
    "utf16.txt": "cat\nbig dog".encode("utf-16"),
    "number.txt": "0 cat\n1 big dog",
    "from one.txt": "1 cat\n2 big dog",
    "turned.txt": "1,big dog\n0,cat",
    "colon.txt": "0: cat\n1: big dog",
    "point.txt": "1. cat\n2. big dog",
    "last.txt": "cat,0\nbig dog,1",
    "ids.txt": "n01440764 cat\nn01443537 big dog",
    "python.txt": "{0: 'cat',\n 1: 'big dog'}",
    "tuple.txt": "('cat', 'big dog')",
    "list.json": '["cat", "big dog"]',
    "names.json": '{"1": "big dog", "0": "cat"}',
    "numbers.json": '{"big dog": 1, "cat": 0}',
    "keras.json": '{"0": ["n01440764", "cat"], "1": ["n01443537", "big dog"]}',
    "records.json": '[{"id": 1, "name": "big dog"}, {"id": 0, "name": "cat"}]',
    "config.json": '{"model_type": "vit", "id2label": {"0": "cat", "1": "big dog"}}',
    "head.csv": "index,name\n1,big dog\n0,cat\n",
    "semicolon.csv": "id;name\n0;cat\n1;big dog",
    "signs.csv": "ClassId,SignName\n0,cat\n1,big dog",
    "one column.csv": "name\ncat\nbig dog",
    "no head.csv": '0,"cat"\n1,"big dog"',
    "samples.csv": "file,label,class_name\na.jpg,1,big dog\nb.jpg,0,cat\nc.jpg,1,big dog",
    "tabs.tsv": "id\tname\n0\tcat\n1\tbig dog",
}


def written(folder: Path, name: str, content: str | bytes) -> str:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize("name", FORMS)
def test_a_file_is_read_in_the_form_it_has_and_that_is_told(name: str, tmp_path: Path) -> None:
    found = class_names(written(tmp_path, name, FORMS[name]))
    assert found.names == TWO
    [told] = found.notes
    assert dict(told.values)["count"] == "2"
    assert dict(told.values)["names"] == "cat, big dog"


def test_ten_numbers_are_sorted_as_numbers_and_not_as_text(tmp_path: Path) -> None:
    numbers = {str(number): f"class {number}" for number in reversed(range(12))}
    assert class_names(written(tmp_path, "a.json", json.dumps(numbers))).names[2] == "class 2"


@pytest.mark.parametrize(
    "text", ["101 dalmatians\n7 up", "class 0\nclass 1", "001.Black\n002.Laysan", "Boeing 747\nA 380"]
)
def test_numbers_that_are_parts_of_names_stay_there(text: str, tmp_path: Path) -> None:
    assert class_names(written(tmp_path, "a.txt", text)).names == tuple(text.split("\n"))


def test_names_that_are_alike_are_told_apart_by_their_ids(tmp_path: Path) -> None:
    found = class_names(written(tmp_path, "a.json", '{"0": ["n02012849", "crane"], "1": ["n03126707", "crane"]}'))
    assert found.names == ("crane (n02012849)", "crane (n03126707)")
    assert "the id added to 2 names" in str(dict(found.notes[0].values)["how"])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "caf\xe9\nx".encode("latin1"), "UTF-8"),
        ("a.pth", b"PK\x03\x04\0\0", "not a text"),
        ("a.txt", "", "empty"),
        ("a.txt", " \n\n", "empty"),
        ("a.txt", "cat\n\ndog", "number 2 is empty"),
        ("a.txt", "cat\ndog\ncat", "number 1 and 3 are both “cat”"),
        ("a.json", '{"cat": 0, "dog": 3}', "without a gap"),
        ("a.json", '{"cat": 0, "dog": 0}', "without a gap"),
        ("a.json", '{"21": "x", "1": "y"}', "without a gap"),
        ("a.json", '{"0": "cat", "1": "dog", "1": "elk"}', "key “1” twice"),
        ("a.json", "[1.5, 2]", "no list of names"),
        ("a.json", '{"a":', "no list of names"),
        ("a.json", "[" * 100_000, "no list of names"),
        ("a.csv", "foo,bar\n1,x", "(foo, bar)"),
        ("a.csv", "index,name\n0,cat,x\n1,dog", "number of columns"),
        ("a.yaml", "names: [cat, dog]", "YAML"),
        ("a.txt", "x\n" * 600_000, "more lines or columns"),
        ("a.safetensors", b"\x02\0\0\0\0\0\0\0{}", "this program's description"),
    ],
)
def test_a_file_in_no_known_form_is_told_with_the_reason(
    name: str, content: str | bytes, said: str, tmp_path: Path
) -> None:
    with pytest.raises(Problem) as caught:
        class_names(written(tmp_path, name, content))
    assert said in str(caught.value)


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Problem, match="not an ordinary file"):
        class_names(str(tmp_path / "pipe"))


def test_a_list_is_taken_as_it_is_but_for_spaces() -> None:
    assert class_names(" cat , big dog").names == TWO
    assert class_names("imagenet").names == (IMAGENET,)


@pytest.mark.parametrize("text", ["", "cats.txt", "cat,", "cat,,dog", "cat,cat", "x" * 5000, "a\0b"])
def test_what_is_neither_a_list_nor_a_file_is_told(text: str) -> None:
    with pytest.raises(Problem):
        class_names(text)


def test_class_folders_name_their_classes(colours: Path) -> None:
    assert class_names(str(colours)).names == ("blue", "green", "red")


def test_names_are_found_under_their_keys_even_in_a_dict_that_holds_itself() -> None:
    value: dict[str, object] = {"epoch": 3, "meta": {"CLASSES": ["cat", "dog"]}, "labels": [0, 1, 1]}
    value["again"] = value
    assert [each.names for each in find_names(value)] == [("cat", "dog")]
