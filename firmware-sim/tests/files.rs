//! Files: rights, bounds, limits, names, and a token that is full; each refusal beside what succeeds.

mod support;

use proptest::prelude::*;
use support::*;
use ukey_apdu::command::*;
use ukey_apdu::dialect::ByteOrder;
use ukey_apdu::envelope::{Apdu, Cla, Le};
use ukey_apdu::wire::Writer;
use ukey_apdu::{Dialect, Ins, Status};
use ukey_firmware::sim::{SimFlash, SimPlatform};
use ukey_firmware::{Policy, SelfTest, Settings, Token};

const ANYONE: Rights = Rights::ANYONE;
const ADMINISTRATOR: Rights = Rights::ADMINISTRATOR;
const NEVER: Rights = Rights::NEVER;
const REFUSED: Status = Status::SECURITY_NOT_SATISFIED;

/// A token with an application, the user logged in.
fn logged_in(seed: u8) -> Host {
    let mut host = Host::issued(seed);
    host.verify(PinType::User, USER).unwrap();
    host
}

/// A token whose application has this right to create files and room for so many; nobody logged in.
fn with_application(create_file: Rights, max_files: u16) -> Host {
    let mut host = Host::blank(1);
    host.authenticate().unwrap();
    host.send(&application(create_file, max_files)).unwrap();
    host.open().unwrap();
    host
}

fn application(create_file: Rights, max_files: u16) -> CreateApplication<'static> {
    CreateApplication {
        name: NAME,
        admin_pin: pin(ADMIN),
        admin_retries: TRIES,
        user_pin: pin(USER),
        user_retries: TRIES,
        create_file,
        max_containers: 8,
        max_certificates: 16,
        max_files,
    }
}

fn become_(host: &mut Host, who: Option<PinType>) {
    let application = host.application;
    host.send(&ClearSecureState { application }).unwrap();
    match who {
        Some(PinType::User) => host.verify(PinType::User, USER).unwrap(),
        Some(PinType::Administrator) => host.verify(PinType::Administrator, ADMIN).unwrap(),
        None => {}
    }
}

const PERSONS: [Option<PinType>; 3] = [None, Some(PinType::User), Some(PinType::Administrator)];

/// The rights, and whether nobody, the user and the administrator have them.
const MATRIX: [(Rights, [bool; 3]); 5] = [
    (NEVER, [false, false, false]),
    (Rights::USER, [false, true, false]),
    (ADMINISTRATOR, [false, false, true]),
    (Rights(0x11), [false, true, true]),
    (ANYONE, [true, true, true]),
];

fn expect(result: Result<(), Status>, allowed: bool, what: &str) {
    assert_eq!(result, if allowed { Ok(()) } else { Err(REFUSED) }, "{what}");
}

#[test]
fn a_files_rights_decide_who_reads_and_who_writes() {
    for (read, readers) in MATRIX {
        for (write, writers) in MATRIX {
            let mut host = logged_in(1);
            host.create_file(b"F", 20, read, write).unwrap();
            for (person, (reads, writes)) in PERSONS.into_iter().zip(readers.into_iter().zip(writers)) {
                become_(&mut host, person);
                let what = format!("read {read}, write {write}, {person:?}");
                expect(host.read_file(b"F", 0, Le::Max).map(drop), reads, &what);
                expect(host.file_info(b"F").map(drop), reads, &what);
                expect(host.write_file(b"F", 0, b"content"), writes, &what);
            }
        }
    }
}

#[test]
fn the_application_says_who_creates_and_deletes_files() {
    for (create, allowed) in MATRIX {
        let mut host = with_application(create, 8);
        for (person, allowed) in PERSONS.into_iter().zip(allowed) {
            become_(&mut host, person);
            let what = format!("create {create}, {person:?}");
            expect(host.create_file(b"F", 20, ANYONE, ANYONE), allowed, &what);
            let deleted = host.delete_file(b"F");
            expect(deleted, allowed, &what);
        }
    }
}

#[test]
fn an_application_whose_right_to_create_files_is_undefined_is_refused() {
    let mut host = Host::blank(1);
    host.authenticate().unwrap();
    for undefined in [0x02, 0x100, 0x8000_0000, 0x12] {
        assert_eq!(host.send(&application(Rights(undefined), 8)), Err(Status::WRONG_DATA), "{undefined:#x}");
        assert!(host.names(&EnumApplication).is_empty());
    }
    host.send(&application(Rights(0x11), 8)).unwrap();
}

#[test]
fn a_file_with_a_damaged_record_stands_in_nobodys_way() {
    let mut host = logged_in(1);
    for name in [b"FIRST", b"WORSE", b"THIRD"] {
        host.create_file(name, 600, Rights::USER, Rights::USER).unwrap();
    }
    let mut image = host.image();
    let at = image.windows(5).position(|window| window == b"WORSE").unwrap();
    image[at] ^= 1;
    let lenient = Policy { self_test: SelfTest::LEAST, ..Policy::default() };
    let mut host = Host::with(SimPlatform::with_image([1; 32], image).unwrap(), lenient);
    host.open().unwrap();
    host.verify(PinType::User, USER).unwrap();
    assert_eq!(host.files(), [b"FIRST", b"THIRD"]);
    assert_eq!(host.file_info(b"WORSE"), Err(Status::NO_SUCH_FILE));
    host.write_file(b"THIRD", 0, b"content").unwrap();
    assert_eq!(&host.read_whole(b"THIRD").unwrap()[..7], b"content");
    host.delete_file(b"FIRST").unwrap();
    host.create_file(b"FOURTH", 600, Rights::USER, Rights::USER).unwrap();
    assert_eq!(host.files(), [b"FOURTH".as_slice(), b"THIRD"]);
}

#[test]
fn a_right_in_one_application_is_none_in_another() {
    let mut host = logged_in(1);
    host.authenticate().unwrap();
    host.create_application(b"OTHER").unwrap();
    host.create_file(b"F", 20, Rights::USER, Rights::USER).unwrap();
    let answer = host.send(&OpenApplication { name: b"OTHER" }).unwrap();
    let first = std::mem::replace(&mut host.application, ApplicationInfo::read(&answer, &GM).unwrap().id);
    assert_eq!(host.create_file(b"F", 20, Rights::USER, Rights::USER), Err(REFUSED));
    assert_eq!(host.read_file(b"F", 0, Le::Max), Err(Status::NO_SUCH_FILE));
    assert!(host.files().is_empty());
    host.verify(PinType::User, USER).unwrap();
    host.create_file(b"F", 30, Rights::USER, Rights::USER).unwrap();
    assert_eq!(host.file_info(b"F").unwrap().size, 30);
    host.application = first;
    assert_eq!(host.file_info(b"F").unwrap().size, 20);
}

#[test]
fn nothing_of_files_works_without_an_open_application() {
    let mut host = logged_in(1);
    host.create_file(b"F", 20, ANYONE, ANYONE).unwrap();
    let application = host.application;
    host.send(&CloseApplication { application }).unwrap();
    let gone = Status::NO_SUCH_APPLICATION;
    assert_eq!(host.create_file(b"G", 20, ANYONE, ANYONE), Err(gone));
    assert_eq!(host.delete_file(b"F"), Err(gone));
    assert_eq!(host.send(&EnumFiles { application }), Err(gone));
    assert_eq!(host.file_info(b"F"), Err(gone));
    assert_eq!(host.read_file(b"F", 0, Le::Max), Err(gone));
    assert_eq!(host.write_file(b"F", 0, b"x"), Err(gone));
    host.open().unwrap();
    assert_eq!(host.files(), [b"F"]);
}

#[test]
fn names_are_unique_and_of_1_to_32_bytes() {
    let mut host = logged_in(1);
    assert!(host.files().is_empty());
    let long = [b'n'; 32];
    host.create_file(&long, 1, ANYONE, ANYONE).unwrap();
    host.create_file("印章".as_bytes(), 1, ANYONE, ANYONE).unwrap();
    assert_eq!(host.create_file(&long, 5, NEVER, NEVER), Err(Status::FILE_EXISTS));
    assert_eq!(host.file_info(&long).unwrap().size, 1, "the first one stays");
    assert_eq!(host.create_file(b"", 1, ANYONE, ANYONE), Err(Status::WRONG_DATA));
    let application = host.application;
    for name in [&b""[..], &[b'n'; 33]] {
        let name = name.to_vec();
        assert_eq!(host.delete_file(&name), Err(Status::WRONG_DATA));
        assert_eq!(host.file_info(&name), Err(Status::WRONG_DATA));
        assert_eq!(host.read_file(&name, 0, Le::Max), Err(Status::WRONG_DATA));
        assert_eq!(host.write_file(&name, 0, b"x"), Err(Status::WRONG_DATA));
    }
    assert_eq!(host.delete_file(b"unknown"), Err(Status::NO_SUCH_FILE));
    assert_eq!(host.send(&EnumFiles { application }).unwrap().last(), Some(&0));
    host.delete_file(&long).unwrap();
    assert_eq!(host.files(), ["印章".as_bytes()]);
    assert_eq!(host.delete_file(&long), Err(Status::NO_SUCH_FILE));
}

#[test]
fn sizes_and_rights_are_checked() {
    let mut host = logged_in(1);
    assert_eq!(host.create_file(b"F", 0, ANYONE, ANYONE), Err(Status::WRONG_DATA));
    assert_eq!(host.create_file(b"F", 0x1_0000, ANYONE, ANYONE), Err(Status::NO_SPACE));
    assert_eq!(host.create_file(b"F", 5, Rights(0x02), ANYONE), Err(Status::WRONG_DATA));
    assert_eq!(host.create_file(b"F", 5, ANYONE, Rights(0xFF00_0000)), Err(Status::WRONG_DATA), "byte order");
    assert!(host.files().is_empty());
    host.create_file(b"F", 0xFFFF, ANYONE, ANYONE).unwrap();
    host.write_file(b"F", 0xFFFE, b"x").unwrap();
    assert_eq!(host.read_file(b"F", 0xFFFD, Le::Max).unwrap(), [0, b'x']);
    assert_eq!(host.write_file(b"F", 0xFFFF, b"x"), Err(Status::WRONG_OFFSET));
}

#[test]
fn offsets_have_bounds() {
    let mut host = logged_in(1);
    host.create_file(b"F", 1000, ANYONE, ANYONE).unwrap();
    host.write_file(b"F", 0, &[7; 1000]).unwrap();
    assert_eq!(host.read_file(b"F", 999, Le::Exact(5)).unwrap(), [7], "what there is");
    assert_eq!(host.read_file(b"F", 1000, Le::Exact(1)), Err(Status::WRONG_OFFSET));
    assert_eq!(host.read_file(b"F", 0xFFFF, Le::Max), Err(Status::WRONG_OFFSET));
    host.write_file(b"F", 999, &[8]).unwrap();
    assert_eq!(host.write_file(b"F", 999, &[9; 2]), Err(Status::WRONG_OFFSET));
    assert_eq!(host.write_file(b"F", 1000, &[]), Err(Status::WRONG_OFFSET));
    assert_eq!(host.write_file(b"F", 0xFFFF, &[9; 600]), Err(Status::WRONG_OFFSET));
    host.write_file(b"F", 999, &[]).unwrap();
    assert_eq!(
        host.read_whole(b"F").unwrap(),
        [&[7; 999][..], &[8]].concat(),
        "what was refused wrote nothing"
    );
}

#[test]
fn a_read_gives_what_le_asks_in_blocks() {
    let mut host = logged_in(1);
    host.create_file(b"F", 9000, ANYONE, ANYONE).unwrap();
    let content: Vec<u8> = (0..9000_u32).map(|n| ((n * 11) >> 3) as u8).collect();
    host.write_whole(b"F", &content).unwrap();
    for (offset, wanted) in [(0_usize, 1_usize), (511, 2), (5, 496), (5, 497), (100, 4096)] {
        let read = host.read_file(b"F", offset as u16, Le::Exact(wanted as u16)).unwrap();
        assert!(read == content[offset..offset + wanted], "{wanted} bytes from {offset}");
    }
    assert!(host.read_file(b"F", 5000, Le::Max).unwrap() == content[5000..], "all there is");
    assert!(host.read_file(b"F", 5000, Le::Absent).unwrap() == content[5000..]);
    for wanted in [Le::Max, Le::Absent, Le::Exact(4097)] {
        assert_eq!(host.read_file(b"F", 0, wanted), Err(Status::WRONG_LE), "more than an answer holds");
    }
    assert!(host.read_whole(b"F").unwrap() == content);
}

#[test]
fn an_envelope_that_does_not_add_up_is_refused() {
    let mut host = logged_in(1);
    host.create_file(b"F", 9, ANYONE, ANYONE).unwrap();
    let [p1, p2] = host.application.0.to_be_bytes();
    let send = |host: &mut Host, ins: Ins, p1: u8, p2: u8, data: &str| {
        let ordered = match GM.quantity {
            ByteOrder::Big => data.replace('=', "000"),
            ByteOrder::Little => (0..4).fold(data.to_owned(), |data, digit| {
                data.replace(&format!("={digit}"), &format!("0{digit}00"))
            }),
        };
        host.apdu(plain(ins as u8, p1, p2, &hex::decode(ordered.replace(' ', "")).unwrap())).1
    };
    // Application, offset, name length, name; data length, data. A number behind `=` has 2 bytes.
    assert_eq!(send(&mut host, Ins::ReadFile, 0, 0, "1000 =0 =1 46"), Status::OK);
    assert_eq!(send(&mut host, Ins::ReadFile, 0, 0, "1000 =0 =2 46"), Status::WRONG_DATA);
    assert_eq!(send(&mut host, Ins::ReadFile, 0, 0, "1000 =0 =1 4646"), Status::WRONG_DATA);
    assert_eq!(send(&mut host, Ins::ReadFile, 0, 0, "1000 0000 00"), Status::WRONG_LENGTH);
    assert_eq!(send(&mut host, Ins::ReadFile, p1, p2, "1000 =0 =1 46"), Status::WRONG_P1P2);
    assert_eq!(send(&mut host, Ins::WriteFile, 0, 0, "1000 =0 =1 46 =2 4142"), Status::OK);
    assert_eq!(send(&mut host, Ins::WriteFile, 0, 0, "1000 =0 =1 46 =3 4142"), Status::WRONG_DATA);
    assert_eq!(send(&mut host, Ins::WriteFile, 0, 0, "1000 =0 =1 46 =1 4142"), Status::WRONG_DATA);
    assert_eq!(send(&mut host, Ins::WriteFile, 0, 0, "1000 =0 =1 46"), Status::WRONG_LENGTH);
    assert_eq!(send(&mut host, Ins::EnumFiles, p1, p2, "00"), Status::WRONG_LENGTH);
    assert_eq!(send(&mut host, Ins::EnumFiles, 0, 0, ""), Status::NO_SUCH_APPLICATION);
    assert_eq!(send(&mut host, Ins::CreateFile, p1, p2, &"46".repeat(45)), Status::WRONG_LENGTH);
    assert_eq!(send(&mut host, Ins::DeleteFile, p1, p2, "46"), Status::OK);
    let info = Apdu { le: Le::Exact(11), ..plain(Ins::GetFileInfo as u8, p1, p2, b"F") };
    assert_eq!(host.apdu(info).1, Status::WRONG_LE);
}

#[test]
fn the_wider_names_of_two_vendors_are_understood() {
    let mut host = logged_in(1);
    let [p1, p2] = host.application.0.to_be_bytes();
    let info = FileInfo { size: 9, read: ANYONE, write: Rights::USER };
    let mut behind = [0; 12];
    info.write(&mut Writer::new(&mut behind, &GM)).unwrap();
    for (width, name) in [(32, b"a"), (40, b"b"), (48, b"c")] {
        let mut data = name.to_vec();
        data.resize(width, 0);
        data.extend(behind);
        assert_eq!(host.apdu(plain(Ins::CreateFile as u8, p1, p2, &data)).1, Status::OK);
        assert_eq!(host.file_info(name), Ok(info));
    }
}

#[test]
fn the_dialects_differ_in_the_order_of_rights_only() {
    let mut image = {
        let mut host = with_application(ANYONE, 8);
        host.create_file(b"F", 0x0102, ANYONE, Rights::USER).unwrap();
        host.image()
    };
    for (dialect, info) in
        [(Dialect::GM2012, "00000102 000000ff 00000010"), (Dialect::GM3000, "00000102 ff000000 10000000")]
    {
        let platform = SimPlatform::with_image([1; 32], std::mem::take(&mut image)).unwrap();
        let settings = Settings { dialect, ..Settings::default() };
        let token = Token::power_on(platform, settings).map_err(|(error, _)| error).unwrap();
        let mut host = Host { application: AppId(0x1000), ..Host::of(token) };
        host.open().unwrap();
        let (got, status) = host.apdu(plain(Ins::GetFileInfo as u8, 0x10, 0, b"F"));
        assert_eq!((hex::encode(got), status), (info.replace(' ', ""), Status::OK), "{}", dialect.name);
        let name = dialect.name.as_str().as_bytes();
        let mut data = name.to_vec();
        data.resize(32, 0);
        data.extend(hex::decode(info.replace(' ', "")).unwrap());
        assert_eq!(host.apdu(plain(Ins::CreateFile as u8, 0x10, 0, &data)).1, Status::OK);
        assert_eq!(host.apdu(plain(Ins::CreateFile as u8, 0x10, 0, &data)).1, Status::FILE_EXISTS);
        image = host.image();
    }
    let mut host = Host::on(SimPlatform::with_image([1; 32], image).unwrap());
    host.open().unwrap();
    let info = FileInfo { size: 0x0102, read: ANYONE, write: Rights::USER };
    for name in ["F", "gm2012", "gm3000"] {
        assert_eq!(host.file_info(name.as_bytes()), Ok(info), "{name}");
    }
}

#[test]
fn an_application_has_as_many_files_as_it_was_given() {
    for (limit, count) in [(0, 0), (3, 3), (500, 120)] {
        let mut host = with_application(ANYONE, limit);
        let name = |number: usize| format!("{number:>32}").into_bytes();
        for number in 0..count {
            host.create_file(&name(number), 1, ANYONE, ANYONE).unwrap();
        }
        assert_eq!(host.create_file(b"MORE", 1, ANYONE, ANYONE), Err(Status::NO_SPACE));
        assert_eq!(host.files(), (0..count).map(name).collect::<Vec<_>>());
        if count > 0 {
            host.delete_file(&name(count / 2)).unwrap();
            host.create_file(b"MORE", 1, ANYONE, ANYONE).unwrap();
        }
    }
}

#[test]
fn an_application_takes_its_files_with_it() {
    let mut host = logged_in(1);
    host.create_file(b"F", 1000, Rights::USER, Rights::USER).unwrap();
    host.write_file(b"F", 0, &b"confidential".repeat(50)).unwrap();
    let there = |host: &mut Host| host.image().windows(12).any(|window| window == b"confidential");
    assert!(there(&mut host));
    host.authenticate().unwrap();
    host.send(&DeleteApplication { name: NAME }).unwrap();
    assert!(!there(&mut host), "its content is erased");
    host.create_application(NAME).unwrap();
    host.open().unwrap();
    assert!(host.files().is_empty());
    host.verify(PinType::User, USER).unwrap();
    host.create_file(b"F", 1000, ANYONE, ANYONE).unwrap();
    assert_eq!(host.read_whole(b"F").unwrap(), [0; 1000], "nothing of the old file comes back");
}

fn free_space(host: &mut Host) -> u32 {
    DevInfo::read(&host.send(&GetDevInfo).unwrap(), &GM).unwrap().free_space
}

#[test]
fn a_full_token_refuses_and_stays_readable_and_writable() {
    let mut host = with_application(ANYONE, 200);
    let mut files: Vec<(Vec<u8>, u8, usize)> = Vec::new();
    for size in [48 * 1024, 5000, 300] {
        loop {
            let (number, name) = (files.len() as u8, format!("{}", files.len()).into_bytes());
            match host.create_file(&name, size as u32, ANYONE, ANYONE) {
                Ok(()) => host.write_whole(&name, &vec![number | 1; size]).unwrap(),
                Err(status) => {
                    assert_eq!(status, Status::NO_SPACE);
                    break;
                }
            }
            files.push((name, number | 1, size));
        }
    }
    assert!(files.iter().filter(|(_, _, size)| *size == 48 * 1024).count() >= 4);
    host.verify(PinType::User, USER).unwrap();
    assert_eq!(host.create_container(b"NO ROOM"), Err(Status::NO_SPACE));

    // Round the flash twice, with nothing but what is allowed when it is full.
    let free = free_space(&mut host);
    let mut laps = 0;
    for round in 0..40_u8 {
        for (name, byte, size) in &mut files {
            *byte = round | 1;
            host.write_whole(name, &vec![*byte; *size]).unwrap();
        }
        host.send(&SetLabel { label: format!("round {round}").as_bytes() }).unwrap();
        host.change(PinType::User, USER, USER).unwrap();
        laps = host.token.wear().log;
        if laps >= 3 {
            break;
        }
    }
    assert!(laps >= 3, "{laps} laps");
    assert_eq!(free_space(&mut host), free);
    let mut host = host.restart();
    host.open().unwrap();
    for (name, byte, size) in &files {
        assert!(host.read_whole(name).unwrap() == vec![*byte; *size]);
    }
    let (name, ..) = &files[0];
    host.delete_file(name).unwrap();
    assert!(free_space(&mut host) > free + 48 * 1024);
    host.create_file(name, 48 * 1024, ANYONE, ANYONE).unwrap();
}

#[test]
fn a_large_file_costs_little_more_than_its_content() {
    let mut host = with_application(ANYONE, 8);
    host.create_file(b"SEAL", 48 * 1024, ANYONE, ANYONE).unwrap();
    let content = vec![0x11; 48 * 1024];
    // A part of 480 bytes touches two pieces of 512: at most 2.3 times what is written.
    let pages = |host: &mut Host| host.token.platform().flash.counts().erases;
    for _ in 0..4 {
        host.write_whole(b"SEAL", &content).unwrap();
    }
    let before = pages(&mut host);
    for _ in 0..10 {
        host.write_whole(b"SEAL", &content).unwrap();
    }
    let written = (pages(&mut host) - before) * SimFlash::PAGE as u64;
    let ratio = written as f64 / (10 * 48 * 1024) as f64;
    assert!((1.0..2.6).contains(&ratio), "{ratio}");
}

#[test]
fn a_chained_write_is_one_command() {
    let mut host = logged_in(1);
    host.create_file(b"F", 5000, ANYONE, ANYONE).unwrap();
    host.write_file(b"F", 300, &[5; 4000]).unwrap();
    assert_eq!(host.read_file(b"F", 300, Le::Exact(4000)).unwrap(), [5; 4000]);
    assert_eq!(host.write_file(b"F", 300, &[6; 4100]), Err(Status::WRONG_LENGTH), "more than the buffer");
    assert_eq!(host.read_file(b"F", 300, Le::Exact(4000)).unwrap(), [5; 4000]);
    let part =
        Apdu { cla: Cla { chained: true, protected: false }, ..plain(Ins::WriteFile as u8, 0, 0, &[0x10]) };
    assert_eq!(host.apdu(part).1, Status::OK);
    let names = EnumFiles { application: host.application };
    assert_eq!(host.send(&names), Err(Status::CONDITIONS_NOT_SATISFIED), "it ends a chain that is under way");
    assert_eq!(host.files(), [b"F"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_parts_make_the_same_file(
        size in 1_usize..5000,
        parts in proptest::collection::vec((any::<prop::sample::Index>(), 0_usize..1500, any::<u8>()), 1..12),
    ) {
        let mut host = logged_in(2);
        host.create_file(b"F", size as u32, Rights::USER, Rights::USER).unwrap();
        let mut expected = vec![0; size];
        for (at, length, byte) in parts {
            let offset = at.index(size);
            let written = host.write_file(b"F", offset as u16, &vec![byte; length]);
            if offset + length <= size {
                prop_assert_eq!(written, Ok(()));
                expected[offset..offset + length].fill(byte);
            } else {
                prop_assert_eq!(written, Err(Status::WRONG_OFFSET));
            }
        }
        prop_assert!(host.read_whole(b"F").unwrap() == expected);
        let mut host = host.restart();
        host.open().unwrap();
        host.verify(PinType::User, USER).unwrap();
        prop_assert!(host.read_whole(b"F").unwrap() == expected);
    }
}
