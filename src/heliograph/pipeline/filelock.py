"""Whether a file belongs to a living process: a lock that the system takes back when its holder ends.

On Unix ``flock``: it stays with the open file, so a forked child that closes its copy does not give it up. On Windows a
locked byte far behind the end of the file, since locked bytes cannot be read there.
"""

from __future__ import annotations

import sys

if sys.platform == "win32":
    import msvcrt
    import os

    _FAR = 1 << 40

    def try_lock(descriptor: int) -> bool:
        """Lock the open file; False when another process holds it."""
        os.lseek(descriptor, _FAR, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def try_lock(descriptor: int) -> bool:
        """Lock the open file; False when another process holds it, or when the file system knows no locks."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
