"""The rehearsal: deploys the template to ministack on this machine and plays a merchant's flow there.

    .ci/second-engine                 with the zips of `.ci/release x86-64`
    .ci/second-engine FOLDER          with binaries from a folder, for example target/debug

See docs/second-engine.md.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import accounts  # noqa: E402
import engine  # noqa: E402
import life  # noqa: E402

LOCAL = 8797
SANDBOX = LOCAL + 2
ACCOUNTS = LOCAL + 5
ORDERS = 60
# Seconds; a rehearsal takes a third of it.
LONGEST = 2_400


def stop(number, _frame):
    raise engine.Failed(f"not done within {LONGEST} seconds" if number == signal.SIGALRM else "stopped")


def main():
    binaries = sys.argv[1] if len(sys.argv) > 1 else None
    programs, begun = [], time.monotonic()
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, stop)
    signal.alarm(LONGEST)
    folder = tempfile.TemporaryDirectory()
    try:
        engine.LOG.parent.mkdir(exist_ok=True)
        log = open(engine.LOG, "w", encoding="utf-8")
        ministack = engine.start(log)
        programs.append(ministack)
        # The sandbox; a folder of binaries may hold the program already.
        built = pathlib.Path(binaries or "") / "stevedore"
        program = [str(built)] if binaries and built.exists() else ["cargo", "run", "--quiet", "--"]
        stevedore = [*program, "--no-schedule", "--port", str(LOCAL), "--data", folder.name, "--orders-count", str(ORDERS), "--rate-limit", "off"]
        programs.append(subprocess.Popen(stevedore, cwd=engine.ROOT, stdout=log, stderr=log, start_new_session=True))
        sandbox = f"http://127.0.0.1:{SANDBOX}/"
        engine.wait("the sandbox", lambda: engine.answers(sandbox))
        accounts.serve(ACCOUNTS, SANDBOX)
        shipstation = f"http://127.0.0.1:{ACCOUNTS}/"
        outputs = engine.deploy(binaries, shipstation)
        print("deployed:", ", ".join(sorted(outputs)))
        rehearsal = life.Life(ministack, shipstation, sandbox)
        rehearsal.whole()
        print(f"passed: {rehearsal.kills} functions killed, {time.monotonic() - begun:.0f} seconds")
    finally:
        for program in reversed(programs):
            # Its own group: ministack's functions end with it.
            os.killpg(program.pid, signal.SIGTERM)
            program.wait()
        folder.cleanup()


if __name__ == "__main__":
    main()
