//! What every server offers beside its own services, and single calls.

use crate::echo_lca::{SOON, dialler, run};
use changeover_emulated_nic::Network;
use changeover_rpc::destination::Destination;
use changeover_rpc::dial::{CallError, LinkLoss, channel};
use changeover_rpc::server::Listener;
use changeover_rpc::tls::LinkSecurity;
use changeover_rpc::wire;
use changeover_rpc::wire::lca_peer_client::LcaPeerClient;
use tokio_stream::StreamExt as _;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;

const PLAIN: LinkSecurity = LinkSecurity::Plain;

#[tokio::test]
async fn health_speaks_for_the_server_and_for_each_of_its_services() {
    let lca = run(0, true, &PLAIN).await;
    let caller = channel(&dialler(&PLAIN), &lca.address.into(), SOON)
        .await
        .expect("it listens");
    let mut health = HealthClient::new(caller.channel.clone());
    for service in ["", "changeover.v1.Lca"] {
        let answer = health
            .check(HealthCheckRequest {
                service: service.to_owned(),
            })
            .await
            .expect("it knows its services");
        assert_eq!(answer.into_inner().status(), ServingStatus::Serving);
    }
    let unknown = health
        .check(HealthCheckRequest {
            service: "changeover.v1.Nonsense".to_owned(),
        })
        .await
        .expect_err("there is no such service");
    assert_eq!(unknown.code(), tonic::Code::NotFound);
}

#[tokio::test]
async fn reflection_lists_the_services_and_gives_their_files() {
    let lca = run(0, true, &PLAIN).await;
    let caller = channel(&dialler(&PLAIN), &lca.address.into(), SOON)
        .await
        .expect("it listens");
    let ask = |question| ServerReflectionRequest {
        host: String::new(),
        message_request: Some(question),
    };
    let questions = tokio_stream::iter([
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol(
            "changeover.v1.ToLca".to_owned(),
        )),
    ]);
    let mut answers = ServerReflectionClient::new(caller.channel.clone())
        .server_reflection_info(questions)
        .await
        .expect("reflection answers")
        .into_inner();
    let mut responses = Vec::new();
    while let Some(answer) = answers.next().await {
        responses.extend(answer.expect("an answer").message_response);
    }
    let [
        MessageResponse::ListServicesResponse(services),
        MessageResponse::FileDescriptorResponse(files),
    ] = responses.as_slice()
    else {
        panic!("two answers: {responses:?}");
    };
    let names: Vec<&str> = services.service.iter().map(|it| it.name.as_str()).collect();
    for expected in ["changeover.v1.Lca", "grpc.health.v1.Health"] {
        assert!(names.contains(&expected), "{names:?}");
    }
    assert!(!files.file_descriptor_proto.is_empty());
}

#[tokio::test]
async fn nobody_listening_is_unreachable_and_a_server_that_says_no_is_not() {
    let lca = run(0, true, &PLAIN).await;
    let caller = channel(&dialler(&PLAIN), &lca.address.into(), SOON)
        .await
        .expect("it listens");
    let status = LcaPeerClient::new(caller.channel.clone())
        .what_do_you_see(wire::WhatDoYouSeeRequest {
            host: "host2".to_owned(),
        })
        .await
        .expect_err("this server does not offer that service");
    let answered = caller.judge(status);
    assert!(matches!(answered, CallError::Answered(_)), "{answered:?}");
    assert_eq!(answered.exit_code(), 1);

    let address = lca.address;
    lca.stop().await.expect("it ends well");
    let gone = LcaPeerClient::new(caller.channel.clone())
        .what_do_you_see(wire::WhatDoYouSeeRequest::default())
        .await
        .expect_err("it is gone");
    assert_eq!(caller.judge(gone).exit_code(), 3);
    let unreachable = channel(&dialler(&PLAIN), &address.into(), SOON)
        .await
        .expect_err("nobody listens");
    assert_eq!(unreachable.loss, LinkLoss::Refused);
    assert_eq!(
        unreachable.to_string(),
        format!("lca at {address} cannot be reached: the host answers, but nothing listens there")
    );
    assert_eq!(CallError::from(unreachable).exit_code(), 3);
}

#[tokio::test]
async fn addresses_that_are_not_this_machines_own_need_tls_or_a_word() {
    let far = "192.0.2.7:4999".parse().expect("an address");
    let refused = channel(&dialler(&PLAIN), &Destination::Tcp(far), SOON)
        .await
        .expect_err("it is not plain by default");
    assert_eq!(
        refused.to_string(),
        "lca at 192.0.2.7:4999 cannot be reached: 192.0.2.7 is not on this machine: give --tls DIR \
         (ca.pem, cert.pem, key.pem; `changeover certs issue` makes them), or --insecure to go without encryption and let everybody on that \
         network do everything"
    );
    let everywhere = "0.0.0.0".parse().expect("an address");
    PLAIN
        .for_address(&Network::Kernel, everywhere)
        .expect_err("listening on every address is not loopback");
    for own in ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"] {
        let own = own.parse().expect("an address");
        let plain = PLAIN.for_address(&Network::Kernel, own);
        assert!(plain.expect("loopback").is_none());
    }
    let insecure = LinkSecurity::Insecure
        .for_address(&Network::Kernel, everywhere)
        .expect("the operator said so");
    assert!(insecure.is_none());
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let lca = run(0, true, &PLAIN).await;
    let taken = Listener::tcp(&Network::Kernel, lca.address)
        .await
        .expect_err("the port is taken");
    assert!(
        taken
            .to_string()
            .starts_with(&format!("cannot listen on {}: ", lca.address)),
        "{taken}"
    );
}

#[tokio::test]
async fn destinations_read_in_every_documented_form() {
    let tcp = Destination::Tcp("127.0.0.1:7770".parse().expect("an address"));
    for text in [
        "127.0.0.1:7770",
        "http://127.0.0.1:7770",
        "https://127.0.0.1:7770/",
    ] {
        let read = Destination::read(text, SOON).await;
        assert_eq!(read.expect("a documented form"), tcp, "{text}");
    }
    let unix = Destination::read("unix:/run/scs.sock", SOON).await;
    assert_eq!(
        unix.expect("a documented form").to_string(),
        "unix:/run/scs.sock"
    );
    for text in [
        "",
        "mgmt1",
        "http://",
        "a b:1",
        "unix:",
        ":7770",
        "mgmt1:99999",
    ] {
        let error = Destination::read(text, SOON)
            .await
            .expect_err("no documented form");
        assert_eq!(
            error.to_string(),
            format!(
                "'{text}' is no address of a component: write HOST:PORT, http://HOST:PORT or unix:PATH, \
                 as in http://127.0.0.1:7770"
            )
        );
    }
}
