// The verifier's page takes a file that is dropped anywhere on it, and begins at once. Without it the form does the same.

const form = document.querySelector("[data-drop]");
const zone = form?.querySelector("[data-drop-zone]");

if (form && zone) {
  const over = (is) => zone.classList.toggle("signing-drop--over", is);
  document.addEventListener("dragover", (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    over(true);
  });
  document.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) over(false);
  });
  document.addEventListener("drop", (event) => {
    if (!event.dataTransfer?.files.length) return;
    event.preventDefault();
    over(false);
    form.elements.file.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}
