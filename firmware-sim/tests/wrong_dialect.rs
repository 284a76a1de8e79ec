//! A host that speaks another dialect than the token gets a defined word, and nothing that lasts is changed.

mod support;

use support::envelope::Envelope;
use support::*;
use ukey_apdu::command::*;
use ukey_apdu::{Dialect, Status};

/// The words that a command in a wrong dialect may get.
const DEFINED: [Status; 5] = [
    Status::WRONG_LENGTH,
    Status::WRONG_DATA,
    Status::WRONG_LE,
    Status::UNSUPPORTED_KEY_ALGORITHM,
    Status::CONDITIONS_NOT_SATISFIED,
];

#[test]
fn a_layout_of_another_dialect_is_refused_and_changes_nothing() {
    let mut refused = 0;
    for spoken in Dialect::BUILT_IN {
        let mut host = Host::speaking(*spoken, 1).issue().provision();
        let sign_key = host.public_key(KeyUse::Sign).unwrap();
        let key = host.set_symm_key(KeyHolder::DEVICE, &[1; 16]).unwrap();
        for wrong in Dialect::BUILT_IN.iter().filter(|wrong| {
            wrong.quantity != spoken.quantity
                || wrong.key_pair != spoken.key_pair
                || wrong.cipher_parameters != spoken.cipher_parameters
                || wrong.decrypt_init != spoken.decrypt_init
        }) {
            let image = host.image();
            host.dialect = *wrong;
            let (application, container) = (host.application, host.container);
            let parameters = CipherParameters::new(SGD_SM4_ECB, &[7; 16]);
            let info = FileInfo { size: 9, read: Rights::ANYONE, write: Rights::USER };
            let words = [
                Envelope::new(sign_key, [0x42; 32], false).import(&mut host).err(),
                host.send(&GenEccKeyPair { application, container, bits: SM2_BITS }).err(),
                host.create_file(b"F", info.size, info.read, info.write).err(),
                host.import_certificate(KeyUse::Sign, b"a certificate").err(),
                host.send(&EncryptInit { key, parameters }).err(),
                host.send(&DecryptInit { key, parameters }).err(),
            ];
            // Where the two agree on a command it is carried out: only dialects of another order agree on none.
            if wrong.quantity != spoken.quantity {
                for word in words.into_iter().take(4) {
                    let word = word.expect("a command of another byte order");
                    assert!(
                        DEFINED.contains(&word) || word == Status::NO_SPACE,
                        "{} in {}: {word}",
                        wrong.name,
                        spoken.name
                    );
                    refused += 1;
                }
                assert!(host.image() == image, "{} in {}", wrong.name, spoken.name);
            }
            for word in words.into_iter().flatten() {
                assert!(
                    DEFINED.contains(&word) || word == Status::NO_SPACE || word == Status::FILE_EXISTS,
                    "{} in {}: {word}",
                    wrong.name,
                    spoken.name
                );
            }
            host.dialect = *spoken;
        }
    }
    assert!(refused >= 60, "{refused}");
}
