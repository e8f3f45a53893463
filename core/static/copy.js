// Copy buttons: <button data-copy="id of the text" data-copied="what to say" hidden>. A module, so that a page that
// names it beside each block runs it once.

async function copyText(source) {
  if (navigator.clipboard) return navigator.clipboard.writeText(source.textContent);
  const selection = getSelection();
  selection.selectAllChildren(source);
  if (!document.execCommand("copy")) throw new Error("the browser refused to copy");
}

function say(button, text) {
  const status = button.parentElement.querySelector("[role=status]");
  const label = button.firstChild;
  const before = label.textContent;
  label.textContent = text;
  if (status) status.textContent = text;
  setTimeout(() => {
    label.textContent = before;
    if (status) status.textContent = "";
  }, 3000);
}

for (const button of document.querySelectorAll("button[data-copy]")) {
  const source = document.getElementById(button.dataset.copy);
  if (!source) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await copyText(source);
      if (button.firstChild.textContent !== button.dataset.copied) say(button, button.dataset.copied);
    } catch {
      getSelection().selectAllChildren(source); // the person copies with the keyboard
    }
  });
}
