/*
 * Security keys and passkeys in the forms of self-service flows.
 *
 * A form names one of the functions below in `onclick` and `onclickTrigger` of a button, or in `onload` and
 * `onloadTrigger` of a field. Each asks the browser for a key, puts the answer into a hidden field, and sends the form.
 * Pages whose content security policy forbids inline scripts name the function in `data-trigger` or
 * `data-onload-trigger` instead; this script binds it.
 */
(function () {
  "use strict"

  if (window.__oryWebAuthnInitialized) {
    return
  }
  window.__oryWebAuthnInitialized = true

  function decode(text) {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"))
    return Uint8Array.from(binary, (character) => character.charCodeAt(0))
  }

  function encode(buffer) {
    if (!buffer) {
      return undefined
    }
    const binary = Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join("")
    return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")
  }

  const decodeIds = (list) => list?.map((item) => ({ ...item, id: decode(item.id) }))

  /** The options of a form with bytes in the place of base64. What was given stays as it is, for the next attempt. */
  function withBytes({ publicKey }) {
    const options = { ...publicKey, challenge: decode(publicKey.challenge) }
    if (publicKey.user?.id) {
      options.user = { ...publicKey.user, id: decode(publicKey.user.id) }
    }
    for (const list of ["allowCredentials", "excludeCredentials"]) {
      if (publicKey[list]) {
        options[list] = decodeIds(publicKey[list])
      }
    }
    return options
  }

  /** What the browser answered, as the server reads it. */
  function asJson({ id, rawId, type, response }) {
    const names = ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]
    const parts = names.map((name) => [name, encode(response[name])]).filter(([, part]) => part !== undefined)
    return JSON.stringify({ id, rawId: encode(rawId), type, response: Object.fromEntries(parts) })
  }

  const field = (name) => document.getElementsByName(name)[0]

  /** All fields of that name in a form, or else on the page: front ends repeat them, and split forms by method. */
  function fieldsNear(form, name) {
    const fields = [...document.getElementsByName(name)]
    const own = fields.filter((field) => field.form === form)
    return own.length > 0 ? own : fields
  }

  /** The first text that somebody typed into one of `fields`. */
  const typed = (fields) => fields.map(({ value }) => value.trim()).find(Boolean)

  /** Whether the browser knows keys. Insecure origins and old browsers do not. */
  const isSupported = () => Boolean(window.PublicKeyCredential && navigator.credentials)

  /** Says beside the button what went wrong. Somebody who closed the browser's dialogue knows. */
  function say(button, error) {
    console.warn("The key could not be used.", error)
    if (error?.name === "AbortError" || !button) {
      return
    }
    let message = button.nextElementSibling
    if (!message?.matches("[data-webauthn-message]")) {
      message = document.createElement("p")
      message.className = "message error"
      message.setAttribute("role", "alert")
      message.setAttribute("data-webauthn-message", "")
      button.after(message)
    }
    const texts = {
      NotAllowedError: "No key was used. Please try again.",
      InvalidStateError: "This key is in use for your account already.",
      SecurityError: "Keys cannot be used at this address.",
      NotSupportedError: "This browser does not support keys here.",
    }
    message.textContent = texts[error?.name] ?? "The key could not be used. Please try again."
  }

  function notSupported() {
    const error = new Error("This browser, or this address, does not support security keys and passkeys.")
    error.name = "NotSupportedError"
    return error
  }

  /** Asks the browser, puts its answer into `result`, and sends the form. */
  async function run(ask, result, button) {
    try {
      if (!isSupported()) {
        throw notSupported()
      }
      const credential = await ask()
      if (!credential) {
        return false
      }
      result.value = asJson(credential)
      result.closest("form").submit()
      return true
    } catch (error) {
      say(button, error)
      return false
    }
  }

  const get = (options) => navigator.credentials.get({ publicKey: withBytes(options) })
  const create = (options) => navigator.credentials.create({ publicKey: withBytes(options) })

  function oryWebAuthnLogin(
    options,
    resultSelector = '*[name="webauthn_login"]',
    triggerSelector = '*[name="webauthn_login_trigger"]',
  ) {
    const button = document.querySelector(triggerSelector)
    return run(() => get(options ?? JSON.parse(button.value)), document.querySelector(resultSelector), button)
  }

  function oryWebAuthnRegistration(
    options,
    resultSelector = '*[name="webauthn_register"]',
    triggerSelector = '*[name="webauthn_register_trigger"]',
  ) {
    const button = document.querySelector(triggerSelector)
    return run(() => create(options ?? JSON.parse(button.value)), document.querySelector(resultSelector), button)
  }

  /** Ends the offer of passkeys in the field for the identifier: a browser does one thing at a time. */
  function stopAutocomplete() {
    window.abortPasskeyConditionalUI?.abort()
    window.abortPasskeyConditionalUI = undefined
  }

  /** Offers passkeys where the identifier is typed. */
  async function oryPasskeyLoginAutocompleteInit() {
    const [data, result] = [field("passkey_challenge"), field("passkey_login")]
    const available = window.PublicKeyCredential?.isConditionalMediationAvailable
    if (!data || !result || !field("identifier") || !available || window.Cypress) {
      return
    }
    if (!(await PublicKeyCredential.isConditionalMediationAvailable())) {
      return
    }
    stopAutocomplete()
    const abort = new AbortController()
    window.abortPasskeyConditionalUI = abort
    const publicKey = withBytes(JSON.parse(data.value))
    await run(() => navigator.credentials.get({ publicKey, mediation: "conditional", signal: abort.signal }), result)
  }

  async function oryPasskeyLogin() {
    const [data, result] = [field("passkey_challenge"), field("passkey_login")]
    if (!data || !result) {
      return
    }
    stopAutocomplete()
    if (!(await run(() => get(JSON.parse(data.value)), result, field("passkey_login_trigger")))) {
      await oryPasskeyLoginAutocompleteInit()
    }
  }

  async function oryPasskeyRegistration() {
    const [data, result] = [field("passkey_create_data"), field("passkey_register")]
    if (!data || !result) {
      return
    }
    const { credentialOptions, displayNameFieldName } = JSON.parse(data.value)
    // Whether a name is needed, the server says.
    const name = typed(fieldsNear(data.form, displayNameFieldName))
    const { publicKey } = credentialOptions
    const user = name ? { ...publicKey.user, name, displayName: name } : publicKey.user
    await run(() => create({ publicKey: { ...publicKey, user } }), result, field("passkey_register_trigger"))
  }

  async function oryPasskeySettingsRegistration() {
    const [data, result] = [field("passkey_create_data"), field("passkey_settings_register")]
    if (data && result) {
      await run(() => create(JSON.parse(data.value)), result, field("passkey_register_trigger"))
    }
  }

  const triggers = {
    oryWebAuthnLogin,
    oryWebAuthnRegistration,
    oryPasskeyLogin,
    oryPasskeyLoginAutocompleteInit,
    oryPasskeyRegistration,
    oryPasskeySettingsRegistration,
  }
  for (const [name, trigger] of Object.entries(triggers)) {
    window[name] = trigger
    // Older front ends know them by these names.
    window[`__${name}`] = trigger
  }

  function bind() {
    for (const element of document.querySelectorAll("[data-trigger]")) {
      const trigger = triggers[element.dataset.trigger]
      if (trigger) {
        element.addEventListener("click", () => trigger())
      }
    }
    for (const element of document.querySelectorAll("[data-onload-trigger]")) {
      triggers[element.dataset.onloadTrigger]?.()
    }
  }

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", bind)
  } else {
    bind()
  }
  window.dispatchEvent(new CustomEvent("oryWebAuthnInitialized"))
})()
