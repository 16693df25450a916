// The page side of a form: draws what the kernel describes, and tells the kernel what a person did.
//
// The kernel sends a tree of plain nodes: {t: tag, k: key, x: text, a: attributes, c: children, v: value, r: revision,
// f: focus request, w: width in percent, on: events}. Nodes keep their elements from one tree to the next by key, so
// focus and caret stay. Text becomes text, never HTML; tags and attributes that are not listed here are not made.
// What a person typed and the kernel has not answered yet is never overwritten.

const TAGS = new Set(
  ("div section fieldset legend h3 p span strong em bdi label input select option datalist textarea button details " +
    "summary pre code table caption thead tbody tr th td ul ol li output").split(" "),
);
const ATTRIBUTES = new Set(
  ("class id for type role title placeholder disabled min max step list rows colspan scope hidden autocomplete " +
    "inputmode maxlength spellcheck tabindex accept label").split(" "),
);
const REFERENCES = new Set(["id", "for", "list", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns"]);
const EVENTS = ["input", "change", "click"];
const EDITING_KEYS = new Set(["z", "y", "x", "c", "v", "a"]);
const TYPED_INTO = "input, textarea, [contenteditable='true']";
const KNOCKS = 5;
const KNOCK_MILLISECONDS = 3000;
const CHUNK_BYTES = 1024 * 1024;
const WAITING_MILLISECONDS = 1500;
const WAITING = "Waiting for the kernel. If this stays, run the cell above once more.";
const BUSY = "No answer from the kernel yet. If it is busy with another cell, this is done afterwards; if it is not running, rerun this cell.";
const GONE = "The kernel was restarted or has ended, and this form with it. Rerun this cell.";

let views = 0;

function isAllowed(name) {
  return ATTRIBUTES.has(name) || /^aria-[a-z]+$/.test(name);
}

function render({ model, el }) {
  const view = `v${Date.now().toString(36)}${(views += 1)}`;
  const root = document.createElement("div");
  root.className = "mbt-surface";
  const waiting = document.createElement("p");
  waiting.className = "mbt-waiting";
  waiting.setAttribute("role", "status");
  waiting.textContent = WAITING;
  const body = document.createElement("div");
  root.append(waiting, body);
  el.classList.add("mbt-host");
  el.append(root);

  // What was done and not yet answered. While the kernel has something to answer, typing waits, and counts once for each
  // field, with the newest text; leaving a field or pressing a button sends it all, so that it comes before the cell that
  // one runs next.
  const queue = [];
  const sent = [];
  let sequence = 0;
  let timer = null;
  let isGone = false;
  const files = new Map();
  const focused = new Map();
  let wanted = null;

  function say(words) {
    waiting.textContent = words;
    waiting.hidden = false;
  }

  function enqueue(event) {
    if (isGone) {
      say(GONE);
      return;
    }
    const last = queue.at(-1);
    const isTyping = event.event === "input";
    if (isTyping && last?.event === "input" && last.key === event.key) queue.pop();
    queue.push(event);
    if (!isTyping || !sent.length) sendQueue();
  }

  function sendQueue() {
    for (const event of queue.splice(0)) {
      sequence += 1;
      event.seq = sequence;
      event.view = view;
      sent.push(event);
      if (!post(event)) return;
    }
    if (sent.length && timer === null) timer = setTimeout(() => say(BUSY), WAITING_MILLISECONDS);
  }

  // Whether a message is on its way; none is once the kernel's part of the form is there no more.
  function post(message, buffers) {
    try {
      if (!isGone) model.send(message, undefined, buffers);
    } catch {
      onConnection();
    }
    return !isGone;
  }

  function settle() {
    clearTimeout(timer);
    timer = null;
    waiting.hidden = !isGone;
  }

  function answered(message) {
    if (message.view === view && message.seq !== null) {
      while (sent.length && sent[0].seq <= message.seq) sent.shift();
    }
    if (sent.length) return;
    settle();
    sendQueue();
  }

  function isPending(key) {
    return sent.some((event) => event.key === key) || queue.some((event) => event.key === key);
  }

  function prefixed(name, value) {
    if (!REFERENCES.has(name)) return value;
    return String(value).split(" ").map((id) => `${view}-${id}`).join(" ");
  }

  function drawAttributes(element, attributes) {
    for (const { name } of [...element.attributes]) {
      if (isAllowed(name) && !(name in attributes)) element.removeAttribute(name);
    }
    for (const [name, value] of Object.entries(attributes)) {
      if (!isAllowed(name)) continue;
      const text = value === true && !name.startsWith("aria-") ? "" : String(prefixed(name, value));
      if (value === false && !name.startsWith("aria-")) element.removeAttribute(name);
      else if (element.getAttribute(name) !== text) element.setAttribute(name, text);
    }
  }

  function drawValue(element, node) {
    if (node.v === undefined || isPending(node.k)) return;
    if (element.mbtRevision === node.r && element === document.activeElement) return;
    element.mbtRevision = node.r;
    if (element.type === "checkbox" || element.type === "radio") element.checked = node.v === true;
    else if (element.value !== node.v) element.value = node.v;
  }

  function draw(element, node) {
    drawAttributes(element, node.a ?? {});
    if (node.on) element.dataset.on = node.on.join(" ");
    else delete element.dataset.on;
    if (node.k) element.dataset.key = node.k;
    if (node.w !== undefined) element.style.width = `${Math.max(0, Math.min(100, node.w))}%`;
    if (node.c) drawChildren(element, node.c);
    else if (node.x !== undefined && element.textContent !== node.x) element.textContent = node.x;
    drawValue(element, node);
    if (node.f !== undefined && focused.get(node.k) !== node.f) {
      focused.set(node.k, node.f);
      if (node.f > 0) wanted = element;
    }
  }

  // The focus follows what somebody did in this view, or in the view beside it in one panel. It is never taken from
  // somebody who types elsewhere, and a view that has just been opened does not take it.
  function mayFocus(message) {
    if (message.view === view) return message.seq !== null;
    const here = document.activeElement;
    const panel = root.closest(".mbt-push-panel");
    if (message.view !== null || (panel && !panel.contains(here))) return false;
    return !here?.matches(`${TYPED_INTO}, select`);
  }

  function drawChildren(parent, nodes) {
    const known = new Map();
    for (const child of [...parent.childNodes]) {
      if (child.mbtKey === undefined) child.remove();
      else known.set(child.mbtKey, child);
    }
    let place = parent.firstChild;
    nodes.forEach((node, index) => {
      if (!TAGS.has(node.t)) return;
      const key = `${node.t} ${node.k ?? `#${index}`}`;
      let element = known.get(key);
      if (element === undefined) {
        element = document.createElement(node.t);
        element.mbtKey = key;
      }
      known.delete(key);
      if (element === place) place = place.nextSibling;
      else parent.insertBefore(element, place);
      draw(element, node);
    });
    for (const child of known.values()) child.remove();
  }

  function valueOf(target) {
    if (target.type === "checkbox" || target.type === "radio") return target.checked;
    return target.value ?? null;
  }

  function onEvent(event) {
    const target = event.target.closest("[data-on]");
    if (!target || !target.dataset.on.split(" ").includes(event.type)) return;
    if (target.getAttribute("aria-disabled") === "true") return;
    if (event.type === "click" && event.detail > 1 && target.classList.contains("mbt-main")) return;
    if (target.type === "file") {
      if (target.files.length) sendFile(target.dataset.key, target.files[0]);
      target.value = "";
      return;
    }
    const pasted = event.inputType === "insertFromPaste" || event.inputType === "insertFromDrop";
    enqueue({ kind: "event", event: event.type, key: target.dataset.key, value: valueOf(target), pasted });
  }

  // A file goes piece by piece, each once the one before has arrived: a single large message would be dropped.
  function sendFile(key, file) {
    files.set(key, { file, offset: 0 });
    sendPiece(key);
  }

  async function sendPiece(key) {
    const sending = files.get(key);
    if (!sending) return;
    const { file, offset } = sending;
    let piece = null;
    try {
      piece = await file.slice(offset, offset + CHUNK_BYTES).arrayBuffer();
    } catch {
      // It was moved or changed since it was chosen: no piece has this place, so the kernel drops the file and says so.
      files.delete(key);
      post({ kind: "file", key, name: file.name, size: file.size, offset: -1, last: true, view }, [new ArrayBuffer(0)]);
      return;
    }
    sending.offset = offset + piece.byteLength;
    const isLast = sending.offset >= file.size;
    if (isLast) files.delete(key);
    const message = { kind: "file", key, name: file.name, size: file.size, offset, last: isLast, view };
    post(message, [piece]);
  }

  // Some kernels lose a message that comes while the cell that made the widget still runs: it is asked again.
  let knocking = null;
  function knock(times) {
    if (!times) return;
    if (!post({ kind: "ready", view })) return;
    knocking = setTimeout(() => knock(times - 1), KNOCK_MILLISECONDS);
  }

  function onMessage(message) {
    if (message.kind === "tree") {
      clearTimeout(knocking);
      answered(message);
      wanted = null;
      const allowed = mayFocus(message);
      drawChildren(body, [message.tree]);
      if (allowed) wanted?.focus();
    } else if (message.kind === "more" && message.view === view) {
      sendPiece(message.key);
    } else if (message.kind === "enough" && message.view === view) {
      files.delete(message.key);
    }
  }

  // JupyterLab takes single keys for commands (a, x, d d) wherever no text is typed, and Ctrl+Z for the notebook's own
  // undo. Those end here, other shortcuts (Ctrl+S) go on. The window hears of a key before the document does, where
  // Notebook 7 listens; what a key does of itself (typing, Tab, a click by Enter) needs no listener.
  function onKeydown(event) {
    if (!root.contains(event.target)) return;
    const isShortcut = event.ctrlKey || event.metaKey || event.altKey;
    if (!isShortcut || (EDITING_KEYS.has(event.key.toLowerCase()) && event.target.matches(TYPED_INTO))) {
      event.stopPropagation();
    }
    if (event.repeat && event.key === "Enter" && event.target.matches("button")) event.preventDefault();
  }

  // JupyterLab forbids the fields in a notebook their undo, in a listener on each of them: it is kept from hearing of it.
  function onBeforeInput(event) {
    if (event.inputType.startsWith("history")) event.stopPropagation();
  }

  // The kernel was restarted, or nothing can be sent to it: what is on the page is in no kernel any more.
  function onConnection() {
    isGone = true;
    files.clear();
    queue.length = 0;
    sent.length = 0;
    settle();
    say(GONE);
  }

  for (const name of EVENTS) root.addEventListener(name, onEvent);
  window.addEventListener("keydown", onKeydown, { capture: true });
  root.addEventListener("focusout", sendQueue);
  root.addEventListener("beforeinput", onBeforeInput, { capture: true });
  model.on("msg:custom", onMessage);
  model.on("comm_live_update", onConnection);
  knock(KNOCKS);
  return () => {
    clearTimeout(timer);
    clearTimeout(knocking);
    window.removeEventListener("keydown", onKeydown, { capture: true });
    model.off("msg:custom", onMessage);
    model.off("comm_live_update", onConnection);
  };
}

export default { render };
