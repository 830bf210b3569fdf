"""Jobhouse at a shell: `manage.py jobs`, `run_job`, `executions`, `output`, `cancel`, `why`, `schedule`.

A command finds what it is asked about, calls one service, and shows the answer: as a table for people, or with
``--json`` in the fields of the native API.
"""
