"""A reader of Prometheus' text format 0.0.4 that refuses what promtool would refuse."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(\{{{LABEL}(?:,{LABEL})*\}})? (\+Inf|-?[0-9.]+(?:e-?[0-9]+)?)")
KINDS = {"counter", "gauge", "histogram"}


def family_of(name, kinds):
    for ending in ("_bucket", "_sum", "_count"):
        base = name[: -len(ending)]
        if name.endswith(ending) and kinds.get(base) == "histogram":
            return base
    return name


def read(text):
    """{name and labels: value}; raises AssertionError with the line for what is wrong."""
    assert text.endswith("\n"), "the last line has no end"
    kinds, helps, samples, finished, current = {}, set(), {}, set(), None
    for number, line in enumerate(text.split("\n")[:-1], 1):
        where = f"line {number}: {line}"
        if line.startswith("# HELP "):
            name, words = re.fullmatch(rf"# HELP ({NAME}) (.+)", line).groups()
            assert name not in helps, "two HELPs: " + where
            assert words.endswith("."), "help is a sentence: " + where
            helps.add(name)
            continue
        if line.startswith("# TYPE "):
            name, kind = re.fullmatch(rf"# TYPE ({NAME}) (\w+)", line).groups()
            assert name not in kinds and kind in KINDS and name in helps, where
            assert (kind == "counter") == name.endswith("_total"), "a counter's name: " + where
            kinds[name] = kind
            continue
        match = SAMPLE.fullmatch(line)
        assert match, where
        name, labels, value = match.groups()
        family = family_of(name, kinds)
        assert family in kinds, "no TYPE before: " + where
        if family != current:
            assert family not in finished, "a family in two places: " + where
            finished.add(current)
            current = family
        key = name + (labels or "")
        assert key not in samples, "twice: " + where
        samples[key] = float(value.replace("+Inf", "inf"))
        if kinds[family] == "counter":
            assert samples[key] >= 0, where
    check_histograms(kinds, samples)
    assert set(kinds) == helps
    return samples


def check_histograms(kinds, samples):
    for family in (name for name, kind in kinds.items() if kind == "histogram"):
        buckets = [
            (float(re.search(r'le="([^"]+)"', key).group(1).replace("+Inf", "inf")), value)
            for key, value in samples.items()
            if key.startswith(family + "_bucket")
        ]
        assert buckets == sorted(buckets), family
        assert [count for _, count in buckets] == sorted(count for _, count in buckets), family
        assert buckets[-1] == (float("inf"), samples[family + "_count"]), family
        assert family + "_sum" in samples, family
