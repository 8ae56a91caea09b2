//! A real Redis server, and as much of its protocol (RESP 2) as a store needs.

use super::{Backend, Change, Failure, Value};
use anyhow::{Context as _, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A server of our own on a free port of this machine, with an empty folder. It ends when this is dropped.
pub struct RedisServer {
    child: Child,
    folder: PathBuf,
    address: SocketAddr,
}

/// Time for the server to begin to listen.
const PATIENCE: Duration = Duration::from_secs(20);

impl RedisServer {
    /// Starts a server; `None` if none is installed.
    ///
    /// # Errors
    /// It is installed and does not start.
    pub fn start() -> Result<Option<Self>> {
        // A port that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let folder = std::env::temp_dir().join(format!("firstline-redis-{}-{}", std::process::id(), address.port()));
        std::fs::create_dir_all(&folder)?;
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &address.port().to_string(), "--save", "", "--appendonly", "no", "--dir"]).arg(&folder);
        let child = match command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn() {
            Ok(child) => child,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                std::fs::remove_dir_all(&folder)?;
                return Ok(None);
            }
            Err(error) => return Err(error).context("cannot start `redis-server`"),
        };
        let mut server = Self { child, folder, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            ensure!(server.child.try_wait()?.is_none(), "`redis-server` has ended");
            ensure!(began.elapsed() < PATIENCE, "`redis-server` does not listen on `{address}`");
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Some(server))
    }

    /// An empty store on this server: whatever was there is gone.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub fn empty(&self) -> Result<Redis> {
        let redis = Redis::connect(self.address)?;
        redis.ask(&[b"FLUSHALL"])?;
        Ok(redis)
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        // Whatever fails here, the test has its result.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// A store on a Redis server, used as Spin uses it: labels are ignored, a group write is `MSET`.
pub struct Redis(Mutex<BufReader<TcpStream>>);

/// What the server answers.
enum Reply {
    Done,
    Number(i64),
    Bytes(Option<Vec<u8>>),
    List(Vec<Reply>),
}

impl Redis {
    /// Connects.
    ///
    /// # Errors
    /// Nobody listens there.
    pub fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot reach Redis at `{address}`"))?;
        stream.set_nodelay(true)?;
        Ok(Self(Mutex::new(BufReader::new(stream))))
    }

    fn ask(&self, words: &[&[u8]]) -> Result<Reply> {
        let mut stream = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut request = format!("*{}\r\n", words.len()).into_bytes();
        for word in words {
            request.extend(format!("${}\r\n", word.len()).into_bytes());
            request.extend_from_slice(word);
            request.extend_from_slice(b"\r\n");
        }
        stream.get_mut().write_all(&request)?;
        reply(&mut stream)
    }

    fn read(&self, key: &str) -> Result<Option<Value>> {
        match self.ask(&[b"GET", key.as_bytes()])? {
            Reply::Bytes(bytes) => Ok(bytes.map(Value::Bytes)),
            Reply::Done | Reply::Number(_) | Reply::List(_) => bail!("GET was answered with no value"),
        }
    }

    fn list(&self) -> Result<Vec<String>> {
        let Reply::List(list) = self.ask(&[b"KEYS", b"*"])? else { bail!("KEYS was answered with no list") };
        let mut keys = Vec::new();
        for key in list {
            let Reply::Bytes(Some(key)) = key else { bail!("a key that is no text") };
            keys.push(String::from_utf8(key)?);
        }
        keys.sort();
        Ok(keys)
    }

    /// The platform has no call that both writes and deletes, so each kind is one command.
    fn change(&self, changes: &[Change]) -> Result<bool> {
        let last: BTreeMap<&str, Option<&[u8]>> = changes.iter().map(|(key, value)| (key.as_str(), value.as_deref())).collect();
        let (mut set, mut delete): (Vec<&[u8]>, Vec<&[u8]>) = (vec![b"MSET"], vec![b"DEL"]);
        for (key, value) in &last {
            match value {
                Some(value) => set.extend([key.as_bytes(), value]),
                None => delete.push(key.as_bytes()),
            }
        }
        let mut changed = false;
        if set.len() > 1 {
            self.ask(&set)?;
            // Redis does not say whether anything is different now.
            changed = true;
        }
        if delete.len() > 1 {
            changed |= matches!(self.ask(&delete)?, Reply::Number(gone) if gone > 0);
        }
        Ok(changed)
    }

    fn add(&self, key: &str, delta: i64) -> Result<i64> {
        match self.ask(&[b"INCRBY", key.as_bytes(), delta.to_string().as_bytes()])? {
            Reply::Number(sum) => Ok(sum),
            Reply::Done | Reply::Bytes(_) | Reply::List(_) => bail!("INCRBY was answered with no number"),
        }
    }
}

fn reply(stream: &mut BufReader<TcpStream>) -> Result<Reply> {
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let line = line.trim_end();
    let kind = line.chars().next().context("Redis closed the connection")?;
    let rest = line.strip_prefix(kind).unwrap_or_default();
    Ok(match kind {
        '+' => Reply::Done,
        '-' => bail!("Redis: {rest}"),
        ':' => Reply::Number(rest.parse()?),
        '$' => match usize::try_from(rest.parse::<i64>()?) {
            // A negative length means that there is nothing.
            Err(_) => Reply::Bytes(None),
            Ok(length) => {
                let mut bytes = vec![0; length + 2];
                stream.read_exact(&mut bytes)?;
                bytes.truncate(length);
                Reply::Bytes(Some(bytes))
            }
        },
        '*' => Reply::List((0..rest.parse::<usize>()?).map(|_| reply(stream)).collect::<Result<_>>()?),
        other => bail!("Redis answered with `{other}`"),
    })
}

impl Backend for Redis {
    fn get(&self, _: &str, key: &str) -> Result<Option<Value>, Failure> {
        self.read(key).map_err(Failure::Io)
    }

    fn keys(&self, _: &str) -> Result<Vec<String>, Failure> {
        self.list().map_err(Failure::Io)
    }

    fn write(&self, _: &str, changes: &[Change]) -> Result<bool, Failure> {
        self.change(changes).map_err(Failure::Io)
    }

    fn increment(&self, _: &str, key: &str, delta: i64) -> Result<(i64, bool), Failure> {
        // An absent counter comes into being; Redis does not say whether this one did.
        self.add(key, delta).map(|sum| (sum, delta != 0)).map_err(Failure::Io)
    }

    fn blocks(&self) -> bool {
        true
    }
}
