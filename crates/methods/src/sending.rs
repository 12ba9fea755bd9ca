//! Sending proofs for verification and recovery. Whoever asks cannot tell whether somebody has the address: the answer
//! is the same, and so are the statements, one for one.

use courier::{Content, Message};
use crypto::tokens;
use flow::{Context, Services, VerificationMethod};
use model::flow::{FlowKind, Recovery, Verification};
use model::{Channel, Cx, Flow, Id, Identity, IdentityId, Problem, RawJson, Secret};
use serde_json::json;
use store::{ProofKind, RecoveryProof, Tx};

/// Sends a proof by `method` to an address, if somebody has it. A code takes the place of those that the flow has sent before.
/// Beyond what the guard allows to an address nothing is sent, and what was before is good.
///
/// # Errors
/// When the database fails.
pub(crate) async fn verification(
    cx: Context<'_>,
    (kind, method): (ProofKind, &dyn VerificationMethod),
    flow: &Flow<Verification>,
    email: &str,
    tx: &mut Tx,
) -> Result<(), Problem> {
    let found = cx.services.store.find_verifiable_address(Channel::Email, email).await?;
    let may_send = cx.services.guard.may_send(&cx, email, found.is_some()).await?;
    let owner = found.as_ref().map_or_else(|| Id::random(&cx.entropy), |(owner, _)| *owner);
    let identity = cx.services.store.find_identity(owner).await?;
    if !may_send {
        return Ok(());
    }
    if kind == ProofKind::Code {
        tx.delete_verification_proofs(kind, flow.id);
    }
    if let (Some((_, address)), Some(identity)) = (&found, &identity) {
        method.send(cx, identity, address, flow, tx);
        return Ok(());
    }
    if cx.services.config.selfservice.verification_notify_unknown_recipients {
        let content = match kind {
            ProofKind::Code => Content::VerificationCodeInvalid,
            ProofKind::Link => Content::VerificationInvalid,
        };
        queue(cx, flow, (Channel::Email, email), content, tx);
        tx.delete_verification_proofs(kind, flow.id);
    } else {
        pretend(cx, flow, tx);
    }
    tx.set_address_sent(Id::random(&cx.entropy), cx.now());
    Ok(())
}

/// A new proof of recovery.
pub(crate) fn recovery_secret(cx: &Cx, kind: ProofKind) -> Secret {
    match kind {
        ProofKind::Code => crate::code::new_code(&cx.entropy),
        ProofKind::Link => tokens::link_token(&cx.entropy),
    }
}

/// The address that a link of recovery leads to.
pub(crate) fn recovery_url(services: &Services, flow: &Flow<Recovery>, token: &str) -> String {
    services.public_route(&format!("/self-service/recovery?flow={}&token={token}", flow.id))
}

/// As [`verification`], for recovery.
///
/// # Errors
/// When the database fails.
pub(crate) async fn recovery(
    cx: Context<'_>,
    kind: ProofKind,
    flow: &Flow<Recovery>,
    (channel, to): (Channel, &str),
    tx: &mut Tx,
) -> Result<(), Problem> {
    let found = cx.services.store.find_recovery_address(channel, to).await?;
    let may_send = cx.services.guard.may_send(&cx, to, found.is_some()).await?;
    let owner = found.as_ref().map_or_else(|| Id::random(&cx.entropy), |(owner, _)| *owner);
    let identity = cx.services.store.find_identity(owner).await?;
    if !may_send {
        return Ok(());
    }
    if kind == ProofKind::Code {
        tx.delete_recovery_proofs(kind, flow.id);
    }
    let methods = &cx.services.config.selfservice.methods;
    let lifespan = match kind {
        ProofKind::Code => methods.code.lifespan,
        ProofKind::Link => methods.link.lifespan,
    };
    let secret = recovery_secret(&cx, kind);
    let hmac = tokens::hmac_hex(cx.services.proof_keys().first(), secret.expose());
    let url = recovery_url(cx.services, flow, secret.expose());
    if let (Some((_, address)), Some(identity)) = (&found, &identity) {
        let now = cx.now();
        let proof = RecoveryProof {
            id: cx.entropy.uuid(),
            hmac,
            address_id: Some(address.id),
            identity_id: identity.id,
            flow_id: flow.id,
            issued_at: now,
            expires_at: now + lifespan,
            used_at: None,
        };
        tx.insert_recovery_proof(kind, &proof);
        let content = match kind {
            ProofKind::Code => Content::RecoveryCodeValid { code: &secret, identity, lifespan },
            ProofKind::Link => Content::RecoveryValid { url: &url, identity, lifespan },
        };
        queue(cx, flow, (address.via, &address.value), content, tx);
    } else if cx.services.config.selfservice.recovery_notify_unknown_recipients && identity::is_email(to) {
        // Messages to phones cost money, so strangers are told by email alone.
        let content = match kind {
            ProofKind::Code => Content::RecoveryCodeInvalid,
            ProofKind::Link => Content::RecoveryInvalid,
        };
        queue(cx, flow, (channel, to), content, tx);
        tx.delete_recovery_proofs(kind, flow.id);
    } else {
        pretend(cx, flow, tx);
    }
    Ok(())
}

/// Queues a message. It goes out only if the transaction is committed.
fn queue<K: FlowKind>(
    cx: Context<'_>,
    flow: &Flow<K>,
    (channel, to): (Channel, &str),
    content: Content<'_>,
    tx: &mut Tx,
) {
    let message = Message {
        channel,
        to,
        content,
        request_url: &flow.request_url,
        transient_payload: flow.transient_payload.as_ref(),
        request_headers: None,
    };
    cx.services.courier.queue(&cx, &message, tx);
}

/// The work of a message with a proof, of which nothing stays: one is composed and queued, and taken back.
pub(crate) fn pretend<K: FlowKind>(cx: Context<'_>, flow: &Flow<K>, tx: &mut Tx) {
    let nothing = RawJson::from_value(&json!({}));
    let nobody = Identity::new(IdentityId::random(&cx.entropy), String::new(), nothing, cx.now());
    let code = crate::code::new_code(&cx.entropy);
    let lifespan = cx.services.config.selfservice.methods.code.lifespan;
    let content = Content::LoginCodeValid { code: &code, identity: &nobody, lifespan };
    let mut message = Tx::new();
    queue(cx, flow, (Channel::Email, "nobody"), content, &mut message);
    message.unqueue_messages();
    tx.append(message);
}
