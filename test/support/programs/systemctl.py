"""The part of systemctl that Ansible's module calls, for a mount namespace without systemd: it reads the unit and its drop-ins
from /etc/systemd/system and really starts, stops, reloads and restarts the command they name, with its environment, working
directory and credentials. What it does not do is the sandbox: systemd-analyze judges that part of the unit.

    systemctl.py STATE-FOLDER COMMAND [UNIT]
"""

import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import time

UNITS = pathlib.Path("/etc/systemd/system")
STATE = pathlib.Path(sys.argv[1])


def settings(unit):
    """Keys of the unit and its drop-ins as lists; an empty value forgets what came before, as systemd has it."""
    found = {}
    for file in [UNITS / unit, *sorted((UNITS / f"{unit}.d").glob("*.conf"))]:
        for line in file.read_text().splitlines():
            key, equals, value = line.partition("=")
            if not equals or line.startswith(("#", "[")):
                continue
            found[key] = [*found.get(key, []), value] if value else []
    return found


def main_pid(unit):
    """The process of the unit, or None once it has ended (nobody may have fetched its exit code)."""
    try:
        pid = int((STATE / unit / "pid").read_text())
        state = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return None
    return None if state in "ZX" else pid


def start(unit):
    if main_pid(unit) is not None:
        return
    found = settings(unit)
    home = STATE / unit
    credentials = home / "credentials"
    shutil.rmtree(credentials, ignore_errors=True)
    credentials.mkdir(parents=True)
    for entry in found.get("LoadCredential", []):
        name, _, source = entry.partition(":")
        shutil.copy(source, credentials / name)
    environment = {"PATH": os.environ["PATH"], "CREDENTIALS_DIRECTORY": str(credentials)}
    lines = list(found.get("Environment", []))
    for entry in found.get("EnvironmentFile", []):
        file = pathlib.Path(entry.removeprefix("-"))
        if file.exists() or not entry.startswith("-"):
            lines += file.read_text().splitlines()
    environment.update(line.split("=", 1) for line in lines if "=" in line)
    for name in found.get("StateDirectory", []):
        pathlib.Path("/var/lib", name).mkdir(parents=True, exist_ok=True)
    with open(home / "journal", "ab") as journal:
        process = subprocess.Popen(
            shlex.split(found["ExecStart"][-1]),
            cwd=found.get("WorkingDirectory", ["/"])[-1],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=journal,
            stderr=journal,
            start_new_session=True,
        )
    (home / "pid").write_text(str(process.pid))


def stop(unit):
    """KillMode=mixed: a signal to the main process, and after TimeoutStopSec the end of all."""
    pid = main_pid(unit)
    if pid is None:
        return
    limit = time.monotonic() + float(settings(unit).get("TimeoutStopSec", ["30s"])[-1].removesuffix("s"))
    os.kill(pid, signal.SIGTERM)
    while main_pid(unit) is not None and time.monotonic() < limit:
        time.sleep(0.05)
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def main(command, units):
    unit = f"{units[0].removesuffix('.service')}.service" if units else ""
    if command == "daemon-reload":
        return 0
    if not (UNITS / unit).is_file():
        print(f"LoadState=not-found\nActiveState=inactive\nId={unit}")
        return 0 if command == "show" else 5
    if command == "show":
        pid = main_pid(unit)
        print(f"Id={unit}\nLoadState=loaded\nActiveState={'active' if pid else 'inactive'}\nMainPID={pid or 0}")
    elif command == "is-enabled":
        enabled = (STATE / unit / "enabled").exists()
        print("enabled" if enabled else "disabled")
        return 0 if enabled else 1
    elif command == "enable":
        (STATE / unit).mkdir(parents=True, exist_ok=True)
        (STATE / unit / "enabled").touch()
    elif command == "start":
        start(unit)
    elif command == "stop":
        stop(unit)
    elif command == "restart":
        stop(unit)
        start(unit)
    elif command == "reload":
        for line in settings(unit)["ExecReload"]:
            subprocess.run(shlex.split(line.replace("$MAINPID", str(main_pid(unit)))), check=True)
    else:
        print(f"this stand-in does not know {command}", file=sys.stderr)
        return 1
    return 0


words = [word for word in sys.argv[2:] if not word.startswith("-")]
sys.exit(main(words[0], words[1:]))
