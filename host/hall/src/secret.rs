//! Sealed secrets of open orders.
//!
//! Guarantees: a secret opens only for its order and name; an erased one is gone.

use crate::{problem::Answer, turn::Turn};
use crate::sql;
use zeroize::Zeroizing;

/// Which secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SecretName {
    /// The certificate password: the initial user PIN.
    UserPin,
    /// The administrator PIN of a key in production.
    AdminPin,
    /// The device authentication key of a key in production.
    DeviceKey,
    /// The one-time user PIN of an unlock.
    OneTimePin,
    /// The nonce of an unlock's confirmation.
    Nonce,
    /// The unlock code, shown until it runs out.
    UnlockCode,
}

impl SecretName {
    fn name(self) -> &'static str {
        match self {
            Self::UserPin => "user-pin",
            Self::AdminPin => "admin-pin",
            Self::DeviceKey => "device-key",
            Self::OneTimePin => "one-time-pin",
            Self::Nonce => "nonce",
            Self::UnlockCode => "unlock-code",
        }
    }
}

impl Turn<'_> {
    /// Keeps a secret of an order, in place of an older one.
    pub(crate) async fn keep_secret(&mut self, order: &str, name: SecretName, secret: &[u8]) -> Answer<()> {
        let place = format!("order/{order}/{}", name.name());
        let sealed = self.hall.vault().seal(&mut self.chance, &place, secret);
        sql::query(
            "INSERT INTO secrets (order_id, name, sealed) VALUES ($1, $2, $3) \
             ON CONFLICT (order_id, name) DO UPDATE SET sealed = excluded.sealed",
        )
        .bind(order)
        .bind(name.name())
        .bind(sealed)
        .execute(self.db())
        .await?;
        Ok(())
    }

    /// A secret of an order, if it is kept.
    pub(crate) async fn secret(&mut self, order: &str, name: SecretName) -> Answer<Option<Zeroizing<Vec<u8>>>> {
        let row = sql::query("SELECT sealed FROM secrets WHERE order_id = $1 AND name = $2")
            .bind(order)
            .bind(name.name())
            .fetch_optional(self.db())
            .await?;
        let Some(row) = row else { return Ok(None) };
        let sealed: Vec<u8> = row.try_get("sealed")?;
        Ok(Some(self.hall.vault().open(&format!("order/{order}/{}", name.name()), &sealed)?))
    }

    /// A secret that is text.
    pub(crate) async fn secret_text(&mut self, order: &str, name: SecretName) -> Answer<Option<String>> {
        let secret = self.secret(order, name).await?;
        Ok(secret.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// Forgets a secret.
    pub(crate) async fn erase_secret(&mut self, order: &str, name: SecretName) -> Answer<()> {
        sql::query("DELETE FROM secrets WHERE order_id = $1 AND name = $2")
            .bind(order)
            .bind(name.name())
            .execute(self.db())
            .await?;
        Ok(())
    }

    /// Forgets every secret of an order.
    pub(crate) async fn erase_secrets(&mut self, order: &str) -> Answer<()> {
        sql::query("DELETE FROM secrets WHERE order_id = $1").bind(order).execute(self.db()).await?;
        Ok(())
    }
}
