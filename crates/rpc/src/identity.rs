//! Who is at the other end of a connection, and what they may do. Names come from certificates (`tls.rs`);
//! on plain links everybody is [`PeerIdentity::Local`] and may do everything, which is why those stay on the
//! machine itself unless somebody said `--insecure`.

use crate::notices::Notices;
use changeover_model::ApplicationName;
use changeover_model::message::{Operator, OperatorRole};
use std::fmt;
use std::net::SocketAddr;

/// What a certificate is for (INTERFACE, The live system).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The SCS.
    Scs,
    /// The Message Server.
    MessageServer,
    /// An LCA; its name is the host's.
    Lca,
    /// A managed application.
    Application,
    /// Somebody who may change things.
    Operator,
    /// Somebody who may look.
    Viewer,
}

impl Role {
    /// Every role.
    pub const ALL: [Role; 6] = [
        Role::Scs,
        Role::MessageServer,
        Role::Lca,
        Role::Application,
        Role::Operator,
        Role::Viewer,
    ];

    /// The role as certificates and commands write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Scs => "scs",
            Role::MessageServer => "message-server",
            Role::Lca => "lca",
            Role::Application => "application",
            Role::Operator => "operator",
            Role::Viewer => "viewer",
        }
    }

    /// The role with this text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Role and name of a certificate, written `changeover://ROLE/NAME` in its URI SAN and `ROLE NAME` for people.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    /// What it is for.
    pub role: Role,
    /// Whose it is: a host (LCA), an application, a person; never empty.
    pub name: String,
}

impl Identity {
    /// An identity of this role and name.
    pub fn new(role: Role, name: impl Into<String>) -> Self {
        Self {
            role,
            name: name.into(),
        }
    }

    /// Reads `changeover://ROLE/NAME`.
    #[must_use]
    pub fn from_uri(uri: &str) -> Option<Self> {
        let (role, name) = uri.strip_prefix("changeover://")?.split_once('/')?;
        let usable = !name.is_empty() && name.len() <= 255 && !name.chars().any(char::is_control);
        Some(Self::new(Role::parse(role).filter(|_| usable)?, name))
    }

    /// `changeover://ROLE/NAME`.
    #[must_use]
    pub fn to_uri(&self) -> String {
        format!("changeover://{}/{}", self.role, self.name)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.role, self.name)
    }
}

/// How a peer is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PeerIdentity {
    /// A plain link: this machine, an emulated network, or `--insecure`.
    Local,
    /// By its certificate.
    Certified(Identity),
}

impl fmt::Display for PeerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("a local caller"),
            Self::Certified(identity) => identity.fmt(f),
        }
    }
}

/// The other end of a server's connection; every request carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// How it is known.
    pub identity: PeerIdentity,
    /// Its address, unless it came over a Unix socket.
    pub address: Option<SocketAddr>,
    /// Its process, if it came over a Unix socket.
    pub process: Option<u32>,
}

impl Peer {
    /// The peer of a request; `None` for a request that came over no connection of ours.
    pub fn of<T>(request: &tonic::Request<T>) -> Option<Peer> {
        request.extensions().get::<Peer>().cloned()
    }

    /// The operator behind a call: by certificate, else by what the caller `said`.
    #[must_use]
    pub fn operator(&self, said: &str) -> Operator {
        match &self.identity {
            PeerIdentity::Local if said.is_empty() => Operator {
                name: "somebody".to_owned(),
                role: OperatorRole::Operator,
            },
            PeerIdentity::Local => Operator {
                name: said.to_owned(),
                role: OperatorRole::Operator,
            },
            PeerIdentity::Certified(identity) => Operator {
                name: identity.name.clone(),
                role: match identity.role {
                    Role::Operator => OperatorRole::Operator,
                    Role::Scs
                    | Role::MessageServer
                    | Role::Lca
                    | Role::Application
                    | Role::Viewer => OperatorRole::Viewer,
                },
            },
        }
    }
}

/// What a call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need<'a> {
    /// To be the SCS: orders to an LCA, alarms of the Message Server.
    Scs,
    /// To be another LCA or the SCS.
    PeerLca,
    /// To be the LCA of this host.
    LcaOf(&'a str),
    /// To speak in the name of this application: itself, or the SCS on its behalf.
    SpeakFor(&'a ApplicationName),
    /// To be this application: the peer of a pair.
    PeerApplication(&'a ApplicationName),
    /// To change something: an operator.
    Change,
    /// To attend a SIP Server as its client: an application, an operator.
    Attend,
    /// To look: an operator, a viewer, the SCS.
    Look,
}

impl Need<'_> {
    fn is_met_by(self, identity: &Identity) -> bool {
        match self {
            Need::Scs => identity.role == Role::Scs,
            Need::PeerLca => matches!(identity.role, Role::Lca | Role::Scs),
            Need::LcaOf(host) => identity.role == Role::Lca && identity.name == host,
            Need::SpeakFor(application) => match identity.role {
                Role::Scs => true,
                Role::Application => identity.name == application.as_str(),
                Role::MessageServer | Role::Lca | Role::Operator | Role::Viewer => false,
            },
            Need::PeerApplication(peer) => {
                identity.role == Role::Application && identity.name == peer.as_str()
            }
            Need::Change => identity.role == Role::Operator,
            Need::Attend => matches!(identity.role, Role::Application | Role::Operator),
            Need::Look => matches!(identity.role, Role::Operator | Role::Viewer | Role::Scs),
        }
    }
}

/// Checks what callers of one server may do.
#[derive(Clone, Debug)]
pub struct Gate {
    server: Identity,
    notices: Notices,
}

impl Gate {
    /// The gate of this server; its identity only words the refusals.
    #[must_use]
    pub fn new(server: Identity) -> Self {
        Self {
            server,
            notices: Notices::default(),
        }
    }

    /// The peer of a request, if it may do what the request needs.
    ///
    /// # Errors
    /// PERMISSION_DENIED that names both sides and what is missing.
    pub fn admit<T>(
        &self,
        request: &tonic::Request<T>,
        need: Need<'_>,
    ) -> Result<Peer, tonic::Status> {
        let Some(peer) = Peer::of(request) else {
            return Err(tonic::Status::permission_denied(format!(
                "{} cannot tell where this call comes from",
                self.server
            )));
        };
        self.check(&peer, need)?;
        Ok(peer)
    }

    /// Whether a peer may do this; for names that only stand in a message of a stream.
    ///
    /// # Errors
    /// PERMISSION_DENIED that names both sides and what is missing.
    pub fn check(&self, peer: &Peer, need: Need<'_>) -> Result<(), tonic::Status> {
        match &peer.identity {
            PeerIdentity::Local => Ok(()),
            PeerIdentity::Certified(identity) if need.is_met_by(identity) => Ok(()),
            PeerIdentity::Certified(identity) => {
                let refusal = self.refusal(identity, need);
                let address = peer.address.map(|address| address.ip().to_string());
                let address = address.unwrap_or_default();
                if let Some(withheld) = self.notices.due(&format!("{address} {refusal}")) {
                    tracing::warn!(address, withheld, "a call was refused: {refusal}");
                }
                Err(tonic::Status::permission_denied(refusal))
            }
        }
    }

    fn refusal(&self, caller: &Identity, need: Need<'_>) -> String {
        let server = &self.server;
        match need {
            Need::Scs => format!(
                "{server} obeys only the SCS; {caller} is not: this call needs a certificate of role scs"
            ),
            Need::PeerLca => format!(
                "{server} answers this to other LCAs and the SCS; {caller} is neither: this call needs a \
                 certificate of role lca"
            ),
            Need::LcaOf(host) => format!(
                "{server} hears of what {host} holds from the LCA there only; {caller} is not: this call needs a \
                 certificate of role lca and name {host}"
            ),
            Need::SpeakFor(application) => format!(
                "{server} lets an application speak for itself only; {caller} spoke for {application}: use \
                 the certificate of application {application}"
            ),
            Need::PeerApplication(peer) => format!(
                "{server} synchronises with {peer} only, the other application of its pair; {caller} is not: this \
                 call needs the certificate of application {peer}"
            ),
            Need::Change => format!(
                "{server} lets only operators change things; {caller} may not: this call needs a \
                 certificate of role operator"
            ),
            Need::Attend => format!(
                "{server} is attended by applications and operators; {caller} is neither: this call needs a \
                 certificate of role application or operator"
            ),
            Need::Look => format!(
                "{server} shows this to operators and viewers; {caller} is neither: this call needs a \
                 certificate of role operator or viewer"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn certified(role: Role, name: &str) -> Peer {
        Peer {
            identity: PeerIdentity::Certified(Identity::new(role, name)),
            address: None,
            process: None,
        }
    }

    #[test]
    fn an_identity_reads_as_it_is_written_and_nothing_else_is_one() {
        for role in Role::ALL {
            let identity = Identity::new(role, "host1");
            assert_eq!(Identity::from_uri(&identity.to_uri()), Some(identity));
        }
        for bad in [
            "",
            "changeover://",
            "changeover://lca",
            "changeover://lca/",
            "changeover://king/host1",
            "changeover://LCA/host1",
            "spiffe://lca/host1",
            "changeover://lca/ho\nst",
        ] {
            assert_eq!(Identity::from_uri(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_the_role_that_a_call_needs_is_admitted() {
        let gate = Gate::new(Identity::new(Role::Scs, "SCS"));
        let application = ApplicationName::from("A");
        let admitted = |need: Need<'_>| -> Vec<Role> {
            Role::ALL
                .into_iter()
                .filter(|role| gate.check(&certified(*role, "A"), need).is_ok())
                .collect()
        };
        assert_eq!(admitted(Need::Scs), [Role::Scs]);
        assert_eq!(admitted(Need::PeerLca), [Role::Scs, Role::Lca]);
        assert_eq!(
            admitted(Need::SpeakFor(&application)),
            [Role::Scs, Role::Application]
        );
        assert_eq!(
            admitted(Need::PeerApplication(&application)),
            [Role::Application]
        );
        let another = ApplicationName::from("B");
        assert_eq!(
            admitted(Need::PeerApplication(&another)),
            [],
            "no application but the peer"
        );
        assert_eq!(admitted(Need::Change), [Role::Operator]);
        assert_eq!(admitted(Need::Attend), [Role::Application, Role::Operator]);
        assert_eq!(
            admitted(Need::Look),
            [Role::Scs, Role::Operator, Role::Viewer]
        );
    }

    #[test]
    fn a_refusal_names_both_sides_and_the_certificate_that_would_do() {
        let gate = Gate::new(Identity::new(Role::MessageServer, "MessageServer"));
        let other = ApplicationName::from("SIP_SERVER_BACKUP");
        let refused = gate
            .check(
                &certified(Role::Application, "SIP_SERVER_PRIMARY"),
                Need::SpeakFor(&other),
            )
            .expect_err("it speaks for another");
        assert_eq!(refused.code(), tonic::Code::PermissionDenied);
        assert_eq!(
            refused.message(),
            "message-server MessageServer lets an application speak for itself only; application \
             SIP_SERVER_PRIMARY spoke for SIP_SERVER_BACKUP: use the certificate of application \
             SIP_SERVER_BACKUP"
        );
    }

    #[test]
    fn a_call_from_nowhere_is_not_admitted() {
        let gate = Gate::new(Identity::new(Role::Lca, "host1"));
        let refused = gate
            .admit(&tonic::Request::new(()), Need::Look)
            .expect_err("there is no connection behind it");
        assert_eq!(
            refused.message(),
            "lca host1 cannot tell where this call comes from"
        );
    }
}
