"""Random and spoiled JSON texts: the reader and Python's json must agree on every one of them.

Python is laxer in three things (NaN and Infinity, lone surrogates, and bytes that its decoder
would guess), and those are made strict here first.
"""

import json
import random
import re
import subprocess
import sys

ROUNDS = 10000

class Refused(Exception):
    pass


def refuse_constant(word):
    raise Refused(word)


def strict(data):
    """What Python reads from the bytes, numbers as their text; or Refused."""
    try:
        text = data.decode("utf-8")
        value = json.loads(text, parse_constant=refuse_constant, parse_int=lambda n: ("number", n),
                           parse_float=lambda n: ("number", n),
                           object_pairs_hook=lambda pairs: {"pairs": pairs})
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except (ValueError, UnicodeError, RecursionError) as error:
        raise Refused(str(error))
    return value


def any_string(dice):
    letters = ["a", "B", "7", " ", '"', "\\", "/", "\n", "\t", "\u0000", "\u001f", "\u007f",
               "\u00e9", "\u20ac", "\uffff", "\U0001f600", "\U0010ffff", "key"]
    return "".join(dice.choice(letters) for _ in range(dice.randrange(12)))


def any_number(dice):
    digits = "".join(dice.choice("0123456789") for _ in range(dice.choice([1, 2, 5, 18, 19, 20, 30])))
    text = dice.choice(["", "-"]) + (digits.lstrip("0") or "0")
    if dice.random() < 0.5:
        text += "." + "".join(dice.choice("0012345") for _ in range(dice.randrange(1, 22)))
    if dice.random() < 0.3:
        text += dice.choice("eE") + dice.choice(["", "+", "-"]) + str(dice.choice([0, 1, 5, 18, 19, 30]))
    return text


def any_text(dice, depth=0):
    space = dice.choice(["", "", "", " ", "\n\t", "\r "])
    kind = dice.randrange(8 if depth < 6 else 5)
    if kind < 2:
        out = any_number(dice)
    elif kind == 2:
        out = dice.choice(["true", "false", "null"])
    elif kind < 5:
        out = json.dumps(any_string(dice), ensure_ascii=dice.random() < 0.5)
    elif kind < 7:
        out = "[" + ",".join(any_text(dice, depth + 1) for _ in range(dice.randrange(5))) + space + "]"
    else:
        members = [json.dumps(any_string(dice)) + space + ":" + any_text(dice, depth + 1)
                   for _ in range(dice.randrange(5))]
        out = "{" + space + ",".join(members) + "}"
    return space + out + space


def spoil(dice, data):
    data = bytearray(data)
    for _ in range(dice.randrange(1, 3)):
        place = dice.randrange(len(data) + 1)
        what = dice.randrange(4)
        if what == 0 and place < len(data):
            del data[place]
        elif what == 1:
            data.insert(place, dice.choice(b'{}[],:"\\0-+.eEtfnu\x00\x1f\x80\xff\xed\xc3 '))
        elif what == 2 and place < len(data):
            data[place] = dice.randrange(256)
        else:
            del data[place:]
    return bytes(data)


def numbers_of(value, out):
    """The numbers in their order."""
    if isinstance(value, tuple):
        out.append(value[1])
    elif isinstance(value, list):
        for item in value:
            numbers_of(item, out)
    elif isinstance(value, dict):
        for _, item in value["pairs"]:
            numbers_of(item, out)
    return out


def wanted_decimal(text):
    """[mantissa, exponent] at the number's own exponent in -18..0, None where int64 is too small."""
    sign, whole, fraction, power = re.fullmatch(r"(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?",
                                                text).groups()
    digits = whole + (fraction or "")
    natural = int(power or 0) - len(fraction or "")
    exponent = max(-18, min(0, natural))
    mantissa = int(digits)
    if mantissa == 0:
        return [0, exponent]
    if abs(natural - exponent) > len(digits) + 20:
        return None
    if natural >= exponent:
        mantissa *= 10 ** (natural - exponent)
    elif mantissa % 10 ** (exponent - natural) == 0:
        mantissa //= 10 ** (exponent - natural)
    else:
        return None
    mantissa = -mantissa if sign else mantissa
    return [mantissa, exponent] if -2**63 <= mantissa < 2**63 else None


def main():
    program = subprocess.Popen([sys.argv[1]], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    dice = random.Random(2022)
    good = 0
    for _ in range(ROUNDS):
        data = any_text(dice).encode("utf-8")
        if dice.random() < 0.6:
            data = spoil(dice, data)
        program.stdin.write(b"%d\n%s" % (len(data), data))
        program.stdin.flush()
        answer = program.stdout.readline().rstrip(b"\n")
        try:
            value = strict(data)
        except Refused as error:
            if answer != b"bad":
                sys.exit("Python refuses (%s) what was read: %r" % (error, data))
            continue
        if not answer.startswith(b"good "):
            sys.exit("Python reads what was %s: %r" % (answer.decode(), data))
        good += 1
        decoder = json.JSONDecoder()
        decimals, end = decoder.raw_decode(answer[5:].decode("utf-8"))
        if strict(answer[5:].decode("utf-8")[end + 1:].encode("utf-8")) != value:
            sys.exit("%r came back as %r" % (data, answer))
        if decimals != [wanted_decimal(text) for text in numbers_of(value, [])]:
            sys.exit("other numbers in %r: %r" % (data, decimals))
    program.stdin.close()
    if program.wait() != 0:
        sys.exit("the program failed")
    if not ROUNDS // 4 < good < ROUNDS:
        sys.exit("the texts are not mixed: %d of %d are good" % (good, ROUNDS))
    print("%d texts, %d of them good" % (ROUNDS, good))


main()
