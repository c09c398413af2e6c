"""Run a command that heeds file permissions even where we are root: `python -m tests.soak.modestly COMMAND …`.

So that a file can be made read-only for it. It becomes the command; what the command starts heeds them too.
"""

import ctypes
import os
import sys

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1

if __name__ == "__main__":
    ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE)  # refused to who is not root, and needless there
    os.execv(sys.argv[1], sys.argv[1:])
