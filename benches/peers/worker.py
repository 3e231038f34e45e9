"""The requests of run.py, answered by functions: one line in, one JSON object out.

A request is `STAGE [ROW]`; see the table in ../src/bin/measure.rs, which answers the same ones for zkassay.
"""

import json
import os
import sys
import time


def serve(stages):
    """Answers requests with `stages`, functions of a row by name, until standard input ends.

    A stage's seconds are those of its function, unless its answer has some. What libraries print goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for request in sys.stdin:
        stage, _, row = request.strip().partition(" ")
        start = time.perf_counter()
        try:
            answer = stages[stage](int(row or 0)) or {}
            answer.setdefault("seconds", time.perf_counter() - start)
        except KeyboardInterrupt:
            raise
        # A Rust panic arrives as an exception that is no `Exception`.
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
