"""The kernel's debug build under random system calls (ci/fuzz/kernel/run.py), and the kernel against
itself without the fast path (ci/fuzz/kernel/ways.py): the share of CI. ci/soak.sh has the long counts."""
import sys

import pytest

from test_kernel import TOP

sys.path.insert(0, str(TOP / "ci" / "fuzz" / "kernel"))
import run as fuzz  # noqa: E402
import ways  # noqa: E402


@pytest.mark.parametrize("cpus, calls", [(1, 9_000_000), (4, 1_000_000)])
def test_fuzz(cpus, calls):
    good, text = fuzz.run(seed=1, calls=calls, cpus=cpus)
    assert good, f"{text[-4000:]}\nto repeat: {fuzz.repeat(text, 1, calls, cpus)}"


def test_fast_and_general_way():
    good, text = ways.compare(seed=1, episodes=512)
    assert good, text
