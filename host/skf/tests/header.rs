//! The header in `include` is what the code says; sizes and numbers are those of the standard.

use std::collections::BTreeSet;

use ukey_skf::abi::types::{BLOCKCIPHERPARAM, DEVINFO, STRUCTURES};
use ukey_skf::header::{self, EXTENSIONS, STANDARD};

const HEADER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/include/ukey_skf.h");

#[test]
fn the_header_is_what_the_code_says() {
    let text = header::text();
    if std::env::var_os("UKEY_WRITE_HEADER").is_some() {
        std::fs::write(HEADER, &text).unwrap();
    }
    let found = std::fs::read_to_string(HEADER).unwrap_or_default();
    assert!(found == text, "stale: UKEY_WRITE_HEADER=1 cargo test -p ukey-skf --test header");
}

fn names(groups: &[(&str, &[&[ukey_skf::abi::Prototype]])]) -> Vec<&'static str> {
    let functions = groups.iter().flat_map(|(_, parts)| parts.iter()).flat_map(|part| part.iter());
    functions.map(|function| function.name).collect()
}

#[test]
fn all_functions_of_2012_are_there_and_each_once() {
    let standard = names(STANDARD);
    let counts: Vec<usize> =
        STANDARD.iter().map(|(_, parts)| parts.iter().map(|part| part.len()).sum()).collect();
    assert_eq!((counts, standard.len()), (vec![11, 7, 5, 6, 8, 34], 71));
    let all: BTreeSet<_> = standard.iter().chain(&names(EXTENSIONS)).copied().collect();
    assert_eq!(all.len(), 71 + names(EXTENSIONS).len());
    for name in
        ["SKF_SetSymmKey", "SKF_ExtECCDecrypt", "SKF_ExtECCSign", "SKF_ExtECCVerify", "SKF_GenExtRSAKey"]
    {
        assert!(all.contains(name) && !standard.contains(&name), "{name}");
    }
}

#[test]
fn structures_have_the_sizes_of_the_standard() {
    let sizes: Vec<(&str, usize)> =
        STRUCTURES.iter().map(|structure| (structure.name, structure.size)).collect();
    assert_eq!(
        sizes,
        [
            ("VERSION", 2),
            ("DEVINFO", 294),
            ("RSAPUBLICKEYBLOB", 268),
            ("RSAPRIVATEKEYBLOB", 1164),
            ("ECCPUBLICKEYBLOB", 132),
            ("ECCPRIVATEKEYBLOB", 68),
            ("ECCCIPHERBLOB", 165),
            ("ECCSIGNATUREBLOB", 128),
            ("BLOCKCIPHERPARAM", 44),
            ("ENVELOPEDKEYBLOB", 373),
            ("FILEATTRIBUTE", 44),
        ]
    );
    assert_eq!(std::mem::offset_of!(DEVINFO, AlgSymCap), 198);
    assert_eq!((align_of::<DEVINFO>(), std::mem::offset_of!(BLOCKCIPHERPARAM, FeedBitLen)), (1, 40));
}
