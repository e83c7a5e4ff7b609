"use strict";
const log = document.getElementById("log");
const form = document.getElementById("form");
const input = document.getElementById("input");
const send = document.getElementById("send");
const stop = document.getElementById("stop");
const model = document.getElementById("model");
const empty = document.getElementById("empty");
const words = document.getElementById("words").dataset;
const headers = { "content-type": "application/json", "x-pontlevis-request": "1" };
const history = [];
const WAITING = "…";
let running = null;

// Whoever has scrolled back to read is left there.
function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 48;
}

function follow(on) {
  if (on) log.scrollTop = log.scrollHeight;
}

function say(role, text) {
  empty.hidden = true;
  const box = document.createElement("div");
  box.className = `message ${role}`;
  box.textContent = text;
  log.append(box);
  follow(true);
  return box;
}

function busy(on) {
  send.hidden = on;
  stop.hidden = !on;
  log.setAttribute("aria-busy", String(on));
}

async function explain(answer) {
  let text = `${words.failed} (${answer.status})`;
  try {
    text = (await answer.json()).error.message;
  } catch {
    // Not JSON: the status alone must do.
  }
  if (answer.status === 401) return `${text} ${words.login}`;
  const wait = answer.headers.get("retry-after");
  return wait ? `${text} ${words.retry.replace("{seconds}", wait)}` : text;
}

async function loadModels() {
  try {
    const answer = await fetch("/v1/models", { headers });
    if (!answer.ok) throw new Error(await explain(answer));
    for (const each of (await answer.json()).data) {
      model.append(new Option(each.id, each.id));
    }
    if (!model.options.length) throw new Error(words.nomodel);
    send.disabled = false;
  } catch (error) {
    say("error", error.message);
  }
}

async function read(answer, box) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let text = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return text;
    rest += value;
    let end;
    while ((end = /\r?\n\r?\n/.exec(rest))) {
      const event = rest.slice(0, end.index);
      rest = rest.slice(end.index + end[0].length);
      const data = event.split(/\r?\n/).find((line) => line.startsWith("data:"));
      if (!data || data.includes("[DONE]")) continue;
      const part = JSON.parse(data.slice(5));
      if (part.error) throw new Error(part.error.message);
      text += part.choices?.[0]?.delta?.content ?? "";
      if (!text) continue; // an engine that thinks first says nothing yet
      const following = atEnd();
      box.textContent = text;
      follow(following);
    }
  }
}

function nothingCame(box) {
  box.remove();
  say("note", words.nothing);
  history.pop();
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text || running) return;
  input.value = "";
  say("user", text);
  history.push({ role: "user", content: text });
  const box = say("assistant", WAITING);
  running = new AbortController();
  busy(true);
  try {
    const body = JSON.stringify({ model: model.value, messages: history, stream: true });
    const answer = await fetch("/v1/chat/completions", { method: "POST", headers, body, signal: running.signal });
    if (!answer.ok) throw new Error(await explain(answer));
    const said = await read(answer, box);
    if (said) history.push({ role: "assistant", content: said });
    else nothingCame(box);
  } catch (error) {
    if (error.name === "AbortError") {
      if (box.textContent !== WAITING) history.push({ role: "assistant", content: box.textContent });
      else nothingCame(box);
    } else {
      if (box.textContent === WAITING) box.remove();
      say("error", error.message || words.failed);
      history.pop();
      input.value = text;
    }
  } finally {
    running = null;
    busy(false);
    input.focus();
  }
});

stop.addEventListener("click", () => running?.abort());
input.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
loadModels();
