"use strict";
// Fills a form's challenge: asks for one, has it solved in workers, tells how far it is, sends the form when it may go.
for (const box of document.querySelectorAll("[data-challenge]")) {
  const form = box.closest("form");
  const field = box.querySelector("input[name=altcha]");
  const bar = box.querySelector("progress");
  const said = box.querySelector("[role=status]");
  const again = box.querySelector("button");
  const texts = box.dataset;
  const MOST_WORKERS = 4;
  let workers = [];
  let renewal = 0;
  let waiting = null;
  box.hidden = false;

  const stop = () => { workers.forEach((each) => each.terminate()); workers = []; };
  const say = (text) => { if (said.textContent !== text) said.textContent = text; };

  const fail = () => {
    stop();
    waiting = null;
    bar.hidden = true;
    again.hidden = false;
    say(texts.failed);
  };

  const done = (challenge, solution, begun) => {
    stop();
    const time = Math.round(performance.now() - begun);
    field.value = btoa(JSON.stringify({ challenge, solution: { counter: solution.counter, derivedKey: solution.derivedKey, time } }));
    // Where the gateway sees it: beyond the strangers' ration it looks at the head of a request alone.
    const secure = location.protocol === "https:" ? "; secure" : "";
    document.cookie = `pontlevis_solution=${field.value}; path=/; max-age=600; samesite=strict${secure}`;
    bar.value = bar.max;
    say(texts.done);
    if (waiting !== null) { const button = waiting; waiting = null; form.requestSubmit(button); }
  };

  async function begin() {
    stop();
    clearTimeout(renewal);
    field.value = "";
    again.hidden = true;
    bar.hidden = false;
    bar.value = 0;
    say(texts.begun);
    let challenge;
    try {
      const answer = await fetch(`/api/challenge?action=${texts.challenge}`, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      challenge = await answer.json();
    } catch {
      fail();
      return;
    }
    const begun = performance.now();
    const count = Math.max(1, Math.min(MOST_WORKERS, navigator.hardwareConcurrency || 1));
    let tried = 0, failed = 0, told = 0;
    bar.max = challenge.parameters.data.most;
    for (let start = 0; start < count; start++) {
      const worker = new Worker("/static/solver.js");
      workers.push(worker);
      worker.onerror = fail;
      worker.onmessage = ({ data }) => {
        if (data.derivedKey) { done(challenge, data, begun); return; }
        if (data.failed) { failed += 1; if (failed === count) fail(); return; }
        tried += data.tried;
        bar.value = tried;
        // Read out at every quarter, not at every step.
        const quarter = Math.floor(4 * tried / bar.max);
        if (quarter > told) { told = quarter; say(texts.far.replace("{percent}", String(25 * quarter))); }
      };
      worker.postMessage({ parameters: challenge.parameters, start, step: count });
    }
    // A solution that has grown old while somebody thought about a password is made anew.
    renewal = setTimeout(begin, Math.max(30_000, challenge.parameters.expiresAt * 1000 - Date.now() - 60_000));
  }

  form.addEventListener("submit", (event) => {
    if (field.value || !again.hidden) return;
    event.preventDefault();
    waiting = event.submitter;
    say(texts.wait);
  });
  again.addEventListener("click", begin);
  begin();
}
