"""What to do about a file that cannot be written, by the system's reason: the one home of this advice."""

from __future__ import annotations

import errno

from resnet_gui.messages import reason

_ADVICE = {
    "advice_space": ("ENOSPC", "EDQUOT"),
    "advice_no_folder": ("ENOENT",),
    "advice_not_a_folder": ("ENOTDIR",),
    "advice_denied": ("EACCES", "EPERM"),
    "advice_read_only": ("EROFS",),
    "advice_is_folder": ("EISDIR",),
    "advice_name": ("ENAMETOOLONG", "EINVAL", "EILSEQ", "ELOOP"),
    "advice_in_use": ("ETXTBSY", "EBUSY"),
    "advice_too_large": ("EFBIG", "EOVERFLOW"),
    "advice_not_there": ("EIO", "ENXIO", "ENODEV", "ESTALE", "ENOTCONN", "ETIMEDOUT", "EHOSTDOWN", "EHOSTUNREACH"),
    "advice_many_open": ("EMFILE", "ENFILE"),
}
_BY_NUMBER = {getattr(errno, name): code for code, names in _ADVICE.items() for name in names if hasattr(errno, name)}

_SHARING_VIOLATIONS = (32, 33)
"""Windows: another program has the file open. It comes as EACCES."""


def reason_and_advice(error: OSError) -> dict[str, str]:
    """The values `reason` and `advice` of a sentence about `error`."""
    if getattr(error, "winerror", None) in _SHARING_VIOLATIONS:
        return {"reason": reason(error), "advice": "advice_in_use"}
    return {"reason": reason(error), "advice": _BY_NUMBER.get(error.errno or 0, "advice_other")}
