"""Speed budgets, measured as ratios within one run: ``make bench``."""
