// The page side of ContactGrid. It holds the rows that are seen and a few more, and asks the kernel for the rest.
// Cells, names and messages only ever become text (textContent, value): nothing of a table is read as HTML.

const ROW_HEIGHT = 30;
const HEADER_HEIGHT = 46;
const MARGIN = 8; // rows drawn above and below those that are seen
const AHEAD = 40; // rows asked for above and below those that are drawn
const MAX_WINDOW = 500; // rows in one answer
const KEPT_ROWS = 4000; // rows that the page remembers, for copying a block
const JUDGE_AFTER = 400; // milliseconds without an edit, after which rules across rows run
const PATIENCE = 1200; // milliseconds without an answer, after which that is said
const KNOCKS = 5; // times that the kernel is asked for the table, until it answers
const KNOCK_MILLISECONDS = 3000;
const WIDE = 760; // pixels from which a column's panel stands beside the table
const PANEL_AFTER = 300; // milliseconds after a change, after which an open panel is drawn anew
const NO_FACET = { column: null, value: null, pattern: null };
const GONE = "The kernel was restarted or has ended, and this table with it. Rerun this cell.";
const WORDS = { error: "Error", warning: "Warning" };
const SHAPES = {
  error: ["M8 1.2a6.8 6.8 0 1 0 0 13.6A6.8 6.8 0 0 0 8 1.2z", "M7.1 4.2h1.8l-.25 5h-1.3zM8 10.4a1.05 1.05 0 1 1 0 2.1 1.05 1.05 0 0 1 0-2.1z"],
  warning: ["M8 1.4 15.4 14.6H.6z", "M7.2 6h1.6l-.25 4.2h-1.1zM8 11.2a.95.95 0 1 1 0 1.9.95.95 0 0 1 0-1.9z"],
};
const KEYS = [
  ["Arrow keys, Home, End, Page Up, Page Down", "move; with Ctrl to the first or last cell; with Shift choose a block"],
  ["Enter, F2 or typing", "edit the cell; Enter or Tab keeps the text, Escape leaves the cell as it was"],
  ["Delete", "empty the cell or the block"],
  ["F8, Shift+F8", "go to the next or the previous issue"],
  ["Alt+Enter", "use the suggestion"],
  ["Ctrl+Z, Ctrl+Y", "undo, redo"],
  ["Ctrl+C, Ctrl+V", "copy and paste a block, also to and from a spreadsheet"],
  ["Arrow up from the first row, then Enter", "sort by a column"],
  ["Alt+Arrow down", "see what is in the column, choose rows by it and mend it; Escape closes that"],
  ["Escape, then Tab", "leave the table"],
];

let grids = 0;

/** An element with properties, attributes (in `attrs`) and children. */
function make(tag, { attrs = {}, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  for (const [name, value] of Object.entries(attrs)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The sign of an error (a disc) or of a warning (a triangle); its name is read out. */
function sign(severity, label = WORDS[severity]) {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", `mbg-sign mbg-${severity}`);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else svg.setAttribute("aria-hidden", "true");
  SHAPES[severity].forEach((shape, place) => {
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", shape);
    path.setAttribute("class", place ? "mbg-sign-mark" : "mbg-sign-ground");
    svg.append(path);
  });
  return svg;
}

const counted = (count, one, many) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** Three bars: what is in a column. */
function bars() {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", "M2 3h12v2H2zM2 7h8v2H2zM2 11h4v2H2z");
  svg.append(path);
  return svg;
}

/** A cell's text with all its spaces to be seen: those at its ends, several in a row, and those of other kinds. */
function datum(text) {
  const spaced = visible(text.slice(0, 300)).replace(/^ +| +$| {2,}/g, (spaces) => "␣".repeat(spaces.length))
    .replace(/[^\S ]/g, (char) => `‹U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
  return make("bdi", { className: "mbg-datum", textContent: spaced + (text.length > 300 ? "…" : "") });
}

const percent = (part, whole) => {
  const share = whole ? (100 * part) / whole : 0;
  return part > 0 && part < whole ? `${Math.min(99.9, Math.max(0.1, share)).toFixed(1)} %` : `${share.toFixed(0)} %`;
};

/** Draws the inside of an element anew; the focus stays on what has the same `data-key`. */
function redraw(element, ...children) {
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.key || "" : null;
  element.replaceChildren(...children);
  if (focused === null) return;
  const same = [...element.querySelectorAll("[data-key]")].find((each) => each.dataset.key === focused);
  if (same) same.focus({ preventScroll: true });
  if (!element.contains(document.activeElement)) element.closest("[tabindex]").focus({ preventScroll: true });
}

/** A text with the characters that nobody sees written out. */
const visible = (text) =>
  text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\u034f]/gu, (char) =>
    char === "\n" ? "⏎" : `‹U+${char.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);

/** Tab-separated text, as spreadsheets write it, as a block: every line has the same number of cells. */
function readBlock(text) {
  const lines = [[""]];
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    const line = lines[lines.length - 1];
    if (quoted) {
      if (char !== '"') line[line.length - 1] += char;
      else if (text[at + 1] === '"') { line[line.length - 1] += '"'; at += 1; }
      else quoted = false;
    } else if (char === '"' && line[line.length - 1] === "") quoted = true;
    else if (char === "\t") line.push("");
    else if (char === "\n" || char === "\r") {
      if (char === "\r" && text[at + 1] === "\n") at += 1;
      if (at + 1 < text.length) lines.push([""]);
    } else line[line.length - 1] += char;
  }
  const width = Math.max(...lines.map((line) => line.length));
  return lines.map((line) => [...line, ...Array(width - line.length).fill("")]);
}

/** A cell for a spreadsheet: quoted where it has to be, and never taken for a formula. */
function writeCell(text) {
  const isNumber = /^[+-]?[0-9]+([.,][0-9]+)?$/.test(text);
  const harmless = /^[=+\-@\t\r]/.test(text) && !isNumber ? `'${text}` : text;
  return /["\t\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}

class Grid {
  constructor(model, el) {
    this.model = model;
    this.view = `page-${Math.random().toString(36).slice(2)}`;
    this.name = `mbg-${(grids += 1)}-${this.view.slice(5, 9)}`;
    this.columns = [];
    this.rows = new Map(); // position -> row, those that the page remembers
    this.drawn = new Map(); // position -> element
    this.total = 0;
    this.look = { rows: "all", rule: null, search: "", sort: null, descending: false, ...NO_FACET };
    this.lookNumber = 0;
    this.asked = null; // the window that the kernel was asked for
    this.active = { position: 0, column: 0 }; // -1: the header row, the column of row numbers
    this.anchor = null; // the other corner of a chosen block
    this.editor = null;
    this.leaving = false;
    this.isOutdated = false;
    this.fault = ""; // what failed since rows were last drawn
    this.isGone = false; // whether the kernel's part of this grid is there no more
    this.isUnjudged = false; // whether cells were edited since rules across rows ran
    this.finds = []; // the searches for an issue that wait, `true` for forward
    this.timers = {};
    this.profiled = null; // the column whose panel is open
    this.untick = new Set(); // the spellings that are not to be merged
    this.build();
    el.append(this.root);
    this.onMessage = (message) => this.hear(message);
    model.on("msg:custom", this.onMessage);
    this.onConnection = () => this.gone();
    model.on("comm_live_update", this.onConnection);
    this.watch = new ResizeObserver(() => this.appear());
    this.watch.observe(this.scroller);
    // Not a container query: with one each edit is painted later.
    this.breadth = new ResizeObserver(() => this.root.classList.toggle("mbg-wide", this.root.clientWidth >= WIDE));
    this.breadth.observe(this.root);
    this.knock(KNOCKS);
  }

  close() {
    Object.values(this.timers).forEach(clearTimeout);
    this.watch.disconnect();
    this.breadth.disconnect();
    this.model.off("msg:custom", this.onMessage);
    this.model.off("comm_live_update", this.onConnection);
    window.removeEventListener("keydown", this.onKey, true);
    this.root.remove();
  }

  // ---- What is on the page

  build() {
    this.choice = make("select", { attrs: { "aria-label": "Rows to show" } });
    this.searchBox = make("input", { type: "search", placeholder: "Search all columns", attrs: { "aria-label": "Search all columns", spellcheck: "false" } });
    const button = (text, key, act, title) => {
      const made = make("button", { type: "button", textContent: text, title: title || (key ? `${text} (${key})` : text) });
      if (key) made.setAttribute("aria-keyshortcuts", key);
      made.addEventListener("click", act);
      return made;
    };
    this.previousButton = button("Previous issue", "Shift+F8", () => this.find(false));
    this.nextButton = button("Next issue", "F8", () => this.find(true));
    this.undoButton = button("Undo", "Control+Z", () => this.send({ kind: "undo" }));
    this.redoButton = button("Redo", "Control+Y", () => this.send({ kind: "redo" }));
    this.mendButton = button("", "", () => this.toggleMending(), "See what all the suggestions would change");
    this.mendButton.classList.add("mbg-mend-open");
    this.mendButton.hidden = true;
    this.againButton = button("Update view", "", () => this.choose({}), "Find the rows of this view anew, as the table is now");
    this.keysButton = button("Keys", "", () => this.toggleKeys());
    this.keysButton.setAttribute("aria-expanded", "false");
    this.keysButton.setAttribute("aria-controls", `${this.name}-keys`);
    this.keys = make("dl", { id: `${this.name}-keys`, className: "mbg-keys", hidden: true });
    for (const [key, meaning] of KEYS) {
      this.keys.append(make("div", {}, make("dt", { textContent: key }), make("dd", { textContent: meaning })));
    }
    this.tools = make("div", { className: "mbg-tools", attrs: { role: "group", "aria-label": "Table tools" } },
      make("label", { className: "mbg-field" }, make("span", { textContent: "Show", attrs: { "aria-hidden": "true" } }), this.choice),
      this.searchBox,
      make("span", { className: "mbg-group" }, this.previousButton, this.nextButton),
      make("span", { className: "mbg-group" }, this.undoButton, this.redoButton),
      this.mendButton, this.againButton, this.keysButton);
    this.chips = make("div", { className: "mbg-chips", attrs: { role: "group", "aria-label": "Rows are chosen by" } });
    this.buildPanels();
    this.header = make("div", { className: "mbg-row mbg-head", attrs: { role: "row", "aria-rowindex": "1" } });
    this.body = make("div", { className: "mbg-body", attrs: { role: "rowgroup" } });
    this.help = make("span", { id: `${this.name}-help`, className: "mbg-hidden", textContent:
      "Arrow keys move, Enter edits, F8 goes to the next issue. Press Escape and then Tab to leave the table." });
    this.grid = make("div", { className: "mbg-grid", tabIndex: 0, attrs: {
      role: "grid", "aria-label": "Contacts", "aria-multiselectable": "true", "aria-describedby": this.help.id } },
      make("div", { className: "mbg-top", attrs: { role: "rowgroup" } }, this.header), this.body);
    this.scroller = make("div", { className: "mbg-scroller" }, this.grid);
    this.nothing = make("p", { className: "mbg-nothing", textContent: "Waiting for the kernel…" });
    this.barPlace = make("span", { className: "mbg-place" });
    this.barValue = make("bdi", { className: "mbg-value" });
    this.barFlags = make("span", { className: "mbg-flags" });
    this.barMarks = make("div", { id: `${this.name}-marks`, className: "mbg-marks" });
    this.bar = make("div", { className: "mbg-bar", attrs: { role: "group", "aria-label": "The chosen cell" } },
      make("div", { className: "mbg-bar-cell" }, this.barPlace, this.barValue, this.barFlags), this.barMarks);
    this.shownCount = make("span", { className: "mbg-shown" });
    this.errorCount = make("span", { className: "mbg-count" });
    this.warningCount = make("span", { className: "mbg-count" });
    this.changeCount = make("span", { className: "mbg-count" });
    this.note = make("span", { className: "mbg-note", attrs: { role: "status" } });
    const status = make("div", { className: "mbg-status" },
      this.shownCount, this.errorCount, this.warningCount, this.changeCount, this.note);
    this.root = make("div", { className: "mbg", attrs: { "data-mbtoolkit": "grid" } },
      this.tools, this.keys, this.chips, this.mending, this.help,
      make("div", { className: "mbg-main" }, make("div", { className: "mbg-frame" }, this.scroller, this.nothing), this.panel),
      this.bar, status);
    this.fit();
    this.listen();
  }

  /** The panel of a column, and the table of what the suggestions would change; both closed. */
  buildPanels() {
    this.panelBody = make("div", { className: "mbg-panel-body" });
    this.panel = make("div", { className: "mbg-panel", hidden: true, tabIndex: -1, id: `${this.name}-panel`, attrs: { role: "region" } }, this.panelBody);
    this.mending = make("div", { className: "mbg-mending", hidden: true, tabIndex: -1, id: `${this.name}-mending`, attrs: {
      role: "region", "aria-label": "Mend what is obvious" } });
    this.mendButton.setAttribute("aria-controls", this.mending.id);
    this.mendButton.setAttribute("aria-expanded", "false");
    for (const [panel, close] of [[this.panel, () => this.closeColumn()], [this.mending, () => this.closeMending()]]) {
      panel.addEventListener("keydown", (event) => {
        if (event.key === "Escape") { event.preventDefault(); close(); } else this.undoByKey(event);
      });
    }
  }

  listen() {
    this.root.addEventListener("keydown", (event) => { if (this.isOurs(event)) event.stopPropagation(); });
    this.onKey = (event) => this.mark(event);
    window.addEventListener("keydown", this.onKey, true);
    this.grid.addEventListener("keydown", (event) => { if (event.target === this.grid) this.press(event); });
    this.grid.addEventListener("focus", () => { this.leaving = false; this.drawActive(); });
    this.scroller.addEventListener("scroll", () => { this.keptScroll = [this.scroller.scrollTop, this.scroller.scrollLeft]; this.draw(); });
    this.body.addEventListener("mousedown", (event) => this.point(event));
    this.body.addEventListener("mousemove", (event) => this.drag(event));
    this.body.addEventListener("dblclick", (event) => { if (this.cellAt(event)) this.edit(); });
    this.choice.addEventListener("change", () => this.choose(JSON.parse(this.choice.value)));
    this.searchBox.addEventListener("input", () => this.later("search", 200, () => this.choose({ search: this.searchBox.value })));
    for (const kind of ["copy", "paste", "cut"]) this.root.addEventListener(kind, (event) => this.clip(kind, event));
  }

  /** As high as the rows that are to be seen, or as the table if it has fewer, and its scroll bar. */
  fit() {
    const rows = Math.min(this.model.get("visible_rows"), Math.max(this.summary ? this.summary.height : 3, 3));
    const scrollBar = this.scroller.offsetHeight - this.scroller.clientHeight;
    this.scroller.style.height = `${HEADER_HEIGHT + rows * ROW_HEIGHT + scrollBar}px`;
  }

  /** Whether a key is for the grid alone. Jupyter takes single keys for commands on cells: dd deletes one. */
  isOurs(event) {
    const key = (event.key || "").toLowerCase();
    const isTaken = ["enter", "home", "end", "z"].includes(key) || (!event.shiftKey && ["y", "a", "c", "v", "x"].includes(key));
    return isTaken || (event.altKey && key === "arrowdown") || !(event.ctrlKey || event.metaKey || event.altKey);
  }

  /** Notebook 7 looks at a key before the page does: only this attribute of the element keeps it from its commands. */
  mark(event) {
    if (this.root.contains(event.target)) event.target.toggleAttribute("data-lm-suppress-shortcuts", this.isOurs(event));
  }

  later(name, milliseconds, act) {
    clearTimeout(this.timers[name]);
    this.timers[name] = setTimeout(act, milliseconds);
  }

  say(text) {
    this.note.textContent = this.isGone ? GONE : text;
  }

  toggleKeys() {
    this.keys.hidden = !this.keys.hidden;
    this.keysButton.setAttribute("aria-expanded", String(!this.keys.hidden));
  }

  // ---- To and from the kernel

  /** Whether the message is on its way; the page may show what was done before it is answered only then. */
  send(message) {
    if (this.isGone) { this.say(GONE); return false; }
    try {
      this.model.send({ ...message, view: this.view });
    } catch {
      this.gone();
      return false;
    }
    this.later("patience", PATIENCE, () => {
      this.asked = null;
      this.say("Waiting for the kernel: it is busy, or not running.");
    });
    return true;
  }

  gone() {
    Object.values(this.timers).forEach(clearTimeout);
    this.isGone = true;
    this.finds = [];
    this.putBack();
    this.say(GONE);
    if (!this.columns.length) this.nothing.textContent = GONE;
  }

  hear(message) {
    const isMine = message.view === this.view;
    if (isMine) {
      clearTimeout(this.timers.patience);
      if (this.note.textContent.startsWith("Waiting")) this.say("");
    }
    if (message.kind === "opened" && isMine) this.opened(message);
    if (message.kind === "rows" && isMine) this.take(message);
    if (message.kind === "changed") this.changed(message, isMine);
    if (message.kind === "stale") { this.rest(); this.count(message.summary); this.ask(true); }
    if (message.kind === "reopen") this.send({ kind: "open" });
    if (message.kind === "show") this.choose(message.look);
    if (message.kind === "at" && isMine && this.finds.length) { this.go(message.position, this.placeOf(message.column)); this.found(); }
    if (message.kind === "note" && isMine) { this.say(message.text); this.found(); }
    if (message.kind === "lost" && isMine) this.choose({});
    if (message.kind === "profile" && isMine) this.showProfile(message);
    if (message.kind === "spellings" && isMine && message.column === this.profiled) this.showSpellings(message);
    if (message.kind === "suggestions" && isMine) this.showMending(message);
    if (message.kind === "error" && (isMine || message.view === null)) this.failed(message);
  }

  rest() {
    clearTimeout(this.timers.patience);
  }

  /** The kernel could not do what it was asked for: the page goes back to what is there. */
  failed({ text, about, look }) {
    this.finds = [];
    this.putBack();
    if (about === "window") this.asked = null;
    if (about === "look" && look === this.lookNumber) this.keepLook();
    if (about === "suggestions" && !this.mending.hidden) this.closeMending();
    const isDrawing = ["open", "look", "window"].includes(about);
    // That the table can't be drawn after a change is said beside what became of the change.
    this.fault = isDrawing && this.fault && this.fault !== text ? `${this.fault} ${text}` : text;
    this.say(this.fault);
    if (!this.columns.length) this.nothing.textContent = text;
    else if (!isDrawing) this.ask(true); // what failed just now is not asked again
  }

  /** What was typed and the kernel did not take is in no cell. */
  putBack() {
    const typed = [...this.rows.values()].filter((row) => row.kept);
    for (const row of typed) { Object.assign(row, row.kept); delete row.kept; }
    if (typed.length) this.draw(true);
  }

  /** The choice of rows that could not be made is taken back. */
  keepLook() {
    if (!this.shownChoice) return;
    this.isFresh = false;
    this.lookNumber = this.shownLook;
    this.look = { ...this.shownChoice };
    if (document.activeElement !== this.searchBox) this.searchBox.value = this.look.search;
    this.drawSort();
    this.drawChip();
    this.markFacet();
    this.count(this.summary);
  }

  placeOf(name) {
    return this.columns.findIndex((column) => column.name === name);
  }

  /** Some kernels lose a message that comes while the cell that made the grid still runs: it is asked again. */
  knock(times) {
    if (!times || this.columns.length) return;
    this.send({ kind: "open" });
    this.later("knock", KNOCK_MILLISECONDS, () => this.knock(times - 1));
  }

  opened(message) {
    clearTimeout(this.timers.knock);
    this.columns = message.columns;
    this.look = { ...message.look };
    this.searchBox.value = this.look.search;
    this.summary = message.summary;
    this.drawHeader();
    this.fit();
    this.count(message.summary);
    this.choose({});
    this.isProfileOld = true;
    if (this.placeOf(this.profiled) < 0) this.closeColumn(false);
    this.askPanels();
  }

  /** Chooses rows: what is given, the rest as it was. */
  choose(part) {
    this.look = { ...this.look, ...part };
    if (document.activeElement !== this.searchBox) this.searchBox.value = this.look.search;
    this.lookNumber += 1;
    this.isOutdated = false;
    this.isFresh = true;
    this.drawSort();
    this.drawChip();
    this.markFacet();
    const [start, count] = this.window();
    this.send({ kind: "look", look: this.lookNumber, start, count, ...this.look });
  }

  /** The rows to ask for: those that are seen, and some more. */
  window() {
    const [first, last] = this.seen();
    const start = Math.max(0, first - AHEAD);
    return [start, Math.min(last + AHEAD - start, MAX_WINDOW)];
  }

  /** Asks for rows that are missing; for all that are seen, if `anew`. */
  ask(anew = false) {
    const [start, count] = this.window();
    if (!anew && this.asked && this.asked.look === this.lookNumber) { this.asked.again = true; return; }
    this.asked = { look: this.lookNumber, again: false };
    this.send({ kind: "window", look: this.lookNumber, start, count });
  }

  take(message) {
    if (message.look !== this.lookNumber) return;
    this.fault = "";
    const again = this.asked && this.asked.again;
    this.asked = null;
    this.nothing.hidden = message.total > 0;
    if (this.isFresh) {
      this.isFresh = false;
      this.shownLook = message.look;
      this.shownChoice = { ...this.look };
      this.rows.clear();
      this.total = message.total;
      this.body.style.height = `${this.total * ROW_HEIGHT}px`;
      this.grid.setAttribute("aria-rowcount", this.total + 1);
      this.active.position = Math.min(this.active.position, Math.max(this.total - 1, 0));
      this.anchor = null;
      this.nothing.textContent = this.nothingText();
    }
    if (this.rows.size > KEPT_ROWS) this.rows.clear();
    message.rows.forEach((row, place) => this.rows.set(message.start + place, row));
    if (message.summary) this.count(message.summary);
    this.count(this.summary);
    this.draw(true);
    if (again) this.draw();
  }

  nothingText() {
    if (this.summary.height === 0) return "The table has no rows.";
    if (this.look.search) return "No row of this view holds that text.";
    if (this.look.column !== null) return "No row of this view has such a cell.";
    if (this.look.rows === "changed") return "Nothing is changed yet.";
    return this.look.rule || this.look.rows === "issues" ? "No row has such an issue. Well done." : "No rows.";
  }

  changed(message, isMine) {
    const fresh = message.rows && new Map(message.rows.map((row) => [row.id, row]));
    if (fresh) {
      for (const [position, row] of this.rows) if (fresh.has(row.id)) this.rows.set(position, fresh.get(row.id));
    } else this.ask(true);
    this.isOutdated ||= message.changed;
    this.count(message.summary);
    if (isMine && message.note) this.say(message.note);
    if (isMine && message.at) this.arrive(message.at);
    this.draw(true);
    this.isProfileOld ||= message.columns.includes(this.profiled);
    if (message.changed) this.later("panels", PANEL_AFTER, () => this.askPanels());
    if (isMine && message.changed) { this.isUnjudged = true; this.judgeLater(); }
  }

  /** Rules across rows run when nothing was typed for a while: they take longer than an edit. */
  judgeLater() {
    if (this.isUnjudged) this.later("judge", JUDGE_AFTER, () => { this.isUnjudged = false; this.send({ kind: "revalidate" }); });
  }

  arrive(at) {
    if (at.position === null) this.say(`${this.note.textContent} Row ${at.row} is not in this view.`);
    else this.go(at.position, Math.max(this.placeOf(at.column), 0), false);
  }

  // ---- Counts and choices

  count(summary) {
    this.summary = summary;
    this.shownCount.textContent = `${this.total.toLocaleString("en")} of ${counted(summary.height, "row", "rows")}`;
    const tell = (element, severity, count) => element.replaceChildren(
      ...(count ? [sign(severity, "")] : []), counted(count, `row with ${severity}s`, `rows with ${severity}s`));
    tell(this.errorCount, "error", summary.errors);
    tell(this.warningCount, "warning", summary.warnings);
    this.changeCount.textContent = counted(summary.changes, "change", "changes");
    this.undoButton.disabled = !summary.canUndo;
    this.redoButton.disabled = !summary.canRedo;
    this.previousButton.disabled = this.nextButton.disabled = !(summary.errors || summary.warnings);
    const { rows, rule, search, sort, column } = this.look;
    const isWhole = rows === "all" && rule === null && !search && sort === null && column === null;
    this.againButton.disabled = !this.isOutdated || isWhole;
    this.mendButton.textContent = `Mend what is obvious (${summary.suggestions.toLocaleString("en")})`;
    this.mendButton.hidden = !summary.suggestions && this.mending.hidden;
    this.drawChoice(summary);
  }

  drawChoice(summary) {
    const option = (text, look) => [text, JSON.stringify({ rows: "all", rule: null, ...look })];
    const rules = [...summary.rules];
    if (this.look.rule !== null && !rules.some((each) => each.rule === this.look.rule)) rules.push({ rule: this.look.rule, severity: "error", rows: 0 });
    const named = (severity) => rules.filter((each) => each.severity === severity)
      .map((each) => option(`${each.rule.replaceAll("_", " ")} (${each.rows.toLocaleString("en")})`, { rule: each.rule }));
    const groups = [
      ["Rows", [option("All rows", {}), option("Rows with issues", { rows: "issues" }), option(`Changed rows`, { rows: "changed" })]],
      ["Errors", named("error")],
      ["Warnings", named("warning")],
    ].filter(([, options]) => options.length);
    const now = JSON.stringify(groups);
    if (this.choices !== now) {
      this.choices = now;
      this.choice.replaceChildren(...groups.map(([label, options]) => make("optgroup", { label },
        ...options.map(([textContent, value]) => make("option", { textContent, value })))));
    }
    this.choice.value = option("", { rows: this.look.rows, rule: this.look.rule })[1];
  }

  // ---- Drawing

  drawHeader() {
    const widths = this.columns.map((column) => Math.round(Math.min(Math.max(column.chars * 7.4 + 34, (column.label.length + 2) * 7.4 + 52, 96), 330)));
    const digits = String(Math.max(this.summary.height - 1, 0)).length;
    this.numberWidth = Math.max(digits * 8 + 44, 62);
    this.starts = [];
    widths.reduce((sum, width) => { this.starts.push(sum); return sum + width; }, this.numberWidth);
    this.root.style.setProperty("--mbg-columns", `${this.numberWidth}px ${widths.map((width) => `minmax(${width}px, ${width}fr)`).join(" ")}`);
    this.grid.style.minWidth = `${this.numberWidth + widths.reduce((sum, width) => sum + width, 0)}px`;
    this.grid.setAttribute("aria-colcount", this.columns.length + 1);
    this.drawn.forEach((row) => row.remove());
    this.drawn.clear();
    const corner = make("div", { className: "mbg-cell mbg-number", attrs: { role: "columnheader", "aria-colindex": "1" } },
      make("span", { className: "mbg-label", textContent: "Row" }));
    this.header.replaceChildren(corner, ...this.columns.map((column, place) => this.headerCell(column, place)));
  }

  headerCell(column, place) {
    const button = make("button", { type: "button", tabIndex: -1, className: "mbg-sort", title: `Sort by ${column.label}` },
      make("span", { className: "mbg-label" }, make("bdi", { textContent: column.label }),
        make("span", { className: "mbg-arrow", attrs: { "aria-hidden": "true" } })));
    const detail = [column.name === column.label ? "" : column.name, column.readOnly ? "read-only" : ""].filter(Boolean).join(" · ");
    if (detail) button.append(make("bdi", { className: "mbg-detail", textContent: detail }));
    button.addEventListener("mousedown", (event) => event.preventDefault());
    button.addEventListener("click", () => { this.activate(-1, place); this.sort(place); this.grid.focus(); });
    const more = make("button", { type: "button", tabIndex: -1, className: "mbg-more", title: `What is in ${column.label} (Alt+Arrow down)`, attrs: {
      "aria-label": `What is in ${column.label}`, "aria-expanded": String(this.profiled === column.name), "aria-controls": this.panel.id } }, bars());
    more.addEventListener("mousedown", (event) => event.preventDefault());
    more.addEventListener("click", () => this.toggleColumn(place));
    return make("div", { className: `mbg-cell${column.isNumber ? " mbg-right" : ""}`, attrs: {
      role: "columnheader", "aria-colindex": place + 2 } }, button, more);
  }

  drawSort() {
    this.columns.forEach((column, place) => {
      const cell = this.header.children[place + 1];
      const isSorted = this.look.sort === column.name;
      const direction = this.look.descending ? "descending" : "ascending";
      cell.setAttribute("aria-sort", isSorted ? direction : "none");
      cell.querySelector(".mbg-arrow").textContent = isSorted ? (this.look.descending ? "▼" : "▲") : "";
    });
  }

  /** The first row that is drawn and the one after the last. */
  seen() {
    const top = Math.floor(this.scroller.scrollTop / ROW_HEIGHT);
    const fits = Math.ceil((this.scroller.clientHeight || parseInt(this.scroller.style.height, 10)) / ROW_HEIGHT);
    return [Math.max(0, top - MARGIN), top + fits + MARGIN];
  }

  /** After the notebook hid the grid and shows it again, its scroll position has to be put back. */
  appear() {
    if (!this.scroller.clientHeight) return;
    this.fit();
    if (this.keptScroll && this.scroller.scrollTop !== this.keptScroll[0]) [this.scroller.scrollTop, this.scroller.scrollLeft] = this.keptScroll;
    this.draw();
  }

  /** Draws the rows that are seen; those that are drawn already only `anew`. */
  draw(anew = false) {
    const [first, end] = this.seen();
    const last = Math.min(end, this.total);
    for (const [position, element] of this.drawn) {
      const isEdited = this.editor && this.editor.position === position;
      if ((position < first || position >= last) && !isEdited) { element.remove(); this.drawn.delete(position); }
    }
    let isMissing = false;
    for (let position = first; position < last; position += 1) {
      const row = this.rows.get(position);
      isMissing ||= !row;
      const element = this.drawn.get(position) || this.addRow(position, first);
      if (element.dataset.filled !== "yes" || anew) this.fill(element, row, position);
    }
    if (isMissing) this.ask();
    this.drawActive();
  }

  addRow(position) {
    const cells = this.columns.map((column, place) => make("div", { className:
      `mbg-cell${column.isNumber ? " mbg-right" : ""}${column.readOnly ? " mbg-held" : ""}`, attrs: {
      role: "gridcell", "aria-colindex": place + 2, ...(column.readOnly ? { "aria-readonly": "true" } : {}) } }));
    const number = make("div", { className: "mbg-cell mbg-number", attrs: { role: "rowheader", "aria-colindex": "1" } });
    const element = make("div", { className: "mbg-row", attrs: { role: "row", "aria-rowindex": position + 2 } }, number, ...cells);
    element.style.top = `${position * ROW_HEIGHT}px`;
    element.dataset.position = position;
    const after = this.drawn.get(position + 1);
    if (after) after.before(element);
    else this.body.append(element);
    this.drawn.set(position, element);
    return element;
  }

  fill(element, row, position) {
    element.dataset.filled = row ? "yes" : "no";
    element.classList.toggle("mbg-waiting", !row);
    const worst = this.worst(row);
    for (let column = -1; column < this.columns.length; column += 1) {
      if (this.editor && this.editor.position === position && this.editor.column === column) continue;
      const cell = element.children[column + 1];
      const text = row ? (column < 0 ? String(row.id) : row.cells[column]) : "";
      const severity = worst[column];
      const marker = severity ? [sign(severity)] : [];
      cell.replaceChildren(...marker, make("span", { className: "mbg-text", textContent: text === null ? "" : text.slice(0, 300) }));
      cell.classList.toggle("mbg-has-error", severity === "error");
      cell.classList.toggle("mbg-has-warning", severity === "warning");
      cell.classList.toggle("mbg-changed", Boolean(row && row.changed.includes(column)));
      if (severity === "error") cell.setAttribute("aria-invalid", "true");
      else cell.removeAttribute("aria-invalid");
    }
  }

  /** For each column that has an issue, the worse severity. */
  worst(row) {
    const found = {};
    for (const mark of row ? row.marks : []) if (found[mark.column] !== "error") found[mark.column] = mark.severity;
    return found;
  }

  cellElement(position, column) {
    const row = position < 0 ? this.header : this.drawn.get(position);
    return row && row.children[column + 1];
  }

  drawActive() {
    this.root.querySelectorAll(".mbg-active").forEach((cell) => {
      cell.classList.remove("mbg-active");
      cell.removeAttribute("id");
      cell.removeAttribute("aria-describedby");
    });
    const { position, column } = this.active;
    const cell = this.cellElement(position, column);
    if (cell) {
      cell.id = `${this.name}-active`;
      cell.classList.add("mbg-active");
      if (this.marksOf(position, column).length) cell.setAttribute("aria-describedby", this.barMarks.id);
      this.grid.setAttribute("aria-activedescendant", cell.id);
    } else this.grid.removeAttribute("aria-activedescendant");
    if (this.anchor || this.isBlockDrawn) this.drawBlock();
    this.drawBar();
  }

  drawBlock() {
    const { top, bottom, left, right } = this.block();
    this.isBlockDrawn = Boolean(this.anchor);
    for (const [position, row] of this.drawn) {
      [...row.children].forEach((cell, place) => {
        const isInside = position >= top && position <= bottom && place - 1 >= left && place - 1 <= right;
        cell.classList.toggle("mbg-chosen", isInside && this.isBlockDrawn);
        if (isInside && this.isBlockDrawn) cell.setAttribute("aria-selected", "true");
        else cell.removeAttribute("aria-selected");
      });
    }
  }

  marksOf(position, column) {
    const row = this.rows.get(position);
    return row ? row.marks.filter((mark) => mark.column === column) : [];
  }

  drawBar() {
    const { position, column } = this.active;
    const row = this.rows.get(position);
    const shown = this.columns[column];
    const now = JSON.stringify([position, column, row && row.id, row && row.cells[column], row && row.marks, row && row.changed, this.total]);
    if (this.barNow === now) return;
    this.barNow = now;
    this.barMarks.replaceChildren();
    this.barFlags.textContent = "";
    this.barValue.textContent = "";
    if (!row) {
      this.barPlace.textContent = position < 0 && shown ? `Column ${shown.label}: Enter sorts, Alt+Arrow down shows what is in it` : "";
      return;
    }
    this.barPlace.textContent = column < 0 ? `Row ${row.id}` : `Row ${row.id} · ${shown.label}`;
    if (column >= 0) {
      const text = row.cells[column];
      this.barValue.textContent = text === null ? "" : visible(text.slice(0, 2000)) + (text.length > 2000 ? "…" : "");
      const flags = [text === null ? "blank" : "", row.changed.includes(column) ? "changed" : "", shown.readOnly ? "read-only" : ""];
      this.barFlags.textContent = flags.filter(Boolean).join(" · ");
    }
    for (const mark of this.marksOf(position, column)) this.barMarks.append(this.markLine(mark));
  }

  markLine(mark) {
    const line = make("p", { className: "mbg-mark" }, sign(mark.severity, ""),
      make("span", {}, make("strong", { textContent: `${WORDS[mark.severity]}: ` }), make("bdi", { textContent: mark.message })));
    if (mark.suggestion !== null && mark.column >= 0 && !this.columns[mark.column].readOnly) {
      const use = make("button", { type: "button", title: "Use suggestion (Alt+Enter)", attrs: { "aria-keyshortcuts": "Alt+Enter" } },
        ...(mark.suggestion ? ["Use suggestion: ", make("bdi", { textContent: visible(mark.suggestion) })] : ["Empty the cell"]));
      use.addEventListener("click", () => { this.suggest(); this.grid.focus(); });
      line.append(use);
    }
    return line;
  }

  // ---- Moving about

  activate(position, column, { extend = false } = {}) {
    if (extend) this.anchor ||= { ...this.active };
    else this.anchor = null;
    this.active = { position: Math.min(Math.max(position, -1), this.total - 1), column: Math.min(Math.max(column, -1), this.columns.length - 1) };
    if (extend) this.active.position = Math.max(this.active.position, 0);
    this.reveal();
    this.draw();
  }

  /** Goes to a cell that the kernel named. */
  go(position, column, tell = true) {
    if (tell) this.say("");
    this.activate(position, column);
    if (!this.root.contains(document.activeElement) || document.activeElement === document.body) this.grid.focus();
  }

  reveal() {
    const { position, column } = this.active;
    const top = position * ROW_HEIGHT;
    const room = this.scroller.clientHeight - HEADER_HEIGHT;
    if (position >= 0 && top < this.scroller.scrollTop) this.scroller.scrollTop = top;
    else if (position >= 0 && top + ROW_HEIGHT > this.scroller.scrollTop + room) this.scroller.scrollTop = top + ROW_HEIGHT - room;
    const head = this.header.children[column + 1];
    if (column < 0 || !head) return;
    const left = head.offsetLeft;
    if (left - this.numberWidth < this.scroller.scrollLeft) this.scroller.scrollLeft = left - this.numberWidth;
    else if (left + head.offsetWidth > this.scroller.scrollLeft + this.scroller.clientWidth) this.scroller.scrollLeft = left + head.offsetWidth - this.scroller.clientWidth;
  }

  block() {
    const other = this.anchor || this.active;
    return {
      top: Math.min(other.position, this.active.position), bottom: Math.max(other.position, this.active.position),
      left: Math.max(Math.min(other.column, this.active.column), 0), right: Math.max(other.column, this.active.column),
    };
  }

  cellAt(event) {
    const cell = event.target.closest(".mbg-cell");
    const row = cell && cell.closest(".mbg-body > .mbg-row");
    return row && { position: Number(row.dataset.position), column: [...row.children].indexOf(cell) - 1 };
  }

  point(event) {
    const at = this.cellAt(event);
    if (!at || event.button !== 0 || event.target.tagName === "TEXTAREA") return;
    event.preventDefault();
    if (this.editor) this.finish(true);
    this.grid.focus({ preventScroll: true });
    this.activate(at.position, at.column, { extend: event.shiftKey });
  }

  /** The mouse, moved with its button held, chooses a block. */
  drag(event) {
    const at = event.buttons === 1 && !this.editor && this.cellAt(event);
    if (!at || document.activeElement !== this.grid) return;
    if (at.position !== this.active.position || at.column !== this.active.column) this.activate(at.position, at.column, { extend: true });
  }

  press(event) {
    const isMove = /^(Arrow|Page|Home|End|Tab|Escape)/.test(event.key);
    if (isMove) this.finds = [];
    // What is typed while the next issue is sought would land in the cell before it.
    if (this.finds.length && event.key !== "F8" && event.key !== "Shift") { event.preventDefault(); return; }
    const { position, column } = this.active;
    const writes = event.getModifierState("AltGraph");
    const isCommand = (event.ctrlKey || event.metaKey) && !writes;
    const page = Math.max(1, Math.floor((this.scroller.clientHeight - HEADER_HEIGHT) / ROW_HEIGHT) - 1);
    const extend = event.shiftKey;
    const moves = {
      ArrowUp: () => this.activate(isCommand ? 0 : position - 1, column, { extend }),
      ArrowDown: () => event.altKey ? this.toggleColumn(column) : this.activate(isCommand ? this.total - 1 : position + 1, column, { extend }),
      ArrowLeft: () => this.activate(position, column - 1, { extend }),
      ArrowRight: () => this.activate(position, column + 1, { extend }),
      PageUp: () => this.activate(Math.max(position - page, 0), column, { extend }),
      PageDown: () => this.activate(Math.max(position, 0) + page, column, { extend }),
      Home: () => this.activate(isCommand ? 0 : position, 0, { extend }),
      End: () => this.activate(isCommand ? this.total - 1 : position, this.columns.length - 1, { extend }),
      F8: () => this.find(!event.shiftKey),
      F2: () => this.edit(),
      Delete: () => this.empty(),
      Escape: () => { this.leaving = true; this.anchor = null; this.drawActive(); this.say("Tab leaves the table now."); },
      Enter: () => (event.altKey ? this.suggest() : position < 0 ? this.sort(column) : this.edit()),
    };
    if (event.key === "Tab") this.tab(event);
    else if (this.undoByKey(event)) return this.stay();
    else if (event.key === " " && position < 0) { event.preventDefault(); this.sort(column); }
    else if (moves[event.key]) { event.preventDefault(); moves[event.key](); }
    else if (!isCommand && (!event.altKey || writes)) this.type(event);
    if (event.key !== "Escape" && event.key !== "Tab" && event.key !== "Shift") this.stay();
  }

  /** Whether a key undoes or redoes; it is done then. */
  undoByKey(event) {
    const key = event.key.toLowerCase();
    if (!(event.ctrlKey || event.metaKey) || event.getModifierState("AltGraph") || (key !== "z" && key !== "y")) return false;
    event.preventDefault();
    this.send({ kind: key === "y" || event.shiftKey ? "redo" : "undo" });
    return true;
  }

  stay() {
    if (this.leaving) this.say("");
    this.leaving = false;
  }

  /** Tab goes through the cells, and on at either end; after Escape it leaves at once. */
  tab(event) {
    if (this.leaving) { this.leaving = false; this.say(""); return; }
    const step = event.shiftKey ? -1 : 1;
    let { position, column } = this.active;
    column += step;
    if (column >= this.columns.length) { column = 0; position += 1; }
    if (column < 0) { column = this.columns.length - 1; position -= 1; }
    if (position < 0 || position >= this.total) return;
    event.preventDefault();
    this.activate(position, column);
  }

  /** A key that writes opens the editor, which then gets it; so do the keys that begin a composed character. */
  type(event) {
    if (event.key.length === 1 || event.key === "Dead" || event.key === "Process" || event.isComposing) this.edit("");
    else if (event.key === "Backspace") { event.preventDefault(); this.edit(""); }
  }

  /** Asks for the next issue from the active cell on; presses that come faster than answers wait their turn. */
  find(forward) {
    this.finds.push(forward);
    if (this.finds.length === 1) this.findFirst();
  }

  found() {
    this.finds.shift();
    if (this.finds.length) this.findFirst();
  }

  findFirst() {
    const [forward] = this.finds;
    const { position, column } = this.active;
    this.send({ kind: "find", position, column: column < 0 ? null : this.columns[column].name, forward });
  }

  sort(place) {
    if (place < 0) return;
    const sort = this.columns[place].name;
    if (this.look.sort !== sort) this.choose({ sort, descending: false });
    else if (!this.look.descending) this.choose({ descending: true });
    else this.choose({ sort: null, descending: false });
  }

  // ---- What is in a column

  toggleColumn(place) {
    if (place < 0 || !this.columns[place]) return;
    const { name, label } = this.columns[place];
    if (this.profiled === name) { this.closeColumn(); return; }
    this.profiled = name;
    this.untick.clear();
    this.spellingPart = make("div", { hidden: true });
    this.panel.hidden = false;
    this.panel.setAttribute("aria-label", `What is in ${label}`);
    this.panelBody.replaceChildren(this.panelHead(this.columns[place]), make("p", { textContent: "Counting…" }));
    this.drawExpanded();
    this.active.column = place;
    this.reveal();
    this.draw();
    this.panel.focus({ preventScroll: true });
    this.panel.scrollIntoView({ block: "nearest" });
    this.askColumn();
  }

  closeColumn(takesFocus = true) {
    this.profiled = null;
    this.panel.hidden = true;
    this.drawExpanded();
    if (takesFocus) this.grid.focus({ preventScroll: true });
  }

  drawExpanded() {
    this.columns.forEach((column, place) => this.header.children[place + 1].querySelector(".mbg-more")
      .setAttribute("aria-expanded", String(this.profiled === column.name)));
  }

  askColumn() {
    this.isProfileOld = false;
    this.send({ kind: "profile", column: this.profiled });
  }

  askPanels() {
    if (this.profiled !== null && this.isProfileOld) this.askColumn();
    if (!this.mending.hidden) this.send({ kind: "suggestions" });
  }

  panelHead(column) {
    const close = make("button", { type: "button", textContent: "✕", title: "Close (Escape)", attrs: { "aria-label": "Close" } });
    close.dataset.key = "close";
    close.addEventListener("click", () => this.closeColumn());
    return make("div", { className: "mbg-panel-head" }, make("strong", {}, make("bdi", { textContent: column.label })), close);
  }

  showProfile({ column, profile, repairs }) {
    if (column !== this.profiled) return;
    const shown = this.columns[this.placeOf(column)];
    redraw(this.panelBody, this.panelHead(shown), this.facts(profile),
      ...this.facets("Commonest values", profile.commonest, profile, "value", profile.distinct - profile.commonest.length),
      ...this.facets("Patterns", profile.patterns, profile, "pattern"),
      this.spellingPart, ...this.repairs(repairs));
    this.markFacet();
    if (!shown.readOnly) this.send({ kind: "spellings", column });
  }

  facts(profile) {
    const { rows, filled, distinct, shortest, longest } = profile;
    const line = (name, ...parts) => make("div", {}, make("dt", { textContent: name }), make("dd", {}, ...parts));
    const bar = make("span", { className: "mbg-track", attrs: { "aria-hidden": "true" } }, make("span"));
    bar.firstChild.style.width = `${rows ? (100 * filled) / rows : 0}%`;
    const lines = [line("Filled", `${percent(filled, rows)}, ${filled.toLocaleString("en")} of ${counted(rows, "row", "rows")}`, bar)];
    if (distinct !== null) lines.push(line("Different", distinct.toLocaleString("en")));
    if (longest !== null) lines.push(line("Characters", shortest === longest ? `${longest.toLocaleString("en")}` : `${shortest.toLocaleString("en")} to ${longest.toLocaleString("en")}`));
    const facts = make("dl", { className: "mbg-facts" }, ...lines);
    return rows > filled ? make("div", {}, facts, this.facet("value", "", rows - filled, rows)) : facts;
  }

  /** A list of buttons that choose the rows with a value or a pattern. */
  facets(title, counts, profile, kind, more = 0) {
    if (!counts.length) return [];
    const rest = more > 0 ? [make("p", { className: "mbg-rest", textContent: `and ${counted(more, "other value", "other values")}` })] : [];
    return [make("strong", { className: "mbg-title", textContent: title }),
      make("ul", { className: "mbg-facets" }, ...counts.map((each) => make("li", {}, this.facet(kind, each.value, each.rows, profile.filled)))), ...rest];
  }

  facet(kind, text, rows, whole) {
    const bar = make("span", { className: "mbg-facet-bar", attrs: { "aria-hidden": "true" } });
    bar.style.width = `${(100 * rows) / whole}%`;
    const button = make("button", { type: "button", className: "mbg-facet", title: "Show only these rows" }, bar,
      text ? datum(text) : make("em", { textContent: "Blank" }), " ",
      make("span", { className: "mbg-rows", textContent: rows.toLocaleString("en") }));
    button.dataset.key = JSON.stringify([kind, text]);
    button.addEventListener("click", () => {
      const isChosen = button.getAttribute("aria-pressed") === "true";
      this.choose({ ...NO_FACET, ...(isChosen ? {} : { column: this.profiled, [kind]: text }) });
    });
    return button;
  }

  markFacet() {
    const { column, value, pattern } = this.look;
    const chosen = column !== this.profiled || column === null ? null
      : JSON.stringify(value !== null || pattern === "" ? ["value", value || ""] : ["pattern", pattern]);
    for (const button of this.panelBody.querySelectorAll(".mbg-facet")) button.setAttribute("aria-pressed", String(button.dataset.key === chosen));
  }

  /** What the rows are chosen by, and a button that ends it. */
  drawChip() {
    const { column, value, pattern } = this.look;
    if (column === null) { this.chips.replaceChildren(); return; }
    const shown = this.columns[this.placeOf(column)];
    const what = value || pattern ? [value ? " is " : " looks like ", datum(value || pattern)] : [" is blank"];
    const button = make("button", { type: "button", className: "mbg-chip", title: "Show the other rows too" },
      make("bdi", { textContent: shown ? shown.label : column }), ...what,
      make("span", { className: "mbg-cross", textContent: "✕", attrs: { "aria-hidden": "true" } }),
      make("span", { className: "mbg-hidden", textContent: " – remove this filter" }));
    button.addEventListener("click", () => { this.choose(NO_FACET); this.grid.focus(); });
    this.chips.replaceChildren(button);
  }

  /** A button for each repair that makes sense for the column. */
  repairs(labels) {
    if (!labels.length) return [];
    const lines = labels.map((label) => {
      const button = make("button", { type: "button", textContent: label });
      button.dataset.key = JSON.stringify(["repair", label]);
      button.addEventListener("click", () => this.send({ kind: "repair", column: this.profiled, label }));
      return make("li", {}, button);
    });
    return [make("strong", { className: "mbg-title", textContent: "Repairs of the whole column" }), make("ul", { className: "mbg-repairs" }, ...lines)];
  }

  showSpellings({ clusters, more }) {
    this.spellingPart.hidden = !clusters.length;
    if (!clusters.length) { redraw(this.spellingPart); return; }
    const merge = make("button", { type: "button", className: "mbg-main-button" });
    merge.dataset.key = "merge";
    const others = clusters.flatMap(([kept, ...rest]) => rest.map(({ value }) => [value, kept.value]));
    const wanted = () => others.filter(([value]) => !this.untick.has(value));
    const name = () => {
      merge.textContent = `Merge ${counted(wanted().length, "spelling", "spellings")}`;
      merge.disabled = !wanted().length;
    };
    merge.addEventListener("click", () => this.send({ kind: "merge", column: this.profiled, pairs: wanted() }));
    name();
    const rest = more ? [make("p", { className: "mbg-rest", textContent: `and ${counted(more, "other value", "other values")}: merge these first` })] : [];
    redraw(this.spellingPart, make("strong", { className: "mbg-title", textContent: "Spellings of one value" }),
      make("ul", { className: "mbg-clusters" }, ...clusters.map((cluster) => this.cluster(cluster, name))), ...rest, merge);
  }

  /** One value with its other spellings, each to be merged into it if it is ticked. */
  cluster([kept, ...others], act) {
    const count = (rows) => make("span", { className: "mbg-rows", textContent: rows.toLocaleString("en") });
    const lines = others.map(({ value, rows }) => {
      const box = make("input", { type: "checkbox", checked: !this.untick.has(value) });
      box.dataset.key = JSON.stringify(["tick", value]);
      box.addEventListener("change", () => { this.untick[box.checked ? "delete" : "add"](value); act(); });
      return make("label", {}, box, datum(value), " ", count(rows));
    });
    return make("li", {}, make("div", { className: "mbg-kept" }, datum(kept.value), " ", count(kept.rows)), ...lines);
  }

  // ---- What all the suggestions would change

  toggleMending() {
    if (!this.mending.hidden) { this.closeMending(); return; }
    this.send({ kind: "suggestions" });
    this.mending.hidden = false;
    this.mending.replaceChildren(make("p", { textContent: "Looking…" }));
    this.mendButton.setAttribute("aria-expanded", "true");
    this.mending.focus({ preventScroll: true });
  }

  closeMending() {
    this.mending.hidden = true;
    this.mending.replaceChildren();
    this.mendButton.setAttribute("aria-expanded", "false");
    this.count(this.summary);
    this.grid.focus({ preventScroll: true });
  }

  showMending({ cells, total }) {
    if (this.mending.hidden) return;
    if (!total) { this.closeMending(); return; }
    const mend = make("button", { type: "button", className: "mbg-main-button", textContent: `Mend ${counted(total, "cell", "cells")}` });
    const cancel = make("button", { type: "button", textContent: "Cancel", title: "Cancel (Escape)" });
    mend.dataset.key = "mend";
    cancel.dataset.key = "cancel";
    mend.addEventListener("click", () => { this.send({ kind: "mend", count: total }); this.closeMending(); });
    cancel.addEventListener("click", () => this.closeMending());
    const text = (each) => (each ? datum(each) : make("em", { textContent: "empty" }));
    const lines = cells.map((each) => make("tr", {}, make("td", { textContent: each.row.toLocaleString("en") }),
      make("td", {}, make("bdi", { textContent: each.label })), make("td", {}, text(each.before)), make("td", {}, text(each.after))));
    const heads = ["Row", "Column", "Before", "After"].map((textContent) => make("th", { textContent, attrs: { scope: "col" } }));
    const table = make("table", {}, make("thead", {}, make("tr", {}, ...heads)), make("tbody", {}, ...lines));
    const more = total - cells.length;
    const rest = more ? [make("p", { className: "mbg-rest", textContent: `and ${counted(more, "more cell", "more cells")}` })] : [];
    redraw(this.mending,
      make("div", { className: "mbg-mending-head" }, make("strong", { textContent: "Mend what is obvious" }), mend, cancel),
      make("div", { className: "mbg-mending-cells", tabIndex: 0, attrs: { role: "region", "aria-label": "Before and after" } }, table, ...rest));
  }

  // ---- Editing

  edit(text = null) {
    const { position, column } = this.active;
    const row = this.rows.get(position);
    if (!row || column < 0 || position < 0) return;
    const shown = this.columns[column];
    if (shown.readOnly) { this.say(`${shown.label} may not be edited.`); return; }
    this.reveal();
    this.draw();
    const before = row.cells[column] === null ? "" : row.cells[column];
    const area = make("textarea", { className: "mbg-editor", rows: 1, value: text === null ? before : text, attrs: {
      "aria-label": `${shown.label}, row ${row.id}`, spellcheck: "false", autocomplete: "off" } });
    this.editor = { area, position, column, row, before: text === null ? area.value : null };
    const cell = this.cellElement(position, column);
    cell.classList.add("mbg-open");
    cell.append(area);
    area.addEventListener("keydown", (event) => this.pressEditor(event));
    area.addEventListener("input", () => this.judgeLater());
    area.addEventListener("blur", () => this.finish(true, false));
    area.focus({ preventScroll: true });
    area.setSelectionRange(area.value.length, area.value.length);
    this.say("");
  }

  pressEditor(event) {
    if (event.isComposing) return;
    const { position, column } = this.editor;
    if (event.key === "Escape") this.finish(false);
    else if (event.key === "Enter" && !event.altKey && !event.ctrlKey && !event.metaKey) {
      this.finish(true);
      this.activate(Math.max(position + (event.shiftKey ? -1 : 1), 0), column);
    } else if (event.key === "Tab") { this.finish(true); this.tab(event); return; }
    else return;
    event.preventDefault();
  }

  /** Ends editing; the typed text goes to the kernel if it is to be kept and is another one. */
  finish(isKept, takesFocus = true) {
    const editor = this.editor;
    if (!editor) return;
    this.editor = null;
    const text = editor.area.value;
    const cell = editor.area.parentElement;
    editor.area.remove();
    cell.classList.remove("mbg-open");
    if (takesFocus) this.grid.focus({ preventScroll: true });
    const { row, column } = editor;
    if (isKept && text !== editor.before && this.send({ kind: "edit", row: row.id, column: this.columns[column].name, text })) {
      row.kept ||= { cells: [...row.cells], marks: row.marks };
      row.cells[column] = text || null;
      row.marks = row.marks.filter((mark) => mark.column !== column);
    }
    const element = this.drawn.get(editor.position);
    if (element) this.fill(element, this.rows.get(editor.position) || editor.row, editor.position);
    this.drawActive();
  }

  suggest() {
    const row = this.rows.get(this.active.position);
    if (row && this.active.column >= 0) this.send({ kind: "suggest", row: row.id, column: this.columns[this.active.column].name });
  }

  empty() {
    const { top, bottom, left, right } = this.block();
    if (top < 0 || this.active.column < 0) return;
    this.put(Array.from({ length: bottom - top + 1 }, () => Array(right - left + 1).fill("")));
  }

  /** Puts a block of texts into the table, its first cell at the first chosen one. */
  put(texts) {
    const { top, left } = this.block();
    const row = this.rows.get(top);
    if (!row) return;
    if (texts.length * texts[0].length > 100_000) { this.say("That is too much to paste at once: 100,000 cells at most."); return; }
    this.send({ kind: "paste", look: this.shownLook, row: row.id, column: this.columns[left].name, texts });
  }

  clip(kind, event) {
    event.stopPropagation();
    if (event.target !== this.grid || this.editor) return;
    event.preventDefault();
    const block = this.block();
    if (block.top < 0 || block.right < 0) return;
    if (kind === "paste") this.paste(event.clipboardData, block);
    else this.copy(event.clipboardData, block);
  }

  copy(clipboard, { top, bottom, left, right }) {
    const cells = [];
    for (let position = top; position <= bottom; position += 1) {
      const row = this.rows.get(position);
      if (!row) { this.say(`That is too much to copy at once: ${KEPT_ROWS.toLocaleString("en")} rows at most.`); return; }
      cells.push(row.cells.slice(left, right + 1).map((text) => (text === null ? "" : text)));
    }
    clipboard.setData("text/plain", cells.map((line) => line.map(writeCell).join("\t")).join("\n"));
    clipboard.setData("application/x-mbtoolkit-cells", JSON.stringify(cells));
    this.say(`${counted(cells.length * cells[0].length, "cell", "cells")} copied.`);
  }

  paste(clipboard, { top, bottom, left, right }) {
    const own = clipboard.getData("application/x-mbtoolkit-cells");
    const text = clipboard.getData("text/plain");
    const cells = own ? JSON.parse(own) : text && readBlock(text);
    if (!cells) { this.say("There is no text to paste."); return; }
    const isOne = cells.length === 1 && cells[0].length === 1;
    this.put(isOne ? Array.from({ length: bottom - top + 1 }, () => Array(right - left + 1).fill(cells[0][0])) : cells);
  }
}

function render({ model, el }) {
  const grid = new Grid(model, el);
  return () => grid.close();
}

export default { render };
