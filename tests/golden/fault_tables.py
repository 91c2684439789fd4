#!/usr/bin/env python3
"""Writes lib/faults/tables.c: the numbers behind delays, in integers.

Everything is computed with 60 decimal digits and rounded once, to Q32.

    fault_tables.py > lib/faults/tables.c     write the file anew
    fault_tables.py --check FILE              exit 1 where FILE holds other numbers
"""
import re
import sys
from decimal import ROUND_HALF_EVEN, Decimal, getcontext
from statistics import NormalDist

getcontext().prec = 60
ONE = Decimal(1)
LN2 = Decimal(2).ln()


def arctan_inverse(n):
    """arctan(1/n) by its series."""
    total = term = ONE / n
    k = 1
    while abs(term) > Decimal(10) ** -58:
        term = -term / (n * n)
        k += 2
        total += term / k
    return total


PI = 4 * (4 * arctan_inverse(5) - arctan_inverse(239))
ROOT_2PI = (2 * PI).sqrt()


def density(z):
    return (-z * z / 2).exp() / ROOT_2PI


def upper_tail(z):
    """P(Z > z) for z >= 0: 1/2 less the series phi(z) * sum z^(2k+1) / (1*3*..*(2k+1))."""
    term = total = z
    k = 1
    while term > Decimal(10) ** -58:
        k += 2
        term = term * z * z / k
        total += term
    return Decimal("0.5") - density(z) * total


def normal_quantile(p):
    """The z >= 0 with P(Z > z) = p, by Newton's method from the double that is nearest to it.

    An error e is about z * e * e / 2 after a step: behind one below 1e-12 two dozen digits are right,
    and a tenth of the time is enough.
    """
    if p == Decimal("0.5"):
        return Decimal(0)
    z = Decimal(-NormalDist().inv_cdf(float(p)))
    for _ in range(20):
        step = (upper_tail(z) - p) / density(z)
        z += step
        if abs(step) < Decimal(10) ** -12:
            return z
    raise ArithmeticError(f"no quantile for {p}")


def q32(x):
    return int((x * 2 ** 32).to_integral_value(ROUND_HALF_EVEN))


def tables():
    neg_ln = [q32(-(Decimal("0.5") + Decimal(i) / 512).ln()) for i in range(257)]
    exp2 = [q32((Decimal(i) / 256 * LN2).exp()) for i in range(257)]
    octaves = [[q32(normal_quantile((1 + Decimal(j) / 64) / Decimal(2) ** (octave + 2)))
                for j in range(65)] for octave in range(32)]
    return neg_ln, exp2, octaves


def rows(numbers, indent):
    line = indent
    for number in numbers:
        word = f"{number},"
        if len(line) + len(word) + 1 > 98:
            yield line.rstrip()
            line = indent
        line += word + " "
    yield line.rstrip()


HEAD = """\
/*
 * The numbers behind delays: logarithm, power of two and normal quantile.
 *
 * Written by tests/golden/fault_tables.py, which computes them with 60 digits; a test
 * compares.  Fixed-point with 32 bits of fraction.
 */
#include "faults/tables.h"

/* clang-format off */
"""


def text():
    neg_ln, exp2, octaves = tables()
    out = [HEAD + "const int64_t msim_fault_neg_ln[257] = {"]
    out += rows(neg_ln, "    ")
    out += ["};", "", "const int64_t msim_fault_exp2[257] = {"]
    out += rows(exp2, "    ")
    out += ["};", "", "const int64_t msim_fault_quantile[32][65] = {"]
    for octave in octaves:
        out += ["    {"]
        out += rows(octave, "        ")
        out += ["    },"]
    out += ["};", "/* clang-format on */"]
    return "\n".join(out) + "\n"


def main():
    made = text()
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        with open(sys.argv[2], encoding="utf-8") as file:
            there = file.read()
        numbers = [re.findall(r"\d+", part) for part in (made, there)]
        if numbers[0] != numbers[1]:
            sys.exit(f"{sys.argv[2]} does not hold the numbers that the definition gives")
        return
    sys.stdout.write(made)


if __name__ == "__main__":
    main()
