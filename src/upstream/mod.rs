//! The side of the application: one worker's connections to it, kept open between requests.
//!
//! A connection is used again only if the answer before was read to its very end and nothing came after it. What
//! the upstream says is taken only if it says it in one way.

mod ahead;
mod body;
mod connect;
mod fault;
mod framing;
mod http1;
mod http2;
mod io;
mod link;
mod pool;
mod request;
mod slots;
mod spool;
mod storage;
mod tls;
mod whole;

pub(crate) use body::{BodyFault, UpstreamBody};
pub use connect::UpstreamAddress;
pub(crate) use fault::Fault;
#[doc(hidden)]
pub use http1::fuzz_answer;
pub(crate) use request::{BodyLimit, RequestBody};
pub use slots::Slots;
pub(crate) use storage::ClientStorage;
pub use storage::{ClientDisks, Storage};
pub use tls::{UpstreamTls, UpstreamTlsFiles};
pub(crate) use whole::Reading;

use std::{future::poll_fn, net::IpAddr, rc::Rc, time::Duration};

use http::{Request, response};

use self::{
    body::Source,
    http1::{Asked, Http1, Scratch},
    link::{Again, Failure, Link},
    pool::Pool,
};
use crate::server::{Clock, Deadline};

/// Where the application is and what it is held to.
#[derive(Clone, Debug)]
pub struct UpstreamSettings {
    /// Where it is.
    pub address: UpstreamAddress,
    /// TLS towards it, if it is reached by TCP; none for none.
    pub tls: Option<UpstreamTls>,
    /// What is spoken to it.
    pub protocol: Protocol,
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// From the request's end to the response's head.
    pub head_timeout: Duration,
    /// The longest pause within a response body.
    pub body_timeout: Duration,
    /// How long an idle connection is kept. Must be shorter than the application's own limit, or requests meet
    /// connections that are being closed: gunicorn closes after 2 s, Node after 5 s.
    pub idle_timeout: Duration,
    /// The most idle connections of one worker; 0 keeps none.
    pub max_idle: usize,
    /// Bytes of the largest response head; between 8 KiB and 1 MiB.
    pub max_head: usize,
    /// How many requests it has at a time; none for as many as come.
    pub slots: Option<Slots>,
    /// The same behind the shield, where `slots` says nothing.
    pub shielded_slots: Slots,
    /// Where bodies wait behind the shield.
    pub storage: Storage,
}

/// What is spoken to the application.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http1,
    /// HTTP/2 where TLS offers it, else HTTP/1.1.
    Offered,
    /// HTTP/2, without TLS by prior knowledge.
    Http2,
}

impl UpstreamSettings {
    /// The defaults, for the application at `address`.
    pub fn new(address: UpstreamAddress) -> Self {
        Self {
            address,
            tls: None,
            protocol: Protocol::default(),
            connect_timeout: Duration::from_secs(5),
            head_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_millis(1500),
            max_idle: 256,
            max_head: 64 * 1024,
            slots: None,
            shielded_slots: Slots::new(SHIELDED_REQUESTS, Duration::from_secs(5)),
            storage: Storage::default(),
        }
    }
}

/// Requests that a shielded application has at a time unless more is said: as many as a browser sends at a time by
/// HTTP/1.1, and as some of these servers have places for, which is one and a queue of five.
pub const SHIELDED_REQUESTS: usize = 6;

/// One worker's access to the application.
#[derive(Debug)]
pub(crate) struct Upstream {
    settings: UpstreamSettings,
    pool: Rc<Pool>,
    scratch: Scratch,
}

/// What the upstream answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: response::Parts,
    pub(crate) body: UpstreamBody,
}

impl Upstream {
    pub(crate) fn new(settings: UpstreamSettings, clock: Clock) -> Self {
        let pool = Pool::new(settings.max_idle, settings.idle_timeout, clock);
        Self { settings, pool: Rc::new(pool), scratch: Scratch::default() }
    }

    pub(crate) fn settings(&self) -> &UpstreamSettings {
        &self.settings
    }

    /// Closes the connections that have been idle for too long. To be called now and then.
    pub(crate) fn expire(&self) {
        self.pool.expire();
    }

    /// Sends a request and waits for the head of its answer.
    ///
    /// A request that meets a connection as it closes is sent again: once always if nothing of it was written, and
    /// if it was, only when it has no body and a method that changes nothing (RFC 9110 section 9.2.1).
    pub(crate) async fn send(
        &self,
        request: Request<RequestBody>,
        client: IpAddr,
        deadline: &Deadline,
    ) -> Result<Answer, Fault> {
        let Some(slots) = &self.settings.slots else { return self.send_now(request, deadline).await };
        let slot = Box::pin(slots.take(client, deadline)).await?;
        let mut answer = self.send_now(request, deadline).await?;
        answer.body.occupy(slot);
        Ok(answer)
    }

    /// The same for an application that is shielded: few requests at a time, and each on a connection of its own,
    /// because a server with one thread serves nobody else while a connection is kept open.
    pub(crate) async fn send_shielded(
        &self,
        request: Request<RequestBody>,
        client: IpAddr,
        deadline: &Deadline,
    ) -> Result<Answer, Fault> {
        let slot = self.shielded_slots().take(client, deadline).await?;
        let mut link = self.connect(deadline).await?;
        let (head, body) = self.exchange(&mut link, request, deadline).await.map_err(|failure| failure.fault)?;
        let mut body = UpstreamBody::of_one_request(body, link);
        body.occupy(slot);
        Ok(Answer { head, body })
    }

    fn shielded_slots(&self) -> &Slots {
        self.settings.slots.as_ref().unwrap_or(&self.settings.shielded_slots)
    }

    async fn send_now(&self, mut request: Request<RequestBody>, deadline: &Deadline) -> Result<Answer, Fault> {
        while let Some(mut link) = self.pool.take() {
            match self.exchange(&mut link, request, deadline).await {
                Ok((head, body)) => return Ok(Answer { head, body: UpstreamBody::new(body, link, self.pool.clone()) }),
                Err(Failure { again: Some(Again::Unsent(unsent)), .. }) => request = *unsent,
                Err(Failure { again: Some(Again::Repeatable(spare)), .. }) => {
                    return Box::pin(self.send_afresh(*spare, deadline)).await;
                }
                Err(failure) => return Err(failure.fault),
            }
        }
        // Boxed: most requests meet an open connection.
        Box::pin(self.send_afresh(request, deadline)).await
    }

    async fn send_afresh(&self, request: Request<RequestBody>, deadline: &Deadline) -> Result<Answer, Fault> {
        let mut link = self.connect(deadline).await?;
        let (head, body) = self.exchange(&mut link, request, deadline).await.map_err(|failure| failure.fault)?;
        Ok(Answer { head, body: UpstreamBody::new(body, link, self.pool.clone()) })
    }

    /// Sends a request to switch protocols, on a connection of its own that serves nothing else.
    pub(crate) async fn send_switch(
        &self,
        request: Request<RequestBody>,
        client: IpAddr,
        deadline: &Deadline,
        shielded: bool,
    ) -> Result<Answer, Fault> {
        let slot = match self.settings.slots.as_ref().or(shielded.then(|| self.shielded_slots())) {
            Some(slots) => Some(slots.take(client, deadline).await?),
            None => None,
        };
        deadline.set(self.settings.connect_timeout);
        let io = deadline.bound(connect::connect_http1(&self.settings)).await.ok_or(Fault::ConnectTimeout)?;
        let connection = Http1::new(io.map_err(Fault::Connect)?, self.scratch.clone(), self.settings.max_head);
        let mut link = Link::Http1(Box::new(connection));
        let (head, body) = self.exchange(&mut link, request, deadline).await.map_err(|failure| failure.fault)?;
        let mut answer = Answer { head, body: UpstreamBody::of_one_request(body, link) };
        slot.into_iter().for_each(|slot| answer.body.occupy(slot));
        Ok(answer)
    }

    async fn connect(&self, deadline: &Deadline) -> Result<Link, Fault> {
        deadline.set(self.settings.connect_timeout);
        let io = deadline.bound(connect::connect(&self.settings)).await.ok_or(Fault::ConnectTimeout)?;
        Link::open(io.map_err(Fault::Connect)?, self.scratch.clone(), self.settings.max_head).await
    }

    async fn exchange(
        &self,
        link: &mut Link,
        request: Request<RequestBody>,
        deadline: &Deadline,
    ) -> Result<(response::Parts, Source), Failure> {
        deadline.set(self.settings.head_timeout);
        let (connection, mut asked) = match link {
            Link::Http1(connection) => (connection, Asked::new(request)),
            // Boxed: it is large, and most applications speak HTTP/1.1.
            Link::Http2(connection) => {
                let answer = Box::pin(deadline.bound(connection.send(request))).await;
                return answer.unwrap_or_else(|| Err(Fault::Timeout.into()));
            }
        };
        // The request stands in one place and is not moved to where it is waited for.
        let head = deadline.bound(poll_fn(|cx| connection.poll_send(cx, &mut asked))).await;
        let (head, content) = connection.answered(asked, head.unwrap_or(Err(Fault::Timeout)))?;
        Ok((head, Source::Http1(content)))
    }
}
