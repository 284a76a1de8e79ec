//! `ukey hall`: the CA's online service hall, with a simulated world around it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use ukey_hall::api::Secret;
use ukey_hall::clock::Clock;
use ukey_hall::{Config, Desk, DeskRole, FontSource, Hall as Service, MasterKey, PasswordCost, Profile};

use crate::failure::{Failure, Result};
use crate::output;
use crate::secret;
use crate::stop;

/// Serve the online service hall of a certificate authority.
#[derive(clap::Args, Debug)]
pub(crate) struct Hall {
    #[command(subcommand)]
    action: Action,
}

#[derive(clap::Subcommand, Debug)]
enum Action {
    /// Serve it until interrupted. Prints its address and the desks' tokens.
    Serve(Serve),
}

#[derive(clap::Args, Debug)]
struct Serve {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8017")]
    addr: SocketAddr,
    /// The CA profile: the name of a built-in one, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "qinghe")]
    profile: String,
    /// The database file; in memory without one
    #[arg(long, value_name = "FILE")]
    db: Option<PathBuf>,
    /// The file with the master key (64 hexadecimal digits), made with a new database; without one, beside the database
    #[arg(long, value_name = "FILE")]
    master_key: Option<PathBuf>,
    /// Everything random follows from this number: for tests, never for real keys
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The file of a Chinese font, for documents; without it, one of the usual places
    #[arg(long, value_name = "FILE", env = "UKEY_FONT")]
    font: Option<PathBuf>,
    /// A clock that stands still until POST /_sim/clock moves it
    #[arg(long)]
    virtual_clock: bool,
}

impl Hall {
    pub(crate) fn run(self) -> Result<()> {
        let Action::Serve(serve) = self.action;
        let runtime = tokio::runtime::Runtime::new().map_err(Failure::internal)?;
        runtime.block_on(serve.run())
    }
}

impl Serve {
    async fn run(self) -> Result<()> {
        let desks: Vec<_> = DeskRole::ALL.into_iter().map(desk).collect::<Result<_>>()?;
        let now = jiff::Timestamp::now();
        let config = Config {
            profile: profile(&self.profile)?,
            database: self.db.as_deref().map_or("sqlite::memory:".into(), url),
            master_key: self.master_key()?,
            seed: self.seed,
            clock: if self.virtual_clock { Clock::virtual_at(now) } else { Clock::system() },
            simulation: true,
            desks: desks.clone(),
            password_cost: PasswordCost::STRONG,
            font: self.font.clone().map_or(FontSource::Usual, FontSource::File),
        };
        let name = config.profile.name.clone();
        let hall = Service::open(config).await.map_err(|error| {
            Failure::usage(
                format!("the hall does not open: {error}"),
                "check the database, its profile, its master key and the font",
                "服务厅无法启动；请检查数据库及其配置、主密钥和字体",
            )
        })?;
        let listener = tokio::net::TcpListener::bind(self.addr).await.map_err(|error| {
            Failure::usage(
                format!("cannot listen on {}: {error}", self.addr),
                "choose another address with --addr",
                format!("无法监听{}；请用 --addr 换一个地址", self.addr),
            )
        })?;
        let address = listener.local_addr().map_err(Failure::internal)?;
        let stop = stop::signalled()?;
        output::result(&format!("hall http://{address}\nname {name}\n"));
        for desk in &desks {
            output::result(&format!("desk {} {}\n", desk.role.name(), desk.token.reveal()));
        }
        output::say(&format!(
            "description: http://{address}/api/openapi.json; what it sends: http://{address}/_sim/outbox"
        ));
        let served = hall.serve(listener, stop).await;
        hall.close().await;
        served.map_err(Failure::internal)
    }

    /// The master key: from its file, which is made for a new database only, since no other opens with a new key; a
    /// fresh one for a hall in memory.
    fn master_key(&self) -> Result<MasterKey> {
        let beside = self.db.as_ref().map(|db| db.with_extension("master-key"));
        let Some(file) = self.master_key.clone().or(beside) else {
            return Ok(MasterKey::new(secret::random()?));
        };
        match fs::read_to_string(&file) {
            Ok(text) => {
                let mut key = [0; 32];
                hex::decode_to_slice(text.trim(), &mut key).map_err(|_| {
                    let message = format!("{} holds no master key", file.display());
                    let chinese = format!("{}中没有主密钥；主密钥为64位十六进制数字", file.display());
                    Failure::usage(message, "a master key is 64 hexadecimal digits", chinese)
                })?;
                Ok(MasterKey::new(key))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                if let Some(db) = self.db.as_deref().filter(|db| holds_data(db)) {
                    return Err(Failure::usage(
                        format!(
                            "the key of this database is missing: {} for {}",
                            file.display(),
                            db.display()
                        ),
                        "bring its master key back, or name the file that has it with --master-key",
                        format!(
                            "缺少数据库{}的主密钥{}；请恢复该文件，或用 --master-key 指定",
                            db.display(),
                            file.display()
                        ),
                    ));
                }
                let key = secret::random()?;
                secret::save(&file, &hex::encode(key), "--master-key")?;
                Ok(MasterKey::new(key))
            }
            Err(source) => Err(Failure::Read { path: file, source }),
        }
    }
}

/// The address of a database file. `%` and `?` in its name would be read as an address's own.
fn url(file: &Path) -> String {
    format!("sqlite:{}", file.display())
}

/// Whether a database may be in this file. An empty one is what a start that was cut short leaves behind.
fn holds_data(file: &Path) -> bool {
    fs::metadata(file)
        .map_or_else(|error| error.kind() != std::io::ErrorKind::NotFound, |found| found.len() > 0)
}

fn profile(name: &str) -> Result<Profile> {
    let path = Path::new(name);
    let parsed = if path.extension().is_some() || path.exists() {
        let text =
            fs::read_to_string(path).map_err(|source| Failure::Read { path: path.to_owned(), source })?;
        Profile::parse(&text)
    } else {
        Profile::built_in(name)
    };
    parsed.map_err(|error| {
        let names = Profile::built_in_names().collect::<Vec<_>>().join(", ");
        let chinese = format!("配置{name}不可用；内置的有{names}");
        Failure::usage(format!("the profile {name}: {error}"), format!("built in are {names}"), chinese)
    })
}

/// A desk with a token of its own: from the environment (`UKEY_HALL_REVIEW_TOKEN`, …) or fresh.
fn desk(role: DeskRole) -> Result<Desk> {
    let variable = format!("UKEY_HALL_{}_TOKEN", role.name().to_uppercase().replace('-', "_"));
    let token = match std::env::var(variable) {
        Ok(token) if !token.is_empty() => token,
        _ => hex::encode(&secret::random()?[..16]),
    };
    Ok(Desk { name: format!("{} desk", role.name()), role, token: Secret(token) })
}
