"""What the library must refuse: asked by ctypes, with the functions as the header declares them.

    refuse.py LIBRARY HEADER            one process, with two fresh tokens
    refuse.py LIBRARY HEADER lock       two processes and one token
"""

import ctypes
import re
import subprocess
import sys
import threading

OK, FAIL = 0, 0x0A000001
HANDLE, PARAMETER, TIMEOUT, LENGTH, SMALL = 0x0A000005, 0x0A000006, 0x0A00000F, 0x0A000010, 0x0A000020
GARBAGE = [0, 1, 4, 0x1234, 0x5B000001, 0xDEADBEEF, 2**63 + 8, 2**64 - 1]


class Parameters(ctypes.Structure):
    _pack_ = 1
    _layout_ = "ms"
    _fields_ = [("iv", ctypes.c_ubyte * 32), ("iv_length", ctypes.c_uint32), ("padding", ctypes.c_uint32),
                ("feedback", ctypes.c_uint32)]


library = ctypes.CDLL(sys.argv[1])
header = open(sys.argv[2], encoding="utf-8").read()
functions = {
    name: [tuple(re.fullmatch(r"(.*?)(\w+)", parameter.strip()).groups()) for parameter in parameters.split(",")]
    if parameters != "void" else []
    for name, parameters in re.findall(r"^ULONG DEVAPI (\w+)\((.*)\);$", header, re.M)
}
assert len(functions) == 87, len(functions)


def is_handle(kind):
    return kind.strip() in ("HANDLE", "DEVHANDLE", "HAPPLICATION", "HCONTAINER")


def call(name, *arguments):
    given = []
    for (kind, _), argument in zip(functions[name], arguments, strict=True):
        if "*" in kind and isinstance(argument, ctypes.Array):
            given.append(ctypes.cast(argument, ctypes.c_void_p))
        elif "*" in kind and isinstance(argument, (ctypes._SimpleCData, bytes)):
            given.append(ctypes.c_char_p(argument) if isinstance(argument, bytes) else ctypes.byref(argument))
        elif "*" in kind or is_handle(kind):
            given.append(ctypes.c_void_p(argument))
        elif kind.strip() == "BLOCKCIPHERPARAM":
            given.append(argument)
        else:
            given.append(ctypes.c_uint32(argument))
    return library[name](*given) & 0xFFFFFFFF


def expect(name, arguments, *codes):
    code = call(name, *arguments)
    assert code in codes, f"{name}{arguments}: 0x{code:08X} is none of {[hex(code) for code in codes]}"


def good(name, *arguments):
    expect(name, arguments, OK)


def room(size=4096):
    return ctypes.create_string_buffer(size)


def new_handle(name, *arguments):
    handle = ctypes.c_void_p()
    good(name, *arguments, handle)
    return handle.value


def names():
    size = ctypes.c_uint32()
    good("SKF_EnumDev", 1, None, size)
    text = room(size.value)
    good("SKF_EnumDev", 1, text, size)
    return [name for name in text.raw.split(b"\0") if name]


def sm4(device, key, data):
    handle, out, size = new_handle("SKF_SetSymmKey", device, key, 0x401), room(len(data)), ctypes.c_uint32(len(data))
    good("SKF_EncryptInit", handle, Parameters())
    good("SKF_Encrypt", handle, data, len(data), out, size)
    good("SKF_CloseHandle", handle)
    return out.raw


def issued(device):
    challenge = room(16)
    good("SKF_GenRandom", device, challenge, 8)
    good("SKF_DevAuth", device, sm4(device, b"1234567812345678", challenge.raw), 16)
    application = new_handle("SKF_CreateApplication", device, b"APP", b"87654321", 8, b"12345678", 8, 0xFF)
    good("SKF_VerifyPIN", application, 1, b"12345678", ctypes.c_uint32())
    container = new_handle("SKF_CreateContainer", application, b"DEV")
    good("SKF_GenECCKeyPair", container, 0x20200, room())
    return application, container


def usual(kind, name, handle):
    """A value for a parameter that nothing is wrong with."""
    if is_handle(kind):
        return handle
    if kind.strip() == "BLOCKCIPHERPARAM":
        return Parameters()
    if kind.strip() == "ULONG *":
        return ctypes.c_uint32(4096)
    if "*" in kind:
        return room()
    return 0x20200 if name == "ulAlgId" else 32


def everything_is_null():
    for name, parameters in functions.items():
        if not parameters:
            continue
        nothing = [Parameters() if kind.strip() == "BLOCKCIPHERPARAM" else 0 for kind, _ in parameters]
        expect(name, nothing, HANDLE if is_handle(parameters[0][0]) else PARAMETER)


def garbage_handles(dead):
    for name, parameters in functions.items():
        if parameters and is_handle(parameters[0][0]):
            for garbage in GARBAGE + dead + [ctypes.addressof(room())]:
                expect(name, [usual(kind, own, garbage) for kind, own in parameters], HANDLE)


def kinds_of(name, parameters):
    kind, own = parameters[0]
    by_name = {"hKey": "key", "hSessionKey": "key", "hHash": "hash", "hMac": "mac", "hAgreementHandle": "agreement"}
    by_kind = {"DEVHANDLE": "device", "HAPPLICATION": "application", "HCONTAINER": "container"}
    if name == "SKF_CloseHandle":
        return {"key", "hash", "mac", "agreement"}
    return {by_kind.get(kind.strip()) or by_name[own]}


def handles_of_another_kind(handles):
    for name, parameters in functions.items():
        if parameters and is_handle(parameters[0][0]):
            for kind, handle in handles.items():
                if kind not in kinds_of(name, parameters):
                    expect(name, [usual(kind, own, handle) for kind, own in parameters], HANDLE)


def one_null_at_a_time(handles):
    for name, parameters in functions.items():
        handle = None
        if parameters and is_handle(parameters[0][0]):
            handle = next((handles[kind] for kind in kinds_of(name, parameters) if kind in handles), None)
            if handle is None:
                continue
        for index, (kind, own) in enumerate(parameters):
            following = parameters[index + 1][0].strip() if index + 1 < len(parameters) else ""
            asks_for_size = kind.strip() in ("BYTE *", "CHAR *") and following == "ULONG *"
            may_be_null = asks_for_size or (name == "SKF_DigestInit" and own in ("pPubKey", "pucID"))
            if "*" not in kind or may_be_null:
                continue
            values = [usual(kind, own, handle) for kind, own in parameters]
            values[index] = None
            code = call(name, *values)
            assert code != OK, f"{name} with NULL for {own} succeeded"


def wrong_sizes(handles):
    device, application, container = handles["device"], handles["application"], handles["container"]
    for length in (0, 1, 31, 33, 64):
        expect("SKF_ECCSignData", (container, room(), length, room()), LENGTH)
    for length in (0, 1, 15, 17, 31, 33, 48):
        expect("SKF_DevAuth", (device, room(), length), LENGTH)
    for length in (0, 15, 17):
        expect("SKF_ChangeDevAuthKey", (device, room(), length), LENGTH)
    for long in (b"x" * 33, b"x" * 2000, b""):
        expect("SKF_OpenApplication", (device, long, ctypes.c_void_p()), 0x0A000009)
        expect("SKF_CreateFile", (application, long, 10, 0, 0), 0x0A000009)
    expect("SKF_OpenApplication", (device, b"\xff\xfe", ctypes.c_void_p()), PARAMETER)
    expect("SKF_ImportSessionKey", (container, 0x401, room(), 163, ctypes.c_void_p()), LENGTH)
    cipher = room()
    cipher[160:164] = b"\xff\xff\xff\xff"
    expect("SKF_ExtECCDecrypt", (device, room(), cipher, room(), ctypes.c_uint32(4096)), LENGTH, 0x0A000011)


def small_buffers(handles):
    for size in range(0, 132):
        length, out = ctypes.c_uint32(size), ctypes.create_string_buffer(b"\xAA" * 200, 200)
        expect("SKF_ExportPublicKey", (handles["container"], 1, out, length), SMALL)
        assert length.value == 132 and out.raw == b"\xAA" * 200
    length, out = ctypes.c_uint32(132), ctypes.create_string_buffer(b"\xAA" * 200, 200)
    good("SKF_ExportPublicKey", handles["container"], 1, out, length)
    assert out.raw[132:] == b"\xAA" * 68


def pins_are_untouched(handles):
    most, left, default = ctypes.c_uint32(), ctypes.c_uint32(), ctypes.c_uint32()
    for pin in (0, 1):
        good("SKF_GetPINInfo", handles["application"], pin, most, left, default)
        assert most.value == left.value == 8, "a refused call cost a try"


def two_threads(device, application):
    failures = []

    def work(number):
        try:
            for turn in range(60):
                good("SKF_GenRandom", device, room(), 16)
                own = new_handle("SKF_OpenApplication", device, b"APP")
                container = new_handle("SKF_OpenContainer", own, b"DEV")
                good("SKF_ECCSignData", container, room(), 32, room())
                key = new_handle("SKF_SetSymmKey", device, bytes([number] * 16), 0x401)
                out, size = room(32), ctypes.c_uint32(32)
                good("SKF_EncryptInit", key, Parameters())
                good("SKF_Encrypt", key, bytes(32), 32, out, size)
                assert out.raw[:16] == out.raw[16:]
                good("SKF_CloseHandle", key)
                expect("SKF_CloseHandle", (key,), HANDLE)
                # Either order, for clients do both.
                close = [("SKF_CloseApplication", own), ("SKF_CloseContainer", container)]
                for name, handle in close if turn % 2 else reversed(close):
                    good(name, handle)
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=work, args=(number,)) for number in (1, 2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    if failures:
        raise failures[0]


def one_process():
    everything_is_null()
    garbage_handles([])
    name, other = names()
    device = new_handle("SKF_ConnectDev", name)
    application, container = issued(device)
    key = new_handle("SKF_SetSymmKey", device, bytes(16), 0x401)
    digest = new_handle("SKF_DigestInit", device, 1, None, None, 0)
    parameters = ctypes.create_string_buffer(bytes(Parameters(iv_length=16)))
    mac = new_handle("SKF_MacInit", key, parameters)
    handles = {"device": device, "application": application, "container": container, "key": key, "hash": digest,
               "mac": mac}
    handles_of_another_kind(handles)
    one_null_at_a_time(handles)
    wrong_sizes(handles)
    small_buffers(handles)
    pins_are_untouched(handles)
    two_threads(device, application)
    # What stands below a device ends with it; a handle that was closed stays closed when others are opened.
    good("SKF_DisConnectDev", device)
    garbage_handles(list(handles.values()))
    device = new_handle("SKF_ConnectDev", other)
    garbage_handles(list(handles.values()))
    good("SKF_DisConnectDev", device)


def hold():
    device = new_handle("SKF_ConnectDev", names()[0])
    good("SKF_LockDev", device, 1000)
    print("held", flush=True)
    sys.stdin.readline()
    good("SKF_UnlockDev", device)
    good("SKF_DisConnectDev", device)


def two_processes():
    def holder():
        command = [sys.executable, *sys.argv[:3], "hold"]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == "held\n"
        return process

    first = holder()
    assert len(names()) == 1, "it is plugged in, whoever holds it"
    device = new_handle("SKF_ConnectDev", names()[0])
    for wait in (0, 30):
        expect("SKF_LockDev", (device, wait), TIMEOUT)
    expect("SKF_GetDevInfo", (device, room()), FAIL)
    why, size = room(), ctypes.c_uint32(4096)
    good("UKEY_LastError", why, size)
    assert b" is in use by " in why.value, why.value
    # It waits until the other lets go: told to, or killed.
    waiting = threading.Thread(target=lambda: good("SKF_LockDev", device, 0xFFFFFFFF))
    waiting.start()
    first.stdin.write("\n")
    first.stdin.flush()
    assert first.wait() == 0
    waiting.join()
    good("SKF_GetDevInfo", device, room())
    good("SKF_DisConnectDev", device)
    second = holder()
    device = new_handle("SKF_ConnectDev", names()[0])
    expect("SKF_LockDev", (device, 0), TIMEOUT)
    second.kill()
    second.wait()
    good("SKF_LockDev", device, 0xFFFFFFFF)
    good("SKF_DisConnectDev", device)


if len(sys.argv) == 3:
    one_process()
else:
    {"lock": two_processes, "hold": hold}[sys.argv[3]]()
