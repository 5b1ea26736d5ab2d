"""Dies in a child of os.fork(); three threads slept in the parent, and exist no more in the
child."""

import os
import threading
import time

import truth


class Before(object):
    pass


class After(object):
    pass


def sleeper(forever):
    forever.acquire()


forever = threading.Lock()
forever.acquire()
THREADS = [threading.Thread(target=sleeper, args=(forever,)) for _ in range(3)]
for thread in THREADS:
    thread.daemon = True
    thread.start()
time.sleep(0.2)
INHERITED = [Before() for _ in range(300)]
child = os.fork()
if child:
    os.waitpid(child, 0)
else:
    MADE = [After() for _ in range(200)]
    del INHERITED[100:]
    truth.die(known={"types": {"__main__.Before": 100, "__main__.After": 200}})
