//! What SIP Servers hold, passed on to operators: they may stand where no operator reaches them, and with certificates
//! they answer the SCS.

use super::{Service, stopping};
use changeover_model::ApplicationName;
use changeover_rpc::dial::{self, Caller};
use changeover_rpc::streams::Answers;
use changeover_rpc::wire;
use changeover_rpc::wire::sip_server_client::SipServerClient;
use futures::StreamExt as _;
use std::time::Duration;
use tonic::{Request, Status};

/// Longest wait for a SIP Server to take the call.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Longest wait for its answer.
const ANSWER: Duration = Duration::from_secs(5);
/// Largest answer of a SIP Server.
const LARGEST: usize = 16 << 20;

impl Service {
    pub(super) async fn show_sip(
        &self,
        asked: wire::CallsRequest,
    ) -> Result<wire::ShowSipReply, Status> {
        let caller = self.sip_server(&asked.application).await?;
        let mut client =
            SipServerClient::new(caller.channel.clone()).max_decoding_message_size(LARGEST);
        let mut request = Request::new(asked.show.unwrap_or_default());
        request.set_timeout(ANSWER);
        Ok(client.show_sip(request).await?.into_inner())
    }

    pub(super) async fn trace_sip(
        &self,
        asked: wire::TraceCallsRequest,
    ) -> Result<Answers<wire::TracedMessage>, Status> {
        let caller = self.sip_server(&asked.application).await?;
        let mut client = SipServerClient::new(caller.channel.clone());
        // The wait for the stream has a bound, the stream itself has none: so no deadline of the request.
        let begun = client.trace_sip(asked.trace.unwrap_or_default());
        let messages = tokio::time::timeout(ANSWER, begun).await.map_err(|_| {
            Status::deadline_exceeded(format!(
                "{} took the call and did not begin a trace",
                asked.application
            ))
        })??;
        // The connection lives as long as its stream.
        let stream = messages.into_inner().map(move |message| {
            let _connection = &caller;
            message
        });
        Ok(Box::pin(stream))
    }

    async fn sip_server(&self, application: &str) -> Result<Caller, Status> {
        let name = ApplicationName::from(application);
        let at = self
            .handle
            .ask(move |_, core| core.sip_server(&name))
            .await
            .map_err(stopping)?;
        let at = at.ok_or_else(|| {
            Status::not_found(format!(
                "'{application}' names no SIP Server with a default port (sci applications lists them)"
            ))
        })?;
        let dialler = self.links.sip_server_dialler(application);
        dial::channel(&dialler, &at.into(), ATTEMPT)
            .await
            .map_err(|error| {
                Status::failed_precondition(format!(
                    "{application} does not tell what it holds: {error}"
                ))
            })
    }
}
