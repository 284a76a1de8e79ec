//! The C header, made from the code: what is not in it cannot be called, and it cannot say anything else than the code.

use std::fmt::Write;

use crate::abi::Prototype;
use crate::abi::types::{CONSTANTS, STRUCTURES, Structure};
use crate::sar::CODES;
use crate::{
    access, agreement, application, cipher, container, device, digest, ecc, file, mac, rsa, session_key,
};

/// The functions of GM/T 0016-2012, by group.
pub const STANDARD: &[(&str, &[&[Prototype]])] = &[
    ("Device management (7.1)", &[device::PROTOTYPES]),
    ("Access control (7.2)", &[access::PROTOTYPES]),
    ("Applications (7.3)", &[application::PROTOTYPES]),
    ("Files (7.4)", &[file::PROTOTYPES]),
    ("Containers (7.5)", &[container::PROTOTYPES]),
    (
        "Cryptography (7.6)",
        &[
            ecc::PROTOTYPES,
            rsa::PROTOTYPES,
            session_key::PROTOTYPES,
            agreement::PROTOTYPES,
            cipher::PROTOTYPES,
            digest::PROTOTYPES,
            mac::PROTOTYPES,
            device::close::PROTOTYPES,
        ],
    ),
];

/// What clients look for beside them: functions of older editions and of other libraries, and our own.
pub const EXTENSIONS: &[(&str, &[&[Prototype]])] = &[
    (
        "Extensions that clients look for",
        &[session_key::extensions::PROTOTYPES, ecc::extensions::PROTOTYPES, rsa::extensions::PROTOTYPES],
    ),
    ("Our own", &[device::own::PROTOTYPES]),
];

const HEAD: &str = "\
/* libukey_skf: GM/T 0016-2012 (SKF) over the tokens of ukey.
 *
 * Made from the code by `UKEY_WRITE_HEADER=1 cargo test -p ukey-skf --test header`; a test fails when it is stale.
 *
 * Every function returns SAR_OK (0) or another SAR code. A buffer goes with a length: with NULL for the buffer only the
 * length that is needed comes back; a buffer that is too small is told the length and SAR_BUFFER_TOO_SMALL. Lists of
 * names: each ends with NUL, the list with one more.
 */
#ifndef UKEY_SKF_H
#define UKEY_SKF_H

#include <stdint.h>

#if defined(_WIN32) && !defined(_WIN64)
#define DEVAPI __stdcall
#else
#define DEVAPI
#endif

#ifdef __cplusplus
extern \"C\" {
#endif

/* Types (6.1). ULONG has 32 bits on every platform, also where C's long has 64. */
#ifndef _WINDEF_
typedef uint8_t BYTE;
typedef char CHAR;
typedef uint32_t ULONG;
typedef uint32_t DWORD;
typedef int32_t BOOL;
typedef CHAR *LPSTR;
typedef void *HANDLE;
#ifndef TRUE
#define TRUE 1
#define FALSE 0
#endif
#endif
typedef HANDLE DEVHANDLE;
typedef HANDLE HAPPLICATION;
typedef HANDLE HCONTAINER;
";

const TAIL: &str = "
#ifdef __cplusplus
}
#endif

#endif
";

/// The whole header.
#[must_use]
pub fn text() -> String {
    let mut text = HEAD.to_owned();
    text.push_str("\n/* Constants */\n");
    for (name, value, what) in CONSTANTS {
        let _ = writeln!(text, "#define {name} 0x{value:08X} /* {what} */");
    }
    text.push_str("\n/* Codes (annex A) */\n");
    for (name, value, what) in CODES {
        let _ = writeln!(text, "#define SAR_{name} 0x{value:08X} /* {what} */");
    }
    text.push_str("\n/* Structures (6.4) */\n#pragma pack(push, 1)\n");
    STRUCTURES.iter().for_each(|structure| put_structure(&mut text, structure));
    text.push_str("#pragma pack(pop)\n");
    for (group, parts) in STANDARD.iter().chain(EXTENSIONS) {
        let _ = writeln!(text, "\n/* {group} */");
        parts.iter().flat_map(|part| part.iter()).for_each(|function| put_function(&mut text, function));
    }
    text.push_str(TAIL);
    text
}

fn put_comment(text: &mut String, lines: &[&str]) {
    let _ = writeln!(text, "\n/*{} */", lines.join("\n *"));
}

fn put_structure(text: &mut String, structure: &Structure) {
    put_comment(text, structure.documentation);
    let _ = writeln!(text, "typedef struct {{");
    for (name, kind) in structure.members {
        let _ = match kind.trim_matches(['[', ']']).split_once(';') {
            Some((element, count)) => writeln!(text, "    {element} {name}[{}];", count.trim()),
            None => writeln!(text, "    {kind} {name};"),
        };
    }
    let _ = writeln!(text, "}} {0}; /* {1} bytes */\ntypedef {0} *P{0};", structure.name, structure.size);
}

fn put_function(text: &mut String, function: &Prototype) {
    put_comment(text, function.documentation);
    let parameters: Vec<String> =
        function.parameters.iter().map(|(name, kind)| format!("{}{name}", c_type(kind))).collect();
    let parameters = if parameters.is_empty() { "void".to_owned() } else { parameters.join(", ") };
    let _ = writeln!(text, "ULONG DEVAPI {}({parameters});", function.name);
}

/// A parameter's type in C, up to its name.
fn c_type(kind: &str) -> String {
    let inside = |wrapper: &str| kind.strip_prefix(wrapper).and_then(|rest| rest.strip_suffix('>'));
    match (inside("In<"), inside("Out<")) {
        (Some(inside), _) => format!("const {inside} *"),
        (_, Some(inside)) => format!("{inside} *"),
        _ if kind == "Text" => "const CHAR *".to_owned(),
        _ => format!("{kind} "),
    }
}
