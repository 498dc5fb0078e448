"use strict";
// Everything works without this: it spares reloading, counting hours, and selecting by hand.

const show = { dateStyle: "medium", timeStyle: "short" };

// Times are in UTC on the page, and become those of the reader.
function localize(root) {
  for (const time of root.querySelectorAll("time")) {
    time.title = time.textContent;
    time.textContent = new Date(time.dateTime).toLocaleString(undefined, show);
  }
}
localize(document);

// Texts to copy get a button for it.
if (navigator.clipboard) {
  for (const text of document.querySelectorAll("[data-copy]")) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "second";
    button.textContent = "Copy";
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(text.textContent);
      button.textContent = "Copied";
    });
    text.after(button);
  }
}

// Forms whose answer takes a while say so.
for (const form of document.querySelectorAll("[data-busy]")) {
  form.addEventListener("submit", () => {
    const told = document.createElement("p");
    told.setAttribute("role", "status");
    form.append(told);
    told.textContent = form.dataset.busy;
    form.querySelector("button").disabled = true;
  });
}

// A run that goes on is looked at again, until there is more to do than to look.
const again = document.querySelector("[data-again]");
if (again) {
  again.hidden = true;
  const look = async () => {
    const answer = await fetch(location.pathname);
    if (answer.status === 429 || answer.status >= 500) return; // it is tried again
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || !page.querySelector("[data-again]")) {
      location.reload();
      return;
    }
    localize(page);
    for (const part of document.querySelectorAll("[data-part]")) {
      const fresh = page.getElementById(part.id);
      if (fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
    }
  };
  const wait = () => setTimeout(() => look().catch(() => {}).finally(wait), 1000 * again.dataset.again);
  wait();
}

// New events come by themselves.
const list = document.querySelector("[data-live]");
if (list) {
  const most = 200;
  const told = document.getElementById("live");
  const source = new EventSource(list.dataset.live);
  source.onopen = () => { told.textContent = "New events come by themselves."; };
  source.onerror = () => {
    told.textContent = source.readyState === EventSource.CLOSED ? "No more events come by themselves; reload the page." : "Waiting for the server.";
  };
  source.onmessage = (message) => {
    const event = JSON.parse(message.data);
    const item = document.createElement("li");
    item.className = "new";
    const type = document.createElement("code"), text = document.createElement("bdi"), at = document.createElement("span");
    type.textContent = event.type;
    text.textContent = event.text;
    at.className = "meta";
    at.textContent = new Date(event.at).toLocaleString(undefined, show);
    item.append(type, " ", text, " ", at);
    list.prepend(item);
    document.querySelector("main .empty")?.remove();
    while (list.children.length > most) list.lastChild.remove();
  };
}
