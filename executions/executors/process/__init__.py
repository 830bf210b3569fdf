"""Where jobs run: families of processes that can be watched, limited and ended whole.

    worker (threads) --Popen--> fork server --fork--> runner, one per slot --spawn or fork--> the job's family
       client.py                forkserver.py         runner.py               launch.py, child.py
          '------------------------- a socket per runner: protocol.py ------------'

The fork server imports everything once (Django and the job's modules), so that a runner costs a few pages and a called
function starts in milliseconds. A runner performs one order at a time: it starts the family, passes its output on
(output.py), holds it to its limits and ends it (family.py).

Guarantees: when a result is handed over, nothing that the run started is alive, whatever session or process group it
went to, because the runner is the subreaper of everything below it. Whoever of ours is killed, nothing stays behind:

    worker killed            sockets close: runners end their families and themselves, the fork server the rest
    worker stopped           no renewal comes: runners end their families
    runner killed            the fork server, a subreaper too, inherits the family and ends it; the run is lost
    fork server killed       a pipe closes: runners end their families and themselves; the worker starts another
    both at once             the worker, a subreaper too, inherits the family and ends it

Nothing here knows Django or the database; what is preloaded may.
"""
