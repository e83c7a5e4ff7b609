"use strict";
const NS = "http://www.w3.org/2000/svg";
const EXISTING = new Set([3, 4, 5]);
const words = document.getElementById("words").dataset;
const plot = document.getElementById("plot");
const at = (id) => document.getElementById(id);

function shape(name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  plot.append(made);
}

function seconds(value) {
  if (!value) return "–";
  return value < 1 ? `${Math.round(value * 1000)} ms` : `${value.toFixed(1)} s`;
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
    const points = samples.map((each) => {
      const band = each.bands.find((one) => one.standing === standing);
      return `${x(each.at).toFixed(1)} ${y(band ? band.arrived / each.interval_s : 0).toFixed(1)}`;
    });
    shape("path", { d: `M${points.join("L")}`, class: `s${standing}` });
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
  at("served").textContent = asked ? `${(100 * (1 - lost / asked)).toFixed(1)} %` : "–";
  at("ttft").textContent = seconds(ttft);
  at("queue").textContent = last.bands.reduce((sum, band) => sum + band.queued, 0);
  at("flight").textContent = `${last.bands.reduce((sum, band) => sum + band.in_flight, 0)} / ${last.limit_requests || "∞"}`;
  at("engines").textContent = `${last.engines_up} / ${last.engines}`;
  for (const row of at("standings").children) {
    const band = last.bands.find((one) => one.standing === Number(row.dataset.standing));
    const cells = row.querySelectorAll("td.num");
    const values = band ? [band.arrived, band.refused, band.queued, band.in_flight, seconds(band.wait_p99_s), seconds(band.ttft_p99_s)] : [];
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
  at("posture-word").textContent = words[state.posture.replace(/_(.)/, (_, letter) => letter.toUpperCase())];
  at("posture-reason").textContent = state.reason;
  at("posture-since").textContent = state.since ? new Date(state.since * 1000).toISOString().slice(0, 19).replace("T", " ") + " UTC" : "–";
  at("verdict").textContent = state.verdict;
  at("registration").textContent = state.registration;
  at("share").textContent = `${Math.round(state.registration_share * 100)} %`;
  at("no-findings").hidden = found.findings.length > 0;
  at("findings").replaceChildren(...found.findings.map((each) => {
    const item = document.createElement("li");
    const name = document.createElement("strong");
    name.textContent = each.detector;
    const when = document.createElement("span");
    when.className = "when";
    when.textContent = ` ${new Date(each.since * 1000).toISOString().slice(11, 19)} UTC · ${Math.round(each.confidence * 100)} %`;
    item.append(name, when, document.createElement("br"), each.sentence);
    return item;
  }));
}

async function loop() {
  try {
    await refresh();
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
  setTimeout(loop, 1000);
}
loop();
