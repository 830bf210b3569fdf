"""The native API of jobs, executions and the house: shells around the engine's services.

Jobs stand here because their lists show the newest run and their actions start and pause runs. What it costs to answer
a list depends on the rows of the page: output, inputs and tracebacks are never loaded for one.
"""
