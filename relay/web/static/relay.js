// The little that pages need beyond htmx. Everything works without it.
"use strict";

// The organization switch acts at once.
document.addEventListener("change", (event) => {
  if (event.target.id === "in") event.target.form.requestSubmit();
});
