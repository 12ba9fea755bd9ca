//! Sockets, and how connections are taken from them.

use std::fs::Permissions;
use std::io::{self, ErrorKind};
use std::net::{self, IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net as unix;
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, SockRef, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream, UnixListener, UnixStream};

/// How many connections wait to be accepted, at most, unless the system allows fewer.
const BACKLOG: u32 = 1024;

/// Where connections come in. No runtime watches it yet.
pub struct Socket(StdListener);

/// A socket of the standard library, which any runtime can take over.
enum StdListener {
    Tcp(net::TcpListener),
    Unix(unix::UnixListener, Option<SocketFile>),
}

/// The file of a Unix socket, which is removed when the value is dropped.
pub struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever starts next removes it, if this fails.
        let _ = std::fs::remove_file(&self.0);
    }
}

/// Listens at a path of the file system, by `acceptors` sockets: from each of them one task may accept connections.
///
/// # Errors
/// One line that says what is in the way.
pub async fn bind_unix(path: &Path, settings: &config::Socket, acceptors: usize) -> Result<Vec<Socket>, String> {
    let fail = |error: io::Error| format!("Cannot listen at {}: {error}.", path.display());
    if path.exists() {
        // A server that was killed leaves its socket behind; nobody answers there.
        match UnixStream::connect(path).await {
            Ok(_) => return Err(format!("Another server listens at {}.", path.display())),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => std::fs::remove_file(path).map_err(fail)?,
            Err(error) => return Err(fail(error)),
        }
    }
    let listener = listen_at(path, settings.mode).map_err(fail)?;
    if settings.owner.is_some() || settings.group.is_some() {
        tracing::warn!(socket = %path.display(), "The socket keeps the process' owner and group; others are not set.");
    }
    let others: Vec<_> = (1..acceptors).map(|_| listener.try_clone()).collect::<io::Result<_>>().map_err(fail)?;
    let first = StdListener::Unix(listener, Some(SocketFile(path.to_owned())));
    let others = others.into_iter().map(|other| StdListener::Unix(other, None));
    Ok(std::iter::once(first).chain(others).map(Socket).collect())
}

/// Makes a socket in the file system, and listens there only once its permissions are those that it is to have.
fn listen_at(path: &Path, mode: u32) -> io::Result<unix::UnixListener> {
    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.bind(&SockAddr::unix(path)?)?;
    std::fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(i32::try_from(BACKLOG).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Why nothing can listen at an address.
#[derive(Debug)]
pub enum Refused {
    /// Something listens there already.
    InUse(SocketAddr),
    /// Anything else, in one line.
    Otherwise(String),
}

/// Listens at a host and port, by `acceptors` sockets for each address. The name `localhost` stands for both of its
/// addresses, since browsers try either.
///
/// # Errors
/// Says what is in the way.
pub async fn bind(host: &str, port: u16, acceptors: usize) -> Result<Vec<Socket>, Refused> {
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
        match listen(address, acceptors) {
            Ok(listeners) => sockets.extend(listeners.into_iter().map(|listener| Socket(StdListener::Tcp(listener)))),
            // Machines without IPv6 have no ::1.
            Err(_) if address.is_ipv6() && !sockets.is_empty() => {}
            Err(error) if error.kind() == ErrorKind::AddrInUse => return Err(Refused::InUse(address)),
            Err(error) => return Err(Refused::Otherwise(format!("Cannot listen at {address}: {error}."))),
        }
    }
    Ok(sockets)
}

/// Sockets that share the connections to one address. On Linux each has a queue of its own (`SO_REUSEPORT`), which spares
/// the others from being woken; elsewhere the last would get all connections, and so they share one queue.
fn listen(address: SocketAddr, acceptors: usize) -> io::Result<Vec<net::TcpListener>> {
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
    let has_queues = cfg!(target_os = "linux") && acceptors > 1 && SockRef::from(&first).set_reuse_port(true).is_ok();
    let next = || {
        let socket = open()?;
        socket.set_reuseport(true)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?.into_std()
    };
    let others = (1..acceptors).map(|_| match has_queues.then(next) {
        Some(Ok(listener)) => Ok(listener),
        // Whatever a system lacks for more of them.
        Some(Err(_)) | None => first.try_clone(),
    });
    let others = others.collect::<io::Result<Vec<_>>>()?;
    Ok(std::iter::once(first).chain(others).collect())
}

/// A socket that a runtime watches.
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, #[expect(dead_code, reason = "held until nobody listens any more")] Option<SocketFile>),
}

/// A new connection.
pub enum Accepted {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

impl Accepted {
    /// The other end's address; `None` for a Unix socket.
    pub fn address(&self) -> Option<IpAddr> {
        match self {
            Self::Tcp(_, address) => Some(address.ip()),
            Self::Unix(_) => None,
        }
    }
}

impl Socket {
    /// Has the current runtime watch for connections.
    ///
    /// # Errors
    /// When the system refuses that.
    pub(crate) fn watch(self) -> io::Result<Listener> {
        match self.0 {
            StdListener::Tcp(listener) => TcpListener::from_std(listener).map(Listener::Tcp),
            StdListener::Unix(listener, file) => {
                UnixListener::from_std(listener).map(|listener| Listener::Unix(listener, file))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn port(socket: &Socket) -> u16 {
        let StdListener::Tcp(listener) = &socket.0 else { panic!("it is at an address") };
        listener.local_addr().expect("an address").port()
    }

    #[tokio::test]
    async fn a_socket_has_the_permissions_that_are_asked_for() {
        let folder = tempfile::tempdir().expect("a folder");
        for mode in [0o600, 0o660] {
            let path = folder.path().join(format!("{mode:o}.sock"));
            let settings = config::Socket { owner: None, group: None, mode };
            let sockets = bind_unix(&path, &settings, 2).await.expect("a socket");
            let permissions = std::fs::metadata(&path).expect("a socket").permissions();
            assert_eq!((permissions.mode() & 0o777, sockets.len()), (mode, 2));
            let listener = sockets.into_iter().next().expect("a socket").watch().expect("watched");
            let (client, accepted) = tokio::join!(UnixStream::connect(&path), listener.accept());
            assert!(client.is_ok() && matches!(accepted, Ok(Accepted::Unix(_))));
        }
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
}
