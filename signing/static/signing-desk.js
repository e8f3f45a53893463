// The desk's preview: shows the PDF with pdf.js and lets the officer put the signature by pointer or by keyboard.
// Without this script the form below it works alone: a page and a corner.

const preview = document.querySelector("[data-pdf]");
const form = document.getElementById("place-form");
const MARGIN = 36; // points, as in signing/placement.py
const STEP = 6; // points an arrow key moves; with Shift one point
const CM = 72 / 2.54;
const MAX_PIXELS = 3_000_000; // an old phone's canvas

if (preview && form) start();

async function start() {
  preview.hidden = false;
  const find = (name) => preview.querySelector(`[data-${name}]`);
  const view = {
    stage: find("stage"), canvas: preview.querySelector("canvas"), box: find("place"), status: find("status"),
    previous: find("previous"), next: find("next"), pageText: find("page-text"),
    moved: document.querySelector("[data-moved]"),
    sizes: JSON.parse(preview.dataset.pageSizes), natural: JSON.parse(preview.dataset.natural),
  };
  try {
    view.document = await open(preview.dataset);
  } catch {
    fail(view);
    return;
  }
  view.pages = view.document.numPages;
  document.querySelector("[data-chosen]").hidden = false;
  listen(view);
  await show(view, pageOfForm(view));
  if (placeOfForm() === "chosen" && form.elements.x.value) {
    move(view, Number(form.elements.x.value), Number(form.elements.y.value), false);
  } else {
    toCorner(view);
  }
}

async function open(data) {
  const pdfjs = await import(data.library);
  pdfjs.GlobalWorkerOptions.workerSrc = data.worker;
  return pdfjs.getDocument({
    url: data.pdf, cMapUrl: `${data.folder}cmaps/`, cMapPacked: true, standardFontDataUrl: `${data.folder}standard_fonts/`,
    wasmUrl: `${data.folder}decoders/`, useWasm: false, enableXfa: false, isEvalSupported: false, disableAutoFetch: true,
  }).promise;
}

function fail(view) {
  view.status.textContent = preview.dataset.textFailed;
  view.stage.hidden = true;
  preview.querySelector(".signing-preview__tools").hidden = true;
  preview.querySelector("#place-help").hidden = true;
}

function listen(view) {
  view.previous.addEventListener("click", () => turn(view, -1));
  view.next.addEventListener("click", () => turn(view, 1));
  form.elements.page.addEventListener("change", () => show(view, pageOfForm(view)).then(() => keepPlace(view)));
  form.addEventListener("change", (event) => {
    if (event.target.name === "place" && event.target.value !== "chosen") toCorner(view);
  });
  view.canvas.addEventListener("click", (event) => {
    const point = pointOf(view, event);
    move(view, point.x - view.width / 2, point.y - view.height / 2);
    view.box.focus({ preventScroll: true });
  });
  view.box.addEventListener("keydown", (event) => withArrows(view, event));
  drag(view);
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (window.innerWidth === width) return; // a phone's address bar comes and goes
    width = window.innerWidth;
    show(view, view.page).then(() => keepPlace(view));
  });
}

function turn(view, by) {
  const page = Math.min(Math.max(view.page + by, 1), view.pages);
  form.elements.page.value = page;
  return show(view, page).then(() => keepPlace(view));
}

async function show(view, number) {
  view.page = number;
  view.previous.disabled = number <= 1;
  view.next.disabled = number >= view.pages;
  view.pageText.textContent = filled(preview.dataset.textPage, { page: number, pages: view.pages });
  view.task?.cancel();
  const page = await view.document.getPage(number);
  if (view.page !== number) return;
  const plain = page.getViewport({ scale: 1 });
  [view.pageWidth, view.pageHeight] = view.sizes.length === 1 ? view.sizes[0] : view.sizes[number - 1];
  const shrink = Math.min(1, (view.pageWidth - 4) / view.natural[0], (view.pageHeight - 4) / view.natural[1]);
  [view.width, view.height] = view.natural.map((length) => length * shrink);
  const wanted = view.stage.clientWidth / plain.width;
  const sharp = Math.min(window.devicePixelRatio || 1, 2);
  const most = Math.sqrt(MAX_PIXELS / (plain.width * plain.height));
  const viewport = page.getViewport({ scale: Math.min(wanted * sharp, most) });
  view.canvas.width = Math.floor(viewport.width);
  view.canvas.height = Math.floor(viewport.height);
  view.canvas.style.aspectRatio = `${viewport.width} / ${viewport.height}`;
  view.task = page.render({ canvas: view.canvas, viewport });
  try {
    await view.task.promise;
  } catch (error) {
    if (error?.name !== "RenderingCancelledException") fail(view);
    return;
  }
  view.status.textContent = "";
  view.box.hidden = false;
}

function move(view, x, y, chosen = true) {
  view.x = Math.min(Math.max(x, 0), view.pageWidth - view.width);
  view.y = Math.min(Math.max(y, 0), view.pageHeight - view.height);
  const share = (part, whole) => `${(100 * part) / whole}%`;
  view.box.style.left = share(view.x, view.pageWidth);
  view.box.style.bottom = share(view.y, view.pageHeight);
  view.box.style.width = share(view.width, view.pageWidth);
  view.box.style.height = share(view.height, view.pageHeight);
  if (!chosen) return;
  form.elements.x.value = view.x.toFixed(2);
  form.elements.y.value = view.y.toFixed(2);
  form.elements.page.value = view.page;
  document.getElementById("place-chosen").checked = true;
  window.clearTimeout(view.telling);
  view.telling = window.setTimeout(() => tell(view), 400);
}

function tell(view) {
  const centimetres = (points) => (points / CM).toFixed(1);
  const values = { page: view.page, left: centimetres(view.x), bottom: centimetres(view.y) };
  view.moved.textContent = filled(preview.dataset.textMoved, values);
}

function toCorner(view) {
  const place = placeOfForm();
  if (place === "chosen") return keepPlace(view);
  const besides = Math.min(MARGIN, (view.pageWidth - view.width) / 2);
  const below = Math.min(MARGIN, (view.pageHeight - view.height) / 2);
  const x = place.endsWith("right") ? view.pageWidth - view.width - besides : besides;
  const y = place.startsWith("top") ? view.pageHeight - view.height - below : below;
  return move(view, x, y, false);
}

function keepPlace(view) {
  if (placeOfForm() !== "chosen") return toCorner(view);
  return move(view, view.x ?? MARGIN, view.y ?? MARGIN);
}

function withArrows(view, event) {
  const by = event.shiftKey ? 1 : STEP;
  const directions = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] };
  if (!(event.key in directions)) return;
  event.preventDefault();
  const [right, up] = directions[event.key];
  move(view, view.x + right, view.y + up);
}

function drag(view) {
  let grip = null;
  view.box.addEventListener("pointerdown", (event) => {
    const point = pointOf(view, event);
    grip = { x: point.x - view.x, y: point.y - view.y, moved: false };
    view.box.setPointerCapture(event.pointerId);
  });
  view.box.addEventListener("pointermove", (event) => {
    if (!grip) return;
    const point = pointOf(view, event);
    const [x, y] = [point.x - grip.x, point.y - grip.y];
    if (!grip.moved && Math.hypot(x - view.x, y - view.y) < 2) return; // a tap that trembles is no drag
    grip.moved = true;
    move(view, x, y);
  });
  for (const end of ["pointerup", "pointercancel"]) view.box.addEventListener(end, () => { grip = null; });
}

function pointOf(view, event) {
  const area = view.canvas.getBoundingClientRect();
  return {
    x: ((event.clientX - area.left) / area.width) * view.pageWidth,
    y: ((area.bottom - event.clientY) / area.height) * view.pageHeight,
  };
}

function pageOfForm(view) {
  const number = Number.parseInt(form.elements.page.value, 10);
  return Math.min(Math.max(number || 1, 1), view.pages);
}

function placeOfForm() {
  return form.querySelector("[name=place]:checked")?.value ?? "bottom-right";
}

function filled(text, values) {
  return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}
