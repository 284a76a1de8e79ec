//! A recorded trace for other programs: pcapng, which Wireshark opens, and the text of `scriptor`.
//!
//! The link type of the pcapng is LINKTYPE_WIRESHARK_UPPER_PDU (252): each packet names the dissector `iso7816` and its
//! direction, so that commands and answers are decoded as smart-card traffic and found together. GSMTAP would not do:
//! Wireshark's dissector behind it knows one-byte lengths only, and these commands have the extended form. What a
//! packet says stands in its comment. Zeros stand for bytes that the trace hides.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::bytes::Bytes;
use super::recording::{Event, Exchange, Recording};

/// LINKTYPE_WIRESHARK_UPPER_PDU.
const LINK_TYPE: u16 = 252;

/// Block types of pcapng.
const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Options of pcapng: the end, a comment, the writer, an interface's name.
const END: u16 = 0;
const COMMENT: u16 = 1;
const WRITER: u16 = 4;
const INTERFACE_NAME: u16 = 2;

/// Tags in front of a packet: the dissector's name, the direction, what the list of packets shows.
const DISSECTOR: u16 = 12;
const DIRECTION: u16 = 35;
const SHOWN: u16 = 36;

/// Directions: to the card, from the card.
const SENT: u32 = 0;
const RECEIVED: u32 = 1;

impl Recording {
    /// As pcapng: two packets for each exchange, one where no answer came; an interface for each connection.
    #[must_use]
    pub fn pcapng(&self) -> Vec<u8> {
        let writer = format!("ukey {}", env!("CARGO_PKG_VERSION"));
        let mut body = Vec::new();
        // Byte order, version 1.0, a length that is not stated.
        body.extend(0x1A2B_3C4D_u32.to_le_bytes());
        body.extend([1, 0, 0, 0]);
        body.extend(u64::MAX.to_le_bytes());
        option(&mut body, WRITER, writer.as_bytes());
        option(&mut body, END, &[]);
        let mut out = block(SECTION, &body);
        for connected in &self.connections {
            let mut body = Vec::new();
            body.extend(LINK_TYPE.to_le_bytes());
            body.extend([0; 6]);
            let name = if connected.target.is_empty() { "token" } else { connected.target.as_str() };
            option(&mut body, INTERFACE_NAME, name.as_bytes());
            option(&mut body, END, &[]);
            out.extend(block(INTERFACE, &body));
        }
        for (entry, exchange) in self.exchanges() {
            let time = entry.time.parse::<Timestamp>().map_or(0, |time| time.as_microsecond()).max(0);
            let time = u64::try_from(time).unwrap_or_default();
            let interface = u32::try_from(entry.connection.saturating_sub(1)).unwrap_or_default();
            let (asked, answered) = exchange.says.split_once(" → ").unwrap_or((&exchange.says, ""));
            out.extend(packet(interface, time, SENT, &exchange.command, asked));
            if !exchange.answer.is_empty() {
                let time = time.saturating_add(exchange.took_us);
                out.extend(packet(interface, time, RECEIVED, &exchange.answer, &comment(exchange, answered)));
            }
        }
        out
    }

    /// As the text that `scriptor` reads; what came back and what it means stands in comments. A command of which bytes
    /// are hidden is one too.
    #[must_use]
    pub fn scriptor(&self) -> String {
        let mut text = format!("# trace by {}, begun {}\n", self.header.program, self.header.time);
        for entry in &self.entries {
            // Writing to a text cannot fail.
            let _ = match &entry.event {
                Event::Reset => writeln!(text, "reset"),
                Event::Exchange(exchange) if exchange.command.hides_any() => {
                    writeln!(text, "# left out, bytes are hidden: {}\n# {}", exchange.command, exchange.says)
                }
                Event::Exchange(exchange) => {
                    let bytes = exchange.command.as_slice().iter().map(|byte| format!("{byte:02X}"));
                    let (command, answer) = (bytes.collect::<Vec<_>>().join(" "), &exchange.answer);
                    writeln!(text, "{command}\n# < {answer}\n# {}", exchange.says)
                }
                _ => Ok(()),
            };
        }
        text
    }
}

/// What an answer says, and which call it belongs to.
fn comment(exchange: &Exchange, answered: &str) -> String {
    match &exchange.called {
        Some(called) => format!("{answered} [{called}]"),
        None => answered.to_owned(),
    }
}

fn packet(interface: u32, time: u64, direction: u32, bytes: &Bytes, says: &str) -> Vec<u8> {
    let mut data = Vec::new();
    tag(&mut data, DISSECTOR, b"iso7816");
    tag(&mut data, DIRECTION, &direction.to_be_bytes());
    tag(&mut data, SHOWN, says.as_bytes());
    tag(&mut data, 0, &[]);
    data.extend_from_slice(bytes.as_slice());
    let length = u32::try_from(data.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut body = Vec::new();
    body.extend(interface.to_le_bytes());
    let [low, high] = [time & 0xFFFF_FFFF, time >> 32].map(|half| u32::try_from(half).unwrap_or_default());
    body.extend(high.to_le_bytes());
    body.extend(low.to_le_bytes());
    body.extend(length);
    body.extend(length);
    body.extend_from_slice(&data);
    pad(&mut body);
    let hidden = if bytes.hides_any() {
        format!("{says}; zeros stand for what is hidden: {bytes}")
    } else {
        says.to_owned()
    };
    option(&mut body, COMMENT, hidden.as_bytes());
    option(&mut body, END, &[]);
    block(PACKET, &body)
}

/// A block of pcapng, little-endian: its type, its length, what is in it, its length.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 12).unwrap_or(u32::MAX).to_le_bytes();
    [&kind.to_le_bytes()[..], &length, body, &length].concat()
}

/// An option of pcapng, little-endian. One that is too long is cut.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    body.extend(code.to_le_bytes());
    body.extend(u16::try_from(value.len()).unwrap_or_default().to_le_bytes());
    body.extend_from_slice(value);
    pad(body);
}

/// A tag in front of a packet, big-endian; its length counts what fills it up.
fn tag(data: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(!3_u16)).unwrap_or(value);
    data.extend(code.to_be_bytes());
    data.extend(u16::try_from(value.len().next_multiple_of(4)).unwrap_or_default().to_be_bytes());
    data.extend_from_slice(value);
    pad(data);
}

fn pad(bytes: &mut Vec<u8>) {
    bytes.resize(bytes.len().next_multiple_of(4), 0);
}
