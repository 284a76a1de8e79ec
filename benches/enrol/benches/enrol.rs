//! The enrolment of one unit end to end, beside the SM2 operations it contains.
//!
//! `cargo bench -p ukey-benches-enrol` gives criterion's figures, then the ratio of CPU time from alternating
//! rounds, which is the one to quote. Under `cargo test` everything runs once.
#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::time::Duration;

use criterion::Criterion;
use ukey_benches::rounds::{Clock, Contestant, alternate};
use ukey_benches::table::{Peer, Row, Table};
use ukey_benches_enrol::{EnrolBench, Sm2Operations};

fn main() {
    let asked = |option: &str| std::env::args().any(|argument| argument == option);
    let benching = asked("--bench") && !asked("--test") && !asked("--list") && !asked("--profile-time");
    let (mut hall, mut bare) = (EnrolBench::new(), Sm2Operations::new());

    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
        .configure_from_args();
    let mut group = criterion.benchmark_group("enrol one unit");
    group.bench_function("HTTP, hall, token", |bencher| bencher.iter(|| hall.enrol()));
    group.bench_function("bare sm2", |bencher| bencher.iter(|| bare.run()));
    group.finish();
    criterion.final_summary();

    // Each round has a hall that is as new as every other's.
    let mut hall = EnrolBench::new();
    let (rounds, slice) = if benching { (15, Duration::from_millis(100)) } else { (1, Duration::ZERO) };
    let mut contestants =
        [Contestant::new("enrolment", || hall.enrol()), Contestant::new("bare sm2", || bare.run())];
    let mut figures = alternate(rounds, slice, &mut contestants).into_iter();
    let (Some(enrolment), Some(operations)) = (figures.next(), figures.next()) else { return };
    let meaning = "2 key pairs, 3 signatures, 4 verifications, an encryption, a decryption, a public key";
    let table = Table(
        vec![Row {
            operation: "Enrol one unit: 21 requests over HTTP, and all that the key is told",
            token: enrolment,
            per_second: None,
            peers: vec![Peer { figures: operations, meaning, at_most: None }],
        }],
        Clock::default(),
    );
    if benching {
        println!("{rounds} alternating rounds; peer: crate sm2 0.14\n{table}");
    }
}
