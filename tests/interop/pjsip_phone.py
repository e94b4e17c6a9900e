"""A phone made of PJSIP (the pjsua2 bindings), for tests: told what to do by lines on standard input, and saying what
happens by one JSON object a line on standard output.

    pjsip_phone.py USER ADDRESS PORT SERVER:PORT

    register | call NUMBER | hold | retrieve | transfer NUMBER | answer CODE | cancel | hang-up | quit

A call that comes in rings until it is told otherwise, or is answered at once when the user's name ends in "a".
"""

import json
import os
import queue
import sys
import threading
import time

import pjsua2 as pj

USER, ADDRESS, PORT, SERVER = sys.argv[1:5]
NUMBER = USER.rstrip("a")
calls = []
finished = []
later = []


def tell(what, **more):
    print(json.dumps({"at": time.time(), "what": what, **more}), flush=True)


def parameters(code=0):
    made = pj.CallOpParam(True)
    made.statusCode = code
    return made


class Call(pj.Call):
    def onCallState(self, _):
        info = self.getInfo()
        tell("call", state=info.stateText, code=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED and self in calls:
            calls.remove(self)
            finished.append(self)

    def onCallMediaState(self, _):
        words = {1: "active", 2: "held-by-us", 3: "held-by-them"}
        # The list lives as long as what it came with.
        info = self.getInfo()
        tell("media", is_=[words.get(it.status, str(it.status)) for it in info.media])

    def onCallTransferStatus(self, event):
        tell("transfer", code=event.statusCode, last=event.finalNotify)


class Account(pj.Account):
    def onRegState(self, event):
        tell("registered", code=event.code)

    def onIncomingCall(self, event):
        call = Call(self, event.callId)
        calls.append(call)
        call.answer(parameters(180))
        tell("rings")
        if USER.endswith("a"):
            later.append((time.time() + 0.2, lambda: call.answer(parameters(200))))


def endpoint():
    made = pj.Endpoint()
    made.libCreate()
    settings = pj.EpConfig()
    settings.logConfig.level = 0
    settings.logConfig.consoleLevel = 0
    settings.uaConfig.threadCnt = 0
    settings.uaConfig.mainThreadOnly = True
    made.libInit(settings)
    transport = pj.TransportConfig()
    transport.port = int(PORT)
    transport.boundAddress = ADDRESS
    transport.publicAddress = ADDRESS
    made.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    made.libStart()
    made.audDevManager().setNullDev()
    return made


def account():
    settings = pj.AccountConfig()
    settings.idUri = f"sip:{NUMBER}@{SERVER}"
    settings.regConfig.registrarUri = f"sip:{SERVER}"
    settings.regConfig.registerOnAdd = False
    settings.mediaConfig.transportConfig.boundAddress = ADDRESS
    made = Account()
    made.create(settings)
    return made


def obey(mine, words):
    verb = words[0]
    if verb == "register":
        mine.setRegistration(True)
    elif verb == "call":
        call = Call(mine)
        calls.append(call)
        call.makeCall(f"sip:{words[1]}@{SERVER}", parameters())
    elif verb == "hold":
        calls[0].setHold(pj.CallOpParam())
    elif verb == "retrieve":
        again = parameters()
        again.opt.flag = pj.PJSUA_CALL_UNHOLD
        calls[0].reinvite(again)
    elif verb == "transfer":
        calls[0].xfer(f"sip:{words[1]}@{SERVER}", pj.CallOpParam())
    elif verb == "answer":
        calls[0].answer(parameters(int(words[1])))
    elif verb in ("hang-up", "cancel"):
        calls[0].hangup(pj.CallOpParam())


def main():
    library = endpoint()
    mine = account()
    said = queue.Queue()

    def listen():
        for line in sys.stdin:
            said.put(line.split())
        said.put(["quit"])

    threading.Thread(target=listen, daemon=True).start()
    tell("up")
    while True:
        library.libHandleEvents(10)
        for entry in [it for it in later if it[0] <= time.time()]:
            later.remove(entry)
            try:
                entry[1]()
            except pj.Error as error:
                tell("error", of=str(error))
        try:
            words = said.get_nowait()
        except queue.Empty:
            continue
        if words == ["quit"]:
            sys.stdout.flush()
            # The library waits for its peers when it is asked to end.
            os._exit(0)
        try:
            obey(mine, words)
        except (pj.Error, IndexError) as error:
            tell("error", of=f"{words}: {error}")


main()
