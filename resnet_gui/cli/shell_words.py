"""Paths as words of a command that the user may copy into a shell."""

from __future__ import annotations

import shlex

from resnet_gui.names import plain


def shell_word(path: str) -> str:
    """`path` quoted for a shell. One with characters that are not shown is written as `$'…'`, which names them."""
    if plain(path, "") == path:
        return shlex.quote(path)
    return f"$'{''.join(map(_character, path))}'"


def _character(character: str) -> str:
    if character in ("'", "\\"):
        return f"\\{character}"
    if plain(character, "") == character:
        return character
    if "\udc80" <= character <= "\udcff":
        return f"\\x{ord(character) & 0xFF:02x}"
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))
