"""What to do about a file that cannot be written follows from the system's reason."""

import errno
import os

import pytest

from resnet_gui.messages import Problem
from resnet_gui.output.advice import reason_and_advice


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.ENOSPC, "Free some space"),
        (errno.EDQUOT, "Free some space"),
        (errno.ENOENT, "Make the folder first"),
        (errno.ENOTDIR, "is a file, not a folder"),
        (errno.EACCES, "You are not allowed to write there"),
        (errno.EROFS, "can only be read"),
        (errno.EISDIR, "There is a folder of this name"),
        (errno.ENAMETOOLONG, "Choose a shorter"),
        (errno.ETXTBSY, "Another program has it open"),
        (errno.EFBIG, "does not take files so large"),
        (errno.EIO, "The drive does not answer"),
        (errno.EMFILE, "Too many files are open"),
        (errno.EXDEV, "Choose another folder, or try again"),
    ],
)
def test_each_reason_has_its_advice(number: int, advice: str) -> None:
    error = OSError(number, os.strerror(number))
    told = str(Problem("cannot_write", path="a.csv", **reason_and_advice(error)))
    assert told.startswith(f"a.csv could not be written: {os.strerror(number)}. ")
    assert advice in told
    assert ("Free some space" in told) == (number in (errno.ENOSPC, errno.EDQUOT))


def test_a_table_that_a_spreadsheet_holds_open_is_to_be_closed_there() -> None:
    error = PermissionError(errno.EACCES, "The process cannot access the file")
    error.winerror = 32  # type: ignore[attr-defined,unused-ignore]
    assert reason_and_advice(error)["advice"] == "advice_in_use"
