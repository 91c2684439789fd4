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


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
