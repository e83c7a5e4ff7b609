"use strict";
const words = new Map([...document.getElementById("words").children].map((each) => [each.dataset.word, each.textContent]));
const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const PARTS = ["findings", "decisions", "incidents", "components", "history", "audit", "engine-list", "evidence-fates"];
const RENEW_MS = 2000;
const REST_MS = 10000;
const SILENT_MS = 20000;
const at = (id) => document.getElementById(id);

function minute(value) {
  return value ? `${new Date(value * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC` : "–";
}

function since(value, now) {
  const passed = Math.max(0, now - value);
  const [size, unit] = passed < 90 ? [1, "second"] : passed < 5400 ? [60, "minute"] : passed < 129600 ? [3600, "hour"] : [86400, "day"];
  return ago.format(-Math.round(passed / size), unit);
}

const UNITS = {
  count: (value) => String(Math.round(value)),
  share: (value) => `${Math.round(value * 100)}\u00a0%`,
  goodput: (value) => (value === null ? "–" : `${(value * 100).toFixed(1)}\u00a0%`),
  seconds: (value) => (!value ? "–" : value < 1 ? `${Math.round(value * 1000)}\u00a0ms` : `${value.toFixed(1)}\u00a0s`),
};

function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Every figure on the page says where in the overview it stands.
function fill(now) {
  for (const each of document.querySelectorAll("[data-now]")) {
    const value = each.dataset.now.split(".").reduce((held, name) => held?.[name], now);
    if (value !== undefined) set(each, UNITS[each.dataset.unit](value));
  }
  const good = now.goodput_existing;
  at("served").className = `big ${good !== null && good <= 0.9 ? "bad" : good !== null && good <= 0.98 ? "slow" : ""}`;
  at("engines").className = `big ${now.engines_up ? (now.engines_up < now.engines_all ? "slow" : "") : "bad"}`;
  at("posture").className = `card posture ${now.posture}`;
  set(at("posture-word"), words.get(`p_${now.posture}`));
  set(at("posture-reason"), now.reason);
  set(at("posture-since"), minute(now.since));
  at("posture-next").hidden = !now.next_stage_at;
  set(at("posture-next").querySelector("time"), minute(now.next_stage_at));
  at("posture-held").hidden = !now.held_by;
  if (at("posture-release")) at("posture-release").hidden = !now.held_by;
  set(at("posture-held").querySelector("span"), now.held_by ?? "–");
  at("posture-until").hidden = !now.held_until;
  set(at("posture-until").querySelector("time"), minute(now.held_until));
  at("posture-for").hidden = !now.since;
  set(at("posture-ago"), now.since ? `(${since(now.since, now.at)})` : "");
  set(at("verdict"), words.get(`v_${now.verdict}`));
  set(at("registration"), words.get(`r_${now.registration}`));
  set(at("share"), `${Math.round(now.registration_share * 100)}\u00a0%`);
  document.title = `${now.posture === "normal" ? "" : `${words.get(`p_${now.posture}`)} · `}${title}`;
}
const title = document.title;

function untouched(part) {
  if (part.contains(document.activeElement)) return false;
  if ([...part.querySelectorAll("details")].some((each) => each.open !== each.hasAttribute("data-open"))) return false;
  const fields = [...part.querySelectorAll("input, textarea")];
  const first = (each) => Math.max(0, [...each.options].findIndex((option) => option.defaultSelected));
  return fields.every((each) => each.value === each.defaultValue && (each.checked ?? false) === (each.defaultChecked ?? false))
    && [...part.querySelectorAll("select")].every((each) => each.selectedIndex === first(each));
}

const rendered = new Map(PARTS.map((each) => [each, at(each)?.innerHTML]));

function remember() {
  for (const each of document.querySelectorAll("details[open]")) each.setAttribute("data-open", "");
}

// What the page was rendered with grows old; nothing is replaced under somebody's hands.
async function renew() {
  const answer = await fetch("/", { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  let waits = false;
  for (const name of PARTS) {
    const [old, next] = [at(name), fresh.getElementById(name)];
    const html = next?.innerHTML;
    if (!old || !next || rendered.get(name) === html) continue;
    if (!untouched(old)) { waits = true; continue; }
    rendered.set(name, html);
    old.replaceWith(next);
  }
  remember();
  if (waits) soon(REST_MS);
}

let due = 0;
function soon(ms) {
  if (due) return;
  due = setTimeout(() => { due = 0; renew().catch(() => soon(REST_MS)); }, ms);
}

const plots = at("plots");
async function draw() {
  if (document.hidden) return;
  const answer = await fetch(`/plots?last=${plots.dataset.last}`, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  if (plots.contains(document.activeElement)) fresh.querySelector(`[data-last="${document.activeElement.dataset.last}"]`)?.setAttribute("data-focus", "");
  plots.replaceChildren(...fresh.body.children);
  plots.querySelector("[data-focus]")?.focus();
}
plots.addEventListener("click", (event) => {
  const chosen = event.target.closest(".ranges a");
  if (!chosen) return;
  event.preventDefault();
  plots.dataset.last = chosen.dataset.last;
  draw().catch(() => {});
});

let heard = 0;
let feed = null;
function listen() {
  feed?.close();
  feed = new EventSource("/api/events");
  const hear = (act) => (event) => {
    heard = Date.now();
    at("stale").hidden = true;
    act(JSON.parse(event.data));
  };
  feed.addEventListener("now", hear(fill));
  feed.addEventListener("parts", hear(() => soon(RENEW_MS)));
  feed.addEventListener("step", hear(() => draw().catch(() => {})));
  feed.addEventListener("gone", () => location.reload());
  feed.onerror = () => {
    at("stale").hidden = false;
    // A browser tries again by itself unless it was refused: then the log-in is over, or all places are taken.
    if (feed.readyState === EventSource.CLOSED) {
      fetch("/api/posture").then((answer) => (answer.status === 401 ? location.reload() : setTimeout(listen, REST_MS))).catch(() => setTimeout(listen, REST_MS));
    }
  };
}
setInterval(() => {
  if (heard && Date.now() - heard > SILENT_MS) at("stale").hidden = false;
}, 1000);
setInterval(() => soon(0), 30000);
remember();
listen();
