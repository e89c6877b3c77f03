"""A process that holds many files open still has a sandbox that answers."""

import contextlib
import os
import resource

import pytest


def test_it_answers_beyond_the_1024th_file(site):
    if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < 2048:
        pytest.skip("this system allows too few open files")
    with contextlib.ExitStack() as stack:
        for _ in range(1100):
            stack.callback(os.close, os.open(os.devnull, os.O_RDONLY))
        assert site.add().status_code == 200
