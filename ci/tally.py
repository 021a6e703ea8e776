#!/usr/bin/python3
"""Add up what the tiers of ci/test.sh left in a folder, and print the closing line.

    tally.py FOLDER TIER...

Counts TIER.count (a line `N passed, N failed, N skipped`) and TIER.xml (JUnit), TIER-smpN too. A tier without
either, or whose results cannot be read, counts as one failure. Exit status 1 if anything failed.
"""
import pathlib
import re
import sys
import xml.etree.ElementTree

COUNT = re.compile(r"^(\d+) passed, (\d+) failed(?:, (\d+) skipped)?$")


def count_line(path):
    match = COUNT.match(path.read_text().strip())
    if not match:
        raise ValueError(f"no closing line of counts in {path}")
    return [int(number or 0) for number in match.groups()]


def junit(path):
    cases = xml.etree.ElementTree.parse(path).getroot().iter("testcase")
    counts = [0, 0, 0]
    for case in cases:
        kinds = {child.tag for child in case}
        state = case.get("status", "run")
        if kinds & {"failure", "error"} or state == "fail":
            counts[1] += 1
        elif "skipped" in kinds or state in ("notrun", "disabled"):
            counts[2] += 1
        else:
            counts[0] += 1
    return counts


def tier(folder, name):
    names = (name, f"{name}-smp*")  # parts that ran with several CPUs
    found = [count_line(path) for part in names for path in folder.glob(f"{part}.count")]
    found += [junit(path) for part in names for path in folder.glob(f"{part}.xml")]
    if not found:
        raise ValueError("the tier left no results")
    return [sum(column) for column in zip(*found)]


def main(folder, names):
    total = [0, 0, 0]
    for name in names:
        try:
            counts = tier(pathlib.Path(folder), name)
        except (ValueError, xml.etree.ElementTree.ParseError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            counts = [0, 1, 0]
        print(f"{name}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped",
              file=sys.stderr)
        total = [a + b for a, b in zip(total, counts)]
    sys.stderr.flush()
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] or not total[0] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
