//! A SIP message as this server keeps it: a start line, header fields in order, a body; plain data that can be
//! replicated. Owns access to fields and writing to bytes. Reading bytes is `message/parse.rs`, addresses and URIs
//! are `message/address.rs`, Via is `message/via.rs`.

pub mod address;
pub(crate) mod parse;
pub(crate) mod via;

use serde::{Deserialize, Serialize};
use std::fmt::Write as _;

/// First line of a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// A request.
    Request {
        /// Method, as written; compared with case (RFC 3261, 7.1).
        method: String,
        /// Request-URI.
        uri: String,
    },
    /// A response.
    Response {
        /// 100 to 699.
        code: u16,
        /// Reason phrase, may be empty.
        reason: String,
    },
}

/// A header field. List fields that are read here (Via, Route, Record-Route, Contact) stand one value a field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Canonical name where the parser knows it, else as written.
    pub name: String,
    /// Value, unfolded, without surrounding blanks.
    pub value: String,
}

/// A request or a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// First line.
    pub start: Start,
    /// Header fields in order, without Content-Length, which follows from the body.
    pub headers: Vec<Header>,
    /// Body.
    #[serde(with = "serde_bytes")]
    pub body: Vec<u8>,
}

/// Number and method of a CSeq field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CSeq {
    /// Sequence number, below 2^31.
    pub number: u32,
    /// Method.
    pub method: String,
}

impl Message {
    /// Reads one message as the server does; `None` if it may not be acted on.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        match parse::parse(bytes) {
            parse::Parsed::Good(message) => Some(message),
            parse::Parsed::Refused(..) | parse::Parsed::Junk => None,
        }
    }

    /// A request without fields.
    pub fn request(method: &str, uri: &str) -> Self {
        Self::of(Start::Request {
            method: method.to_owned(),
            uri: uri.to_owned(),
        })
    }

    /// A response without fields.
    pub fn response(code: u16, reason: &str) -> Self {
        Self::of(Start::Response {
            code,
            reason: reason.to_owned(),
        })
    }

    fn of(start: Start) -> Self {
        Self {
            start,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    /// Method of a request.
    pub fn method(&self) -> Option<&str> {
        match &self.start {
            Start::Request { method, .. } => Some(method),
            Start::Response { .. } => None,
        }
    }

    /// Request-URI.
    pub fn uri(&self) -> Option<&str> {
        match &self.start {
            Start::Request { uri, .. } => Some(uri),
            Start::Response { .. } => None,
        }
    }

    /// Status code of a response.
    pub fn code(&self) -> Option<u16> {
        match &self.start {
            Start::Request { .. } => None,
            Start::Response { code, .. } => Some(*code),
        }
    }

    /// Reason phrase of a response.
    pub fn reason(&self) -> &str {
        match &self.start {
            Start::Request { .. } => "",
            Start::Response { reason, .. } => reason,
        }
    }

    /// Value of the first field of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    }

    /// Values of all fields of this name, in order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers
            .iter()
            .filter(move |header| header.name.eq_ignore_ascii_case(name))
            .map(|header| header.value.as_str())
    }

    /// Appends a field.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.headers.push(Header {
            name: name.to_owned(),
            value: value.into(),
        });
    }

    /// Appends a field and returns the message.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.push(name, value);
        self
    }

    /// Sets the body and its type.
    #[must_use]
    pub fn with_body(mut self, content_type: Option<&str>, body: Vec<u8>) -> Self {
        if let Some(content_type) = content_type.filter(|_| !body.is_empty()) {
            self.push("Content-Type", content_type);
        }
        self.body = body;
        self
    }

    /// Replaces the first field of this name, or appends it.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = value.into();
        match self
            .headers
            .iter_mut()
            .find(|header| header.name.eq_ignore_ascii_case(name))
        {
            Some(header) => header.value = value,
            None => self.push(name, value),
        }
    }

    /// Copies every field of this name from another message.
    pub fn copy(&mut self, from: &Message, name: &str) {
        for value in from.all(name) {
            self.push(name, value);
        }
    }

    /// CSeq, if it can be read.
    pub fn cseq(&self) -> Option<CSeq> {
        let mut parts = self.get("CSeq")?.split_ascii_whitespace();
        let number: u32 = parts.next()?.parse().ok()?;
        let method = parts.next()?.to_owned();
        (number < 1 << 31 && parts.next().is_none()).then_some(CSeq { number, method })
    }

    /// Call-ID.
    pub fn call_id(&self) -> &str {
        self.get("Call-ID").unwrap_or_default()
    }

    /// Tag of From.
    pub fn from_tag(&self) -> Option<&str> {
        address::tag(self.get("From")?)
    }

    /// Tag of To.
    pub fn to_tag(&self) -> Option<&str> {
        address::tag(self.get("To")?)
    }

    /// URI of the first Contact.
    pub fn contact(&self) -> Option<&str> {
        address::uri(self.get("Contact")?)
    }

    /// Option tags of all fields of this name (Supported, Require), in lower case.
    pub fn options(&self, name: &str) -> Vec<String> {
        self.all(name)
            .flat_map(|value| value.split(','))
            .map(|tag| tag.trim().to_ascii_lowercase())
            .filter(|tag| !tag.is_empty())
            .collect()
    }

    /// True if the body is a session description.
    pub fn has_sdp(&self) -> bool {
        !self.body.is_empty()
            && self.get("Content-Type").is_some_and(|kind| {
                kind.split(';')
                    .next()
                    .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/sdp"))
            })
    }

    /// The message as it goes on the wire.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = String::with_capacity(512 + self.body.len());
        let written = match &self.start {
            Start::Request { method, uri } => write!(text, "{method} {uri} SIP/2.0\r\n"),
            Start::Response { code, reason } => write!(text, "SIP/2.0 {code} {reason}\r\n"),
        };
        written.expect("writing to a String cannot fail");
        for header in &self.headers {
            text.push_str(&header.name);
            text.push_str(": ");
            text.push_str(&header.value);
            text.push_str("\r\n");
        }
        write!(text, "Content-Length: {}\r\n\r\n", self.body.len())
            .expect("writing to a String cannot fail");
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}
