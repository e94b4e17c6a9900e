//! E-mail by SMTP, without authentication or TLS: to a relay on the management network.

use changeover_reaction_engine::Email;
use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::time::Duration;

/// For the whole exchange, name look-up included; the reaction engine waits 32 s.
const TIMEOUT: Duration = Duration::from_secs(25);

/// Why a mail did not go out.
#[derive(Debug, thiserror::Error)]
pub(super) enum EmailError {
    /// `smtp.server` cannot be read.
    #[error("'{0}' is no SMTP server: write management_layer.smtp.server as host:port")]
    Server(String),
    /// A sender or recipient cannot be read.
    #[error("'{address}' is no mail address: {source}")]
    Address {
        /// As configured.
        address: String,
        /// What is wrong with it.
        source: lettre::address::AddressError,
    },
    /// The mail cannot be put together.
    #[error("the mail cannot be written: {0}")]
    Build(#[from] lettre::error::Error),
    /// The server refused it or was not reached.
    #[error("{server} did not take the mail: {}", chain(.source))]
    Send {
        /// The server.
        server: String,
        /// What happened.
        source: lettre::transport::smtp::Error,
    },
    /// The exchange took too long.
    #[error("{server} did not take the mail within {} s", TIMEOUT.as_secs())]
    TimedOut {
        /// The server.
        server: String,
    },
}

/// Sends one mail to all its recipients; the server's answer is the evidence.
pub(super) async fn send(email: Email) -> Result<String, EmailError> {
    let server = email.smtp.server.clone();
    let (host, port) = host_and_port(&server)?;
    let recipients = email.to.len();
    let message = written(&email)?;
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
        .port(port)
        .timeout(Some(TIMEOUT))
        .build();
    match tokio::time::timeout(TIMEOUT, transport.send(message)).await {
        Ok(Ok(response)) => Ok(format!(
            "taken by {server} for {recipients}, {} {}",
            response.code(),
            response.first_line().unwrap_or_default()
        )),
        Ok(Err(source)) => Err(EmailError::Send { server, source }),
        Err(_) => Err(EmailError::TimedOut { server }),
    }
}

fn written(email: &Email) -> Result<Message, EmailError> {
    let mut builder = Message::builder()
        .from(mailbox(&email.smtp.from)?)
        .message_id(None)
        .subject(one_line(&email.subject));
    for recipient in &email.to {
        builder = builder.to(mailbox(recipient)?);
    }
    Ok(builder.body(email.body.clone())?)
}

fn mailbox(address: &str) -> Result<Mailbox, EmailError> {
    address.parse().map_err(|source| EmailError::Address {
        address: address.to_owned(),
        source,
    })
}

/// Variables bring foreign text into the subject: what could begin another header becomes a space.
fn one_line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn host_and_port(server: &str) -> Result<(&str, u16), EmailError> {
    let unreadable = || EmailError::Server(server.to_owned());
    let (host, port) = server.rsplit_once(':').ok_or_else(unreadable)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    match (host, port.parse()) {
        ("", _) | (_, Err(_)) => Err(unreadable()),
        (host, Ok(port)) => Ok((host, port)),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use changeover_model::environment::Smtp;
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;

    fn email(server: String) -> Email {
        Email {
            smtp: Smtp {
                server,
                from: "scs@example.net".into(),
            },
            to: vec!["noc@example.net".into(), "Night <night@example.net>".into()],
            subject: "ALRM on A\r\nBcc: evil@example.net".into(),
            body: "line 1\n.\nline 3".into(),
        }
    }

    /// A server for one conversation that answers RCPT as told; what it was sent.
    async fn serve(listener: TcpListener, recipient_answer: &'static str) -> Vec<String> {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut lines = BufReader::new(stream);
        let mut heard = Vec::new();
        let mut in_data = false;
        lines.write_all(b"220 test\r\n").await.expect("greeted");
        loop {
            let mut line = String::new();
            if lines.read_line(&mut line).await.unwrap_or(0) == 0 {
                return heard;
            }
            let line = line.trim_end().to_owned();
            let answer = match line.split(' ').next().unwrap_or_default() {
                "." if in_data => "250 queued as 4711\r\n",
                _ if in_data => "",
                "DATA" => "354 go on\r\n",
                "RCPT" => recipient_answer,
                "QUIT" => "221 bye\r\n",
                _ => "250 ok\r\n",
            };
            in_data = line == "DATA" || (in_data && line != ".");
            heard.push(line);
            lines.write_all(answer.as_bytes()).await.expect("answered");
        }
    }

    #[tokio::test]
    async fn a_mail_reaches_every_recipient_and_its_subject_stays_one_line() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("bound").to_string();
        let (sent, heard) =
            tokio::join!(send(email(server.clone())), serve(listener, "250 ok\r\n"));
        assert_eq!(
            sent.map_err(|error| error.to_string()),
            Ok(format!("taken by {server} for 2, 250 queued as 4711"))
        );
        for line in [
            "MAIL FROM:<scs@example.net>",
            "RCPT TO:<noc@example.net>",
            "RCPT TO:<night@example.net>",
            "Subject: ALRM on A  Bcc: evil@example.net",
            "line 1",
            "..",
            "line 3",
        ] {
            assert!(
                heard.iter().any(|other| other == line),
                "{line} not in {heard:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_refusal_of_the_server_is_quoted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let server = listener.local_addr().expect("bound").to_string();
        let refusal = "550 no such user\r\n";
        let (sent, _) = tokio::join!(send(email(server.clone())), serve(listener, refusal));
        let why = sent.expect_err("refused").to_string();
        assert!(
            why.starts_with(&format!("{server} did not take the mail: ")),
            "{why}"
        );
        assert!(why.contains("no such user"), "{why}");
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_named_before_anything_is_sent() {
        for (server, expected) in [
            (
                "mail",
                "'mail' is no SMTP server: write management_layer.smtp.server as host:port",
            ),
            (
                ":25",
                "':25' is no SMTP server: write management_layer.smtp.server as host:port",
            ),
        ] {
            let why = send(email(server.to_owned()))
                .await
                .expect_err("unreadable");
            assert_eq!(why.to_string(), expected);
        }
        let mut wrong = email("127.0.0.1:1".to_owned());
        wrong.to = vec!["nobody".into()];
        let why = send(wrong).await.expect_err("unreadable").to_string();
        assert!(why.starts_with("'nobody' is no mail address: "), "{why}");
        assert_eq!(host_and_port("[::1]:25").ok(), Some(("::1", 25)));
    }
}
