"""A PC/SC client in Python: finds a token in a reader, talks to it, sees it go and come back.

    reader.py READER SERIAL-NUMBER

Says a line when each step is done; the test pulls and plugs in when it is told to.
"""

import sys

from smartcard.scard import (
    INFINITE,
    SCARD_E_NOT_TRANSACTED,
    SCARD_LEAVE_CARD,
    SCARD_PCI_T1,
    SCARD_PROTOCOL_T1,
    SCARD_S_SUCCESS,
    SCARD_SCOPE_USER,
    SCARD_SHARE_SHARED,
    SCARD_STATE_EMPTY,
    SCARD_STATE_PRESENT,
    SCARD_STATE_UNAWARE,
    SCardConnect,
    SCardDisconnect,
    SCardEstablishContext,
    SCardGetStatusChange,
    SCardTransmit,
)
from smartcard.System import readers
from smartcard.util import toHexString

GET_DEV_INFO = [0x80, 0x04, 0, 0, 0, 0, 0]
UNKNOWN = [0x80, 0xEE, 0, 0]


def say(text):
    print(text, flush=True)


def wait_for(context, name, wanted):
    """Waits for an event, not for a time."""
    state = SCARD_STATE_UNAWARE
    while not state & wanted:
        result, states = SCardGetStatusChange(context, INFINITE, [(name, state)])
        assert result == SCARD_S_SUCCESS, result
        state = states[0][1]


def connect(reader):
    connection = reader.createConnection()
    connection.connect()
    return connection


name, serial_number = sys.argv[1:]
reader = next(reader for reader in readers() if str(reader) == name)
say("enumerated")

connection = connect(reader)
assert "55 4B 45 59" in toHexString(connection.getATR())
say("connected")

data, sw1, sw2 = connection.transmit(GET_DEV_INFO)
assert (sw1, sw2) == (0x90, 0x00), (sw1, sw2)
assert serial_number.encode() in bytes(data)
say("information")

data, sw1, sw2 = connection.transmit(UNKNOWN)
assert (data, sw1, sw2) == ([], 0x6D, 0x00), (data, sw1, sw2)
say("unknown instruction")

result, context = SCardEstablishContext(SCARD_SCOPE_USER)
assert result == SCARD_S_SUCCESS, result
say("pull it")
wait_for(context, name, SCARD_STATE_EMPTY)
say("removed")
try:
    connection.transmit(GET_DEV_INFO)
except Exception as error:
    assert "transmit" in str(error).lower(), error
else:
    raise AssertionError("a card that is gone answers")

# Later it would end the session of the next card.
connection.disconnect()
say("plug it in")
wait_for(context, name, SCARD_STATE_PRESENT)
say("inserted")
result, card, protocol = SCardConnect(context, name, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1)
assert result == SCARD_S_SUCCESS, result
say("connected")

# Longer than any reader of this kind can say: the card is dropped, and comes back.
result, answer = SCardTransmit(card, SCARD_PCI_T1, GET_DEV_INFO[:4] + [0] * 65_533)
assert result == SCARD_E_NOT_TRANSACTED, result
say("too long")
wait_for(context, name, SCARD_STATE_EMPTY)
SCardDisconnect(card, SCARD_LEAVE_CARD)
wait_for(context, name, SCARD_STATE_PRESENT)
connection = connect(reader)
data, sw1, sw2 = connection.transmit(GET_DEV_INFO)
assert (sw1, sw2) == (0x90, 0x00), (sw1, sw2)
say("connected again")
assert sys.stdin.readline() == "done\n"
