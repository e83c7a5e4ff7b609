"use strict";
// Shows each time in the reader's own zone and habits beside UTC; in a table UTC is what a pointer held still shows.
const language = navigator.languages.find((each) => each.startsWith(document.documentElement.lang)) ?? document.documentElement.lang;
for (const each of document.querySelectorAll("time[datetime]")) {
  const at = new Date(each.dateTime);
  if (!Number.isNaN(at.getTime())) {
    const local = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(at);
    if (each.closest("td")) {
      each.title = each.textContent;
      each.textContent = local;
    } else {
      each.textContent = `${local} (${each.textContent})`;
    }
  }
}
