#!/usr/bin/python3
"""lombard-bench as a process, against servers that misbehave: statuses, messages, reports.

    test_main.py BENCH [CASE...]

Nothing here measures how fast anything is: what a server does is counted by the server itself.
The cases are in main/.
"""
import concurrent.futures
import os
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "main"), os.path.join(HERE, "../../helpers")]

import counts  # noqa: E402 pylint: disable=wrong-import-position
import faulty_inputs  # noqa: E402 pylint: disable=wrong-import-position
import hands  # noqa: E402 pylint: disable=wrong-import-position
import hdr_files  # noqa: E402 pylint: disable=wrong-import-position
import leftovers  # noqa: E402 pylint: disable=wrong-import-position
import pictures  # noqa: E402 pylint: disable=wrong-import-position
import several_servers  # noqa: E402 pylint: disable=wrong-import-position
import statuses  # noqa: E402 pylint: disable=wrong-import-position
import troubles  # noqa: E402 pylint: disable=wrong-import-position
from bench_process import DIRECTORY  # noqa: E402 pylint: disable=wrong-import-position
from shared import check  # noqa: E402 pylint: disable=wrong-import-position


def guarded(test):
    started = time.monotonic()
    try:
        test()
    except Exception as error: # pylint: disable=broad-except
        check.that(False, "%s ends: %r" % (test.__name__, error))
    return test.__name__, time.monotonic() - started


def main():
    # Those that take longest first: several run at a time.
    tests = troubles.TESTS + statuses.TESTS + counts.TESTS + pictures.TESTS + hands.TESTS + several_servers.TESTS + leftovers.TESTS
    tests += faulty_inputs.TESTS + hdr_files.TESTS
    wanted = [t for t in tests if len(sys.argv) < 3 or t.__name__ in sys.argv[2:]]
    with DIRECTORY, concurrent.futures.ThreadPoolExecutor(4) as pool:
        for name, seconds in pool.map(guarded, wanted):
            print("%-32s %5.1f s" % (name, seconds))
    print("%d passed, %d failed" % (check.passed, check.failed))
    sys.stdout.flush()
    os._exit(1 if check.failed else 0) # threads of servers that sleep


main()
