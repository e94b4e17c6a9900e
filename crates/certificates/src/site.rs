//! Which certificates an environment needs, and where they go: one folder per host, ready to copy.

use crate::Names;
use changeover_model::ApplicationType;
use changeover_model::HostName;
use changeover_model::environment::{Application, Environment, Host};
use changeover_rpc::identity::{Identity, Role};
use std::path::{Path, PathBuf};

/// A certificate of the site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Where it goes, below the authority's folder: `hosts/HOST/COMPONENT` or `people/NAME`.
    pub folder: PathBuf,
    /// Its role and name.
    pub identity: Identity,
    /// What else it answers to.
    pub names: Names,
}

/// People who get a certificate of their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// They may change things.
    pub operators: Vec<String>,
    /// They may look.
    pub viewers: Vec<String>,
}

/// Everything that an environment needs: SCS and Message Server on their hosts, an LCA on each host that needs one and
/// below it its managed applications, an operator's for `sci` on the SCS's host, and one for each person.
#[must_use]
pub fn plan(environment: &Environment, people: &People) -> Vec<Planned> {
    let layer = &environment.management_layer;
    let mut planned = vec![
        on_host(environment, &layer.scs_host, "scs", Role::Scs, "SCS"),
        on_host(
            environment,
            &layer.message_server_host,
            "message-server",
            Role::MessageServer,
            layer.message_server.as_str(),
        ),
    ];
    for host in environment
        .hosts
        .keys()
        .filter(|host| environment.needs_lca(host))
    {
        let lca = on_host(environment, host, "lca", Role::Lca, host.as_str());
        let folder = lca.folder.clone();
        planned.push(lca);
        let managed = environment
            .applications
            .values()
            .filter(|application| application.host == *host && speaks_for_itself(application));
        planned.extend(managed.map(|application| Planned {
            folder: folder.join(application.name.as_str()),
            identity: Identity::new(Role::Application, application.name.as_str()),
            names: Names::default(),
        }));
    }
    let person = |folder: &Path, role, name: &str| Planned {
        folder: folder.to_owned(),
        identity: Identity::new(role, name),
        names: Names::default(),
    };
    let console = host_folder(&layer.scs_host).join("sci");
    planned.push(person(&console, Role::Operator, "operator"));
    for (role, names) in [
        (Role::Operator, &people.operators),
        (Role::Viewer, &people.viewers),
    ] {
        for name in names {
            planned.push(person(&Path::new("people").join(name), role, name));
        }
    }
    planned
}

/// The others are programs that know nothing of us: the SCS speaks for them.
fn speaks_for_itself(application: &Application) -> bool {
    application.application_type == ApplicationType::SipServer
}

fn host_folder(host: &HostName) -> PathBuf {
    // Names are free in the file; a folder's is not.
    let name: String = host
        .as_str()
        .chars()
        .map(|c| if c == '/' || c.is_control() { '_' } else { c })
        .collect();
    match name.strip_prefix('.') {
        Some(rest) => Path::new("hosts").join(format!("_{rest}")),
        None => Path::new("hosts").join(name),
    }
}

/// Whether it can be looked up at all (RFC 1123); other names of Host objects are for people only.
fn is_host_name(name: &str) -> bool {
    name.len() <= 253
        && name.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && label
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        })
}

fn on_host(
    environment: &Environment,
    host: &HostName,
    component: &str,
    role: Role,
    name: &str,
) -> Planned {
    let object: Option<&Host> = environment.hosts.get(host);
    Planned {
        folder: host_folder(host).join(component),
        identity: Identity::new(role, name),
        names: Names {
            dns: Some(host.to_string())
                .filter(|name| is_host_name(name))
                .into_iter()
                .collect(),
            addresses: object.map(|host| host.address).into_iter().collect(),
        },
    }
}
