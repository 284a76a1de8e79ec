//! What the assistant program asks on its own account.

use crate::{
    account::certificate,
    api::{CertificateStatus, HallTime},
    hall::Hall,
};
use utoipa_axum::{router::OpenApiRouter, routes};

pub(super) fn routes() -> OpenApiRouter<Hall> {
    OpenApiRouter::new().routes(routes!(time)).routes(routes!(status))
}

handler! {
    /// The hall's time.
    time: get "/api/time", () => 200 HallTime,
    |turn| async { Ok(HallTime { now: turn.now }) }
}

handler! {
    /// How an issued certificate stands.
    status: get "/api/certificates/{serial}", (serial "serial" String) => 200 CertificateStatus,
    |turn| certificate::status(turn, &serial)
}
