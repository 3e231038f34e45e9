"""The protocol of all workers: one request in, one JSON object out, each on a line.

A request is `STAGE [ROW]`. An answer has `seconds` and `cpu_seconds` of the stage (of all threads, and of what it started), and what
the stage has to tell; or `error`, on one line, and `refused` if only this row's values are at fault.
"""

import ctypes
import json
import os
import resource
import signal
import sys
import time

# Of a message, what is passed on at most.
MESSAGE_CHARACTERS = 2000
PR_SET_PDEATHSIG = 1


class Refused(Exception):
    """A row whose values the circuit has no room for; others may do."""


def die_with_parent():
    """Ends this process by SIGKILL as soon as its parent is gone: a library that hangs would never find out by itself."""
    parent = os.getppid()
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    except (AttributeError, OSError):
        # Not Linux.
        return
    if os.getppid() != parent:
        os._exit(1)


def limit_memory(size):
    """This process, and what it starts, get no more than `size` bytes each: of what they allocate, not of files that they map."""
    if size:
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        size = size if most == resource.RLIM_INFINITY else min(size, most)
        resource.setrlimit(resource.RLIMIT_DATA, (size, most))


def cpu_seconds():
    """CPU time of this process, and of those it started that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def one_line(error):
    """An exception's message; a panic's and a library's as they are."""
    name = "" if type(error) in (RuntimeError, Refused) else f"{type(error).__name__}: "
    return (name + " ".join(str(error).split()))[:MESSAGE_CHARACTERS]


def run(stage, row):
    start, cpu = time.perf_counter(), cpu_seconds()
    answer = stage(row)
    times = {"seconds": time.perf_counter() - start, "cpu_seconds": cpu_seconds() - cpu}
    # What is only read afterwards takes no part in the time.
    answer = answer() if callable(answer) else answer
    return {**times, **(answer or {})}


def serve(stages):
    """Answers requests with `stages`, functions of a row by name, until standard input ends.

    A stage returns its answer, or a function that makes it after the time was taken. What libraries print goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for request in sys.stdin:
        stage, _, row = request.strip().partition(" ")
        try:
            if stage not in stages:
                raise RuntimeError(f"there is no stage '{stage}'")
            text = json.dumps(run(stages[stage], int(row or 0)), allow_nan=False)
        except KeyboardInterrupt:
            raise
        # A Rust panic arrives as an exception that is no `Exception`.
        except BaseException as error:
            text = json.dumps({"error": one_line(error), "refused": isinstance(error, Refused)})
        answers.write(text + "\n")
        answers.flush()
