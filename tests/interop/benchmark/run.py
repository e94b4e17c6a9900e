#!/usr/bin/env python3
"""Load on a SIP Server of a hot pair, beside Kamailio (a proxy) and sippy (a B2BUA) in namespaces of the same kind.

    run.py CHANGEOVER SIP-SERVER [--rate N] [--seconds N] [--core N] [--memory] [--only-ours] [--profile FILE]

Not a test: nothing is asserted. Needs root and SIPp; Kamailio and sippy are measured where they are installed. Every
server is bound to one core, with SIPp at both ends of every call: INVITE, 180, 200, ACK, one second, BYE. SIPp, the
backup and everything else are bound to the other cores. It prints a line per server: calls, failed calls, calls a
second, its own CPU, SIPp's CPU at each end, messages a call, and the ratio of CPU per call.
"""

import argparse
import csv
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time

CLIENT = "10.10.11.254"
VIP = "10.10.11.103"
TICK = os.sysconf("SC_CLK_TCK")

HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n'

CALLER = """<scenario name="load">
<send retrans="500"><![CDATA[

INVITE sip:1702@{target} SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1701@example.net>;tag=[pid]x[call_number]
To: <sip:1702@example.net>
Call-ID: [call_id]
CSeq: 1 INVITE
Max-Forwards: 70
Contact: <sip:1701@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=load 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0

]]></send>
<recv response="100" optional="true"/>
<recv response="180" optional="true"/>
<recv response="200" rrs="true"><action><ereg regexp="sip:[^>; ]+" search_in="hdr" header="Contact:" assign_to="target"/></action></recv>
<send><![CDATA[

ACK [$target] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1701@example.net>;tag=[pid]x[call_number]
To: <sip:1702@example.net>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>
<pause milliseconds="{talk}"/>
<send retrans="500"><![CDATA[

BYE [$target] SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1701@example.net>;tag=[pid]x[call_number]
To: <sip:1702@example.net>[peer_tag_param]
[routes]
Call-ID: [call_id]
CSeq: 2 BYE
Max-Forwards: 70
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""

ANSWER = """<send{repeats}><![CDATA[

SIP/2.0 {code}
[last_Via:]
[last_From:]
[last_To:]{tag}
[last_Call-ID:]
[last_CSeq:]
[last_Record-Route:]
Contact: <sip:1702@[local_ip]:[local_port]>
{body}
]]></send>
"""

SDP = """Content-Type: application/sdp
Content-Length: [len]

v=0
o=load 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
"""

REGISTER = """<scenario name="register">
<send retrans="500"><![CDATA[

REGISTER sip:example.net SIP/2.0
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
From: <sip:1702@example.net>;tag=[pid]r[call_number]
To: <sip:1702@example.net>
Call-ID: [call_id]
CSeq: 1 REGISTER
Contact: <sip:1702@[local_ip]:5702>
Max-Forwards: 70
Expires: 3600
Content-Length: 0

]]></send>
<recv response="200"/>
</scenario>
"""


def callee():
    empty = "Content-Length: 0\n"
    tag = ";tag=[pid]y[call_number]"
    return (
        '<scenario name="load">\n<recv request="INVITE"/>\n'
        + ANSWER.format(repeats="", code="180 Ringing", tag=tag, body=empty)
        + ANSWER.format(repeats=' retrans="500"', code="200 OK", tag=tag, body=SDP)
        + '<recv request="ACK"/>\n<recv request="BYE"/>\n'
        + ANSWER.format(repeats="", code="200 OK", tag="", body=empty)
        + "</scenario>\n"
    )


def cpu_of(pid):
    """User and system time of a process and what it has waited for, in seconds."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / TICK


def resident_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", text)[1])


def others(core):
    """The cores that the measured server does not have, as taskset writes them."""
    rest = [str(it) for it in range(os.cpu_count()) if it != core]
    return ",".join(rest or ["0"])


def load(namespace, target, rate, seconds, pids, core, talk=1000, name="load", counted=None):
    """One run of SIPp at both ends; figures of it, and of the processes that served it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sip-benchmark-"))
    (folder / "caller.xml").write_text(HEAD + CALLER.format(target=target, talk=talk))
    (folder / "callee.xml").write_text(HEAD + callee())
    calls = rate * seconds
    inside = ["ip", "netns", "exec", namespace, "taskset", "-c", others(core), "sipp", f"{target}:5060"]
    # SIPp asks for a socket buffer of 64 KiB, which a pause of a few milliseconds fills.
    common = ["-i", CLIENT, "-nostdin", "-nd", "-l", str(calls + 1000), "-buff_size", "4194304"]
    common += ["-trace_stat", "-fd", "1"]
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": folder}
    ends = [
        subprocess.Popen([*inside, "-sf", "callee.xml", "-p", "5702", "-stf", "callee.csv", *common], **quiet)
    ]
    time.sleep(0.5)
    before, began = sum(map(cpu_of, pids)), time.monotonic()
    messages = counted() if counted else 0
    ends.append(
        subprocess.Popen(
            [*inside, "-sf", "caller.xml", "-p", "5701", "-r", str(rate), "-m", str(calls), "-stf", "caller.csv", *common], **quiet
        )
    )
    sipp_cpu = [0.0, 0.0]
    while ends[1].poll() is None and time.monotonic() - began < seconds * 3 + talk / 1000 + 40:
        sipp_cpu = [cpu_of(end.pid) for end in ends]
        time.sleep(0.25)
    took = time.monotonic() - began
    cpu = sum(map(cpu_of, pids)) - before
    messages = counted() - messages if counted else 0
    time.sleep(1)
    for end in ends:
        if end.poll() is None:
            end.kill()
            end.wait()
    last, answering = last_row(folder / "caller.csv"), last_row(folder / "callee.csv")
    good, bad = int(last.get("SuccessfulCall(C)", 0)), int(last.get("FailedCall(C)", 0))
    resent, resent_there = int(last.get("Retransmissions(C)", 0)), int(answering.get("Retransmissions(C)", 0))
    shutil.rmtree(folder)
    busy = max(took - talk / 1000, 0.001)
    print(
        f"{name}: {good} calls, {calls - good} not completed ({bad} failed), repeated by caller {resent} and callee "
        f"{resent_there}, {good / busy:.0f} calls/s; server {cpu / busy * 100:.0f} % of a core, "
        f"{cpu / max(good, 1) * 1e6:.0f} us a call; SIPp {sipp_cpu[1] / busy * 100:.0f} % (caller) and "
        f"{sipp_cpu[0] / busy * 100:.0f} % (callee) of a core; "
        + (f"{messages / max(good, 1):.2f} messages a call; " if counted else "")
        + f"load average {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return cpu / max(good, 1)


def last_row(file):
    rows = list(csv.DictReader(file.open(), delimiter=";")) if file.exists() else []
    return rows[-1] if rows else {}


def register(namespace, target):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sip-benchmark-"))
    (folder / "register.xml").write_text(HEAD + REGISTER)
    subprocess.run(
        ["ip", "netns", "exec", namespace, "sipp", f"{target}:5060", "-sf", "register.xml", "-i", CLIENT, "-p", "5709",
         "-m", "1", "-nostdin"],
        cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=40, check=True,
    )
    shutil.rmtree(folder)


class Pair:
    """A hot pair of this product, brought up by itself, with the SIP Server of another build."""

    def __init__(self, changeover, server):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="sip-benchmark-site-"))
        here = pathlib.Path(__file__).resolve().parents[3] / "deploy/examples"
        text = (here / "linux-hot.yaml").read_text()
        text = text.replace("/opt/changeover/scripts", str(here / "scripts/linux"))
        text = text.replace("/opt/changeover/sip-server", str(self.folder))
        text = text.replace("command_line: sip-server", f"command_line: {server}")
        (self.folder / "site.yaml").write_text(text)
        self.changeover = changeover
        self.up = subprocess.Popen(
            [changeover, "up", str(self.folder / "site.yaml"), "--network", "netns"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
        )
        self.environment, self.run = dict(os.environ), ""
        for line in self.up.stdout:
            if line.startswith("export "):
                name, _, value = line[7:].strip().partition("=")
                self.environment[name] = value
            if line.startswith("ip netns exec "):
                self.run = line[14:].split("-mgmt1")[0]
            if line.startswith("Ctrl-C"):
                break
        self.client = f"{self.run}-client"

    def sci(self, *words):
        return subprocess.run(
            ["ip", "netns", "exec", f"{self.run}-mgmt1", self.changeover, "sci", *words],
            env=self.environment, capture_output=True, text=True, check=False,
        ).stdout

    def messages(self):
        """SIP messages that the primary has received and sent so far."""
        shown = json.loads(self.sci("calls", "SIP_SERVER_PRIMARY", "--format", "json") or "{}")
        return shown.get("heard", 0) + shown.get("sent", 0)

    def servers(self):
        """Process ids: primary, backup."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            status = json.loads(self.sci("status", "--format", "json") or "{}")
            if status.get("pairs") and status["pairs"][0]["ready"]["switchover"]:
                pids = {it["run_mode"]: it["pid"] for it in status["applications"] if it["type"] == "SIPServer"}
                return pids["Primary"], pids["Backup"]
            time.sleep(0.5)
        raise SystemExit("the pair did not become ready")

    def hush(self):
        """Stops the process that keeps the site: its probe asks the server 1,000 times a second through the VIP, 2,000
        messages that are no call's. The components are processes of their own and go on."""
        os.kill(self.up.pid, signal.SIGSTOP)

    def processes(self):
        """Every process in the namespaces of the site."""
        found = []
        for host in ("mgmt1", "host1", "host2"):
            listed = subprocess.run(["ip", "netns", "pids", f"{self.run}-{host}"], capture_output=True, text=True, check=False)
            found += map(int, listed.stdout.split())
        return found

    def down(self):
        os.kill(self.up.pid, signal.SIGCONT)
        self.up.send_signal(signal.SIGINT)
        self.up.wait()
        shutil.rmtree(self.folder)


def profiled(pid, file, seconds):
    """perf, for the middle of a run."""
    return subprocess.Popen(
        ["perf", "record", "-g", "-F", "499", "-p", str(pid), "-o", file, "--", "sleep", str(max(seconds - 2, 1))],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )


def memory(pair, primary, backup, served):
    """What an established call takes: both servers' resident memory before 5,000 calls and while they stand."""
    # On servers that have had little to do: memory that was used once is not given back. Tombstones are gone by then.
    time.sleep(40)
    rate, seconds = 200, 25
    before = resident_kib(primary), resident_kib(backup)
    seen = []

    def look():
        time.sleep(seconds + 5)
        seen.append((resident_kib(primary), resident_kib(backup)))

    looks = threading.Thread(target=look)
    looks.start()
    load(pair.client, VIP, rate, seconds, *served, talk=40_000, name="(calls of 40 s)")
    looks.join()
    each = [(after - now) / (rate * seconds) for after, now in zip(seen[0], before)]
    print(f"  resident before {before} and with {rate * seconds} calls standing {seen[0]} KiB: "
          f"{each[0]:.1f} KiB a call on the primary, {each[1]:.1f} KiB on the backup")


def ours(options):
    pair = Pair(options.changeover, options.server)
    try:
        primary, backup = pair.servers()
        for pid in pair.processes():
            cores = str(options.core) if pid == primary else others(options.core)
            subprocess.run(["taskset", "-acp", cores, str(pid)], check=False, stdout=subprocess.DEVNULL)
        pair.hush()
        register(pair.client, VIP)
        at, served = (pair.client, VIP), ([primary], options.core)
        load(*at, 100, 5, *served, name="(warming up)")
        if options.memory:
            memory(pair, primary, backup, served)
        before = cpu_of(backup)
        profile = profiled(primary, options.profile, options.seconds) if options.profile else None
        per_call = load(*at, options.rate, options.seconds, *served, name="SIP Server, hot", counted=pair.messages)
        if profile:
            profile.wait()
        print(f"  the backup: {(cpu_of(backup) - before) / options.seconds * 100:.0f} % of a core")
        print("\n".join(pair.sci("calls", "SIP_SERVER_PRIMARY").splitlines()[:5]))
        return per_call, pair
    except BaseException:
        pair.down()
        raise


KAMAILIO = """
listen=udp:{at}:5060
children=2
loadmodule "sl.so"
loadmodule "tm.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
request_route {{
    if (!mf_process_maxfwd_header("10")) {{ exit; }}
    if (has_totag()) {{
        loose_route();
        t_relay();
        exit;
    }}
    record_route();
    $du = "sip:{client}:5702";
    t_relay();
    exit;
}}
"""


def kamailio(options, pair, at):
    """On host2's namespace, at its own address: the same wire, the same client."""
    if not shutil.which("kamailio"):
        print("Kamailio is not installed")
        return None
    folder = pathlib.Path(tempfile.mkdtemp(prefix="sip-benchmark-"))
    (folder / "k.cfg").write_text(KAMAILIO.format(at=at, client=CLIENT))
    modules = os.environ.get("KAMAILIO_MODULES")
    where = ["-L", modules] if modules else []
    process = subprocess.Popen(
        ["ip", "netns", "exec", f"{pair.run}-host2", "taskset", "-c", str(options.core), "kamailio", *where, "-f",
         str(folder / "k.cfg"), "-DD", "-E", "-m", "256", "-P", str(folder / "pid"), "-Y", str(folder)],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(2)
    pids = [int(pid) for pid in subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()]
    try:
        return load(pair.client, at, options.rate, options.seconds, [process.pid, *pids], options.core, name="Kamailio, proxy")
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def sippy(options, pair, at):
    try:
        import sippy as module
    except ImportError:
        print("sippy is not installed")
        return None
    script = pathlib.Path(module.__file__).parent / "b2bua_simple.py"
    process = subprocess.Popen(
        ["ip", "netns", "exec", f"{pair.run}-host2", "taskset", "-c", str(options.core), "python3", str(script), "-l", at, "-p", "5060",
         "-n", f"{CLIENT}:5702", "-f"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    time.sleep(3)
    try:
        rate = min(options.rate, 150)
        return load(pair.client, at, rate, min(options.seconds, 20), [process.pid], options.core, name="sippy, B2BUA")
    finally:
        process.terminate()
        process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("changeover")
    parser.add_argument("server")
    parser.add_argument("--rate", type=int, default=1000)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--only-ours", action="store_true")
    parser.add_argument("--profile", metavar="FILE", help="perf's record of the measured run")
    options = parser.parse_args()
    print(f"load average before: {os.getloadavg()}", flush=True)
    own, pair = ours(options)
    try:
        peers = {} if options.only_ours else {"Kamailio": kamailio, "sippy": sippy}
        measured = {name: peer(options, pair, "10.10.11.102") for name, peer in peers.items()}
    finally:
        pair.down()
    for name, theirs in measured.items():
        if theirs:
            print(f"CPU per call, SIP Server : {name} = {own / theirs:.2f}")


main()
