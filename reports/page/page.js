"use strict";
const dialog = document.querySelector("dialog");
const content = dialog.querySelector("div");

function show(node, isLarge) {
  content.replaceChildren(node);
  dialog.classList.toggle("large", isLarge);
  dialog.showModal();
}

function openFolds(node) {
  for (let fold = node?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
}

function compare(first, second) {
  const [a, b] = [first, second].map((cell) => cell.dataset.value);
  if (a !== undefined && b !== undefined) return a - b;
  if (a !== undefined || b !== undefined) return a === undefined ? 1 : -1;
  return first.textContent.localeCompare(second.textContent, undefined, { numeric: true });
}

function sortRows(header) {
  const isDescending = header.getAttribute("aria-sort") === "ascending";
  const body = header.closest("table").tBodies[0];
  const rows = [...body.rows].sort((a, b) => compare(a.cells[header.cellIndex], b.cells[header.cellIndex]));
  for (const other of header.parentElement.cells) other.removeAttribute("aria-sort");
  header.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
  body.append(...(isDescending ? rows.reverse() : rows));
}

document.addEventListener("click", (event) => {
  const header = event.target.closest("th");
  const picture = event.target.closest(".picture button");
  const link = event.target.closest("a[href^='#']");
  if (header) sortRows(header);
  if (picture) {
    const image = picture.querySelector("img").cloneNode();
    image.style.maxWidth = `${2 * image.naturalWidth}px`; // larger would be blurred
    show(image, true);
  }
  if (event.target === dialog) dialog.close();
  if (!link) return;
  const target = document.getElementById(link.hash.slice(1));
  if (link.hash.startsWith("#set-") && target) {
    event.preventDefault();
    const copy = target.cloneNode(true);
    copy.removeAttribute("id");
    show(copy, false);
  } else {
    dialog.close();
    openFolds(target);
  }
});

let closedFolds = [];
window.addEventListener("beforeprint", () => {
  closedFolds = [...document.querySelectorAll("main details:not([open])")];
  for (const fold of closedFolds) fold.open = true;
});
window.addEventListener("afterprint", () => {
  for (const fold of closedFolds) fold.open = false;
});
openFolds(document.getElementById(location.hash.slice(1)));
if (matchMedia("(max-width: 60rem)").matches) document.querySelector("nav details").open = false;
