//! Commands and answers on the wire, as the standard and its sources have them.

use ukey_apdu::command::*;
use ukey_apdu::envelope::{Apdu, Le};
use ukey_apdu::pin::{Pin, PinKey};
use ukey_apdu::wire::Writer;
use ukey_apdu::{Dialect, Ins, Status};

use crate::{GM, sent};

#[test]
fn every_command_of_the_standard_is_spoken_or_it_is_said_why_not() {
    assert_eq!(Ins::ALL.len(), 70);
    for &ins in Ins::ALL {
        assert_ne!(SPOKEN.contains(&ins), why_not(ins).is_some(), "{}", ins.name());
    }
}

#[test]
fn files_are_on_the_wire_as_the_standard_has_them() {
    let info = FileInfo { size: 0x1234, read: Rights::ANYONE, write: Rights::USER };
    let create = CreateFile { application: AppId(0x1002), name: b"SEAL", info };
    let bytes = hex::encode(sent(&create));
    assert!(
        bytes.starts_with("8030100200002c5345414c00") && bytes.ends_with("00001234000000ff00000010"),
        "{bytes}"
    );
    let mut data = [0; 64];
    let little = create.to_apdu(&Dialect::GM3000, &mut data).unwrap();
    assert!(
        hex::encode(little.data).ends_with("00001234ff00000010000000"),
        "rights are constants, sizes are not"
    );
    let read = ReadFile { application: AppId(0x1002), name: b"SEAL", offset: 0x0102, wanted: Le::Exact(496) };
    assert_eq!(hex::encode(sent(&read)), "8038000000000a1002010200045345414c01f0");
    let write = WriteFile { application: AppId(0x1002), name: b"SEAL", offset: 1, data: Data(b"xy") };
    assert_eq!(hex::encode(sent(&write)), "803a000000000e1002000100045345414c00027879");
    assert_eq!(hex::encode(sent(&EnumFiles { application: AppId(0x1002) })), "80341002000000");
    let info = GetFileInfo { application: AppId(0x1002), name: b"SEAL" };
    assert_eq!(hex::encode(sent(&info)), "803610020000045345414c000c");
    let delete = DeleteFile { application: AppId(0x1002), name: b"SEAL" };
    assert_eq!(hex::encode(sent(&delete)), "803210020000045345414c");
}

#[test]
fn session_keys_are_on_the_wire_as_the_specification_has_them() {
    let holder = KeyHolder { application: AppId(0x1000), container: ContainerId(0x3001) };
    let key = KeyHandle { holder, key: SessionKeyId(0x5000) };
    let set = ImportSymmKey { holder: KeyHolder::DEVICE, algorithm: SGD_SM4_CBC, key: &[0xAB; 16] };
    let bytes = hex::encode(sent(&set));
    assert_eq!(
        bytes,
        format!("80a200000000 1a 00000000 00000402 0010{}0002", "ab".repeat(16)).replace(' ', "")
    );
    let mut data = [0; 64];
    let little = set.to_apdu(&Dialect::GM3000, &mut data).unwrap();
    assert!(hex::encode(little.data).starts_with("00000000020400000010ab"), "an algorithm is a constant");
    let parameters = CipherParameters::new(SGD_SM4_CBC, &[0x1F; 16]).padded();
    assert_eq!(
        hex::encode(sent(&EncryptInit { key, parameters })),
        format!("80a4000000002410003001500000000402 0010{}0000000100000000", "1f".repeat(16))
            .replace(' ', "")
    );
    assert_eq!(
        hex::encode(sent(&EncryptUpdate { key, data: Data(b"abc") })),
        "80a800000000091000300150006162630000"
    );
    assert_eq!(
        hex::encode(sent(&MacFinal { key, data: Data(b"") })),
        "80c200000000061000300150000010",
        "a MAC has 16 bytes"
    );
    assert_eq!(hex::encode(sent(&DestroySessionKey { key })), "80c40000000006100030015000");
    let init = DigestInit { algorithm: DigestAlgorithm::Sha256, signer: None };
    assert_eq!(hex::encode(sent(&init)), "80b40003");
    assert_eq!(hex::encode(sent(&Digest { data: Data(b"abc") })), "80b600000000036162630000");
}

#[test]
fn names_and_labels_have_limits() {
    let refuse = |ins: Ins, data: &[u8]| {
        struct Read<'a>(Apdu<'a>);
        impl<'a> Visitor<'a> for Read<'a> {
            type Output = Option<Status>;
            fn visit<C: Command<'a>>(self) -> Option<Status> {
                C::SHAPE.check(&self.0).and_then(|()| C::read(&self.0, &GM)).err()
            }
        }
        let mut bytes = vec![0x80, ins as u8, 0, 0, 0, (data.len() >> 8) as u8, data.len() as u8];
        bytes.extend(data);
        visit(ins, Read(Apdu::parse(&bytes).unwrap())).unwrap()
    };
    assert_eq!(refuse(Ins::OpenApplication, &[b'a'; 32]), None);
    assert_eq!(refuse(Ins::OpenApplication, &[b'a'; 33]), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::SetLabel, &[b'a'; 33]), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::CreateContainer, &[0x10, 0]), Some(Status::WRONG_DATA));
    assert_eq!(
        refuse(Ins::CreateContainer, &[[0x10; 2].as_slice(), &[b'c'; 65]].concat()),
        Some(Status::WRONG_DATA)
    );
    assert_eq!(refuse(Ins::DeleteFile, &[b'f'; 32]), None);
    assert_eq!(refuse(Ins::DeleteFile, &[b'f'; 33]), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::CreateFile, &[b'f'; 44]), None);
    assert_eq!(refuse(Ins::CreateFile, &[b'f'; 52]), Some(Status::WRONG_DATA), "40 bytes of name");
    assert_eq!(refuse(Ins::CreateFile, &[b'f'; 43]), Some(Status::WRONG_LENGTH));
    assert_eq!(refuse(Ins::ReadFile, &hex::decode("1000000000016600").unwrap()), Some(Status::WRONG_DATA));
    assert_eq!(refuse(Ins::WriteFile, &hex::decode("10000000000166000161").unwrap()), None);
    assert_eq!(
        refuse(Ins::WriteFile, &hex::decode("10000000000166000261").unwrap()),
        Some(Status::WRONG_DATA)
    );
    assert_eq!(refuse(Ins::CreateContainer, &[0x10]), Some(Status::WRONG_LENGTH));
    assert_eq!(
        refuse(Ins::ImportCertificate, &hex::decode("100030010100000003aabb").unwrap()),
        Some(Status::WRONG_DATA)
    );
    assert_eq!(
        refuse(Ins::EccSignData, &hex::decode("1000300100000000aabb").unwrap()),
        Some(Status::WRONG_P1P2)
    );
}

#[test]
fn the_layouts_that_differ_are_as_their_sources_have_them() {
    fn data<'a, C: Command<'a>>(dialect: &Dialect, command: &C) -> String {
        let mut buffer = [0; 512];
        hex::encode(command.to_apdu(dialect, &mut buffer).unwrap().data)
    }
    fn answer(dialect: &Dialect, write: impl FnOnce(&mut Writer<'_>)) -> String {
        let mut buffer = [0; 512];
        let mut writer = Writer::new(&mut buffer, dialect);
        write(&mut writer);
        let length = writer.len();
        hex::encode(&buffer[..length])
    }
    type Number = fn(u32) -> String;
    let key = EccPublicKey { x: [0xAA; 32], y: [0xBB; 32] };
    let (x, y, hash) = ("aa".repeat(32), "bb".repeat(32), "cc".repeat(32));
    let block = CipherBlock { point: key, hash: [0xCC; 32], cipher: b"12" };
    let handle = KeyHandle { holder: KeyHolder::DEVICE, key: SessionKeyId(0x5001) };
    let parameters = CipherParameters::new(SGD_SM4_CBC, &[0x1F; 16]).padded();
    let iv = "1f".repeat(16);
    for dialect in Dialect::BUILT_IN {
        let name = dialect.name.as_str();
        let little = matches!(name, "synochip" | "sunyard");
        let (quantity, constant): (Number, Number) = match name {
            "synochip" | "sunyard" => (|n| hex::encode(n.to_le_bytes()), |n| hex::encode(n.to_le_bytes())),
            "gm3000" => (|n| hex::encode(n.to_be_bytes()), |n| hex::encode(n.to_le_bytes())),
            _ => (|n| hex::encode(n.to_be_bytes()), |n| hex::encode(n.to_be_bytes())),
        };
        let (bits, cbc) = (quantity(256), constant(SGD_SM4_CBC));
        let iv_length = if little { "1000" } else { "0010" };
        let synochip = name == "synochip";
        let sealed = format!("{bits}{x}{y}{hash}{}3132", quantity(2));

        let init = if synochip {
            format!("000000005001{cbc}{iv}{}{}{}{}", "00".repeat(16), quantity(16), quantity(1), quantity(0))
        } else {
            format!("000000005001{cbc}{iv_length}{iv}{}{}", quantity(1), quantity(0))
        };
        assert_eq!(data(dialect, &EncryptInit { key: handle, parameters }), init, "{name}");
        assert_eq!(data(dialect, &MacInit { key: handle, parameters }), init, "{name}");
        let init = if name == "sunyard" { init.replace(&cbc, "") } else { init };
        assert_eq!(data(dialect, &DecryptInit { key: handle, parameters }), init, "{name}");

        let info = FileInfo { size: 1, read: Rights::ANYONE, write: Rights::USER };
        let width = match name {
            "synochip" => 48,
            "sunyard" => 40,
            _ => 32,
        };
        let file = format!("46{}{}{}{}", "00".repeat(width - 1), quantity(1), constant(0xFF), constant(0x10));
        assert_eq!(data(dialect, &CreateFile { application: AppId(1), name: b"F", info }), file, "{name}");

        let key_pair = EnvelopedKeyPair {
            version: 1,
            algorithm: SGD_SM4_ECB,
            encrypted_private_key: &[0xDD; 32],
            public_key: key,
            wrapped_key: block,
        };
        let (application, container) = (AppId(0x1000), ContainerId(0x3001));
        let head = format!("10003001{}{}", quantity(1), constant(SGD_SM4_ECB));
        let private = "dd".repeat(32);
        let pair = if synochip {
            format!("{head}{sealed}{bits}{x}{y}{}{}{private}", quantity(64), "00".repeat(32))
        } else {
            format!("{head}{bits}{}{private}{x}{y}{sealed}", quantity(32))
        };
        assert_eq!(data(dialect, &ImportEccKeyPair { application, container, key_pair }), pair, "{name}");

        let exported = ExportedSessionKey { sealed: block, key: SessionKeyId(0x5001) };
        let expected = if name == "sunyard" {
            format!("{hash}{}31325001{bits}{x}{y}", quantity(2))
        } else {
            format!("{sealed}5001")
        };
        assert_eq!(answer(dialect, |w| exported.write(w).unwrap()), expected, "{name}");

        let plain = answer(dialect, |w| {
            CiphertextAnswer::External
                .write(w, &key, &block.hash, 2, |c2| c2.copy_from_slice(b"12"))
                .unwrap();
        });
        assert_eq!(plain, if synochip { format!("04{x}{y}{hash}3132") } else { sealed }, "{name}");
        let numbers = if synochip { format!("{x}{y}") } else { format!("{bits}{x}{y}") };
        assert_eq!(answer(dialect, |w| key.write_generated(w).unwrap()), numbers, "{name}");
        let signature = EccSignature { r: key.x, s: key.y };
        assert_eq!(answer(dialect, |w| signature.write_external(w).unwrap()), numbers, "{name}");
        assert_eq!(answer(dialect, |w| signature.write(w).unwrap()), format!("{bits}{x}{y}"), "{name}");
        let digest = answer(dialect, |w| DigestValue(&[0xCC; 32]).write(w).unwrap());
        assert_eq!(digest, if synochip { format!("{}{hash}", quantity(32)) } else { hash.clone() }, "{name}");
        let agreed = answer(dialect, |w| AgreedKeyId(SessionKeyId(0x5001)).write(w).unwrap());
        assert_eq!(agreed, if little { "50010000" } else { "00005001" }, "{name}");

        let challenge = [0xb1, 0x22, 0x84, 0xf7, 0xe6, 0x0f, 0xb4, 0x5c];
        let verify = hex::encode(
            PinKey::derive(dialect, &Pin::new(b"12345678").unwrap()).cryptogram(dialect, &challenge),
        );
        let same_as_captured = verify == "cf87862feb06659ed88a106109e742f0";
        assert_eq!(same_as_captured, matches!(name, "gm2012" | "gm3000"), "{name} {verify}");
    }
}
