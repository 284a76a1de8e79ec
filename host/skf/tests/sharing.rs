//! Several handles, several threads: locks, events, session keys of devices that go.

mod common;

use common::*;
use ukey_skf::abi::types::BLOCKCIPHERPARAM;

const TIMEOUT: u32 = 0x0A00_000F;
const FOR_EVER: u32 = 0xFFFF_FFFF;

fn info(device: usize) -> u32 {
    let mut info = [0_u8; 294];
    skf!(SKF_GetDevInfo(device, info.as_mut_ptr()))
}

#[test]
fn a_lock_keeps_other_handles_out_until_it_is_given_back_as_often() {
    let name = token();
    let (one, two) = (connect(&name), connect(&name));
    assert_eq!(skf!(SKF_LockDev(one, FOR_EVER)), OK);
    assert_eq!(skf!(SKF_LockDev(one, 0_u32)), OK);
    assert_eq!(info(one), OK);
    assert_eq!(info(two), 0x0A00_0001);
    assert!(last_error().contains("in use by another handle of this program"), "{}", last_error());
    // One that connects meanwhile waits as well.
    let three = connect(&name);
    assert_eq!(skf!(SKF_LockDev(three, 5_u32)), TIMEOUT);
    assert_eq!(skf!(SKF_UnlockDev(one)), OK);
    assert_eq!(skf!(SKF_LockDev(two, 5_u32)), TIMEOUT);
    std::thread::scope(|scope| {
        let waiting = [two, three].map(|device| {
            scope.spawn(move || {
                assert_eq!(skf!(SKF_LockDev(device, FOR_EVER)), OK);
                assert_eq!(info(device), OK);
                assert_eq!(skf!(SKF_UnlockDev(device)), OK);
            })
        });
        assert_eq!(skf!(SKF_UnlockDev(one)), OK);
        for thread in waiting {
            thread.join().unwrap();
        }
    });
    // Nobody gives back what another took.
    assert_eq!(skf!(SKF_LockDev(one, 0_u32)), OK);
    assert_eq!((skf!(SKF_UnlockDev(two)), info(two), info(one)), (0x0A00_0001, 0x0A00_0001, OK));
    assert_eq!((skf!(SKF_UnlockDev(one)), info(two)), (OK, OK));
    // A device that goes gives back what it took.
    assert_eq!(skf!(SKF_LockDev(two, 0_u32)), OK);
    assert_eq!(skf!(SKF_DisConnectDev(two)), OK);
    assert_eq!(info(one), OK);
}

#[test]
fn who_waits_for_a_key_sleeps_until_it_is_pulled() {
    let name = token();
    let device = connect(&name);
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| {
            let (mut event_name, mut size, mut event) = ([0_u8; 64], 64_u32, 0_u32);
            let code = skf!(SKF_WaitForDevEvent(event_name.as_mut_ptr(), &raw mut size, &raw mut event));
            (code, event, event_name[..size as usize].to_vec())
        });
        // `token` enumerated, so the wait may begin before or after.
        assert_eq!(skf!(UKEY_Unplug(name.as_ptr())), OK);
        assert_eq!(waiting.join().unwrap(), (OK, 2, name.clone()));
    });
    assert_eq!(info(device), 0x0A00_0023);
    assert_eq!(skf!(UKEY_PlugIn(name.as_ptr())), OK);
    let (mut event_name, mut size, mut event) = ([0_u8; 64], 64_u32, 0_u32);
    assert_eq!(skf!(SKF_WaitForDevEvent(event_name.as_mut_ptr(), &raw mut size, &raw mut event)), OK);
    assert_eq!((event, &event_name[..size as usize]), (1, &name[..]));
}

#[test]
fn the_session_keys_of_a_device_go_with_it() {
    let name = token();
    // A token has room for 8: without an end to them the second device would get none.
    for _ in 0..3 {
        let device = connect(&name);
        for _ in 0..8 {
            let mut key = 0_usize;
            assert_eq!(skf!(SKF_SetSymmKey(device, FACTORY_KEY.as_ptr(), 0x401_u32, &raw mut key)), OK);
        }
        let mut ninth = 0_usize;
        let code = skf!(SKF_SetSymmKey(device, FACTORY_KEY.as_ptr(), 0x401_u32, &raw mut ninth));
        assert_eq!((code, ninth), (0x0A00_0030, 0));
        assert_eq!(skf!(SKF_DisConnectDev(device)), OK);
    }
}

#[test]
fn a_buffer_that_is_too_small_costs_nothing() {
    let device = connect(&token());
    for algorithm in [0x401_u32, 0x402, 0x404, 0x408] {
        for padding in [0, 1] {
            let mut key = 0_usize;
            assert_eq!(skf!(SKF_SetSymmKey(device, FACTORY_KEY.as_ptr(), algorithm, &raw mut key)), OK);
            let parameters = BLOCKCIPHERPARAM { IV: [7; 32], IVLen: 16, PaddingType: padding, FeedBitLen: 0 };
            let data: Vec<u8> = (0..if padding == 1 { 37 } else { 48 }).collect();
            // All in one, first into a buffer that is one byte short; then in parts, each first one byte short.
            let run = |encrypt: bool, input: &[u8]| {
                let all = |out: *mut u8, size: *mut u32| {
                    let (input, length) = (input.as_ptr(), input.len() as u32);
                    if encrypt {
                        skf!(SKF_Encrypt(key, input, length, out, size))
                    } else {
                        skf!(SKF_Decrypt(key, input, length, out, size))
                    }
                };
                let begin = || {
                    if encrypt {
                        skf!(SKF_EncryptInit(key, parameters))
                    } else {
                        skf!(SKF_DecryptInit(key, parameters))
                    }
                };
                assert_eq!(begin(), OK);
                let whole = grow(&all);
                assert_eq!(begin(), OK);
                let mut joined = Vec::new();
                for part in input.chunks(11) {
                    let (part, length) = (part.as_ptr(), part.len() as u32);
                    joined.extend(grow(&|out, size| {
                        if encrypt {
                            skf!(SKF_EncryptUpdate(key, part, length, out, size))
                        } else {
                            skf!(SKF_DecryptUpdate(key, part, length, out, size))
                        }
                    }));
                }
                joined.extend(grow(&|out, size| {
                    if encrypt {
                        skf!(SKF_EncryptFinal(key, out, size))
                    } else {
                        skf!(SKF_DecryptFinal(key, out, size))
                    }
                }));
                assert_eq!(whole, joined, "algorithm {algorithm:X}, padding {padding}");
                whole
            };
            let cipher = run(true, &data);
            assert_eq!(run(false, &cipher), data, "algorithm {algorithm:X}, padding {padding}");
            assert_eq!(skf!(SKF_CloseHandle(key)), OK);
        }
    }
}

/// Calls with buffers of 0, 1, 2… bytes until one is large enough: every refusal must leave all as it was.
fn grow(call: &dyn Fn(*mut u8, *mut u32) -> u32) -> Vec<u8> {
    for room in 0..=128 {
        let (mut out, mut size) = (vec![0_u8; 128], room);
        match call(out.as_mut_ptr(), &raw mut size) {
            OK => {
                assert!(size <= room);
                out.truncate(size as usize);
                return out;
            }
            code => assert_eq!((code, size > room), (0x0A00_0020, true), "{}", last_error()),
        }
    }
    panic!("128 bytes are enough");
}
