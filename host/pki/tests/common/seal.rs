//! A seal maker, a holder, seals and stamps of every edition; v1 by a DER writer that shares nothing with the code
//! under test.

use jiff::Timestamp;
use ukey_pki::{
    Certificate, EndEntity, KeyPair,
    seal::{
        Picture, Seal, SealDraft, SealExtension, SealKind, SealVersion, SignerList, Stamp, StampDraft, Trust,
        data_hash,
    },
    sm2,
};

use super::{World, at, name, tlv, validity};

pub const DOCUMENT: &[u8] = b"what is stamped";
/// 1 x 1 pixel with a transparent colour.
pub const GIF: &[u8] =
    b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff!\xf9\x04\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// The OID of SM2 with SM3, DER.
pub const ALGORITHM: &[u8] = b"\x06\x08\x2a\x81\x1c\xcf\x55\x01\x83\x75";

/// A maker's certificate and key beside everything a [`World`] has.
pub struct Seals {
    pub world: World,
    pub maker: Certificate,
    pub maker_key: KeyPair,
    pub authorities: Vec<Certificate>,
}

impl Seals {
    pub fn new(seed: u8) -> Self {
        let mut world = World::new(seed);
        let maker_key = KeyPair::generate(&mut world.rng);
        let life = validity("2021-01-01T00:00:00Z", "2035-01-01T00:00:00Z");
        let unit = EndEntity::new(name("示例制章中心"), life);
        let maker = world.issuing.issue_seal_maker(&unit, maker_key.public_key(), &mut world.rng).unwrap();
        let authorities = vec![world.issuing.certificate().clone()];
        Self { world, maker, maker_key, authorities }
    }

    pub fn trust(&self) -> Trust<'_> {
        Trust::new(&self.authorities)
    }

    /// Valid from 2026 to the end of 2028, for the unit's sign certificate.
    pub fn draft(&self) -> SealDraft {
        SealDraft {
            id: "3400000000001".into(),
            vendor: "UKEY".into(),
            kind: SealKind::Unit,
            name: "示例科技有限公司".into(),
            signers: SignerList::certificates([&self.world.sign]),
            made: at("2026-01-01T08:00:00Z"),
            period: validity("2026-01-02T00:00:00Z", "2028-12-31T23:59:59Z"),
            picture: Picture::new(GIF.to_vec(), 40, 40).unwrap(),
            extensions: Vec::new(),
        }
    }

    pub fn make(&self, version: SealVersion, draft: &SealDraft) -> Seal {
        draft.make(version, &self.maker, &self.maker_key).unwrap()
    }

    pub fn seal(&self, version: SealVersion) -> Seal {
        self.make(version, &self.draft())
    }

    pub fn stamp(&self, version: SealVersion) -> Stamp {
        stamp_draft(&self.seal(version)).make(&self.world.sign, &self.world.sign_key).unwrap()
    }

    /// A v1 seal of another maker's program.
    pub fn seal_v1(&self) -> Vec<u8> {
        self.seal_v1_and(&[])
    }

    /// … with more in its SignInfo.
    pub fn seal_v1_and(&self, more: &[u8]) -> Vec<u8> {
        let picture = [ia5("GIF"), tlv(4, GIF), tlv(2, [40]), tlv(2, [40])].concat();
        let certificates = tlv(0x30, tlv(4, self.world.sign.der()));
        let times = ["260101080000Z", "260102000000Z", "281231235959Z"].map(|time| tlv(0x17, time)).concat();
        let property = [tlv(2, [1]), tlv(0x0C, "示例科技有限公司"), certificates, times].concat();
        let header = tlv(0x30, [ia5("ES"), tlv(2, [2]), ia5("OTHER")].concat());
        let info = [header, ia5("3400000000001"), tlv(0x30, property), tlv(0x30, picture)].concat();
        let info = tlv(0x30, info);
        let signing = [tlv(4, self.maker.der()), ALGORITHM.to_vec()].concat();
        let signature = bits(&signature(&self.maker_key, &tlv(0x30, [&info[..], &signing].concat())));
        tlv(0x30, [info, tlv(0x30, [&signing[..], &signature, more].concat())].concat())
    }

    /// A v4 or v5 seal with this SealInfo and algorithm, signed by the maker's key.
    pub fn signed_again(&self, info: &[u8], algorithm: &[u8]) -> Vec<u8> {
        let signature = bits(&signature(&self.maker_key, info));
        tlv(0x30, [info, &tlv(4, self.maker.der()), algorithm, &signature].concat())
    }

    pub fn stamp_v1(&self) -> Vec<u8> {
        let time = bits(&tlv(0x17, "260301000000Z"));
        let hash = bits(&data_hash(DOCUMENT));
        let signing = [tlv(4, self.world.sign.der()), ALGORITHM.to_vec()].concat();
        let parts = [tlv(2, [2]), self.seal_v1(), time, hash, ia5("a.ofd"), signing];
        let to_sign = tlv(0x30, parts.concat());
        let signature = bits(&signature(&self.world.sign_key, &to_sign));
        tlv(0x30, [to_sign, signature].concat())
    }
}

/// A stamp of [`DOCUMENT`] in March 2026.
pub fn stamp_draft(seal: &Seal) -> StampDraft<'_> {
    StampDraft {
        seal,
        data_hash: data_hash(DOCUMENT),
        time: at("2026-03-01T00:00:00Z"),
        property: "/Doc_0/Signs/Sign_0/Signature.xml".into(),
        extensions: Vec::new(),
    }
}

/// A v4 or v5 stamp by any key with any certificate, which the code under test would refuse to make.
pub fn foreign_stamp(
    version: u8,
    seal: &[u8],
    time: &str,
    certificate: &Certificate,
    key: &KeyPair,
) -> Vec<u8> {
    let hash = bits(&data_hash(DOCUMENT));
    let to_sign = [tlv(2, [version]), seal.to_vec(), tlv(0x18, time), hash, ia5("a.ofd")].concat();
    foreign_signed(&to_sign, certificate, key)
}

/// A v4 or v5 stamp with these members of toSign.
pub fn foreign_signed(to_sign: &[u8], certificate: &Certificate, key: &KeyPair) -> Vec<u8> {
    let to_sign = tlv(0x30, to_sign);
    let signature = bits(&signature(key, &to_sign));
    tlv(0x30, [to_sign, tlv(4, certificate.der()), ALGORITHM.to_vec(), signature].concat())
}

pub fn signature(key: &KeyPair, part: &[u8]) -> Vec<u8> {
    let e = sm2::digest(&key.public_key(), sm2::DEFAULT_ID, part);
    key.sign_digest(&e).unwrap().to_der().unwrap()
}

pub fn ia5(text: &str) -> Vec<u8> {
    tlv(0x16, text)
}

pub fn bits(bytes: &[u8]) -> Vec<u8> {
    tlv(3, [&[0], bytes].concat())
}

pub fn now() -> Timestamp {
    at("2026-06-01T00:00:00Z")
}

pub fn extension(critical: bool) -> SealExtension {
    SealExtension { id: "1.2.3.4".parse().unwrap(), critical, value: b"value".to_vec() }
}
