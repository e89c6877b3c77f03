// The little that pages need beyond htmx. Everything works without it.
"use strict";

// The organization switch acts at once.
document.addEventListener("change", (event) => {
  if (event.target.id === "in") event.target.form.requestSubmit();
});

// Keys of a list: / goes to the search, j and k move, Enter opens. Never while somebody types.
const typing = (element) => element.closest("input:not([type=checkbox]), select, textarea, [contenteditable]");

const move = (step) => {
  const links = [...document.querySelectorAll("[data-list] tbody tr th a")];
  if (!links.length) return;
  const here = links.indexOf(document.activeElement.closest("tr")?.querySelector("th a"));
  const next = links[Math.min(Math.max(here + step, 0), links.length - 1)];
  next.focus();
  next.closest("tr").scrollIntoView({ block: "nearest" });
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && search) {
    event.preventDefault();
    search.focus();
    search.select();
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
});
