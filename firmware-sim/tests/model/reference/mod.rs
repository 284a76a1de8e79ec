//! The cryptography that the token's answers are held against: of another implementation, or by the standard's formulas
//! over whole messages.

pub mod ciphers;
pub mod sm2;
