"use strict";
// Shows what has changed without a reload, so that the page keeps its place. Without this script the pages
// reload by themselves instead. What somebody is typing, choosing or marking is never taken away.
(() => {
  const EVERY = 2000;
  const notice = document.querySelector(".offline");
  const clock = document.getElementById("clock");
  const live = () => document.querySelectorAll("[data-live]");
  let tag = document.getElementById("main").dataset.tag;
  let ahead = Number(clock.dataset.now) - performance.now() / 1000;

  let isPressed = false; // a button that is replaced between press and release hears of no click
  for (const [event, held] of [["pointerdown", true], ["pointerup", false], ["pointercancel", false]]) {
    document.addEventListener(event, () => (isPressed = held));
  }

  const isChanged = (field) =>
    field.tagName === "SELECT"
      ? [...field.options].some((option) => option.selected !== option.defaultSelected)
      : field.type !== "hidden" && field.value !== field.defaultValue;
  const isBusy = () =>
    isPressed ||
    document.querySelector("main[data-held]") !== null ||
    !getSelection().isCollapsed ||
    document.querySelector("main :focus-visible") !== null ||
    [...document.querySelectorAll("main input, main textarea, main select")].some(isChanged);

  const showCopying = () => {
    for (const button of document.querySelectorAll("[data-copy]")) button.hidden = !navigator.clipboard;
  };

  const replace = (text) => {
    const fresh = new DOMParser().parseFromString(text, "text/html");
    const open = [...document.querySelectorAll("main details[open][id]")].map((one) => one.id);
    for (const part of live()) {
      const other = fresh.getElementById(part.id);
      if (other && other.innerHTML !== part.innerHTML) part.replaceChildren(...other.childNodes);
    }
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    showCopying();
  };

  const look = async () => {
    if (document.hidden || isBusy()) return;
    try {
      const answer = await fetch(location.href, { headers: { "If-None-Match": tag }, cache: "no-store" });
      ahead = Number(answer.headers.get("Sandbox-Clock") || clock.dataset.now) - performance.now() / 1000;
      notice.hidden = true;
      if (answer.status === 304) return;
      const text = await answer.text();
      if (isBusy()) return;
      tag = answer.headers.get("ETag") || "";
      replace(text);
    } catch {
      notice.hidden = false;
    }
  };

  const tick = () => {
    clock.textContent = new Date((ahead + performance.now() / 1000) * 1000).toISOString().slice(11, 19);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.dataset.copy);
    const said = button.textContent;
    button.textContent = "Copied";
    setTimeout(() => (button.textContent = said), 1500);
  });

  const again = async () => {
    await look();
    setTimeout(again, EVERY);
  };
  showCopying();
  setInterval(tick, 1000);
  setTimeout(again, EVERY);
})();
