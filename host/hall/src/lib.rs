//! The certificate authority's online service hall (证书网上服务大厅).
//!
//! Guarantees: every order moves by one explicit state machine; each request changes the database in one
//! transaction or not at all; a repeated request or callback changes nothing the second time; with a seed and a
//! virtual clock the same requests give the same values.
//! Refuses to know: tokens. It sees requests, challenges and bytes; a holder's PIN never reaches it.
//!
//! Without the feature `server` only the words of its HTTP interface ([`api`]) are built.
//!
//! ```
//! # #[cfg(feature = "server")]
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use tokio::{net::TcpListener, runtime::Runtime};
//! use ukey_hall::{Config, Hall, Profile};
//!
//! Runtime::new()?.block_on(async {
//!     // In memory, a virtual clock, `/_sim` on; everything random follows from the seed.
//!     let hall = Hall::open(Config::simulated(Profile::built_in("qinghe")?, 7)).await?;
//!     let listener = TcpListener::bind("127.0.0.1:0").await?;
//!     let shutdown = async { /* until this is done */ };
//!     hall.serve(listener, shutdown).await?;
//!     Ok(())
//! })
//! # }
//! # #[cfg(not(feature = "server"))]
//! # fn main() {}
//! ```

pub mod api;

macro_rules! server {
    ($($item:item)*) => { $(#[cfg(feature = "server")] $item)* };
}

server! {
    mod account;
    mod audit;
    mod chance;
    mod checks;
    pub mod clock;
    mod code;
    pub mod config;
    mod counter;
    mod cryptogram;
    mod desk;
    mod document;
    pub mod gateway;
    mod hall;
    mod http;
    mod issuing;
    mod order;
    mod outbox;
    mod problem;
    mod portal;
    pub mod profile;
    mod revocation;
    mod rights;
    mod seal;
    mod secret;
    mod signature;
    mod sql;
    mod store;
    mod turn;
    mod vault;

    pub use clock::Clock;
    pub use config::{Config, Desk, PasswordCost};
    pub use document::font::{FontSource, usual_font_exists};
    pub use hall::{Hall, OpenError};
    pub use order::state;
    pub use profile::Profile;
    pub use rights::DeskRole;
    pub use vault::MasterKey;
}
