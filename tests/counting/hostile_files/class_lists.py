"""Files that claim to be lists of class names."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hostile_files.hostile_file import HostileFile, of_bytes

_LISTS: dict[str, tuple[str, bytes | Callable[[], bytes]]] = {
    "four empty lines": (".txt", b"\n\n\n\n"), "one name four times": (".txt", b"a\na\na\na\n"), "nothing": (".txt", b""),
    "ten million lines": (".txt", lambda: b"\n" * 10_000_000), "a line of 100 MB": (".txt", lambda: b"k" * 100_000_000),
    "a million names": (".txt", lambda: b"".join(b"%d\n" % number for number in range(1_000_000))),
    "names that steer the terminal": (".txt", "\x1b[2Ja\n\u202eb\nc\u2066\nd\x07\x08\n".encode()), "null bytes": (".txt", b"a\0\nb\0\nc\nd\n"),
    "no text": (".txt", b"\xff\xfe\xfa\n\x80\n\x81\n\x82\n"), "UTF-16": (".txt", "a\nb\nc\nd\n".encode("utf-16")), "half a letter": (".txt", b"a\nb\nc\nd\xc3"),
    "old line ends and others": (".txt", "a\rb\x0bc\x0cd\u2028e\x85f".encode()), "paths": (".txt", b"../../etc/passwd\n/dev/zero\nCON\n=1+1\n"),
    "brackets a million deep": (".json", lambda: b"[" * 1_000_000), "dicts a hundred thousand deep": (".json", lambda: b'{"a":' * 100_000 + b"0" + b"}" * 100_000),
    "a number of a million digits": (".json", lambda: b"[" + b"9" * 1_000_000 + b"]"), "no numbers": (".json", b'["a","b",NaN,Infinity]'),
    "places that are none": (".json", b'{"a":0,"b":-1,"c":99999999999999999999,"d":1.5}'), "one place for all": (".json", b'{"a":0,"b":0,"c":0,"d":0}'),
    "places as keys that are none": (".json", b'{"-1":"a","x":"b","1e9":"c","\\ud800":"d"}'), "half a surrogate pair": (".json", b'["\\ud800","b","c","d"]'),
    "names of all types": (".json", b'["a",1,null,["b"]]'), "the same key twice": (".json", b'{"0":"a","0":"b","1":"c","2":"d","3":"e"}'),
    "a list of 30 MB": (".json", lambda: b"[" + b"0," * 15_000_000 + b"0]"), "a text of 10 MB": (".json", lambda: b'["' + b"k" * 10_000_000 + b'","b","c","d"]'),
    "a million columns": (".csv", lambda: b"," * 1_000_000 + b"\n" + b",".join([b"a"] * 1_000_000)), "quotes without an end": (".csv", b'"a\nb\nc\nd\n'),
    "quotes without an end, 20 MB": (".csv", lambda: b'id,name\n0,"' + b"a\n" * 10_000_000), "a field of 10 MB": (".csv", lambda: b"id,name\n0," + b"k" * 10_000_000),
    "formulas": (".csv", b"id,name\n0,=cmd|'/c calc'!A0\n1,@SUM(1)\n2,+1\n3,-1\n"), "anchors that double": (".yaml", b"names: [&a [x,x], &b [*a,*a], &c [*b,*b], [*c,*c]]\n"),
    "a tag that makes an object": (".yaml", b"names: !!python/object/apply:os.system ['touch h0stile']\n"),
}  # fmt: skip


def class_lists() -> Iterator[HostileFile]:
    """All of them."""
    for name, (suffix, data) in _LISTS.items():
        yield of_bytes("class list", f"{name}{suffix}", data, suffix)
