//! The peers do the same work as the token, and figures are what they say.

use std::cell::RefCell;
use std::time::Duration;

use ukey_benches::bare::Bare;
use ukey_benches::openssl::OpenSsl;
use ukey_benches::rounds::{Clock, Contestant, Figures, alternate};
use ukey_benches::sockets::{Echo, Served, Socket};
use ukey_benches::table::{Peer, Row, Table};
use ukey_benches::{DIGEST, PIN};

/// Nothing to hold against where the library is not installed.
fn openssl() -> Option<OpenSsl> {
    OpenSsl::load().inspect_err(|missing| assert!(missing.to_string().contains("libssl3"))).ok()
}

#[test]
fn openssl_makes_the_same_cryptogram() {
    let Some(openssl) = openssl() else { return };
    let (mut pin, mut block) = ([0; 16], [0; 16]);
    pin[..8].copy_from_slice(PIN);
    // Length, challenge, 80, zeros (captured from a commercial token, as is the result).
    block[..11].copy_from_slice(&[8, 0, 0xb1, 0x22, 0x84, 0xf7, 0xe6, 0x0f, 0xb4, 0x5c, 0x80]);
    let expected = Bare::new().cryptogram(block[2..10].try_into().unwrap());
    assert_eq!(expected[..4], [0xcf, 0x87, 0x86, 0x2f]);
    assert_eq!(openssl.cryptogram(&pin, &block), expected);
    pin[0] ^= 1;
    assert_ne!(openssl.cryptogram(&pin, &block), expected);
}

#[test]
fn openssl_signs() {
    let Some(openssl) = openssl() else { return };
    assert!(openssl.version().starts_with("OpenSSL 3"), "{}", openssl.version());
    let source = openssl.key_source();
    let (signer, other) = (source.generate().signer(), source.generate().signer());
    let (signature, length) = signer.sign(&DIGEST);
    assert!(signer.accepts(&DIGEST, &signature[..length]));
    assert!(!signer.accepts(&[0; 32], &signature[..length]));
    assert!(!other.accepts(&DIGEST, &signature[..length]));
}

#[test]
fn rounds_alternate_and_give_a_figure_for_each() {
    let order = RefCell::new(String::new());
    let run = |letter| {
        let order = &order;
        move || order.borrow_mut().push(letter)
    };
    let mut contestants = [Contestant::new("a", run('a')), Contestant::new("b", run('b'))];
    let figures = alternate(4, Duration::ZERO, &mut contestants);
    assert_eq!(figures.iter().map(|figures| figures.seconds.len()).collect::<Vec<_>>(), [4, 4]);
    drop(contestants);
    assert_eq!(
        order.take(),
        "ab" /* warming up */
            .to_owned()
            + "ab"
            + "ba"
            + "ab"
            + "ba"
    );
}

#[test]
fn a_ratio_above_one_means_slower_than_the_peer() {
    let figures = |name: &str, seconds: &[f64]| Figures { name: name.to_owned(), seconds: seconds.to_vec() };
    let token = figures("token", &[20e-6, 30e-6, 90e-6]);
    assert_eq!((token.median(), token.minimum()), (30e-6, 20e-6));
    let row = |per_second, at_most| {
        let figures = figures("peer", &[10e-6, 10e-6, 10e-6]);
        let peers = vec![Peer { figures, meaning: "what it means", at_most }];
        Table(vec![Row { operation: "Sign", token: token.clone(), per_second, peers }], Clock::Cpu)
            .to_string()
    };
    let text = row(None, None);
    let line = text.lines().last().unwrap();
    let words: Vec<_> = line.split_whitespace().collect();
    assert_eq!(words[..6], ["peer", "10.00", "10.00", "100000", "3.00x", "2.00x"]);
    assert!(line.ends_with("what it means"));
    // A goal is met by the median and by the minimum, or it is missed.
    assert!(row(None, Some(3.0)).ends_with("what it means; goal 3.00x met\n"));
    assert!(row(None, Some(2.5)).ends_with("what it means; goal 2.50x MISSED\n"));
    assert!(row(Some(33_000.0), None).contains("goal 33000 per second met\n"));
    assert!(row(Some(40_000.0), None).contains("goal 40000 per second MISSED\n"));
}

#[test]
fn what_is_sent_over_sockets_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    for socket in [Socket::Unix, Socket::Tcp] {
        let served = Served::new(socket, folder.path());
        served.round_trip();
        served.round_trip();
    }
    Echo::unix(folder.path()).round_trip();
    Echo::tcp().round_trip();
}
