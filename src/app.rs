//! The assembly: bind, serve, swap the engine when it is to be renewed, drain.
//!
//! [`start`] binds and starts the workers; the [`Service`] it gives can be stopped by whoever started it (the
//! demonstration and the tests do) or by [`Service::run`], which does what the signals say.

use std::{
    collections::HashMap,
    io::Write,
    path::PathBuf,
    rc::Rc,
    sync::Arc,
    thread::{self, JoinHandle},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::{
    runtime::{LocalOptions, LocalRuntime},
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::spawn_local,
};
use tracing::{error, info, warn};

use crate::{
    admin::{self, Admin},
    engine::Engine,
    logging::{self, Log, LogSettings, target},
    metrics::{self, Metrics, WorkerMetrics},
    proxy::{Proxy, ProxySettings},
    record::{Recorder, WeakKeyQueue, WeakKeyThread},
    server::{
        Bound, Clock, ConnectionSettings, ListenAddress, Redirect, Server, TICK, TlsError, TlsIdentity, TlsSettings,
        bind,
    },
    upstream::{Upstream, UpstreamSettings, UpstreamTls},
};

/// Everything the service is told from outside, compiled.
#[derive(Clone, Debug)]
pub struct AppSettings {
    /// Where clients connect.
    pub listen: Vec<ListenAddress>,
    /// Where they connect by TLS; none for nowhere.
    pub tls: Option<TlsSettings>,
    /// Where the operator connects; none for nowhere.
    pub admin: Option<ListenAddress>,
    /// Threads; 0 is one per core.
    pub workers: usize,
    /// From the signal to stop until what is still open is broken off.
    pub drain_timeout: Duration,
    /// What client connections are held to. Its limit on connections is shared out among the workers.
    pub connections: ConnectionSettings,
    /// The application.
    pub upstream: UpstreamSettings,
    /// The timing of exchanges.
    pub proxy: ProxySettings,
    /// What is logged.
    pub log: LogSettings,
}

impl AppSettings {
    /// The defaults, in front of the application of `upstream`.
    pub fn new(listen: Vec<ListenAddress>, upstream: UpstreamSettings) -> Self {
        Self {
            listen,
            tls: None,
            admin: None,
            workers: 0,
            drain_timeout: Duration::from_secs(30),
            connections: ConnectionSettings::default(),
            upstream,
            proxy: ProxySettings::default(),
            log: LogSettings::default(),
        }
    }
}

/// How the engine is renewed while the service runs.
pub struct Reload {
    /// Loads, compiles and self-tests a new engine; the error says why the old one stays.
    pub load: Box<dyn FnMut() -> anyhow::Result<Engine>>,
    /// The files whose change calls for it.
    pub watched: Watched,
}

impl std::fmt::Debug for Reload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reload").field("watched", &self.watched).finish_non_exhaustive()
    }
}

/// A running service. Dropping it stops it without waiting.
#[derive(Debug)]
pub struct Service {
    /// Where clients connect, free ports filled in.
    pub listening: Vec<ListenAddress>,
    /// Where they connect by TLS, a free port filled in.
    pub listening_tls: Option<ListenAddress>,
    /// Where they are sent to TLS from, a free port filled in.
    pub redirecting: Option<ListenAddress>,
    /// Where the operator connects, a free port filled in.
    pub admin: Option<ListenAddress>,
    identity: Option<TlsIdentity>,
    upstream_tls: Option<UpstreamTls>,
    engine: Arc<ArcSwap<Engine>>,
    metrics: Metrics,
    log: Log,
    stop: watch::Sender<bool>,
    workers: Vec<JoinHandle<()>>,
    weak_keys: WeakKeyThread,
}

/// Starts the service. Its log goes to `output`.
///
/// # Errors
/// When an address cannot be bound or a thread not be started.
pub fn start(settings: AppSettings, engine: Engine, output: impl Write + Send + 'static) -> anyhow::Result<Service> {
    let metrics = Metrics::new(metrics::Registry::new()).context("registering the metrics")?;
    let metrics = metrics.showing(settings.proxy.budget.clone(), settings.upstream.storage.disk.clone());
    let log = Log::start(output, metrics.log_lines_dropped().clone()).context("starting the log's thread")?;
    let weak_keys = WeakKeyThread::start(metrics.clone()).context("starting the thread that tests for weak keys")?;
    let (stop, stopping) = watch::channel(false);
    let engine = Arc::new(ArcSwap::from_pointee(engine));
    let workers = worker_count(settings.workers);
    let (doors, shares) = bind_all(&settings, workers)?;
    let admin = start_admin(&settings, &metrics, &stopping)?;
    let identity = settings.tls.as_ref().map(|tls| tls.identity.clone());
    let upstream_tls = settings.upstream.tls.clone();
    let settings = share_out(settings, workers);
    let plan = Plan { settings, engine, metrics, log, weak_keys: weak_keys.queue(), stopping };
    let handles = shares.into_iter().map(|share| plan.clone().start_worker(share));
    let workers = handles.collect::<anyhow::Result<_>>()?;
    let Plan { engine, metrics, log, .. } = plan;
    let Doors { listening, tls: listening_tls, redirecting } = doors;
    Ok(Service {
        listening,
        listening_tls,
        redirecting,
        admin,
        identity,
        upstream_tls,
        engine,
        metrics,
        log,
        stop,
        workers,
        weak_keys,
    })
}

fn worker_count(wanted: usize) -> usize {
    match wanted {
        0 => thread::available_parallelism().map_or(1, usize::from),
        wanted => wanted,
    }
}

fn share_out(mut settings: AppSettings, workers: usize) -> AppSettings {
    let connections = &mut settings.connections;
    connections.max_connections = connections.max_connections.div_ceil(workers);
    connections.max_handshakes = connections.max_handshakes.div_ceil(workers);
    settings
}

/// Where clients come in, free ports filled in.
#[derive(Debug, Default)]
struct Doors {
    listening: Vec<ListenAddress>,
    tls: Option<ListenAddress>,
    redirecting: Option<ListenAddress>,
}

/// What is spoken at a socket.
#[derive(Clone, Debug)]
enum Spoken {
    Plain,
    Tls(TlsIdentity),
    /// Nothing but that TLS is spoken at this port.
    Redirect(u16),
}

/// A worker's sockets.
type Share = Vec<(Spoken, Bound)>;

/// Binds every address; what comes second is each worker's share of the sockets.
fn bind_all(settings: &AppSettings, workers: usize) -> anyhow::Result<(Doors, Vec<Share>)> {
    let mut shares: Vec<Share> = (0..workers).map(|_| Vec::new()).collect();
    let mut open = |address: &ListenAddress, spoken: Spoken| -> anyhow::Result<ListenAddress> {
        let (sockets, address) = bind(address, workers).with_context(|| format!("listening on {address}"))?;
        shares.iter_mut().zip(sockets).for_each(|(share, socket)| share.push((spoken.clone(), socket)));
        Ok(address)
    };
    let mut doors = Doors::default();
    for address in &settings.listen {
        doors.listening.push(open(address, Spoken::Plain)?);
    }
    if let Some(tls) = &settings.tls {
        let address = open(&tls.listen, Spoken::Tls(tls.identity.clone()))?;
        let port = https_port(&address);
        doors.tls = Some(address);
        let redirect = tls.redirect_from.as_ref().map(|from| open(from, Spoken::Redirect(port)));
        doors.redirecting = redirect.transpose()?;
    }
    Ok((doors, shares))
}

/// Whoever forwards to a Unix socket does so from the usual port.
fn https_port(address: &ListenAddress) -> u16 {
    match address {
        ListenAddress::Tcp(address) => address.port(),
        ListenAddress::Unix(_) => 443,
    }
}

fn start_admin(
    settings: &AppSettings,
    metrics: &Metrics,
    stopping: &watch::Receiver<bool>,
) -> anyhow::Result<Option<ListenAddress>> {
    let Some(address) = &settings.admin else { return Ok(None) };
    let (sockets, address) = bind(address, 1).with_context(|| format!("listening on {address} for the operator"))?;
    let admin = Admin { metrics: metrics.clone(), stopping: stopping.clone() };
    let serve = move || {
        let Ok(runtime) = runtime() else { return };
        for socket in sockets {
            // Only a socket that cannot be made part of the runtime ends it.
            drop(runtime.block_on(admin::serve(socket, admin.clone())));
        }
    };
    thread::Builder::new().name("admin".to_owned()).spawn(serve).context("starting the operator's thread")?;
    Ok(Some(address))
}

fn runtime() -> std::io::Result<LocalRuntime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
}

/// What a worker needs.
#[derive(Clone)]
struct Plan {
    settings: AppSettings,
    engine: Arc<ArcSwap<Engine>>,
    metrics: Metrics,
    log: Log,
    weak_keys: Option<WeakKeyQueue>,
    stopping: watch::Receiver<bool>,
}

impl Plan {
    fn start_worker(self, sockets: Share) -> anyhow::Result<JoinHandle<()>> {
        let runtime = move || match runtime() {
            Ok(runtime) => runtime.block_on(self.work(sockets)),
            Err(error) => error!(target: target::SERVICE, "a worker cannot start: {error}"),
        };
        thread::Builder::new().name("worker".to_owned()).spawn(runtime).context("starting a worker's thread")
    }

    /// A worker's life.
    async fn work(self, sockets: Share) {
        let Self { settings, engine, metrics, log, weak_keys, mut stopping } = self;
        let clock = Clock::default();
        let recorder = Recorder::new(WorkerMetrics::new(metrics), log, settings.log, weak_keys);
        let upstream = Upstream::new(settings.upstream, clock.clone());
        let proxy = Rc::new(Proxy::new(engine, upstream, recorder, clock.clone(), settings.proxy));
        drop(spawn_local(tick(clock.clone(), proxy.clone())));
        let server = Server::new(proxy.clone(), clock.clone(), settings.connections.clone());
        let accept = |(spoken, socket)| match spoken {
            Spoken::Plain => spawn_local(server.clone().accept(socket, None)),
            Spoken::Tls(identity) => spawn_local(server.clone().accept(socket, Some(identity))),
            Spoken::Redirect(port) => {
                let redirect = Rc::new(Redirect::new(port, proxy.clone()));
                let server = Server::new(redirect, clock.clone(), settings.connections.clone());
                spawn_local(server.accept(socket, None))
            }
        };
        let accepting: Vec<_> = sockets.into_iter().map(accept).collect();
        // The sender is gone only when the service is, and that is a reason to stop, too.
        let _stop = stopping.wait_for(|stop| *stop).await;
        accepting.iter().for_each(tokio::task::JoinHandle::abort);
        // A task ends when it is polled again: only then are its sockets closed, and nobody waits in their queues.
        tokio::task::yield_now().await;
        if tokio::time::timeout(settings.drain_timeout, server.drain()).await.is_err() {
            warn!(target: target::SERVICE, "some connections did not end in time and are broken off");
        }
        proxy.tick();
    }
}

async fn tick(clock: Clock, proxy: Rc<Proxy>) {
    let mut interval = tokio::time::interval(TICK);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        interval.tick().await;
        clock.sweep();
        proxy.tick();
    }
}

/// How often the watched files are looked at.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

impl Service {
    /// Sends what the program says through `tracing` to the service's log.
    ///
    /// # Errors
    /// When the filter of the settings is not valid, or this was done before.
    pub fn install_log(&self, settings: &LogSettings) -> anyhow::Result<()> {
        logging::install(settings, self.log.clone()).map_err(anyhow::Error::msg)
    }

    /// Serves until SIGTERM or SIGINT, then drains. SIGHUP and a change of a watched file renew the engine
    /// and the certificates.
    ///
    /// # Errors
    /// When the signals cannot be listened to.
    pub fn run(mut self, mut reload: Reload) -> anyhow::Result<()> {
        let runtime = runtime().context("starting the main runtime")?;
        runtime.block_on(self.watch(&mut reload)).context("listening to signals")?;
        info!(target: target::SERVICE, "stopping");
        self.stop();
        Ok(())
    }

    /// Stops accepting, lets exchanges end within the drain timeout, and returns when all is over.
    pub fn stop(&mut self) {
        self.stop.send_replace(true);
        for worker in self.workers.drain(..) {
            if worker.join().is_err() {
                error!(target: target::SERVICE, "a worker has panicked");
            }
        }
        self.weak_keys.stop(Duration::from_secs(1));
        self.log.flush(Duration::from_secs(1));
    }

    /// The metrics of the running service.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    async fn watch(&self, reload: &mut Reload) -> std::io::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hang_up = signal(SignalKind::hangup())?;
        let mut interval = tokio::time::interval(WATCH_INTERVAL);
        let tls_files = self.tls_files();
        let mut tls_files = Watched::new(move || Some(tls_files.clone()));
        loop {
            tokio::select! {
                _ = terminate.recv() => return Ok(()),
                _ = interrupt.recv() => return Ok(()),
                _ = hang_up.recv() => {
                    self.renew(reload);
                    self.renew_tls();
                }
                _ = interval.tick() => {
                    if reload.watched.changed() {
                        self.renew(reload);
                    }
                    if tls_files.changed() {
                        self.renew_tls();
                    }
                }
            }
        }
    }

    fn tls_files(&self) -> Vec<PathBuf> {
        let upstream = self.upstream_tls.iter().flat_map(UpstreamTls::files);
        self.identity.iter().flat_map(TlsIdentity::files).chain(upstream).collect()
    }

    /// Reads certificates and keys again, or keeps the old ones and says why.
    pub fn renew_tls(&self) {
        if let Some(identity) = &self.identity {
            self.renewed_tls("clients", identity.reload());
        }
        if let Some(tls) = &self.upstream_tls {
            self.renewed_tls("the application", tls.reload());
        }
    }

    fn renewed_tls(&self, side: &str, renewed: Result<(), TlsError>) {
        self.metrics.tls_reloaded(renewed.is_ok());
        match renewed {
            Ok(()) => info!(target: target::SERVICE, "the certificates towards {side} have been read again"),
            Err(error) => {
                error!(target: target::SERVICE, "the old certificates towards {side} stay in force: {error}");
            }
        }
    }

    /// Swaps the engine whole, or keeps the old one and says why.
    pub fn renew(&self, reload: &mut Reload) {
        reload.watched.list_again();
        let renewed = (reload.load)();
        self.metrics.reloaded(renewed.is_ok());
        match renewed {
            Ok(engine) => {
                self.engine.store(Arc::new(engine));
                info!(target: target::SERVICE, "the new configuration is in force");
            }
            Err(error) => {
                error!(target: target::SERVICE, "the old configuration stays in force: {error:#}");
            }
        }
    }
}

/// Files, and when each was last seen to have changed.
pub struct Watched {
    list: Box<dyn FnMut() -> Option<Vec<PathBuf>>>,
    files: Vec<PathBuf>,
    seen: HashMap<PathBuf, SystemTime>,
}

impl Watched {
    /// The files that `list` gives: at every reload again, for a new configuration may name others. Where it gives
    /// none, because the configuration cannot be read, they stay the same.
    ///
    /// To be made before they are read, so that no change is missed.
    pub fn new(list: impl FnMut() -> Option<Vec<PathBuf>> + 'static) -> Self {
        let mut watched = Self { list: Box::new(list), files: Vec::new(), seen: HashMap::new() };
        watched.list_again();
        watched
    }

    fn list_again(&mut self) {
        if let Some(files) = (self.list)() {
            self.files = files;
        }
        self.seen = modified(&self.files);
    }

    /// Whether any has changed since the last look.
    fn changed(&mut self) -> bool {
        let now = modified(&self.files);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

impl std::fmt::Debug for Watched {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watched").field("files", &self.files).finish_non_exhaustive()
    }
}

/// When each file was last changed. A file that is not there counts as one that never was.
fn modified(files: &[PathBuf]) -> HashMap<PathBuf, SystemTime> {
    let time = |file: &PathBuf| Some((file.clone(), std::fs::metadata(file).ok()?.modified().ok()?));
    files.iter().filter_map(time).collect()
}
