//! The tests of the commands once more, in every other built-in dialect: each module here has the name of one, and
//! `support` reads it.
#![allow(clippy::duplicate_mod, reason = "the same tests, each time in another dialect")]

#[path = "suite.rs"]
mod gm2023_guess;
#[path = "suite.rs"]
mod gm3000;
#[path = "suite.rs"]
mod mass_storage;
#[path = "suite.rs"]
mod sunyard;
#[path = "suite.rs"]
mod synochip;

/// No dialect goes without.
#[test]
fn the_suite_runs_in_every_dialect() {
    let spoken = [
        *gm2023_guess::commands::support::GM,
        *gm3000::commands::support::GM,
        *mass_storage::commands::support::GM,
        *sunyard::commands::support::GM,
        *synochip::commands::support::GM,
    ];
    for dialect in ukey_apdu::Dialect::BUILT_IN {
        let usual = *dialect == ukey_apdu::Dialect::default();
        assert_eq!(
            spoken.iter().filter(|spoken| *spoken == dialect).count(),
            usize::from(!usual),
            "{}",
            dialect.name
        );
    }
}
