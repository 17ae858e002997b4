"""Side-by-side ratios against named peers. Run `make bench`; the last figures stand in RESULTS.md."""
