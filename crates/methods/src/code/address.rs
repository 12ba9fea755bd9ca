//! Where codes are sent.

use flow::Services;
use identity::{identifier_for_code, is_email};
use model::{AuthenticationMethod, Channel, CredentialType, Identity, Problem, is_mailbox_of_first};
use serde::Deserialize;
use serde_json::Value;
use url::Url;

/// An address that codes are sent to.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Address {
    pub channel: Channel,
    /// As identifiers of the code method are stored: lower case, or E.164.
    #[serde(rename = "address")]
    pub value: String,
}

/// The `config` of a code credential.
#[derive(Default, Deserialize)]
#[serde(default)]
struct CodeConfig {
    addresses: Vec<Address>,
    /// Kratos' older form, in which the identifiers are the addresses, all of this channel.
    address_type: Option<Channel>,
}

/// The addresses of a person: those of the code credential; without them, where that is configured
/// (`missing_credential_fallback_enabled`), those that can be verified.
pub(super) fn addresses_of(services: &Services, identity: &Identity) -> Vec<Address> {
    let from_credential = identity.credentials.get(&CredentialType::Code).map(|credential| {
        let config: CodeConfig = serde_json::from_str(credential.config.as_str()).unwrap_or_default();
        let older = config.address_type.into_iter().flat_map(|channel| {
            credential.identifiers.iter().map(move |value| Address { channel, value: value.clone() })
        });
        config.addresses.into_iter().chain(older).filter(|address| !address.value.is_empty()).collect()
    });
    let addresses: Vec<Address> = from_credential.unwrap_or_default();
    if !addresses.is_empty() || !falls_back(services) {
        return addresses;
    }
    let verifiable = identity.verifiable_addresses.iter();
    verifiable.map(|address| Address { channel: address.via, value: address.value.clone() }).collect()
}

/// The address of a person that a typed identifier names.
pub(super) fn address_named(services: &Services, identity: &Identity, identifier: &str) -> Option<Address> {
    let value = identifier_for_code(identifier);
    let mut addresses = addresses_of(services, identity).into_iter();
    addresses.find(|address| address.value == value).or_else(|| {
        // People from before codes were switched on sign in by the email address that they sign in with otherwise.
        let is_known = |kind: &CredentialType| {
            let credential = identity.credentials.get(kind);
            credential.is_some_and(|credential| credential.identifiers.contains(&value))
        };
        let is_theirs = [CredentialType::Password, CredentialType::Webauthn].iter().any(is_known);
        (falls_back(services) && is_theirs && is_email(&value))
            .then(|| Address { channel: Channel::Email, value: value.clone() })
    })
}

/// The addresses that a person may choose from for a second factor: all, or the one that the query parameter `via` of
/// the address names by its trait; without the mailbox that was all that the person has proved so far.
///
/// # Errors
/// 400 when that trait is empty, or none of the addresses.
pub(super) fn addresses_to_choose_from(
    services: &Services,
    identity: &Identity,
    proved: &[AuthenticationMethod],
    request_url: &str,
) -> Result<Vec<Address>, Problem> {
    let mut addresses = chosen_by_url(services, identity, request_url)?;
    addresses.retain(|address| !is_mailbox_of_first(proved, &address.value));
    Ok(addresses)
}

fn chosen_by_url(services: &Services, identity: &Identity, request_url: &str) -> Result<Vec<Address>, Problem> {
    let addresses = addresses_of(services, identity);
    let Some(via) = via(request_url) else { return Ok(addresses) };
    let traits = identity.traits.to_value();
    let named = match traits.pointer(&format!("/{}", via.replace('.', "/"))) {
        Some(Value::String(text)) if !text.is_empty() => identifier_for_code(text),
        _ => return Err(Problem::bad_request("The trait that the query parameter via names is empty.")),
    };
    if addresses.is_empty() {
        return Ok(addresses);
    }
    let address = addresses.into_iter().find(|address| address.value == named);
    let unknown = || Problem::bad_request("The trait that the query parameter via names is no address for codes.");
    Ok(vec![address.ok_or_else(unknown)?])
}

fn via(request_url: &str) -> Option<String> {
    let url = Url::parse(request_url).ok()?;
    let via = url.query_pairs().find(|(name, _)| name == "via").map(|(_, value)| value.into_owned());
    via.filter(|via| !via.is_empty())
}

/// `selfservice.methods.code.config.missing_credential_fallback_enabled`.
pub(super) fn falls_back(services: &Services) -> bool {
    services.config.selfservice.methods.code.missing_credential_fallback_enabled
}
