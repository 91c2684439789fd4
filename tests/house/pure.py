"""The core is a calculator: reads what libmarketsim-core asks of other libraries."""

import re
import sys

import house

# Everything the core may ask of libc: memory, bytes, and printing into a buffer.
ALLOWED = {
    "malloc", "calloc", "realloc", "free", "abort",
    "memcpy", "memmove", "memset", "memcmp", "memchr", "memrchr", "bcmp",
    "strlen", "strnlen", "strcmp", "strncmp", "strchr", "strrchr", "strstr", "stpcpy",
    "snprintf", "vsnprintf",
    # Exact in IEEE 754, so the same everywhere.
    "sqrt", "fabs", "floor", "ceil", "trunc",
    "__assert_fail", "__stack_chk_fail", "__cxa_finalize", "__gmon_start__",
    "_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable",
}

# The same functions under the names of hardened, instrumented and other libcs' builds.
ALLOWED_PATTERN = re.compile(
    r"^(__(mem|str|stp)\w+_chk|__v?snprintf_chk|__(asan|ubsan|sanitizer|tsan|msan|lsan)_\w+"
    r"|__gcov_\w+|__llvm_\w+|__sancov_\w+|__start_\w+|__stop_\w+|_GLOBAL_OFFSET_TABLE_)$")


def main():
    nm = house.find_program("nm", "llvm-nm", "llvm-nm-14")
    if not nm:
        house.skip("needs nm")
    problems = []
    count = 0
    for line in house.run([nm, "-D", "--undefined-only", sys.argv[1]]).splitlines():
        name = line.split()[-1].split("@")[0]
        count += 1
        if name not in ALLOWED and not ALLOWED_PATTERN.match(name):
            problems.append("the core must not use %s" % name)
    if count == 0:
        problems.append("no undefined symbol at all: is %s a shared library?" % sys.argv[1])
    house.finish(problems, "%d symbols, all of them allowed" % count)


main()
