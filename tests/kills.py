"""Kill a piece of work before each change that it makes to the file system."""

import os
import sys
import traceback

CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate")
_state = {"left": None, "folder": ""}


def _watch(event, arguments):
    if _state["left"] is None or not (event in CHANGES or event == "open") or not arguments:
        return
    # A file descriptor or a bare name, as `shutil.rmtree` gives, belongs to the work as well.
    path = os.fspath(arguments[0]) if isinstance(arguments[0], str | os.PathLike) else ""
    if path.startswith(os.sep) and not path.startswith(_state["folder"]):
        return
    if event == "open" and not int(arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        return
    if _state["left"] == 0:
        os._exit(9)  # as SIGKILL: no handler runs and no buffer is flushed
    _state["left"] -= 1


sys.addaudithook(_watch)  # for good; it does nothing but in a fork of `killed`


def killed(work, folder, changes):
    """Do work in a fork of this process that is killed before so many changes to a folder are made; whether it was."""
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            _state.update(left=changes, folder=str(folder))
            work()
        except BaseException:
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), f"the work failed with {status}"
    return status == 9
