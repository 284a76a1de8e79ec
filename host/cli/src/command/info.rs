//! `ukey info`: a token at a glance. Reads only, and spends no PIN try.

use std::fmt::Write as _;

use serde_json::{Value, json};
use ukey_device::policy;
use ukey_device::probe::Evidence;
use ukey_device::{ContainerInfo, ContainerType, Device, DeviceInfo, PinInfo, PinType, Policy, Status};

use super::pin::pin_json;
use crate::failure::Result;
use crate::options::{Format, Token};
use crate::output;

/// Shows a token.
#[derive(clap::Args, Debug)]
pub(crate) struct Info {
    /// How to print it
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    #[command(flatten)]
    token: Token,
}

/// What is shown of an application.
struct Application {
    name: String,
    user: PinInfo,
    administrator: PinInfo,
    containers: Vec<(String, ContainerInfo)>,
}

/// What a host can know of its self-test and policies.
struct Health {
    /// It answers nothing but the question who it is.
    stopped: bool,
    /// Only a simulated token tells.
    policies: Option<Policy>,
}

impl Info {
    /// Carries it out.
    pub(crate) fn run(self) -> Result<()> {
        let device = self.token.connect()?;
        let info = device.info()?;
        let mut applications = Vec::new();
        let names = device.applications();
        let stopped = names.as_ref().is_err_and(|error| error.status() == Some(Status::MEMORY_UNCHANGED));
        let health = Health { stopped, policies: device.simulator().map(|simulator| simulator.policy()) };
        for name in if stopped { Vec::new() } else { names? } {
            let application = device.open_application(&name)?;
            let mut containers = Vec::new();
            for name in application.containers()? {
                let container = application.open_container(&name)?;
                containers.push((name, container.info()?));
                container.close()?;
            }
            let user = application.pin_info(PinType::User)?;
            let administrator = application.pin_info(PinType::Administrator)?;
            application.close()?;
            applications.push(Application { name, user, administrator, containers });
        }
        let (target, dialect) = (self.token.target().to_string(), Spoken { device: &device });
        output::result(&match self.format {
            Format::Text => text(&target, &dialect, &info, &health, &applications),
            Format::Json => format!("{:#}\n", json(&target, &dialect, &info, &health, &applications)),
        });
        Ok(())
    }
}

/// The dialect that is spoken, and how it is known.
struct Spoken<'d> {
    device: &'d Device,
}

impl Spoken<'_> {
    fn name(&self) -> String {
        self.device.dialect().name.to_string()
    }

    /// The name; of a dialect that was found out, the evidence and what was assumed too.
    fn text(&self) -> String {
        let Some(found) = self.device.found() else { return self.name() };
        let others: Vec<_> =
            found.candidates.iter().skip(1).map(|candidate| candidate.name.to_string()).collect();
        let mut text = match (found.candidates.len(), others.join(", ")) {
            (0, _) => "none of the built-in ones; what was seen is spoken".to_owned(),
            (1, _) => format!("{} (probed: no other built-in one fits)", self.name()),
            (_, others) => format!("{} (probed: {others} would fit as well)", self.name()),
        };
        for Evidence { switch, value, seen } in &found.evidence {
            // Writing to a text cannot fail.
            let _ = write!(text, "\n  seen         {switch} = {value}   {seen}");
        }
        let dialect = self.device.dialect();
        for switch in found.assumed() {
            let value = dialect.get(switch).map(|value| value.to_string()).unwrap_or_default();
            let _ = write!(text, "\n  assumed      {switch} = {value}");
        }
        text
    }

    fn probed(&self) -> Option<Value> {
        let found = self.device.found()?;
        let dialect = self.device.dialect();
        let value = |switch: &&str| dialect.get(switch).map(|value| value.to_string());
        let seen = |evidence: &Evidence| {
            json!({
                "switch": evidence.switch,
                "value": evidence.value.to_string(),
                "seen": evidence.seen,
            })
        };
        Some(json!({
            "candidates": found.candidates.iter().map(|dialect| dialect.name.to_string()).collect::<Vec<_>>(),
            "evidence": found.evidence.iter().map(seen).collect::<Vec<_>>(),
            "assumed": found
                .assumed()
                .iter()
                .map(|switch| json!({ "switch": switch, "value": value(switch) }))
                .collect::<Vec<_>>(),
        }))
    }
}

fn text(
    target: &str,
    dialect: &Spoken<'_>,
    info: &DeviceInfo,
    health: &Health,
    applications: &[Application],
) -> String {
    let DeviceInfo { label, serial_number, manufacturer, issuer, .. } = info;
    let dialect = dialect.text();
    let mut text = format!(
        "target         {target}\n\
         label          {label}\n\
         serial number  {serial_number}\n\
         manufacturer   {manufacturer}\n\
         issuer         {issuer}\n\
         version        firmware {}, hardware {}, specification {}\n\
         dialect        {dialect}\n\
         storage        {} of {} bytes free\n",
        info.firmware, info.hardware, info.specification, info.free_space, info.total_space,
    );
    let policies = health.policies.as_ref().map(policy::print).unwrap_or_default();
    for line in policies.lines() {
        // Writing to a text cannot fail.
        let _ = writeln!(text, "policy         {line}");
    }
    if health.stopped {
        text.push_str("self-test      failed: it refuses all service; pull it and plug it in again\n");
    } else if applications.is_empty() {
        text.push_str("applications   none: a factory token\n");
    }
    for application in applications {
        let Application { name, user, administrator, containers } = application;
        // Writing to a text cannot fail.
        let _ = writeln!(text, "\napplication {name}\n  user PIN           {user}");
        let _ = writeln!(text, "  administrator PIN  {administrator}");
        for (name, info) in containers {
            let _ = writeln!(text, "  container {name}: {}", contents(info));
        }
    }
    text
}

fn contents(info: &ContainerInfo) -> String {
    let pair = |name, bits, certificate| {
        let certificate = if certificate { " with certificate" } else { "" };
        (bits > 0).then(|| format!("{name} pair of {bits} bits{certificate}"))
    };
    let pairs = [
        pair("sign", info.sign_bits, info.sign_certificate),
        pair("encryption", info.encrypt_bits, info.encrypt_certificate),
    ];
    let pairs: Vec<_> = pairs.into_iter().flatten().collect();
    if pairs.is_empty() { "empty".to_owned() } else { pairs.join(", ") }
}

/// Version 1 of the layout: fields are added, never changed.
fn json(
    target: &str,
    dialect: &Spoken<'_>,
    info: &DeviceInfo,
    health: &Health,
    applications: &[Application],
) -> Value {
    let policies = health
        .policies
        .as_ref()
        .map(|policies| policy::print(policies).lines().map(str::to_owned).collect::<Vec<_>>());
    let applications: Vec<_> = applications
        .iter()
        .map(|application| {
            let containers: Vec<_> =
                application.containers.iter().map(|(name, info)| container_json(name, info)).collect();
            json!({
                "name": application.name,
                "user_pin": pin_json(application.user),
                "administrator_pin": pin_json(application.administrator),
                "containers": containers,
            })
        })
        .collect();
    let mut all = json!({
        "version": 1,
        "target": target,
        "dialect": dialect.name(),
        "label": info.label,
        "serial_number": info.serial_number,
        "manufacturer": info.manufacturer,
        "issuer": info.issuer,
        "firmware_version": info.firmware.to_string(),
        "hardware_version": info.hardware.to_string(),
        "specification_version": info.specification.to_string(),
        "total_space": info.total_space,
        "free_space": info.free_space,
        "max_apdu_data": info.max_apdu_data,
        "self_test": if health.stopped { "failed" } else { "not failed" },
        "policies": policies,
        "applications": applications,
    });
    if let (Some(probed), Some(all)) = (dialect.probed(), all.as_object_mut()) {
        all.insert("dialect_probe".to_owned(), probed);
    }
    all
}

fn container_json(name: &str, info: &ContainerInfo) -> Value {
    let container_type = match info.container_type {
        ContainerType::Empty => "empty",
        ContainerType::Rsa => "rsa",
        ContainerType::Ecc => "sm2",
        ContainerType::Other(_) => "other",
    };
    json!({
        "name": name,
        "type": container_type,
        "sign": { "bits": info.sign_bits, "certificate": info.sign_certificate },
        "encryption": { "bits": info.encrypt_bits, "certificate": info.encrypt_certificate },
    })
}
