//! Targets as users write them.

use ukey_device::{Board, Target, UnknownTarget};

#[test]
fn what_is_printed_is_what_was_parsed() {
    for text in [
        "sim",
        "sim:key.ukey",
        "sim:/a/b c.ukey",
        "sim:a:b",
        "tcp:127.0.0.1:9",
        "tcp:[::1]:9",
        "unix:/a b:c",
        "serial:/dev/ttyUSB0",
        "serial:/dev/a@b@9600",
        "pcsc:Virtual PCD 00 00",
        "skf:/a/liba.so",
        "skf:liba.so#UKEY 1#2",
        "qemu:mps2-an386",
        "qemu:ast1030-evb",
        "qemu:ast1030-evb=/a/b=c.bin",
    ] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
    assert_eq!("sim:key.ukey".parse(), Ok(Target::SimFile("key.ukey".into())));
    assert_eq!(Target::default(), Target::Sim);
    assert_eq!("qemu".parse(), Ok(Target::Qemu { board: Board::Mps2An386, flash: None }));
    let file = Some("f".into());
    assert_eq!("qemu:ast1030-evb=f".parse(), Ok(Target::Qemu { board: Board::Ast1030Evb, flash: file }));
}

#[test]
fn a_board_that_is_not_there_is_answered_with_the_boards() {
    for text in ["qemu:b", "qemu:mps2", "qemu:b=mps2-an386"] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(error.to_string().contains("mps2-an386, ast1030-evb"), "{error}");
        assert!(error.message_zh().contains("mps2-an386, ast1030-evb"), "{}", error.message_zh());
    }
    for text in ["qemu:", "qemu:=f", "qemu:mps2-an386="] {
        let error = text.parse::<Target>().unwrap_err();
        assert_eq!(error, UnknownTarget::Incomplete { form: "qemu:BOARD[=FILE]" });
    }
}

#[test]
fn a_target_without_a_file_is_fresh() {
    for (text, fresh) in [("sim", true), ("qemu", true), ("sim:f", false), ("qemu:mps2-an386=f", false)] {
        assert_eq!(text.parse::<Target>().unwrap().is_fresh(), fresh, "{text}");
    }
}

#[test]
fn what_is_missing_behind_a_colon_is_said() {
    for (text, form) in [
        ("tcp:", "tcp:HOST:PORT"),
        ("unix", "unix:PATH"),
        ("serial:@9600", "serial:PATH[@BAUD]"),
        ("pcsc:", "pcsc:READER"),
        ("skf:", "skf:LIBRARY.so[#DEVICE]"),
        ("skf:#device", "skf:LIBRARY.so[#DEVICE]"),
        ("skf:liba.so#", "skf:LIBRARY.so[#DEVICE]"),
    ] {
        assert_eq!(text.parse::<Target>(), Err(UnknownTarget::Incomplete { form }), "{text}");
    }
    let error = "serial:/dev/ttyUSB0@fast".parse::<Target>().unwrap_err();
    assert_eq!(error.to_string(), "\"fast\" is no baud rate");
    assert_eq!(error.message_zh(), "“fast”不是波特率");
}

#[test]
fn an_address_that_is_none_is_answered_with_what_is_wrong_with_it() {
    for (text, english, chinese) in [
        ("tcp:host", "\"host\" is no HOST:PORT: the port is missing", "“host”不是HOST:PORT形式：缺少端口"),
        ("tcp:host:", "the port is missing", "缺少端口"),
        ("tcp::1", "\":1\" is no HOST:PORT: the host is missing", "缺少主机"),
        ("tcp:host:65536", "\"65536\" is no port", "“65536”不是端口"),
        ("tcp:host:99999", "a port is a number up to 65535", "端口为不超过65535的数字"),
        ("tcp:host:http", "\"http\" is no port", "“http”不是端口"),
        ("tcp:::1:4000", "stands in brackets, as in [::1]:4000", "IPv6地址须加方括号"),
    ] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(matches!(error, UnknownTarget::NoAddress { .. }), "{text}");
        assert!(error.to_string().contains(english), "{text}: {error}");
        assert!(error.message_zh().contains(chinese), "{text}: {}", error.message_zh());
    }
    for text in ["tcp:host:65535", "tcp:127.0.0.1:0", "tcp:[::1]:4000"] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
}

#[test]
fn anything_else_is_answered_with_the_forms() {
    for text in ["", "SIM", "usb:1", "/dev/ttyUSB0", "simulator"] {
        let error = text.parse::<Target>().unwrap_err();
        assert!(error.to_string().contains("sim, sim:FILE, tcp:HOST:PORT"), "{error}");
        assert!(error.message_zh().starts_with(&format!("“{text}”不是目标")), "{}", error.message_zh());
    }
    assert_eq!("sim:".parse::<Target>(), Err(UnknownTarget::Incomplete { form: "sim:FILE" }));
}
