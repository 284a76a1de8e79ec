//! Round trips over sockets of this machine: a token that is served in frames, and a bare echo.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread;

use ukey_apdu::Dialect;
use ukey_apdu::command::{
    Answer, CipherParameters, Command, Data, EncryptInit, EncryptUpdate, ImportSymmKey, KeyHandle, KeyHolder,
    Padding, SGD_SM4_ECB, SessionKeyId,
};
use ukey_device::{Device, Options, Simulator, Target};
use ukey_serve::Key;

/// Bytes of a round trip, about: of the command, and of its answer.
const LENGTH: usize = 64;
/// Plaintext of the command: three blocks.
const BLOCKS: usize = 48;

/// The kinds of sockets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Socket {
    /// A socket in the file system.
    Unix,
    /// TCP on the loopback interface.
    Tcp,
}

/// A client of a token that is served by a thread of this process.
#[allow(missing_debug_implementations, reason = "its device holds secrets")]
pub struct Served {
    device: Device,
    command: Vec<u8>,
}

impl Served {
    /// Serves a fresh token, and connects to it.
    ///
    /// # Panics
    /// Where the system has no sockets.
    #[must_use]
    pub fn new(socket: Socket, folder: &Path) -> Self {
        let key = Key::new(Simulator::fresh(&Options::default()).expect("a token"));
        let target = match socket {
            Socket::Unix => {
                let path = folder.join("token");
                let listener = UnixListener::bind(&path).expect("a socket");
                serve(key, move || Ok(listener.accept()?.0));
                Target::Unix(path)
            }
            Socket::Tcp => {
                let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
                let port = listener.local_addr().expect("an address").port();
                serve(key, move || {
                    let stream = listener.accept()?.0;
                    stream.set_nodelay(true)?;
                    Ok(stream)
                });
                format!("tcp:127.0.0.1:{port}").parse().expect("a target")
            }
        };
        let device = target.connect(&Options::default()).expect("the served token");
        let command = Self::prepare(&device);
        Self { device, command }
    }

    /// A command that costs the token next to nothing, and whose answer is as long as itself.
    fn prepare(device: &Device) -> Vec<u8> {
        let holder = KeyHolder::DEVICE;
        let answer =
            exchange(device, &encode(&ImportSymmKey { holder, algorithm: SGD_SM4_ECB, key: &[7; 16] }));
        let key = SessionKeyId::read(&answer, &Dialect::GM2012).expect("a key's id");
        let handle = KeyHandle { holder, key };
        let parameters = CipherParameters {
            algorithm: Some(SGD_SM4_ECB),
            iv: &[],
            padding: Padding::None,
            feedback_bits: 0,
        };
        exchange(device, &encode(&EncryptInit { key: handle, parameters }));
        encode(&EncryptUpdate { key: handle, data: Data(&[1; BLOCKS]) })
    }

    /// One command, and its answer.
    pub fn round_trip(&self) {
        assert_eq!(exchange(&self.device, &self.command).len(), BLOCKS);
    }
}

fn serve<S: AsFd + Send + 'static>(key: Key, accept: impl Fn() -> io::Result<S> + Send + 'static) {
    thread::spawn(move || {
        while let Ok(stream) = accept() {
            let _ = ukey_serve::serve(&key, stream, "the benchmark");
        }
    });
}

/// The data of a successful answer.
fn exchange(device: &Device, command: &[u8]) -> Vec<u8> {
    let mut answer = device.transmit(command).expect("an answer");
    assert_eq!(answer.split_off(answer.len() - 2), [0x90, 0]);
    answer
}

fn encode<'a, C: Command<'a>>(command: &C) -> Vec<u8> {
    let (mut data, mut bytes) = ([0; 256], [0; 272]);
    let apdu = command.to_apdu(&Dialect::GM2012, &mut data).expect("short data");
    let length = apdu.encode(&mut bytes).expect("a short command");
    bytes[..length].to_vec()
}

/// A client of an echo by a thread of this process.
#[derive(Debug)]
pub struct Echo<S>(S);

impl Echo<UnixStream> {
    /// Over a socket in the file system.
    ///
    /// # Panics
    /// Where the system has none.
    #[must_use]
    pub fn unix(folder: &Path) -> Self {
        let path = folder.join("echo");
        let listener = UnixListener::bind(&path).expect("a socket");
        thread::spawn(move || echo(listener.accept()?.0));
        Self(UnixStream::connect(path).expect("the echo"))
    }
}

impl Echo<TcpStream> {
    /// Over TCP.
    ///
    /// # Panics
    /// Where the system has no such socket.
    #[must_use]
    pub fn tcp() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        thread::spawn(move || {
            let stream = listener.accept()?.0;
            stream.set_nodelay(true)?;
            echo(stream)
        });
        let stream = TcpStream::connect(address).expect("the echo");
        stream.set_nodelay(true).expect("an option");
        Self(stream)
    }
}

fn echo(mut stream: impl Read + Write) -> io::Result<()> {
    let mut bytes = [0; LENGTH];
    loop {
        stream.read_exact(&mut bytes)?;
        stream.write_all(&bytes)?;
    }
}

impl<S: Read + Write> Echo<S> {
    /// So many bytes there and back.
    ///
    /// # Panics
    /// When others come back.
    pub fn round_trip(&mut self) {
        let (sent, mut back) = ([0x5A; LENGTH], [0; LENGTH]);
        self.0.write_all(&sent).and_then(|()| self.0.read_exact(&mut back)).expect("an echo");
        assert_eq!(sent, back);
    }
}
