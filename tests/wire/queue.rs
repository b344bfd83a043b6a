//! An application that takes few requests at a time.

use std::{
    sync::{Mutex, mpsc},
    time::Duration,
};

use cofferdam::upstream::Slots;

use crate::support::{
    PATIENCE,
    client::{Client, get},
    cofferdam::Cofferdam,
    origin::{Act, Origin, answer},
};

/// An application that answers `/slow` with the half of a body, and the rest when the test says so.
fn slow() -> (Origin, mpsc::Sender<()>, mpsc::Receiver<()>) {
    let (go, wait) = mpsc::channel();
    let (told, arrived) = mpsc::channel();
    let wait = Mutex::new(Some(wait));
    let told = Mutex::new(told);
    let origin = Origin::start(move |asked| {
        let whole = answer("200 OK", "", "hello");
        let (head, rest) = whole.split_at(whole.len() - 2);
        match wait.lock().unwrap().take_if(|_| asked.path() == "/slow") {
            Some(wait) => {
                told.lock().unwrap().send(()).unwrap();
                vec![Act::Send(head.to_vec()), Act::Await(wait), Act::Send(rest.to_vec())]
            }
            None => vec![Act::Send(whole.clone())],
        }
    });
    (origin, go, arrived)
}

fn one_at_a_time(origin: &Origin, patience: Duration) -> Cofferdam {
    Cofferdam::with(origin, |settings, _| settings.upstream.slots = Some(Slots::new(1, patience)))
}

fn occupied(proxy: &Cofferdam, arrived: &mpsc::Receiver<()>) -> Client {
    let mut first = proxy.client();
    first.send(get("/slow"));
    arrived.recv_timeout(PATIENCE).unwrap();
    first
}

#[test]
fn who_waits_too_long_is_told_to_come_again_and_the_application_hears_nothing_of_it() {
    let (origin, go, arrived) = slow();
    let proxy = one_at_a_time(&origin, Duration::from_millis(10));
    let mut first = occupied(&proxy, &arrived);
    let mut client = proxy.client();
    let refused = client.get("/");
    assert_eq!(refused.status, 503);
    assert!(refused.field("retry-after").is_some() && refused.field("incident-id").is_some());
    go.send(()).unwrap();
    assert_eq!(first.response().text(), "hello");
    assert_eq!(client.get("/").text(), "hello", "the place is free again");
    assert_eq!(origin.asked().len(), 2);
    assert!(proxy.stop().contains("cofferdam_upstream_errors_total{fault=\"busy\"} 1\n"));
}

#[test]
fn who_waits_is_let_in_when_an_answer_is_over() {
    let (origin, go, arrived) = slow();
    let proxy = one_at_a_time(&origin, PATIENCE);
    let mut first = occupied(&proxy, &arrived);
    let mut second = proxy.client();
    second.send(get("/"));
    go.send(()).unwrap();
    assert_eq!(first.response().text(), "hello");
    assert_eq!(second.response().text(), "hello");
}

#[test]
fn a_client_that_goes_away_gives_its_place_back() {
    let (origin, _go, arrived) = slow();
    let proxy = one_at_a_time(&origin, PATIENCE);
    drop(occupied(&proxy, &arrived));
    assert_eq!(proxy.client().get("/").text(), "hello");
}
