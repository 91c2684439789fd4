"""HTTP of the library asked by curl: forms, large bodies, continuation, static files.

Arguments: the http-server program of tests/net.
"""

import os
import shutil
import subprocess
import sys
import unittest

from processes import fresh_folder, read, run, skip, write

if not shutil.which("curl"):
    skip("curl is not there")


class Http(unittest.TestCase):
    def setUp(self):
        folder = fresh_folder()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.server = subprocess.Popen([sys.argv[1], self.folder], **pipe)
        self.base = "http://127.0.0.1:" + self.server.stdout.readline().strip()

    def tearDown(self):
        self.server.communicate(timeout=60)
        self.assertEqual(self.server.returncode, 0)

    def path(self, name, data=b""):
        return write(os.path.join(self.folder, name), data)

    def curl(self, path, *arguments, code=0):
        out = self.path("out")
        what = ("-sS", "--noproxy", "*", "-o", out, "-w", "%{http_code}")
        failed, status, words = run("curl", *what, *arguments, self.base + path)
        self.assertEqual(failed, code, words)
        return int(status), read(out)

    def test_a_form_arrives_part_by_part(self):
        data = bytes(i * 7 % 256 for i in range(300000)) + b"\r\n--x\r\n"
        upload = self.path("up load.csv", data)
        status, body = self.curl(
            "/form", "-F", "note=a b", "-F", f"trades=@{upload};type=text/csv", "-F", "empty="
        )
        self.assertEqual(status, 200)
        self.assertEqual(
            body.decode(),
            f"note|-|text/plain|3|{sum(b'a b')}\n"
            f"trades|up load.csv|text/csv|{len(data)}|{sum(data)}\nempty|-|text/plain|0|0\n",
        )

    def test_a_form_beyond_its_bounds_is_refused_with_the_bounds_name(self):
        status, body = self.curl("/form", *[word for i in range(65) for word in ("-F", f"a{i}=b")])
        self.assertEqual((status, b"max_parts" in body), (413, True))
        upload = self.path("large", bytes((4 << 20) + 1))
        status, body = self.curl("/form", "-F", f"a=@{upload}")
        self.assertEqual((status, b"max_part_bytes" in body), (413, True))
        status, body = self.curl("/form", "-H", "Content-Type: text/csv", "-d", "a,b")
        self.assertEqual(status, 415)

    def test_large_bodies_come_back_by_length_and_in_chunks(self):
        upload = self.path("body", os.urandom(3 << 20))
        for headers in ((), ("-H", "Transfer-Encoding: chunked"), ("-H", "Expect: 100-continue")):
            status, body = self.curl("/echo", *headers, "--data-binary", "@" + upload)
            self.assertEqual((status, body == read(upload)), (200, True))

    def test_a_file_is_served_once_and_then_known(self):
        page, tag = self.path("page.html", b"<p>" * 100000), self.path("tag")
        status, body = self.curl("/static/page.html", "--etag-save", tag)
        self.assertEqual((status, body), (200, read(page)))
        status, body = self.curl("/static/page.html", "--etag-compare", tag)
        self.assertEqual((status, body), (304, b""))
        self.path("page.html", b"new")
        self.assertEqual(self.curl("/static/page.html", "--etag-compare", tag), (200, b"new"))
        self.assertEqual(self.curl("/static/../page.html", "--path-as-is")[0], 404)
        self.assertEqual(self.curl("/static/page.html", "-I")[0], 200)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
