"use strict";
// Shows each time in the reader's own zone beside UTC.
for (const each of document.querySelectorAll("time[datetime]")) {
  const at = new Date(each.dateTime);
  if (!Number.isNaN(at.getTime())) {
    const local = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "medium", timeStyle: "short" }).format(at);
    each.textContent = `${local} (${each.textContent})`;
  }
}
