//! What any gRPC client can rely on: health and reflection of SCS, Message Server and LCA, without our own stubs.

use crate::environment::Wishes;
use crate::site::Site;
use std::net::SocketAddr;
use tokio_stream::StreamExt as _;
use tonic::transport::{Channel, Endpoint};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

pub(crate) async fn channel(to: SocketAddr) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{to}")).expect("an address");
    endpoint.connect().await.expect("it listens")
}

async fn healthy(channel: &Channel, service: &str) {
    let mut health = HealthClient::new(channel.clone());
    let request = HealthCheckRequest {
        service: service.to_owned(),
    };
    let answer = health
        .check(request)
        .await
        .unwrap_or_else(|status| panic!("{service}: {status}"));
    assert_eq!(
        answer.into_inner().status(),
        ServingStatus::Serving,
        "{service}"
    );
}

async fn reflect(channel: &Channel, request: MessageRequest) -> MessageResponse {
    let mut reflection = ServerReflectionClient::new(channel.clone());
    let request = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(request),
    };
    let answers = reflection
        .server_reflection_info(tokio_stream::once(request))
        .await
        .expect("it reflects");
    let answer = answers
        .into_inner()
        .next()
        .await
        .expect("an answer")
        .expect("no error");
    answer.message_response.expect("with content")
}

#[test]
fn every_server_answers_health_and_reflection_for_each_of_its_services() {
    let site = Site::up(&Wishes::default());
    for (address, port, services) in [
        (
            "10.10.11.110",
            7770,
            &[
                "changeover.v1.SolutionControlServer",
                "changeover.v1.ReactionEngine",
            ][..],
        ),
        ("10.10.11.110", 7120, &["changeover.v1.MessageServer"]),
        (
            "10.10.11.101",
            4999,
            &["changeover.v1.Lca", "changeover.v1.LcaPeer"],
        ),
        (
            "10.10.11.101",
            5070,
            &["changeover.v1.SipServer", "changeover.v1.SipClients"],
        ),
        (
            "10.10.11.102",
            4999,
            &["changeover.v1.Lca", "changeover.v1.LcaPeer"],
        ),
    ] {
        let to = site.real(address, port);
        site.runtime.block_on(async {
            let channel = channel(to).await;
            healthy(&channel, "").await;
            let listed = match reflect(&channel, MessageRequest::ListServices(String::new())).await
            {
                MessageResponse::ListServicesResponse(list) => list.service,
                other => panic!("{other:?}"),
            };
            for service in services {
                healthy(&channel, service).await;
                assert!(
                    listed.iter().any(|one| one.name == *service),
                    "{service} is not in {listed:?}"
                );
                let request = MessageRequest::FileContainingSymbol((*service).to_owned());
                match reflect(&channel, request).await {
                    MessageResponse::FileDescriptorResponse(files) => {
                        assert!(!files.file_descriptor_proto.is_empty())
                    }
                    other => panic!("{service}: {other:?}"),
                }
            }
        });
    }
}
