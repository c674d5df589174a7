"""Score predictions from any source: metrics, intervals, official counts, claimed values, differences."""
