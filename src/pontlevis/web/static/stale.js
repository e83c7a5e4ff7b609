"use strict";
// A copy cannot know that nobody writes it any more; the reader's clock can.
const notice = document.getElementById("stale");
const written = document.querySelector("time[data-written]");
if (notice && written && Date.now() - new Date(written.dateTime).getTime() > Number(notice.dataset.staleS) * 1000) {
  notice.hidden = false;
}
