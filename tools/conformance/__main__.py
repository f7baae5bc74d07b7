"""`python -m tools.conformance [FILE …]`; `make conformance` builds the Java part first."""

import sys

from tools.conformance import files, sections

if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(1 if (files.report(given) if given else sections.report()) else 0)
