//! Development servers behind the proxy, and the shield in front of them.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use cofferdam::{
    app::AppSettings,
    exchange::Budget,
    policy::{RoutePolicy, Shield, ShieldMode, UpgradePolicy, WholeBody},
    response::DevelopmentServers,
    upstream::Slots,
};

use crate::support::{
    PATIENCE,
    client::{Client, get},
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

fn shield(mode: ShieldMode, body: WholeBody) -> Option<Arc<Shield>> {
    Some(Arc::new(Shield::new(DevelopmentServers::embedded().unwrap(), mode, body, Arc::default())))
}

/// In front of `origin`, the shield up with these limits.
fn shielded(origin: &Origin, body: WholeBody, adjust: impl FnOnce(&mut AppSettings)) -> Cofferdam {
    Cofferdam::with(origin, |settings, route| {
        route.shield = shield(ShieldMode::Enforce, body);
        adjust(settings);
    })
}

/// A request whose body the proxy has asked for, and of which half has been sent.
fn half_sent(proxy: &Cofferdam) -> Client {
    let mut client = proxy.client();
    client.send("POST /upload HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\n");
    assert!(client.read_until(b"\r\n\r\n").starts_with(b"HTTP/1.1 100 Continue\r\n"));
    client.send("half");
    client
}

fn counted(server_field: &str) -> String {
    let origin = Origin::saying(answer("200 OK", server_field, "hello"));
    let proxy = Cofferdam::with(&origin, |_, route: &mut RoutePolicy| {
        route.shield = shield(ShieldMode::ByServer, WholeBody::default());
    });
    let mut client = proxy.client();
    for _ in 0..3 {
        assert_eq!(client.get("/").text(), "hello");
    }
    proxy.stop()
}

#[test]
fn a_development_server_is_reported_once_per_route() {
    let counts = counted("Server: Werkzeug/3.1.3 Python/3.13.5\r\n");
    let line = r#"cofferdam_development_servers_total{route="default",server="werkzeug"} 1"#;
    assert!(counts.contains(line), "{counts}");
}

#[test]
fn a_server_for_production_is_not_reported() {
    assert!(!counted("Server: gunicorn\r\n").contains("cofferdam_development_servers_total{"));
}

#[test]
fn the_application_sees_nothing_of_a_request_before_it_is_whole() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = shielded(&origin, WholeBody::default(), |_| {});
    let mut slow: Vec<_> = (0..20).map(|_| half_sent(&proxy)).collect();
    assert_eq!(proxy.client().get("/").text(), "hello");
    assert_eq!(origin.asked().len(), 1);
    slow[7].send("rest");
    assert_eq!(slow[7].response().text(), "hello");
    let asked = &origin.asked()[1];
    assert_eq!(asked.body, b"halfrest");
    assert!(asked.head.contains("content-length: 8\r\n") && !asked.head.contains("expect"), "{}", asked.head);
}

#[test]
fn the_shield_comes_up_when_a_development_server_is_recognised() {
    let origin = Origin::saying(answer("200 OK", "Server: Werkzeug/3.1.3\r\n", "hello"));
    let proxy = Cofferdam::with(&origin, |settings, route| {
        route.shield = shield(ShieldMode::ByServer, WholeBody { most: 4, ..WholeBody::default() });
        settings.upstream.max_idle = 4;
    });
    let mut client = proxy.client();
    let long = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345";
    client.send(long);
    assert_eq!(client.response().status, 200);
    client.send(long);
    assert_eq!(client.response().status, 413);
}

#[test]
fn a_body_of_unknown_length_waits_in_a_file_and_leaves_with_its_length() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let body: Vec<u8> = (0..300_000u32).map(|at| (at % 251) as u8).collect();
    let limits = WholeBody { memory: 1000, ..WholeBody::default() };
    let disk = Arc::new(Budget::new(1 << 20));
    let proxy = shielded(&origin, limits, |settings| settings.upstream.storage.disk = disk.clone());
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for piece in body.chunks(7000) {
        client.send([format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat());
    }
    let text = || String::from_utf8(proxy.service.metrics().render().unwrap()).unwrap();
    while text().contains("cofferdam_spooled_bytes 0\n") {
        std::thread::yield_now();
    }
    assert_eq!(origin.asked().len(), 0);
    client.send("0\r\n\r\n");
    assert_eq!(client.response().text(), "hello");
    let asked = &origin.asked()[0];
    assert!(asked.body == body && asked.head.contains("content-length: 300000\r\n"), "{}", asked.head);
    assert_eq!(client.get("/").text(), "hello");
    assert!(proxy.stop().contains("cofferdam_spooled_bytes 0\n"));
    assert_eq!(disk.held(), 0);
}

const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1000\r\n";
const SIZED: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n";

/// The answer to a body of 4096 bytes of which the application must not hear, and what was counted.
fn refused(begin: &str, limits: WholeBody, adjust: impl FnOnce(&mut AppSettings)) -> (u16, bool, String) {
    let origin = Origin::saying(answer("200 OK", "", "never"));
    let proxy = shielded(&origin, limits, adjust);
    let mut client = proxy.client();
    client.send([begin.as_bytes(), &[b'x'; 4096]].concat());
    let response = client.response();
    assert!(response.field("incident-id").is_some() && origin.asked().is_empty());
    (response.status, response.field("retry-after").is_some(), proxy.stop())
}

#[test]
fn a_body_that_is_too_large_is_answered_413() {
    for begin in [SIZED, CHUNKED] {
        let (status, _, counts) = refused(begin, WholeBody { most: 4095, ..WholeBody::default() }, |_| {});
        assert_eq!(status, 413);
        assert!(counts.contains(r#"reason="too-large",route="default"} 1"#), "{counts}");
    }
}

#[test]
fn a_body_for_which_there_is_no_place_is_answered_503() {
    let limits = WholeBody { memory: 100, ..WholeBody::default() };
    let full = |settings: &mut AppSettings| settings.upstream.storage.disk = Arc::new(Budget::new(0));
    let used_up = |settings: &mut AppSettings| settings.upstream.storage.memory = Arc::new(Budget::new(0));
    for begin in [SIZED, CHUNKED] {
        for (status, may_come_again, counts) in [refused(begin, limits, full), refused(begin, limits, used_up)] {
            assert_eq!((status, may_come_again), (503, true));
            assert!(counts.contains(r#"reason="overloaded",route="default"} 1"#), "{counts}");
            assert!(counts.contains(r#"cofferdam_upstream_errors_total{fault="spool"} 1"#), "{counts}");
        }
    }
}

#[test]
fn where_no_file_can_be_made_memory_is_used() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = shielded(&origin, WholeBody { memory: 100, ..WholeBody::default() }, |settings| {
        settings.upstream.storage.folder = PathBuf::from("/nowhere");
    });
    let post = |length: usize| {
        let mut client = proxy.client();
        let head = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n");
        client.try_send([head.as_bytes(), &vec![b'x'; length]].concat());
        client.response().status
    };
    assert_eq!(post(1_000_000), 200);
    assert_eq!(origin.asked()[0].body.len(), 1_000_000);
    assert_eq!(post((4 << 20) + 1), 503);
}

#[test]
fn a_body_that_takes_too_long_is_answered_408() {
    let origin = Origin::saying(answer("200 OK", "", "never"));
    let limits = WholeBody { time: Duration::from_millis(200), ..WholeBody::default() };
    let proxy = shielded(&origin, limits, |_| {});
    let mut silent = half_sent(&proxy);
    assert_eq!(silent.response().status, 408);
    // A byte now and then does not help, nor does a fast beginning.
    let mut trickling = proxy.client();
    trickling.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    trickling.send([b'x'; 1_000_000]);
    while trickling.try_send("x") {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(origin.asked().is_empty());
    assert!(proxy.stop().contains(r#"reason="request-timeout",route="default"} 2"#));
}

#[test]
fn of_a_client_that_goes_away_nothing_stays() {
    let (told, closed) = mpsc::channel();
    let origin = Origin::start(move |_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 9\r\n\r\nhalf";
        vec![Act::Send(head.into()), Act::Closed(told.clone())]
    });
    let disk = Arc::new(Budget::new(1 << 20));
    let proxy = shielded(&origin, WholeBody { memory: 1, ..WholeBody::default() }, |settings| {
        settings.upstream.storage.disk = disk.clone();
    });
    let sending = half_sent(&proxy);
    while disk.held() == 0 {
        std::thread::yield_now();
    }
    drop(sending);
    while disk.held() > 0 {
        std::thread::yield_now();
    }
    assert!(origin.asked().is_empty());
    let mut reading = proxy.client();
    reading.send(get("/"));
    while origin.asked().is_empty() {
        std::thread::yield_now();
    }
    drop(reading);
    closed.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn a_body_that_would_be_too_large_is_reported_while_the_shield_only_observes() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = Cofferdam::with(&origin, |_, route| {
        route.shield = shield(ShieldMode::Observe, WholeBody { most: 4, ..WholeBody::default() });
    });
    let mut client = proxy.client();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n12345");
    assert_eq!(client.response().text(), "hello");
    assert!(proxy.stop().contains(r#"cofferdam_objections_total{reason="too-large",route="default"} 1"#));
}

#[test]
fn a_client_stays_connected_whatever_the_application_does() {
    for head in ["HTTP/1.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"] {
        let answer = format!("{head}hello");
        let origin = Origin::start(move |_| vec![Act::Send(answer.clone().into()), Act::Close]);
        let proxy = shielded(&origin, WholeBody::default(), |_| {});
        let mut client = proxy.client();
        for connection in 0..3 {
            let response = client.get("/");
            assert_eq!((response.text(), response.field("connection")), ("hello", None));
            assert_eq!(origin.asked()[connection].connection, connection);
        }
    }
}

#[test]
fn a_shielded_application_keeps_no_connection_open() {
    let origin = Origin::saying(answer("200 OK", "", "hello"));
    let proxy = shielded(&origin, WholeBody::default(), |_| {});
    let mut client = proxy.client();
    for _ in 0..3 {
        client.get("/");
    }
    let connections: Vec<_> = origin.asked().iter().map(|asked| asked.connection).collect();
    assert_eq!(connections, [0, 1, 2]);
}

/// More than the buffers of the system take on both sides.
const LARGE: usize = 12 << 20;

#[test]
fn the_application_is_done_with_a_response_that_its_client_does_not_take() {
    let body: Arc<Vec<u8>> = Arc::new((0..LARGE).map(|at| (at % 251) as u8).collect());
    for chunked in [false, true] {
        let (told, closed) = mpsc::channel();
        let sent = body.clone();
        let origin = Origin::start(move |_| {
            let field = match chunked {
                true => "Transfer-Encoding: chunked".to_owned(),
                false => format!("Content-Length: {LARGE}"),
            };
            let head = format!("HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n{field}\r\n\r\n");
            let (begin, end) = if chunked { (format!("{LARGE:x}\r\n"), "\r\n0\r\n\r\n") } else { (String::new(), "") };
            let whole = [head.as_bytes(), begin.as_bytes(), &sent[..], end.as_bytes()].concat();
            vec![Act::Send(whole), Act::Closed(told.clone())]
        });
        let proxy = shielded(&origin, WholeBody::default(), |settings| {
            settings.upstream.slots = Some(Slots::new(1, PATIENCE));
        });
        let mut slow = proxy.client();
        slow.send(get("/"));
        closed.recv_timeout(PATIENCE).unwrap();
        let mut other = proxy.client();
        other.send(get("/"));
        closed.recv_timeout(PATIENCE).unwrap();
        assert!(slow.response().body == **body);
        drop(other);
        assert!(proxy.stop().contains("cofferdam_spooled_bytes 0\n"));
    }
}

#[test]
fn a_client_that_takes_nothing_does_not_keep_the_application_where_there_is_no_place() {
    let (told, closed) = mpsc::channel();
    let origin = Origin::start(move |_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\n\r\n";
        vec![Act::Send(head.into()), Act::Flood(vec![b'x'; 65536]), Act::Closed(told.clone())]
    });
    let limits = WholeBody { time: Duration::from_millis(200), most: 1 << 20, ..WholeBody::default() };
    let proxy = shielded(&origin, limits, |settings| settings.connections.write_timeout = PATIENCE * 10);
    let mut client = proxy.client();
    client.send(get("/"));
    closed.recv_timeout(PATIENCE).unwrap();
}

#[test]
fn an_application_that_breaks_off_is_not_made_whole_by_the_shield() {
    let origin = Origin::start(|_| {
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 200000\r\n\r\n";
        vec![Act::Send([head.as_bytes(), &[b'.'; 150_000]].concat()), Act::Close]
    });
    let proxy = shielded(&origin, WholeBody::default(), |_| {});
    let mut client = proxy.client();
    client.send(get("/"));
    assert!(client.rest().0.len() < 151_000);
    assert!(proxy.stop().contains(r#"disposition="truncated""#));
}

#[test]
fn a_websocket_opens_and_holds_no_place() {
    let origin = Origin::start(|asked| match asked.path() {
        "/socket" => {
            let head = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
            vec![Act::Send(head.into()), Act::Echo]
        }
        _ => vec![Act::Send(answer("200 OK", "", "hello"))],
    });
    let proxy = Cofferdam::with(&origin, |settings, route| {
        route.shield = shield(ShieldMode::Enforce, WholeBody::default());
        route.upgrades = UpgradePolicy::Tunnel;
        settings.upstream.slots = Some(Slots::new(1, PATIENCE));
    });
    let mut talking = proxy.client();
    talking.send("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
    assert!(talking.read_until(b"\r\n\r\n").starts_with(b"HTTP/1.1 101"));
    talking.send("hello");
    assert_eq!(talking.read_exact(5), b"hello");
    assert_eq!(proxy.client().get("/").text(), "hello");
}

#[test]
fn an_event_stream_holds_no_place() {
    let (_go, wait) = mpsc::channel();
    let wait = Mutex::new(Some(wait));
    let origin = Origin::start(move |asked| match asked.path() {
        "/events" => {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: tick\n\n";
            vec![Act::Send(head.into()), Act::Await(wait.lock().unwrap().take().unwrap())]
        }
        _ => vec![Act::Send(answer("200 OK", "", "hello"))],
    });
    let proxy = shielded(&origin, WholeBody::default(), |settings| {
        settings.upstream.slots = Some(Slots::new(1, PATIENCE));
    });
    let mut listener = proxy.client();
    listener.send(get("/events"));
    listener.read_until(b"data: tick");
    assert_eq!(proxy.client().get("/").text(), "hello");
}
