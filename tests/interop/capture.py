"""Says, a line each, what UDP datagrams and TCP segments with content leave an interface from or to the SIP port:
the time in seconds since 1970, a blank, and the first line of the content. For tests; needs root.

    capture.py INTERFACE PORT
"""

import socket
import struct
import sys
import time

OUTGOING = 4
interface, port = sys.argv[1], int(sys.argv[2])
# ETH_P_ALL: only then what leaves is seen as well.
tap = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
tap.bind((interface, 0))
print("ready", flush=True)
while True:
    frame, origin = tap.recvfrom(65535)
    if origin[2] != OUTGOING or frame[12:14] != b"\x08\x00":
        continue
    packet = frame[14:]
    header = (packet[0] & 15) * 4
    protocol = packet[9]
    content = packet[header:]
    ports = struct.unpack("!HH", content[:4])
    if port not in ports or protocol not in (6, 17):
        continue
    data = content[8:] if protocol == 17 else content[(content[12] >> 4) * 4 :]
    if data:
        print(time.time(), data.split(b"\r\n")[0][:80].decode("latin-1"), flush=True)
