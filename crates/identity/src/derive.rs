//! What follows from traits: identifiers to sign in with, and addresses to verify and to recover by.

use model::{
    AddressStatus, Channel, Credential, CredentialType, Cx, Id, Identity, Message, RawJson, RecoveryAddress,
    VerifiableAddress, message, normalise_address,
};
use serde_json::{Value, json};
use store::to_microseconds;

use crate::address::{identifier_for_code, is_email, is_phone, phone_to_e164, text_of};
use crate::invisible::has_invisible;
use crate::schema::keyword::Keyword;
use crate::schema::{Marked, Schema, TraitError};

/// The longest identifier that the database holds, in characters.
const MAX_IDENTIFIER: usize = 255;
/// The longest address that the database holds, in characters.
const MAX_ADDRESS: usize = 400;
/// What the keywords of a schema make of traits; all of it normalised, each value once.
#[derive(Debug, Default)]
struct Derived {
    password: Vec<String>,
    webauthn: Vec<String>,
    code: Vec<(Channel, String)>,
    verifiable: Vec<(Channel, String)>,
    recovery: Vec<(Channel, String)>,
}

/// Brings the identifiers and addresses of an identity in line with its traits, which are valid: what no longer follows
/// from them goes, what is new is added, and what stays keeps its state.
///
/// # Errors
/// When a trait is unfit for what the schema wants it for.
pub(crate) fn apply(
    cx: &Cx,
    schema: &Schema,
    document: &Value,
    identity: &mut Identity,
) -> Result<(), Vec<TraitError>> {
    let mut derived = Derived::default();
    let mut errors = Vec::new();
    for Marked { keyword, pointer, value } in schema.marked(document) {
        let Some(text) = text_of(value) else { continue };
        let checked = check_new(identity, keyword, &text).and_then(|()| derived.take(keyword, &text));
        if let Err(message) = checked {
            let error = TraitError::new(&pointer, message);
            if !errors.contains(&error) {
                errors.push(error);
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let declares = |kind| schema.has_keyword(|keyword| is_identifier_of(keyword, kind));
    for (kind, identifiers) in
        [(CredentialType::Password, derived.password), (CredentialType::Webauthn, derived.webauthn)]
    {
        if declares(kind) {
            set_identifiers(cx, identity, kind, identifiers);
        }
    }
    if declares(CredentialType::Code) {
        set_code_addresses(cx, identity, &derived.code);
    }
    set_verifiable_addresses(cx, identity, derived.verifiable);
    set_recovery_addresses(cx, identity, derived.recovery);
    Ok(())
}

/// Checks that a value is fit for what the schema wants it for.
///
/// # Errors
/// Says why it is not.
pub(crate) fn check_value(keyword: &Keyword, text: &str) -> Result<(), Message> {
    Derived::default().take(keyword, text)
}

/// Checks what a person is to be known by from now on; what the account has already is left alone. Two names that look alike are
/// not to be two accounts, and a mail domain has one spelling.
fn check_new(identity: &Identity, keyword: &Keyword, text: &str) -> Result<(), Message> {
    if !keyword.names_account() || is_known(identity, text) {
        return Ok(());
    }
    let text = text.trim();
    if has_invisible(text) {
        return Err(message::generic("There are characters in this that nobody can see. Please type it by hand."));
    }
    if text.contains('@') && text.ends_with('.') && is_email(text) {
        return Err(message::invalid_email(text));
    }
    Ok(())
}

/// Whether an account has this identifier or address already.
fn is_known(identity: &Identity, text: &str) -> bool {
    let spellings = [normalise_address(text), identifier_for_code(text)];
    let identifiers = identity.credentials.values().flat_map(|credential| &credential.identifiers);
    let verifiable = identity.verifiable_addresses.iter().map(|address| &address.value);
    let recovery = identity.recovery_addresses.iter().map(|address| &address.value);
    identifiers.chain(verifiable).chain(recovery).any(|known| spellings.contains(&normalise_address(known)))
}

fn is_identifier_of(keyword: &Keyword, kind: CredentialType) -> bool {
    match kind {
        CredentialType::Password => keyword.credentials.password.identifier,
        CredentialType::Webauthn => keyword.credentials.webauthn.identifier,
        CredentialType::Code => keyword.credentials.code.identifier,
        _ => false,
    }
}

impl Derived {
    fn take(&mut self, keyword: &Keyword, text: &str) -> Result<(), Message> {
        let value = normalise_address(text);
        let length = value.chars().count();
        let names = |kind| is_identifier_of(keyword, kind);
        if [CredentialType::Password, CredentialType::Webauthn, CredentialType::Code].into_iter().any(names)
            && length > MAX_IDENTIFIER
        {
            return Err(message::too_long(MAX_IDENTIFIER, length));
        }
        if (keyword.verification.via.is_some() || keyword.recovery.via.is_some()) && length > MAX_ADDRESS {
            return Err(message::too_long(MAX_ADDRESS, length));
        }
        if names(CredentialType::Password) {
            add(&mut self.password, value.clone());
        }
        if names(CredentialType::Webauthn) {
            add(&mut self.webauthn, value.clone());
        }
        if names(CredentialType::Code) {
            add(&mut self.code, code_address(keyword, text)?);
        }
        if let Some(via) = keyword.verification.via {
            match (via, keyword.format.as_deref()) {
                (_, Some(_)) => {}
                (Channel::Email, None) => check(via, text)?,
                (Channel::Sms, None) => {
                    return Err(message::generic(
                        "The identity schema has to give this trait a format, because it is to be verified.",
                    ));
                }
            }
            add(&mut self.verifiable, (via, value.clone()));
        }
        if let Some(via) = keyword.recovery.via {
            check(via, text)?;
            add(&mut self.recovery, (via, value));
        }
        Ok(())
    }
}

fn add<T: PartialEq>(list: &mut Vec<T>, value: T) {
    if !list.contains(&value) {
        list.push(value);
    }
}

fn check(via: Channel, text: &str) -> Result<(), Message> {
    match via {
        Channel::Email if !is_email(text) => Err(message::invalid_email(text)),
        Channel::Sms if !is_phone(text) => Err(message::invalid_phone(text)),
        _ => Ok(()),
    }
}

fn code_address(keyword: &Keyword, text: &str) -> Result<(Channel, String), Message> {
    match keyword.credentials.code.via {
        Some(Channel::Email) => Ok((Channel::Email, normalise_address(text))),
        Some(Channel::Sms) => {
            let number = phone_to_e164(text);
            let number = number.ok_or_else(|| message::generic("Codes cannot be sent to this phone number."))?;
            Ok((Channel::Sms, number))
        }
        None => Err(message::generic("The identity schema has to say how codes are sent: \"via\" email or sms.")),
    }
}

/// Sets the identifiers of a credential, which is made if it is missing. One that has neither identifiers nor data left
/// is removed.
fn set_identifiers(cx: &Cx, identity: &mut Identity, kind: CredentialType, mut identifiers: Vec<String>) {
    identifiers.sort_unstable();
    if identifiers.is_empty() {
        if let Some(credential) = identity.credentials.get_mut(&kind) {
            credential.identifiers.clear();
            if matches!(credential.config.to_value(), Value::Null)
                || credential.config.to_value().as_object().is_some_and(serde_json::Map::is_empty)
            {
                identity.credentials.remove(&kind);
            }
        }
        return;
    }
    let credential = identity.credentials.entry(kind).or_insert_with(|| new_credential(cx, kind, 0));
    credential.identifiers = identifiers;
}

/// Kratos' code credential, version 1: the addresses are data and identifiers at once.
fn set_code_addresses(cx: &Cx, identity: &mut Identity, addresses: &[(Channel, String)]) {
    if addresses.is_empty() {
        identity.credentials.remove(&CredentialType::Code);
        return;
    }
    let mut addresses = addresses.to_vec();
    addresses.sort_unstable_by(|(a_via, a), (b_via, b)| (a, a_via).cmp(&(b, b_via)));
    let config: Vec<_> =
        addresses.iter().map(|(via, address)| json!({ "channel": via.as_str(), "address": address })).collect();
    let entry = identity.credentials.entry(CredentialType::Code);
    let credential = entry.or_insert_with(|| new_credential(cx, CredentialType::Code, 1));
    credential.config = RawJson::from_value(&json!({ "addresses": config }));
    credential.version = 1;
    credential.identifiers.clear();
    addresses.into_iter().for_each(|(_, address)| add(&mut credential.identifiers, address));
}

/// A credential without data.
pub(crate) fn new_credential(cx: &Cx, kind: CredentialType, version: i32) -> Credential {
    let now = to_microseconds(cx.now());
    Credential {
        id: Id::random(&cx.entropy),
        kind,
        identifiers: Vec::new(),
        config: RawJson::empty_object(),
        version,
        created_at: now,
        updated_at: now,
    }
}

fn set_verifiable_addresses(cx: &Cx, identity: &mut Identity, derived: Vec<(Channel, String)>) {
    let now = to_microseconds(cx.now());
    let mut known = std::mem::take(&mut identity.verifiable_addresses);
    let keep_or_make = |(via, value): (Channel, String)| {
        let at = known.iter().position(|address| address.via == via && normalise_address(&address.value) == value);
        let mut address = match at {
            Some(at) => VerifiableAddress { value, ..known.swap_remove(at) },
            None => VerifiableAddress {
                id: Id::random(&cx.entropy),
                value,
                verified: false,
                via,
                status: AddressStatus::Pending,
                verified_at: None,
                created_at: now,
                updated_at: now,
            },
        };
        match address.verified {
            true => drop(address.verified_at.get_or_insert(now)),
            false => address.verified_at = None,
        }
        address
    };
    identity.verifiable_addresses = derived.into_iter().map(keep_or_make).collect();
}

fn set_recovery_addresses(cx: &Cx, identity: &mut Identity, derived: Vec<(Channel, String)>) {
    let now = to_microseconds(cx.now());
    let mut known = std::mem::take(&mut identity.recovery_addresses);
    let keep_or_make = |(via, value): (Channel, String)| {
        let at = known.iter().position(|address| address.via == via && normalise_address(&address.value) == value);
        match at {
            Some(at) => RecoveryAddress { value, ..known.swap_remove(at) },
            None => RecoveryAddress { id: Id::random(&cx.entropy), value, via, created_at: now, updated_at: now },
        }
    };
    identity.recovery_addresses = derived.into_iter().map(keep_or_make).collect();
}
