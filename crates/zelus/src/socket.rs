//! Sockets, and how connections are taken from them.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net as unix;
use std::path::{Path, PathBuf};

use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};
use web::Side;

/// How many connections wait to be accepted, at most, unless the system allows fewer.
const BACKLOG: u32 = 1024;

/// Where connections come in. No runtime watches it yet.
pub enum Socket {
    Tcp(net::TcpListener),
    /// With the file's path, which is removed in the end.
    Unix(unix::UnixListener, PathBuf),
}

/// Listens where `settings` say: at `unix:/path`, or at a host and port, by `queues` sockets for each address.
///
/// # Errors
/// One line that says what is in the way.
pub async fn bind_configured(
    side: Side,
    settings: &config::Listener,
    host: &str,
    queues: usize,
) -> Result<Vec<Socket>, String> {
    let variable = match side {
        Side::Public => "SERVE_PUBLIC_PORT",
        Side::Admin => "SERVE_ADMIN_PORT",
    };
    match host.strip_prefix("unix:") {
        Some(path) => Ok(vec![bind_unix(Path::new(path), &settings.socket).await?]),
        None => bind(host, settings.port, queues).await.map_err(|refused| match refused {
            Refused::InUse(address) => format!(
                "Port {} at {} is in use. Stop what listens there, or set {variable} to another port.",
                address.port(),
                address.ip()
            ),
            Refused::Otherwise(why) => why,
        }),
    }
}

async fn bind_unix(path: &Path, settings: &config::Socket) -> Result<Socket, String> {
    let fail = |error: io::Error| format!("Cannot listen at {}: {error}.", path.display());
    if path.exists() {
        // A server that was killed leaves its socket behind; nobody answers there.
        match UnixStream::connect(path).await {
            Ok(_) => return Err(format!("Another server listens at {}.", path.display())),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        }
    }
    let listener = UnixListener::bind(path).and_then(UnixListener::into_std).map_err(fail)?;
    std::fs::set_permissions(path, Permissions::from_mode(settings.mode)).map_err(fail)?;
    if settings.owner.is_some() || settings.group.is_some() {
        tracing::warn!(socket = %path.display(), "The socket keeps the process' owner and group; others are not set.");
    }
    Ok(Socket::Unix(listener, path.to_owned()))
}

/// Why nothing can listen at an address.
#[derive(Debug)]
pub enum Refused {
    /// Something listens there already.
    InUse(SocketAddr),
    /// Anything else, in one line.
    Otherwise(String),
}

/// Listens at a host and port, by `queues` sockets for each address if the system can share it out among them, or else by
/// one. The name `localhost` stands for both of its addresses, since browsers try either.
///
/// # Errors
/// Says what is in the way.
pub async fn bind(host: &str, port: u16, queues: usize) -> Result<Vec<Socket>, Refused> {
    let addresses: Vec<SocketAddr> = match host {
        "localhost" => vec![(Ipv4Addr::LOCALHOST, port).into(), (Ipv6Addr::LOCALHOST, port).into()],
        "" => vec![(Ipv4Addr::UNSPECIFIED, port).into()],
        _ => match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) => vec![(address, port).into()],
            Err(_) => tokio::net::lookup_host((host, port))
                .await
                .map_err(|error| Refused::Otherwise(format!("The host {host} to listen at is not known: {error}.")))?
                .take(1)
                .collect(),
        },
    };
    let mut sockets = Vec::new();
    for address in addresses {
        match listen(address, queues) {
            Ok(listeners) => sockets.extend(listeners.into_iter().map(Socket::Tcp)),
            // Machines without IPv6 have no ::1.
            Err(_) if address.is_ipv6() && !sockets.is_empty() => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(Refused::InUse(address)),
            Err(error) => return Err(Refused::Otherwise(format!("Cannot listen at {address}: {error}."))),
        }
    }
    Ok(sockets)
}

/// Sockets that share the connections to one address (`SO_REUSEPORT`).
fn listen(address: SocketAddr, queues: usize) -> io::Result<Vec<net::TcpListener>> {
    let open = || {
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        io::Result::Ok(socket)
    };
    let first = open()?;
    first.bind(address)?;
    let first = first.listen(BACKLOG)?.into_std()?;
    let address = first.local_addr()?;
    // Only now, so that of two servers which start at the same time one is refused.
    let sharing = if queues > 1 && SockRef::from(&first).set_reuse_port(true).is_ok() { queues } else { 1 };
    let next = || {
        let socket = open()?;
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    // Whatever a system lacks for more of them, one is enough.
    let others = (1..sharing).map_while(|_| next().ok());
    let listeners: Vec<_> = std::iter::once(first).chain(others).collect();
    if listeners.len() < queues {
        tracing::info!(%address, "This system does not share the port out among all threads; some get their connections from others.");
    }
    Ok(listeners)
}

/// A socket that a runtime watches.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

/// A new connection, watched by the runtime that accepted it.
pub enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// A connection that no runtime watches, on its way from one to another.
pub enum Unwatched {
    Tcp(net::TcpStream, SocketAddr),
    Unix(unix::UnixStream),
}

impl Socket {
    /// Has the current runtime watch for connections.
    ///
    /// # Errors
    /// When the system refuses that.
    pub fn watch(self) -> io::Result<Listener> {
        match self {
            Self::Tcp(listener) => TcpListener::from_std(listener).map(Listener::Tcp),
            Self::Unix(listener, path) => {
                UnixListener::from_std(listener).map(|listener| Listener::Unix(listener, path))
            }
        }
    }
}

impl Listener {
    /// Waits for a connection.
    ///
    /// # Errors
    /// When the system has no room for it, for instance.
    pub async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(listener) => listener.accept().await.map(|(stream, address)| Accepted::Tcp(stream, address)),
            Self::Unix(listener, _) => listener.accept().await.map(|(stream, _)| Accepted::Unix(stream)),
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Self::Unix(_, path) = self {
            // Whoever starts next removes it, if this fails.
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Accepted {
    /// Takes it from its runtime.
    ///
    /// # Errors
    /// When the system refuses that.
    pub fn unwatch(self) -> io::Result<Unwatched> {
        match self {
            Self::Tcp(stream, address) => stream.into_std().map(|stream| Unwatched::Tcp(stream, address)),
            Self::Unix(stream) => stream.into_std().map(Unwatched::Unix),
        }
    }
}

impl Unwatched {
    /// Has the current runtime watch it.
    ///
    /// # Errors
    /// When the system refuses that.
    pub fn watch(self) -> io::Result<Accepted> {
        match self {
            Self::Tcp(stream, address) => TcpStream::from_std(stream).map(|stream| Accepted::Tcp(stream, address)),
            Self::Unix(stream) => UnixStream::from_std(stream).map(Accepted::Unix),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(socket: &Socket) -> u16 {
        let Socket::Tcp(listener) = socket else { panic!("it is at an address") };
        listener.local_addr().expect("an address").port()
    }

    #[tokio::test]
    async fn an_address_can_have_several_queues_and_only_one_server() {
        let sockets = bind("127.0.0.1", 0, 3).await.expect("a free port");
        let port = port(&sockets[0]);
        assert!(matches!(bind("127.0.0.1", port, 3).await, Err(Refused::InUse(_))));
        assert!(matches!(bind("127.0.0.1", port, 1).await, Err(Refused::InUse(_))));
        if cfg!(target_os = "linux") {
            assert_eq!(sockets.len(), 3);
        }
        let mut listeners: Vec<_> = sockets.into_iter().map(|socket| socket.watch().expect("watched")).collect();
        let mut taken = [0; 3];
        for _ in 0..40 {
            let _client = TcpStream::connect(("127.0.0.1", port)).await.expect("a connection");
            let mut accepting: Vec<_> = listeners.iter_mut().map(|listener| Box::pin(listener.accept())).collect();
            let accepted = std::future::poll_fn(|cx| {
                let ready = accepting.iter_mut().position(|accept| accept.as_mut().poll(cx).is_ready());
                ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
            });
            taken[accepted.await] += 1;
        }
        assert!(!cfg!(target_os = "linux") || !taken.contains(&0), "{taken:?}");
    }

    #[tokio::test]
    async fn a_connection_can_be_given_to_another_runtime() {
        let socket = bind("127.0.0.1", 0, 1).await.expect("a free port").remove(0);
        let port = port(&socket);
        let client = std::thread::spawn(move || {
            let mut said = String::new();
            io::Read::read_to_string(&mut net::TcpStream::connect(("127.0.0.1", port))?, &mut said).map(|_| said)
        });
        let accepted = socket.watch().expect("watched").accept().await.expect("a connection");
        let unwatched = accepted.unwatch().expect("taken");
        let other = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let Accepted::Tcp(mut stream, _) = unwatched.watch()? else { panic!("it came by TCP") };
                tokio::io::AsyncWriteExt::write_all(&mut stream, b"hello").await
            })
        });
        other.join().expect("no panic").expect("written");
        assert_eq!(client.join().expect("no panic").expect("read"), "hello");
    }
}
