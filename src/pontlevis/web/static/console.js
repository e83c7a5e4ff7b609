"use strict";
const NS = "http://www.w3.org/2000/svg";
const EXISTING = new Set([3, 4, 5]);
const words = new Map([...document.getElementById("words").children].map((each) => [each.dataset.word, each.textContent]));
const ago = new Intl.RelativeTimeFormat(document.documentElement.lang, { numeric: "always" });
const RENEW_S = 10;
const PARTS = ["decisions", "incidents", "components", "audit"];
const plot = document.getElementById("plot");
const at = (id) => document.getElementById(id);

function shape(name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  plot.append(made);
}

function minute(value) {
  return value ? `${new Date(value * 1000).toISOString().slice(0, 16).replace("T", " ")} UTC` : "–";
}

function since(value) {
  const passed = Math.max(0, Date.now() / 1000 - value);
  const [size, unit] = passed < 90 ? [1, "second"] : passed < 5400 ? [60, "minute"] : passed < 129600 ? [3600, "hour"] : [86400, "day"];
  return ago.format(-Math.round(passed / size), unit);
}

function seconds(value) {
  if (!value) return "–";
  return value < 1 ? `${Math.round(value * 1000)}\u00a0ms` : `${value.toFixed(1)}\u00a0s`;
}

function draw(samples, bands) {
  plot.replaceChildren();
  at("plot-empty").hidden = samples.length > 1;
  if (samples.length < 2) return;
  const width = Math.max(300, plot.clientWidth);
  plot.setAttribute("viewBox", `0 0 ${width} 220`);
  const [left, right, top, bottom] = [40, width - 10, 10, 190];
  const first = samples[0].at;
  const last = Math.max(samples.at(-1).at, first + 60);
  const most = Math.max(4, ...samples.flatMap((each) => each.bands.map((band) => band.arrived / each.interval_s)));
  const x = (time) => left + ((time - first) / (last - first)) * (right - left);
  const y = (rate) => bottom - (rate / most) * (bottom - top);
  for (const [begin, end, posture] of bands) {
    const from = Math.max(x(begin), left);
    const to = Math.min(x(end), right);
    if (to > from) shape("rect", { x: from, y: top, width: to - from, height: bottom - top, class: `band ${posture}` });
  }
  for (const part of [0, 0.5, 1]) {
    shape("line", { x1: left, x2: right, y1: y(most * part), y2: y(most * part), class: "axis" });
    shape("text", { x: left - 6, y: y(most * part) + 4, "text-anchor": "end" }, (most * part).toFixed(most < 10 ? 1 : 0));
  }
  for (const part of width < 600 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]) {
    const time = new Date((first + (last - first) * part) * 1000).toISOString().slice(11, 19);
    shape("text", { x: x(first + (last - first) * part), y: 210, "text-anchor": part === 0 ? "start" : part === 1 ? "end" : "middle" }, time);
  }
  for (let standing = 0; standing < 6; standing += 1) {
    for (const [figure, name] of [["arrived", ""], ["refused", " refused"]]) {
      let any = false;
      const points = samples.map((each) => {
        const value = each.bands.find((one) => one.standing === standing)?.[figure] ?? 0;
        any ||= value > 0;
        return `${x(each.at).toFixed(1)} ${y(value / each.interval_s).toFixed(1)}`;
      });
      // A standing that nobody has would only cover the others' zero.
      if (any) shape("path", { d: `M${points.join("L")}`, class: `s${standing}${name}` });
    }
  }
}

function fill(samples) {
  const last = samples.at(-1);
  if (!last) return;
  const recent = samples.slice(-30);
  let asked = 0;
  let lost = 0;
  let ttft = 0;
  for (const sample of recent) {
    for (const band of sample.bands) {
      if (EXISTING.has(band.standing)) {
        asked += band.arrived;
        lost += band.refused + band.failed;
        ttft = Math.max(ttft, band.ttft_p99_s);
      }
    }
  }
  at("served").textContent = asked ? `${(100 * (1 - lost / asked)).toFixed(1)}\u00a0%` : "–";
  const share = asked ? lost / asked : 0;
  at("served").className = `big ${share >= 0.1 ? "bad" : share >= 0.02 ? "slow" : ""}`;
  at("ttft").textContent = seconds(ttft);
  at("queue").textContent = last.bands.reduce((sum, band) => sum + band.queued, 0);
  at("flight").textContent = `${last.bands.reduce((sum, band) => sum + band.in_flight, 0)} / ${last.limit_requests || "∞"}`;
  at("engines").textContent = `${last.engines_up} / ${last.engines}`;
  at("engines").className = `big ${last.engines_up ? last.engines_up < last.engines ? "slow" : "" : "bad"}`;
  for (const row of at("standings").children) {
    const band = last.bands.find((one) => one.standing === Number(row.dataset.standing));
    const cells = row.querySelectorAll("td.num");
    const values = band ? [band.arrived, band.refused, band.queued, band.in_flight, seconds(band.wait_p99_s), seconds(band.ttft_p99_s)] : [];
    row.className = band && (band.arrived || band.queued || band.in_flight) ? "" : "quiet";
    cells.forEach((cell, place) => { cell.textContent = values[place] ?? "–"; });
  }
}

async function get(path) {
  const answer = await fetch(path, { headers: { accept: "application/json" } });
  if (answer.status === 401) location.reload();
  if (!answer.ok) throw new Error(String(answer.status));
  return answer.json();
}

async function refresh() {
  const [load, state, found, changes] = await Promise.all([get("/api/load"), get("/api/posture"), get("/api/findings"), get("/api/transitions")]);
  const now = load.samples.at(-1)?.at ?? Date.now() / 1000;
  const bands = [];
  let end = now;
  for (const each of changes.transitions) {
    bands.push([each.at, end, each.after.posture]);
    end = each.at;
  }
  draw(load.samples, bands);
  fill(load.samples);
  at("posture").className = `card posture ${state.posture}`;
  at("posture-word").textContent = words.get(`p_${state.posture}`);
  at("posture-reason").textContent = state.reason;
  at("posture-since").textContent = minute(state.since);
  at("posture-next").hidden = !state.next_stage_at;
  at("posture-next").querySelector("time").textContent = minute(state.next_stage_at);
  at("posture-held").hidden = at("posture-release").hidden = !state.held_by;
  at("posture-held").querySelector("span").textContent = state.held_by ?? "–";
  at("posture-until").hidden = !state.held_until;
  at("posture-until").querySelector("time").textContent = minute(state.held_until);
  at("posture-for").hidden = !state.since;
  at("posture-ago").textContent = state.since ? `(${since(state.since)})` : "";
  at("verdict").textContent = words.get(`v_${state.verdict}`);
  at("registration").textContent = words.get(`r_${state.registration}`);
  at("share").textContent = `${Math.round(state.registration_share * 100)}\u00a0%`;
  at("no-findings").hidden = found.findings.length > 0;
  at("findings").replaceChildren(...found.findings.map((each) => {
    const item = document.createElement("li");
    const name = document.createElement("strong");
    name.textContent = each.detector;
    const when = document.createElement("span");
    when.className = "when";
    when.textContent = ` ${new Date(each.since * 1000).toISOString().slice(11, 19)} UTC · ${Math.round(each.confidence * 100)}\u00a0%`;
    item.append(name, when, document.createElement("br"), each.sentence);
    return item;
  }));
}

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
  for (const name of PARTS) {
    const [old, next] = [at(name), fresh.getElementById(name)];
    const html = next?.innerHTML;
    if (!old || !next || rendered.get(name) === html || !untouched(old)) continue;
    rendered.set(name, html);
    old.replaceWith(next);
  }
  remember();
}

let turns = 0;
async function loop() {
  try {
    await refresh();
    turns += 1;
    if (turns % RENEW_S === 0) await renew();
    at("stale").hidden = true;
  } catch {
    at("stale").hidden = false;
  }
  setTimeout(loop, 1000);
}
remember();
loop();
