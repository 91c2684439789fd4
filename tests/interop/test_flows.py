"""Order flows: what the plain books of flow-make say of them, the engine brings about.

Arguments: flow-make, engine-flow, engine-turns, and the engine as a module for it.
"""

import os
import struct
import sys
import unittest

from processes import fresh_folder, read, run, write

MAKE, FLOW, TURNS, MODULE = sys.argv[1:5]
SMALL = ("--symbols", 3, "--depth", 200, "--messages", 5000)
WAYS = (
    ("--ids", "handles"),
    ("--ids", "client"),
    ("--accounts", "off"),
    ("--events", "all", "--batch", 1),
)
HASH_AT = 8 + 7 * 8 + 3 * 8


class Flows(unittest.TestCase):
    def setUp(self):
        folder = fresh_folder()
        self.addCleanup(folder.cleanup)
        self.path = os.path.join(folder.name, "flow")
        self.other = os.path.join(folder.name, "other")
        code, self.told, said = run(MAKE, *SMALL, self.path)
        self.assertEqual((code, said), (0, ""))

    def spoil(self):
        """The same flow in another file, with another hash to bring about."""
        flow = bytearray(read(self.path))
        flow[HASH_AT] ^= 1
        write(self.other, flow)

    def test_the_engine_does_what_the_plain_books_did(self):
        for way in WAYS:
            code, told, said = run(FLOW, *way, self.path)
            self.assertEqual((code, said, told.endswith(" as expected\n")), (0, "", True), told)

    def test_a_flow_that_the_engine_does_not_bring_about_is_told(self):
        self.spoil()
        code, told, said = run(FLOW, self.other)
        self.assertEqual((code, " NOT AS EXPECTED" in told, " expected trades " in said),
                         (1, True, True), told)

    def test_engines_take_turns_and_each_is_held_against_the_flow(self):
        for way in WAYS + (("--latency",),):
            code, told, said = run(TURNS, *way, "--chunk", 700, "--repeat", 2, "--peer", MODULE,
                                   self.path)
            self.assertEqual((code, said), (0, ""))
            self.assertIn(" 8 turns of 700 messages, 2 times\n", told)
            self.assertIn("\n  engine: ", told)
            self.assertIn("\n  %s: " % MODULE, told)
        self.spoil()
        code, told, said = run(TURNS, "--peer", MODULE, self.other)
        self.assertEqual((code, told, said.count("its trades are not the file's")), (1, "", 2))

    def test_the_same_options_make_the_same_flow_and_another_seed_another(self):
        run(MAKE, *SMALL, "--seed", 42, self.other)
        self.assertEqual(read(self.path), read(self.other))
        self.assertIn(" hash e2f0a47545ee43bd;", self.told)
        run(MAKE, *SMALL, "--seed", 43, self.other)
        self.assertNotEqual(read(self.path), read(self.other))

    def test_the_shares_of_messages_are_those_of_the_documents(self):
        counts = struct.unpack_from("<4Q", read(self.path), HASH_AT + 8)
        self.assertEqual(sum(counts), 5000)
        for count, share in zip(counts, (0.515, 0.02, 0.415, 0.05)):
            self.assertAlmostEqual(count / 5000, share, delta=0.02)

    def test_a_file_that_is_no_flow_is_refused_with_its_name(self):
        flow = read(self.path)
        for bytes_there, words in (
            (b"", "not an order flow"),
            (b"x" + flow[1:], "not an order flow"),
            (flow[:-1], "cut short"),
            (flow[:16] + b"\xff" * 8 + flow[24:], "its header tells of more than can be"),
            (flow[:-16] + b"\xff" + flow[-15:], "a message is about what its header does not know"),
        ):
            write(self.other, bytes_there)
            code, told, said = run(FLOW, self.other)
            self.assertEqual((code, told, said), (1, "", f"engine-flow: {self.other}: {words}\n"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
