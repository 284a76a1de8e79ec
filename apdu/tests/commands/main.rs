//! Every command and answer: round trips, layouts, and what is shown of them.

mod layout;
mod shown;
mod twice;

use ukey_apdu::Dialect;
use ukey_apdu::command::Command;

const GM: Dialect = Dialect::GM2012;

fn sent<'a, C: Command<'a>>(command: &C) -> Vec<u8> {
    let (mut data, mut bytes) = ([0; 2048], [0; 2060]);
    let length = command.to_apdu(&GM, &mut data).unwrap().encode(&mut bytes).unwrap();
    bytes[..length].to_vec()
}
