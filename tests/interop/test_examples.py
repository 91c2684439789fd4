"""What the examples make of arguments that they have no use for: how they are used, and exit code 2.

Arguments: the programs.
"""

import os
import sys
import unittest

from processes import run

PROGRAMS = sys.argv[1:]


class Arguments(unittest.TestCase):
    def test_what_an_example_has_no_use_for_is_refused_with_its_usage(self):
        self.assertTrue(PROGRAMS)
        for program in PROGRAMS:
            for arguments in (["--nonsense"], [""], ["1", "2", "3"]):
                code, printed, said = run(program, *arguments, timeout=20)
                self.assertEqual((code, printed, os.path.basename(program) in said),
                                 (2, "", True), (program, arguments, said))

    def test_a_backtest_fits_on_a_screen(self):
        folder = os.path.join(os.path.dirname(__file__), "..", "..", "examples")
        for name in ("backtest.c", "backtest-file.c"):
            with open(os.path.join(folder, name), encoding="utf-8") as source:
                self.assertLessEqual(len(source.readlines()), 60, name)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
