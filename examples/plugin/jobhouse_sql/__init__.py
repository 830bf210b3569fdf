"""An executor and a processor in a package of their own: an example for docs/executors.md."""
