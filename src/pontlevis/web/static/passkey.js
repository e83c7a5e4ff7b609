"use strict";
// Makes a passkey or logs in with one: asks the service for a challenge, the browser for an answer, and sends
// the form with it. Forms are hidden where the browser knows no passkeys.
{
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (each) => each.charCodeAt(0));
  const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const creation = (options) => ({
    ...options,
    challenge: bytes(options.challenge),
    user: { ...options.user, id: bytes(options.user.id) },
    excludeCredentials: (options.excludeCredentials || []).map((each) => ({ ...each, id: bytes(each.id) })),
  });
  const request = (options) => ({ ...options, challenge: bytes(options.challenge), allowCredentials: [] });

  const written = ({ id, rawId, type, response }) => {
    const parts = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) parts[name] = text(response[name]);
    }
    if (response.getTransports) parts.transports = response.getTransports();
    return JSON.stringify({ id, rawId: text(rawId), type, response: parts });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    if (!window.PublicKeyCredential) continue;
    const making = form.dataset.passkey === "create";
    const said = form.querySelector("[role=status]");
    const button = form.querySelector("button");
    form.hidden = false;
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      button.disabled = true;
      said.textContent = "";
      try {
        const answer = making
          ? await fetch("/api/passkeys/options", { method: "POST", headers: { accept: "application/json" } })
          : await fetch("/api/passkeys/challenge", { headers: { accept: "application/json" } });
        if (answer.status === 403) { said.textContent = form.dataset.old; return; }
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const { options, state } = await answer.json();
        const credential = making
          ? await navigator.credentials.create({ publicKey: creation(options) })
          : await navigator.credentials.get({ publicKey: request(options) });
        form.elements.state.value = state;
        form.elements.credential.value = written(credential);
        form.submit();
      } catch (error) {
        said.textContent = error.name === "InvalidStateError" ? form.dataset.none : form.dataset.failed;
      } finally {
        button.disabled = false;
      }
    });
  }
}
