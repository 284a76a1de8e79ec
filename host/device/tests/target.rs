//! Targets as users write them.

use ukey_device::{Target, UnknownTarget};

#[test]
fn what_is_printed_is_what_was_parsed() {
    for text in ["sim", "sim:key.ukey", "sim:/a/b c.ukey", "sim:a:b"] {
        assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
    }
    assert_eq!("sim:key.ukey".parse(), Ok(Target::SimFile("key.ukey".into())));
    assert_eq!(Target::default(), Target::Sim);
}

#[test]
fn a_form_that_is_not_built_in_is_named() {
    let forms = [
        "tcp:127.0.0.1:9",
        "unix:/a",
        "serial:/dev/a@9600",
        "pcsc:a reader",
        "skf:liba.so#1",
        "qemu",
        "qemu:b",
    ];
    for text in forms {
        let error = text.parse::<Target>().unwrap_err();
        let UnknownTarget::NotInThisBuild { form } = error else { panic!("{text}: {error}") };
        assert!(form.starts_with(text.split(':').next().unwrap()), "{form}");
        assert!(error.to_string().contains("not in this build yet"), "{error}");
        assert!(error.message_zh().starts_with("本版本尚不支持") && error.message_zh().contains(form));
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
