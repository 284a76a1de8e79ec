//! Power cuts while a blank flash is formatted, and a log that goes round the flash. Cuts of commands: `sweep.rs`.

mod support;

use support::*;
use ukey_apdu::command::*;
use ukey_firmware::sim::{SimPlatform, Tear};

#[test]
fn formatting_survives_any_cut() {
    for tear in [Tear::Clean, Tear::Torn(4), Tear::Torn(5)] {
        for operation in 0.. {
            let mut platform = SimPlatform::new([1; 32]);
            platform.flash.cut_power_after(operation, tear);
            let mut platform = match ukey_firmware::Token::power_on(platform, Default::default()) {
                Ok(_) => break,
                Err((_, platform)) => platform,
            };
            platform.flash.restore_power();
            let mut host = Host::on(platform);
            host.authenticate().unwrap();
            host.create_application(NAME).unwrap();
        }
    }
}

#[test]
fn the_log_goes_round_the_flash_and_loses_nothing() {
    let mut host = Host::provisioned(4);
    let key = host.public_key(KeyUse::Sign).unwrap();
    for round in 0..1200_u32 {
        let content = round.to_le_bytes().repeat(250);
        host.import_certificate(KeyUse::Sign, &content).unwrap();
        if round % 100 == 99 {
            host = host.restart();
            host.open().unwrap();
            host.verify(PinType::User, USER).unwrap();
            host.open_container(b"DEV").unwrap();
            assert_eq!(host.certificate(KeyUse::Sign).unwrap(), content);
            assert_eq!(host.public_key(KeyUse::Sign).unwrap(), key);
        }
    }
    assert!(host.token.wear().log >= 2, "{:?}", host.token.wear());
}
