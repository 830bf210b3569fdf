"""The views of Dkron's API: `base` has what they share, `jobs`, `runs` and `cluster` answer."""
