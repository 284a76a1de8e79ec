//! Devices, PINs, applications, containers, files: through the exported symbols, as a program loads them.

mod common;

use common::*;
use ukey_skf::abi::types::{BLOCKCIPHERPARAM, DEVINFO, ECCSIGNATUREBLOB, FILEATTRIBUTE};

const INVALID_HANDLE: u32 = 0x0A00_0005;
const INVALID_PARAMETER: u32 = 0x0A00_0006;
const NAME_LENGTH: u32 = 0x0A00_0009;
const TOO_SMALL: u32 = 0x0A00_0020;
const REMOVED: u32 = 0x0A00_0023;
const INCORRECT: u32 = 0x0A00_0024;
const LOCKED: u32 = 0x0A00_0025;
const NOT_LOGGED_IN: u32 = 0x0A00_002D;

fn info(device: usize) -> DEVINFO {
    let mut info = std::mem::MaybeUninit::<DEVINFO>::uninit();
    assert_eq!(skf!(SKF_GetDevInfo(device, info.as_mut_ptr())), OK);
    // SAFETY: it was filled, and any bytes are one.
    unsafe { info.assume_init() }
}

fn text(field: &[u8]) -> &str {
    std::str::from_utf8(field).unwrap().trim_end_matches('\0')
}

#[test]
fn a_device_tells_who_it_is_under_the_name_it_was_enumerated_by() {
    let all = list(|bytes, size| skf!(SKF_EnumDev(0_u32, bytes, size)));
    assert_eq!(all.len(), TOKENS);
    let name = token();
    let device = connect(&name);
    let own = info(device);
    assert_eq!(text(&own.SerialNumber).as_bytes(), &name[..name.len() - 1]);
    assert_eq!({ own.DevAuthAlgId }, 0x401);
    assert!({ own.TotalSpace } >= { own.FreeSpace } && { own.MaxBufferSize } > 0);

    assert_eq!(skf!(SKF_SetLabel(device, c"a label of thirty-one bytes ...".as_ptr())), OK);
    assert_eq!(text(&info(device).Label), "a label of thirty-one bytes ...");
    for label in [&b"\0"[..], b"a label of thirty-two bytes ....\0"] {
        assert_eq!(skf!(SKF_SetLabel(device, label.as_ptr())), NAME_LENGTH);
    }

    let mut state = 9;
    assert_eq!((skf!(SKF_GetDevState(name.as_ptr(), &raw mut state)), state), (OK, 1));
    assert_eq!((skf!(SKF_GetDevState(c"nobody".as_ptr(), &raw mut state)), state), (OK, 2));
    let mut other = 0_usize;
    assert_eq!(skf!(SKF_ConnectDev(c"nobody".as_ptr(), &raw mut other)), INVALID_PARAMETER);

    assert_eq!(skf!(SKF_DisConnectDev(device)), OK);
    assert_eq!(skf!(SKF_DisConnectDev(device)), INVALID_HANDLE);
}

#[test]
fn a_raw_command_goes_to_the_token_and_back() {
    let device = connect(&token());
    let (mut answer, mut length) = ([0_u8; 512], 512);
    let command = [0x80_u8, 0x50, 0, 0, 0, 0, 8];
    assert_eq!(skf!(SKF_Transmit(device, command.as_ptr(), 7_u32, answer.as_mut_ptr(), &raw mut length)), OK);
    assert_eq!((length, &answer[8..10]), (10, &[0x90, 0][..]));
    let command = [0x80_u8, 0xF0, 0, 0];
    length = 512;
    assert_eq!(skf!(SKF_Transmit(device, command.as_ptr(), 4_u32, answer.as_mut_ptr(), &raw mut length)), OK);
    assert_eq!((length, &answer[..2]), (2, &[0x6D, 0][..]));
}

#[test]
fn the_device_key_gives_the_right_to_create_applications() {
    let device = connect(&token());
    let mut application = 0_usize;
    let mut create = || {
        skf!(SKF_CreateApplication(
            device,
            APPLICATION.as_ptr(),
            ADMIN.as_ptr(),
            3_u32,
            USER.as_ptr(),
            3_u32,
            0xFF_u32,
            &raw mut application
        ))
    };
    assert_eq!(create(), 0x0A00_0001, "without the right");
    assert!(last_error().contains("CreateApplication answered 6982"), "{}", last_error());
    assert_eq!(skf!(SKF_ChangeDevAuthKey(device, FACTORY_KEY.as_ptr(), 16_u32)), 0x0A00_0001);
    assert_eq!(try_to_authenticate(device, &[1; 16]), 0x0A00_0001, "with another key");
    authenticate(device);
    assert_eq!(create(), OK);
    assert_eq!(create(), 0x0A00_002C, "it exists");

    let new = [7; 16];
    assert_eq!(skf!(SKF_ChangeDevAuthKey(device, new.as_ptr(), 15_u32)), 0x0A00_0010);
    assert_eq!(skf!(SKF_ChangeDevAuthKey(device, new.as_ptr(), 16_u32)), OK, "{}", last_error());
    assert_eq!(try_to_authenticate(device, FACTORY_KEY), 0x0A00_0001, "the old key");
    assert_eq!(try_to_authenticate(device, &new), OK);
    assert_eq!(skf!(SKF_ChangeDevAuthKey(device, FACTORY_KEY.as_ptr(), 16_u32)), OK);

    assert_eq!(list(|bytes, size| skf!(SKF_EnumApplication(device, bytes, size))), ["UKEY"]);
    assert_eq!(skf!(SKF_DeleteApplication(device, c"OTHER".as_ptr())), 0x0A00_002E);
    assert_eq!(skf!(SKF_DeleteApplication(device, APPLICATION.as_ptr())), OK);
    assert!(list(|bytes, size| skf!(SKF_EnumApplication(device, bytes, size))).is_empty());
}

#[test]
fn the_device_key_is_changed_by_whoever_proved_it() {
    let name = token();
    let (one, two) = (connect(&name), connect(&name));
    let new = [0x33_u8; 16];
    assert_eq!(skf!(SKF_ChangeDevAuthKey(one, new.as_ptr(), 16_u32)), 0x0A00_0001);
    assert!(last_error().contains("prove the device authentication key first"), "{}", last_error());
    // The right is the token's: it holds for every handle.
    authenticate(two);
    assert_eq!(skf!(SKF_ChangeDevAuthKey(one, new.as_ptr(), 16_u32)), OK);
    assert_eq!(try_to_authenticate(one, FACTORY_KEY), 0x0A00_0001);
    assert_eq!(try_to_authenticate(one, &new), OK);
}

#[test]
fn a_long_random_is_a_challenge_by_its_first_16_bytes() {
    let device = connect(&token());
    for length in [16_u32, 17, 128, 129, 135, 136, 200, 1000] {
        let mut random = vec![0; length as usize];
        assert_eq!(skf!(SKF_GenRandom(device, random.as_mut_ptr(), length)), OK);
        let cryptogram = sm4(device, FACTORY_KEY, &random[..16], true);
        assert_eq!(skf!(SKF_DevAuth(device, cryptogram.as_ptr(), 16_u32)), OK, "{length}: {}", last_error());
        assert_eq!(
            skf!(SKF_ChangeDevAuthKey(device, FACTORY_KEY.as_ptr(), 16_u32)),
            OK,
            "which key it was is known"
        );
    }
}

#[test]
fn a_proof_that_failed_takes_the_last_one_away() {
    let device = connect(&token());
    authenticate(device);
    assert_eq!(try_to_authenticate(device, &[1; 16]), 0x0A00_0001);
    assert_eq!(skf!(SKF_ChangeDevAuthKey(device, FACTORY_KEY.as_ptr(), 16_u32)), 0x0A00_0001);
    assert!(last_error().contains("prove the device authentication key first"), "{}", last_error());
}

#[test]
fn handles_of_what_was_deleted_do_not_reach_what_is_made_again() {
    let (device, old, old_container, _) = issued();
    let mut old_key = 0_usize;
    let mut sealed = [0_u8; 256];
    let own = public_key();
    let made = skf!(SKF_ECCExportSessionKey(
        old_container,
        0x401_u32,
        std::ptr::from_ref(&own),
        sealed.as_mut_ptr(),
        &raw mut old_key
    ));
    assert_eq!(made, OK);
    assert_eq!(skf!(SKF_DeleteApplication(device, APPLICATION.as_ptr())), OK);
    let new = create_application(device);
    log_in(new);
    let (new_container, _) = container(new, b"DEV\0");
    let mut new_key = 0_usize;
    let made = skf!(SKF_ECCExportSessionKey(
        new_container,
        0x401_u32,
        std::ptr::from_ref(&own),
        sealed.as_mut_ptr(),
        &raw mut new_key
    ));
    assert_eq!(made, OK);
    // The token gave them the same ids.
    let parameters = BLOCKCIPHERPARAM { IV: [0; 32], IVLen: 0, PaddingType: 0, FeedBitLen: 0 };
    let mut kind = 0_u32;
    assert_eq!(
        skf!(SKF_ClearSecureState(old)),
        0x0A00_002E,
        "the right of the new one is not theirs to drop"
    );
    assert_eq!(skf!(SKF_GetContainerType(old_container, &raw mut kind)), 0x0A00_002E);
    assert_eq!(skf!(SKF_EncryptInit(old_key, parameters)), 0x0A00_002E);
    for code in [
        skf!(SKF_CloseHandle(old_key)),
        skf!(SKF_CloseContainer(old_container)),
        skf!(SKF_CloseApplication(old)),
    ] {
        assert_eq!(code, OK, "{}", last_error());
    }
    assert_eq!(skf!(SKF_EncryptInit(new_key, parameters)), OK);
    assert_eq!((skf!(SKF_GetContainerType(new_container, &raw mut kind)), kind), (OK, 2));
    // The same of a container alone.
    assert_eq!(skf!(SKF_DeleteContainer(new, c"DEV".as_ptr())), OK);
    let (again, _) = container(new, b"DEV\0");
    let (mut signature, digest) = (std::mem::MaybeUninit::<ECCSIGNATUREBLOB>::uninit(), [1_u8; 32]);
    let mut sign =
        |container| skf!(SKF_ECCSignData(container, digest.as_ptr(), 32_u32, signature.as_mut_ptr()));
    assert_eq!((sign(new_container), sign(again)), (INVALID_PARAMETER, OK));
    assert_eq!(skf!(SKF_CloseContainer(new_container)), OK);
    assert_eq!(sign(again), OK, "{}", last_error());
}

#[test]
fn a_challenge_of_16_bytes_and_padded_data_authenticate_too() {
    let device = connect(&token());
    let mut challenge = [0; 16];
    assert_eq!(skf!(SKF_GenRandom(device, challenge.as_mut_ptr(), 16_u32)), OK);
    let mut cryptogram = sm4(device, FACTORY_KEY, &challenge, true);
    cryptogram.extend([0xEE; 16]);
    assert_eq!(skf!(SKF_DevAuth(device, cryptogram.as_ptr(), 32_u32)), OK);
    assert_eq!(
        skf!(SKF_DevAuth(device, cryptogram.as_ptr(), 32_u32)),
        0x0A00_000C,
        "a challenge serves once"
    );
    assert_eq!(skf!(SKF_DevAuth(device, cryptogram.as_ptr(), 8_u32)), 0x0A00_0010);
    create_application(device);
}

#[test]
fn pins_count_their_tries() {
    let (_, application, ..) = issued();
    let mut left = 77_u32;
    let verify = |pin_type: u32, pin: &[u8], left: *mut u32| {
        skf!(SKF_VerifyPIN(application, pin_type, pin.as_ptr(), left))
    };
    assert_eq!((verify(1, WRONG, &raw mut left), left), (INCORRECT, 9));
    let (mut most, mut remain, mut default) = (0_u32, 0_u32, [0xAA_u8; 8]);
    let told = default.as_mut_ptr().cast::<u32>();
    assert_eq!(skf!(SKF_GetPINInfo(application, 1_u32, &raw mut most, &raw mut remain, told)), OK);
    assert_eq!((most, remain), (10, 9));
    assert_eq!(default[4..], [0xAA; 4], "a BOOL has 4 bytes");
    assert_eq!(default[..4], 1_u32.to_ne_bytes());
    assert_eq!(verify(2, USER, &raw mut left), 0x0A00_002A);
    assert_eq!(verify(1, b"\0", &raw mut left), 0x0A00_0027);
    assert_eq!(verify(1, b"12345678901234567\0", &raw mut left), 0x0A00_0027);
    assert_eq!(verify(1, USER, &raw mut left), OK);

    let change = |old: &[u8], new: &[u8], left: *mut u32| {
        skf!(SKF_ChangePIN(application, 1_u32, old.as_ptr(), new.as_ptr(), left))
    };
    assert_eq!((change(WRONG, b"new-pin\0", &raw mut left), left), (INCORRECT, 9));
    assert_eq!(change(USER, b"new\0", &raw mut left), 0x0A00_0027, "too short");
    assert_eq!(change(USER, b"new-pin\0", &raw mut left), OK);
    for expected in (0..10).rev() {
        let code = if expected == 0 { LOCKED } else { INCORRECT };
        assert_eq!((verify(1, USER, &raw mut left), left), (code, expected));
    }
    assert_eq!((verify(1, b"new-pin\0", &raw mut left), left), (LOCKED, 0));
    let unblock =
        |admin: &[u8], left: *mut u32| skf!(SKF_UnblockPIN(application, admin.as_ptr(), USER.as_ptr(), left));
    assert_eq!((unblock(WRONG, &raw mut left), left), (INCORRECT, 9));
    assert_eq!(unblock(ADMIN, &raw mut left), OK);
    assert_eq!(verify(1, USER, &raw mut left), OK);
}

#[test]
fn an_application_is_closed_with_its_last_handle_and_keeps_its_rights() {
    let (device, one, container, _) = issued();
    let mut two = 0_usize;
    assert_eq!(skf!(SKF_OpenApplication(device, APPLICATION.as_ptr(), &raw mut two)), OK);
    assert_ne!(one, two);
    assert_eq!(skf!(SKF_CloseApplication(one)), OK);
    assert_eq!(skf!(SKF_CloseApplication(one)), INVALID_HANDLE);
    // The token still has it open.
    assert_eq!(list(|bytes, size| skf!(SKF_EnumContainer(two, bytes, size))), ["DEV"]);
    // A container outlives its application's handle only to be closed.
    let mut kind = 0_u32;
    assert_eq!(skf!(SKF_GetContainerType(container, &raw mut kind)), INVALID_HANDLE);
    assert_eq!(skf!(SKF_CloseContainer(container)), OK);
    assert_eq!(skf!(SKF_CloseContainer(container)), INVALID_HANDLE);

    assert_eq!(skf!(SKF_CloseApplication(two)), OK);
    assert_eq!(skf!(SKF_OpenApplication(device, APPLICATION.as_ptr(), &raw mut two)), OK);
    let create = |name: &[u8]| {
        let mut container = 0_usize;
        skf!(SKF_CreateContainer(two, name.as_ptr(), &raw mut container))
    };
    assert_eq!(create(b"TWO\0"), OK, "the user is still logged in");
    assert_eq!(create(b"TWO\0"), 0x0A00_000D);
    assert_eq!(create(b"\0"), NAME_LENGTH);
    assert_eq!(skf!(SKF_ClearSecureState(two)), OK);
    assert_eq!(create(b"THREE\0"), NOT_LOGGED_IN);
    assert_eq!(skf!(SKF_OpenApplication(device, c"OTHER".as_ptr(), &raw mut two)), 0x0A00_002E);
}

#[test]
fn a_container_holds_a_pair_and_its_certificate() {
    let (device, application, container, key) = issued();
    let mut kind = 9_u32;
    assert_eq!((skf!(SKF_GetContainerType(container, &raw mut kind)), kind), (OK, 2));
    let digest = [0x11; 32];
    let mut signature = ECCSIGNATUREBLOB { r: [0xAA; 64], s: [0xAA; 64] };
    assert_eq!(skf!(SKF_ECCSignData(container, digest.as_ptr(), 32_u32, &raw mut signature)), OK);
    assert_eq!([&signature.r[..32], &signature.s[..32]], [&[0; 32], &[0; 32]]);
    let verify = |digest: &[u8; 32]| {
        skf!(SKF_ECCVerify(device, &raw const key, digest.as_ptr(), 32_u32, &raw const signature))
    };
    assert_eq!(verify(&digest), OK);
    assert_eq!(verify(&[0x12; 32]), 0x0A00_001A);
    assert_eq!(skf!(SKF_ECCSignData(container, digest.as_ptr(), 31_u32, &raw mut signature)), 0x0A00_0010);

    let (mut blob, mut size) = ([0_u8; 132], 131);
    let export =
        |sign: u32, blob: *mut u8, size: *mut u32| skf!(SKF_ExportPublicKey(container, sign, blob, size));
    assert_eq!((export(1, blob.as_mut_ptr(), &raw mut size), size), (TOO_SMALL, 132));
    assert_eq!((export(1, blob.as_mut_ptr(), &raw mut size), size), (OK, 132));
    assert_eq!([&blob[4..68], &blob[68..]], [&key.XCoordinate, &key.YCoordinate]);
    assert_eq!(export(0, blob.as_mut_ptr(), &raw mut size), 0x0A00_001B, "no encryption pair yet");

    let certificate = [0x30_u8; 700];
    let import =
        |sign: u32, length: u32| skf!(SKF_ImportCertificate(container, sign, certificate.as_ptr(), length));
    let mut export = vec![0; 700];
    size = 700;
    assert_eq!(
        skf!(SKF_ExportCertificate(container, 1_u32, export.as_mut_ptr(), &raw mut size)),
        0x0A00_001C
    );
    assert_eq!((import(0, 700), import(1, 0), import(1, 700)), (0x0A00_001B, 0x0A00_0010, OK));
    size = 699;
    assert_eq!(skf!(SKF_ExportCertificate(container, 1_u32, export.as_mut_ptr(), &raw mut size)), TOO_SMALL);
    assert_eq!(skf!(SKF_ExportCertificate(container, 1_u32, export.as_mut_ptr(), &raw mut size)), OK);
    assert_eq!(export, certificate);

    let envelope = envelope(device, &key);
    assert_eq!(skf!(SKF_ImportECCKeyPair(container, envelope.as_ptr())), OK, "{}", last_error());
    let mut bad = envelope;
    bad[380] ^= 1;
    assert_ne!(skf!(SKF_ImportECCKeyPair(container, bad.as_ptr())), OK);
    size = 132;
    assert_eq!(skf!(SKF_ExportPublicKey(container, 0_u32, blob.as_mut_ptr(), &raw mut size)), OK);
    assert_eq!(blob[4..68], public_key().XCoordinate[..]);

    assert_eq!(skf!(SKF_DeleteContainer(application, c"OTHER".as_ptr())), INVALID_PARAMETER);
    assert_eq!(skf!(SKF_DeleteContainer(application, c"DEV".as_ptr())), OK);
    assert_ne!(skf!(SKF_ECCSignData(container, digest.as_ptr(), 32_u32, &raw mut signature)), OK);
    assert_eq!(skf!(SKF_CloseContainer(container)), OK);
}

#[test]
fn files_keep_what_was_written() {
    let (_, application, ..) = issued();
    let name = c"FILE".as_ptr();
    assert_eq!(skf!(SKF_CreateFile(application, name, 1000_u32, 0x10_u32, 0x10_u32)), OK);
    assert_eq!(skf!(SKF_CreateFile(application, name, 1000_u32, 0x10_u32, 0x10_u32)), 0x0A00_002F);
    assert_eq!(list(|bytes, size| skf!(SKF_EnumFiles(application, bytes, size))), ["FILE"]);
    let mut attribute = FILEATTRIBUTE { FileName: [0xAA; 32], FileSize: 0, ReadRights: 0, WriteRights: 0 };
    assert_eq!(skf!(SKF_GetFileInfo(application, name, &raw mut attribute)), OK);
    assert_eq!(text(&attribute.FileName), "FILE");
    assert_eq!(
        ({ attribute.FileSize }, { attribute.ReadRights }, { attribute.WriteRights }),
        (1000, 0x10, 0x10)
    );

    let content: Vec<u8> = (0..1000_u32).map(|at| at.to_le_bytes()[0]).collect();
    let write =
        |offset: u32, length: u32| skf!(SKF_WriteFile(application, name, offset, content.as_ptr(), length));
    assert_eq!((write(0, 1000), write(1, 1000)), (OK, INVALID_PARAMETER));
    let (mut read, mut size) = (vec![0; 1000], 0);
    let mut reading = |offset: u32, wanted: u32, room: u32| {
        size = room;
        let code = skf!(SKF_ReadFile(application, name, offset, wanted, read.as_mut_ptr(), &raw mut size));
        (code, size, read.clone())
    };
    let (code, size, read) = reading(10, 2000, 1000);
    assert_eq!((code, size, &read[..990]), (OK, 990, &content[10..]));
    assert_eq!(reading(10, 100, 99).0, TOO_SMALL);
    assert_eq!(reading(1000, 1, 1000).0, INVALID_PARAMETER);
    let mut asked = 0;
    let query =
        skf!(SKF_ReadFile(application, name, 900_u32, 500_u32, std::ptr::null_mut::<u8>(), &raw mut asked));
    assert_eq!((query, asked), (OK, 100));
    assert_eq!(skf!(SKF_ClearSecureState(application)), OK);
    assert_eq!((write(0, 10), reading(0, 10, 10).0), (NOT_LOGGED_IN, NOT_LOGGED_IN));
    log_in(application);
    assert_eq!(skf!(SKF_DeleteFile(application, name)), OK);
    assert_eq!(skf!(SKF_DeleteFile(application, name)), 0x0A00_0031);
}

#[test]
fn what_was_open_in_a_key_that_was_pulled_is_gone() {
    let name = token();
    let device = connect(&name);
    authenticate(device);
    let application = create_application(device);
    assert_eq!(skf!(UKEY_Unplug(name.as_ptr())), OK);
    assert_eq!(skf!(UKEY_Unplug(name.as_ptr())), REMOVED);
    let mut state = 9;
    assert_eq!((skf!(SKF_GetDevState(name.as_ptr(), &raw mut state)), state), (OK, 0));
    let mut handle = 0_usize;
    assert_eq!(skf!(SKF_ConnectDev(name.as_ptr(), &raw mut handle)), REMOVED);
    assert_eq!(skf!(SKF_ClearSecureState(application)), REMOVED);
    assert_eq!(skf!(UKEY_PlugIn(name.as_ptr())), OK);
    assert_eq!(skf!(UKEY_PlugIn(name.as_ptr())), 0x0A00_0001);
    assert_eq!(skf!(SKF_ClearSecureState(application)), REMOVED, "of before");
    assert_eq!(skf!(SKF_CloseApplication(application)), OK);
    let again = connect(&name);
    assert_eq!(skf!(SKF_OpenApplication(again, APPLICATION.as_ptr(), &raw mut handle)), OK);
    assert_eq!(skf!(SKF_DisConnectDev(device)), OK);
    assert_eq!(skf!(SKF_ClearSecureState(handle)), OK);
}
