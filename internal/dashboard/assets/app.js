"use strict";
// Everything works without this: it only spares a reload, or a selection by hand.
const refresh = Number(document.body.dataset.refresh);
if (refresh) setTimeout(() => location.reload(), refresh * 1000);

for (const pre of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "second";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(pre.textContent);
    button.textContent = "Copied";
  });
  pre.after(button);
}

const list = document.querySelector("[data-live]");
if (list) {
  const told = document.getElementById("live");
  const source = new EventSource(list.dataset.live);
  source.onopen = () => { told.textContent = "New events come by themselves."; };
  source.onmessage = (m) => {
    const event = JSON.parse(m.data);
    const item = document.createElement("li");
    item.className = "new";
    const type = document.createElement("code"), text = document.createElement("bdi"), at = document.createElement("span");
    type.textContent = event.type;
    text.textContent = event.text;
    at.className = "meta";
    at.textContent = new Date(event.at).toLocaleString();
    item.append(type, " ", text, " ", at);
    list.prepend(item);
  };
}
