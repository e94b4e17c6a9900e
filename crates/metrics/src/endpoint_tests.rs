//! The endpoint as a scraper, a stranger and a slow client find it.

use super::*;
use crate::exposition;
use std::io::{Read as _, Write as _};
use std::net::TcpStream as Client;
use std::sync::atomic::{AtomicBool, Ordering};

struct Played {
    gauges: crate::Gauges,
    answers: Arc<AtomicBool>,
}

impl Source for Played {
    async fn refresh(&self) -> Result<(), NoAnswer> {
        self.gauges.add(&[], 1.0);
        if self.answers.load(Ordering::Relaxed) {
            Ok(())
        } else {
            Err(NoAnswer)
        }
    }
}

struct Served {
    at: SocketAddr,
    answers: Arc<AtomicBool>,
    _endpoint: Endpoint,
}

/// A port that was free a moment ago.
fn served(ip: &str) -> Served {
    let free = std::net::TcpListener::bind((ip, 0)).expect("a loopback address");
    let at = free.local_addr().expect("it is bound");
    drop(free);
    let mut catalogue = Catalogue::new("scs", "0.1.0");
    let gauges = catalogue.gauge("changeover_refreshes", &[], "How often it was asked");
    let answers = Arc::new(AtomicBool::new(true));
    let source = Played {
        gauges,
        answers: answers.clone(),
    };
    let bounds = Bounds {
        connections: 2,
        header: Duration::from_millis(300),
        life: Duration::from_secs(5),
    };
    Served {
        at,
        answers,
        _endpoint: Endpoint::start_within(bounds, at, catalogue, source),
    }
}

impl Served {
    fn connect(&self) -> Client {
        let end = std::time::Instant::now() + Duration::from_secs(10);
        loop {
            match Client::connect(self.at) {
                Ok(client) => return client,
                Err(error) if std::time::Instant::now() > end => panic!("{error}"),
                Err(_) => std::thread::yield_now(),
            }
        }
    }

    fn ask(&self, request: &str) -> (String, String) {
        let mut client = self.connect();
        client.write_all(request.as_bytes()).expect("it reads");
        let mut text = String::new();
        client.read_to_string(&mut text).expect("it answers");
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer of HTTP");
        (head.to_lowercase(), body.to_owned())
    }
}

const GET: &str = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";

#[test]
fn a_scrape_asks_the_component_first_and_says_that_it_is_openmetrics() {
    for ip in ["127.0.0.1", "::1"] {
        let served = served(ip);
        for refreshes in [1.0, 2.0] {
            let (head, body) = served.ask(GET);
            assert!(head.starts_with("http/1.1 200 ok"), "{head}");
            assert!(
                head.contains(
                    "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"
                ),
                "{head}"
            );
            assert_eq!(exposition::faults(&body), Vec::<String>::new(), "{body}");
            assert_eq!(
                exposition::samples(&body).get("changeover_refreshes"),
                Some(&refreshes)
            );
        }
    }
}

#[test]
fn there_is_nothing_else_and_nothing_stale() {
    let served = served("127.0.0.1");
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), "404"),
        (
            "GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(),
            "404",
        ),
        (GET.replace("GET", "POST"), "405"),
        (GET.replace("GET", "HEAD"), "405"),
        (
            format!(
                "GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n",
                "x".repeat(64 << 10)
            ),
            "431",
        ),
        (
            format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: x\r\n".repeat(100)),
            "431",
        ),
    ] {
        let (head, _) = served.ask(&request);
        assert!(head.starts_with(&format!("http/1.1 {status}")), "{head}");
    }
    served.answers.store(false, Ordering::Relaxed);
    let (head, body) = served.ask(GET);
    assert!(head.starts_with("http/1.1 503"), "{head}");
    assert_eq!(body, "the component does not answer\n");
}

#[test]
fn clients_that_say_nothing_are_put_out_and_further_ones_are_not_let_in_meanwhile() {
    let served = served("127.0.0.1");
    let mut silent = [served.connect(), served.connect()];
    let mut one_too_many = served.connect();
    let mut nothing = Vec::new();
    // Closed with or without a reset.
    drop(one_too_many.read_to_end(&mut nothing));
    assert_eq!(nothing, b"", "it is closed at once");
    for client in &mut silent {
        drop(client.read_to_end(&mut nothing));
    }
    let (head, _) = served.ask(GET);
    assert!(
        head.starts_with("http/1.1 200 ok"),
        "there is room again: {head}"
    );
}
