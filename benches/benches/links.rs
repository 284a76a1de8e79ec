//! What the ways to a token cost: sockets, `libukey_skf.so`, a state that lasts; each beside a peer that does the same,
//! against the goals.
//!
//! `cargo bench -p ukey-benches -- links` prints the ratios, from alternating rounds of one run. Under `cargo test`
//! everything runs once.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the table is what it is for")]

use std::cell::RefCell;
use std::hint::black_box;
use std::time::Duration;

use ukey_benches::PIN;
use ukey_benches::bare::Bare;
use ukey_benches::rounds::{self, Clock, Contestant, alternate_by};
use ukey_benches::skf::Skf;
use ukey_benches::sockets::{Echo, Served, Socket};
use ukey_benches::softhsm::SoftHsm;
use ukey_benches::table::{Peer, Row, Table};
use ukey_device::{Options, Simulator};

/// Ours, a peer, and what their ratio means and may be at most.
struct Comparison<'c> {
    operation: &'static str,
    ours: Box<dyn FnMut() + 'c>,
    peer: (String, Box<dyn FnMut() + 'c>),
    meaning: &'static str,
    at_most: f64,
    /// A second peer, without a goal.
    beside: Option<Beside<'c>>,
}

/// A peer's name, what it does, and what the ratio to it means.
type Beside<'c> = (&'static str, Box<dyn FnMut() + 'c>, &'static str);

impl Comparison<'_> {
    fn measure(self, clock: Clock, rounds: usize, slice: Duration) -> Row {
        let Comparison { operation, ours, peer: (name, peer), meaning, at_most, beside } = self;
        let mut contestants = vec![Contestant::new("token", ours), Contestant::new(name, peer)];
        let mut meanings = vec![(meaning, Some(at_most))];
        if let Some((name, peer, meaning)) = beside {
            contestants.push(Contestant::new(name, peer));
            meanings.push((meaning, None));
        }
        let mut figures = alternate_by(clock, rounds, slice, &mut contestants).into_iter();
        let token = figures.next().expect("the token's");
        let peers =
            figures.zip(meanings).map(|(figures, (meaning, at_most))| Peer { figures, meaning, at_most });
        Row { operation, token, per_second: None, peers: peers.collect() }
    }
}

fn main() {
    if !ukey_benches::is_wanted("links") {
        return;
    }
    let benching = std::env::args().any(|argument| argument == "--bench");
    if benching {
        rounds::on_one_core();
    }
    let (rounds, slice) = if benching { (15, Duration::from_millis(60)) } else { (1, Duration::ZERO) };
    let folder = tempfile::tempdir().expect("a folder");
    // Those that set variables of the environment come before any thread.
    let hsm = SoftHsm::new(folder.path()).inspect_err(|missing| eprintln!("{missing}")).ok();
    let file = folder.path().join("token.ukey");
    let made = Simulator::fresh(&Options::default()).and_then(|token| token.save_as(&file, false));
    made.expect("a state file");
    let in_file = format!("sim:{}", file.display());
    let skf = Skf::load(&format!("sim;{in_file}"));
    let (in_process, in_file) = (skf.device("sim"), skf.device(&in_file));
    let bare = RefCell::new(Bare::new());
    let (unix, tcp) = (Served::new(Socket::Unix, folder.path()), Served::new(Socket::Tcp, folder.path()));
    let (mut unix_echo, mut tcp_echo) = (Echo::unix(folder.path()), Echo::tcp());

    let mut table = Table::default();
    for comparison in [
        Comparison {
            operation: "Round trip of 64 bytes over a Unix socket",
            ours: Box::new(|| unix.round_trip()),
            peer: ("bare echo".to_owned(), Box::new(|| unix_echo.round_trip())),
            meaning: "frames, the token's work and its links; at least half as many",
            at_most: 2.0,
            beside: None,
        },
        Comparison {
            operation: "Round trip of 64 bytes over TCP",
            ours: Box::new(|| tcp.round_trip()),
            peer: ("bare echo".to_owned(), Box::new(|| tcp_echo.round_trip())),
            meaning: "frames, the token's work and its links; at least half as many",
            at_most: 2.0,
            beside: None,
        },
        Comparison {
            operation: "SKF_ECCSignData, token in process",
            ours: Box::new(|| _ = black_box(in_process.sign())),
            peer: ("sm2 0.14, sign_prehash".to_owned(), Box::new(|| _ = black_box(bare.borrow().sign()))),
            meaning: "a client's signature beside the ready-made call",
            at_most: 1.2,
            // This program is optimised as a whole; cargo's library, which is linked into tests as well, is not, and
            // calls what is inlined here. UKEY_SKF_LIBRARY names one as it is shipped (host/skf/README.md).
            beside: Some((
                "the token's own arithmetic",
                Box::new(|| _ = black_box(bare.borrow_mut().sign_as_the_token())),
                "what the library, the device and the token add to a signature",
            )),
        },
    ] {
        table.0.push(comparison.measure(Clock::Cpu, rounds, slice));
    }
    let mut of_the_day = Table(Vec::new(), Clock::Wall);
    through_readers(&mut of_the_day, rounds, slice);
    if let Some(hsm) = &hsm {
        // By both clocks: ours waits until the disk has it, SoftHSM2 does not.
        for (clock, table) in [(Clock::Cpu, &mut table), (Clock::Wall, &mut of_the_day)] {
            let comparison = Comparison {
                operation: "SKF_VerifyPIN, state in a file",
                ours: Box::new(|| in_file.verify_pin(PIN).expect("the right PIN")),
                peer: (
                    "SoftHSM2 C_Login, C_Logout".to_owned(),
                    Box::new(|| assert!(hsm.log_in_and_out(PIN), "the right PIN")),
                ),
                meaning: "a login whose state lasts",
                at_most: 1.0,
                beside: None,
            };
            table.0.push(comparison.measure(clock, rounds, slice));
        }
    }
    if benching {
        println!("{rounds} alternating rounds of {} ms\n{table}\n{of_the_day}", slice.as_millis());
    }
}

/// By the time of day: most of the way is pcscd's, another process.
#[cfg(feature = "pcsc")]
fn through_readers(table: &mut Table, rounds: usize, slice: Duration) {
    use ukey_benches::readers::Round;

    let (Some(token), Some(bare)) = (Round::of_a_token(), Round::of_a_bare_card()) else {
        eprintln!("no smart card readers: run it by .ci/with-readers (Debian: pcscd, vsmartcard-vpcd)");
        return;
    };
    let comparison = Comparison {
        operation: "Five bytes through pcscd and vpcd",
        ours: Box::new(|| token.trip()),
        peer: ("a card that does nothing".to_owned(), Box::new(|| bare.trip())),
        meaning: "our card's side of the way; at least 0.7 as many",
        at_most: 1.0 / 0.7,
        beside: None,
    };
    table.0.push(comparison.measure(Clock::Wall, rounds, slice));
}

#[cfg(not(feature = "pcsc"))]
fn through_readers(_: &mut Table, _: usize, _: Duration) {
    eprintln!("without smart card readers: build with --features pcsc (Debian: libpcsclite-dev, pkg-config)");
}
