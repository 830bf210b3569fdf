"""The native API of jobs: their form, their filters, and what can be asked without making one.

What also reads executions (lists with the last run, runs, pauses) stands in `executions.api`.
"""
