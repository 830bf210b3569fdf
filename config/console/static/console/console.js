// The console's script. Every page works without it: it refreshes what is in view, tails logs, and hears keys.
// It shows text as text only (textContent, or nodes of a page of this house), and stops while its tab is hidden.

const SLOWEST = 4; // times slower, while nothing changes
const sleep = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
const shown = () => document.hidden
  ? new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }))
  : Promise.resolve();

// --- times: "3 min ago" goes on counting -----------------------------------------------------------------------------
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];
export function relative(moment, now) {
  const seconds = (moment - now) / 1000;
  if (Math.abs(seconds) < 1) return "now";
  for (const [size, unit] of UNITS) {
    if (Math.abs(seconds) >= size * (size === 1 ? 1 : 1.5)) {
      const words = `${Math.round(Math.abs(seconds) / size)} ${unit}`;
      return seconds > 0 ? `in ${words}` : `${words} ago`;
    }
  }
  return "now";
}
function tick() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const words = relative(Date.parse(time.dateTime), Date.now());
    if (time.textContent !== words) time.textContent = words;
  }
}
setInterval(() => { if (!document.hidden) tick(); }, 5000);

// --- live parts: <section id="tiles" data-live="5"> is taken anew from this page's address every 5 s -----------------
const isBusy = (part) => part.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")
  || part.querySelector("input:checked, details[open].menu, dialog[open]") !== null;

async function live() {
  const seconds = () => Math.min(...[...document.querySelectorAll("[data-live]")].map((part) => Number(part.dataset.live) || 5));
  let slower = 1;
  while (document.querySelector("[data-live]")) {
    await sleep(seconds() * slower);
    await shown();
    try {
      const answer = await fetch(location.href, { headers: { "X-Live": "1" }, redirect: "error" });
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      slower = refresh(page) ? 1 : Math.min(slower * 1.5, SLOWEST);
      document.body.classList.remove("is-offline");
    } catch {
      slower = Math.min(slower * 2, 12);
      document.body.classList.add("is-offline");
    }
    mark();
  }
}
function refresh(page) {
  let changed = false;
  for (const part of document.querySelectorAll("[data-live]")) {
    const fresh = page.getElementById(part.id);
    if (!fresh) { part.removeAttribute("data-live"); continue; }
    if (isBusy(part)) continue;
    if (!fresh.dataset.live) part.removeAttribute("data-live"); // it is over
    if (fresh.innerHTML !== part.dataset.was) {
      changed = changed || part.dataset.was !== undefined;
      part.dataset.was = fresh.innerHTML;
      const open = [...part.querySelectorAll("details[open][id]")].map((one) => one.id);
      part.replaceChildren(...fresh.childNodes);
      for (const id of open) document.getElementById(id)?.setAttribute("open", "");
      part.dispatchEvent(new CustomEvent("refreshed", { bubbles: true }));
    }
  }
  tick();
  return changed;
}
function mark() {
  for (const dot of document.querySelectorAll(".live-dot")) {
    dot.classList.toggle("lost", document.body.classList.contains("is-offline"));
    dot.classList.toggle("off", !document.querySelector("[data-live], .log[data-tail]"));
  }
}

// --- the log pane: <ol class="log" data-log="address" data-after="n" data-tail> -----------------------------------------
const WINDOW = 5000;
class Log {
  constructor(pane) {
    this.pane = pane;
    this.address = pane.dataset.log;
    this.after = Number(pane.dataset.after);
    this.tools = document.querySelector(`[data-log-tools="${pane.id}"]`);
    this.follow = this.tools?.querySelector("[data-follow]");
    this.find = this.tools?.querySelector("[data-find]");
    this.streams = [...(this.tools?.querySelectorAll("[data-stream]") ?? [])];
    this.find?.addEventListener("input", () => this.filter());
    for (const box of this.streams) box.addEventListener("change", () => this.filter());
    this.tools?.querySelectorAll("[data-needs-script]").forEach((one) => one.removeAttribute("hidden"));
    pane.addEventListener("scroll", () => this.scrolled(), { passive: true });
    if (!pane.querySelector("li:target, li.at") && pane.dataset.end !== undefined) this.toEnd();
    else pane.querySelector("li:target, li.at")?.scrollIntoView({ block: "center" });
    this.follow?.addEventListener("change", () => this.follow.checked && this.toEnd());
    if (pane.dataset.tail !== undefined) this.tail();
  }
  toEnd() { this.pane.scrollTop = this.pane.scrollHeight; }
  scrolled() {
    const atEnd = this.pane.scrollHeight - this.pane.scrollTop - this.pane.clientHeight < 30;
    if (this.follow && !atEnd) this.follow.checked = false;
    if (this.pane.scrollTop < 40) this.older();
  }
  async ask(query) {
    const answer = await fetch(`${this.address}?${query}`, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(answer.status);
    return answer.json();
  }
  async tail() {
    let wait = 1;
    for (;;) {
      await shown();
      try {
        const page = await this.ask(`after=${this.after}`);
        if (page.lines.length) {
          this.pane.querySelector(".nothing")?.remove();
          this.pane.append(...this.drawn(page.lines));
          while (this.pane.children.length > WINDOW) this.pane.firstElementChild.remove();
          this.pane.classList.toggle("short", this.pane.children.length < 30);
          this.after = page.after;
          this.filter();
          if (!this.follow || this.follow.checked) this.toEnd();
        }
        if (page.done) break;
        wait = page.lines.length ? 1 : Math.min(wait * 2, 8);
      } catch { wait = Math.min(wait * 2, 30); }
      await sleep(wait);
    }
    this.pane.removeAttribute("data-tail");
    mark();
  }
  async older() {
    const first = this.pane.querySelector("li[data-n]");
    if (this.asking || !first || Number(first.dataset.n) <= 1 || this.atStart || this.find?.form?.dataset.found !== undefined) return;
    this.asking = true;
    try {
      const page = await this.ask(`before=${first.dataset.n}`);
      const height = this.pane.scrollHeight;
      this.pane.prepend(...this.drawn(page.lines));
      while (this.pane.children.length > WINDOW && this.pane.dataset.tail === undefined) this.pane.lastElementChild.remove();
      this.pane.scrollTop += this.pane.scrollHeight - height;
      this.atStart = page.lines.length === 0;
      this.filter();
    } catch { /* the next scroll asks again */ } finally { this.asking = false; }
  }
  drawn(lines) {
    return lines.map((line) => {
      const row = document.createElement("li"), number = document.createElement("a"), text = document.createElement("span");
      row.id = `L${line.n}`;
      row.dataset.n = line.n;
      row.className = line.stream;
      number.className = "n";
      number.href = `?line=${line.n}#L${line.n}`;
      number.textContent = line.n;
      number.title = line.time;
      text.className = "t";
      for (const [classes, piece] of line.pieces) {
        const span = document.createElement("span");
        span.className = classes;
        span.textContent = piece;
        text.append(span);
      }
      row.append(number, text);
      return row;
    });
  }
  filter() {
    const wanted = this.find?.value.toLowerCase() ?? "";
    const off = this.streams.filter((box) => !box.checked).map((box) => box.dataset.stream);
    for (const row of this.pane.querySelectorAll("li[data-n]")) {
      const isOut = off.some((stream) => row.classList.contains(stream))
        || (wanted !== "" && !row.lastElementChild.textContent.toLowerCase().includes(wanted));
      row.classList.toggle("hide", isOut);
    }
  }
}

// --- forms that apply themselves; buttons that ask first -------------------------------------------------------------
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-apply]");
  if (form && event.target.matches("select, input[type=checkbox], input[type=date], input[type=datetime-local]")) form.requestSubmit();
});
document.addEventListener("submit", (event) => {
  // A filter that is not set stays out of the address, which people keep and send to each other.
  if (event.target.matches("form[data-lean]")) {
    for (const field of event.target.elements) if (field.name && field.value === "") field.disabled = true;
    setTimeout(() => { for (const field of event.target.elements) field.disabled = false; });
  }
});
document.addEventListener("click", (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) navigator.clipboard?.writeText(document.getElementById(copy.dataset.copy)?.textContent ?? "");
  for (const menu of document.querySelectorAll("details.menu[open], details.filter[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// --- keys ------------------------------------------------------------------------------------------------------------
let isAfterG = false, at = -1;
const rows = () => [...document.querySelectorAll("#result_list tbody tr, table[data-rows] tbody tr")];
function go(step) {
  const all = rows();
  if (!all.length) return;
  all[at]?.classList.remove("at");
  at = Math.max(0, Math.min(all.length - 1, at + step));
  all[at].classList.add("at");
  all[at].scrollIntoView({ block: "nearest" });
}
document.addEventListener("refreshed", () => rows()[at]?.classList.add("at"));
const KEYS = {
  "/": () => document.querySelector("#search input")?.focus(),
  "?": () => document.getElementById("keys")?.showModal(),
  j: () => go(1),
  k: () => go(-1),
  Enter: () => rows()[at]?.querySelector("th a, td a")?.click(),
  x: () => rows()[at]?.querySelector("input.action-select")?.click(),
  Escape: () => document.querySelectorAll("details.menu[open], details.filter[open]").forEach((menu) => { menu.open = false; }),
};
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.matches("input, textarea, select, [contenteditable]")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.target.matches("a, button, summary") && event.key === "Enter") return;
  if (isAfterG) {
    isAfterG = false;
    const link = document.querySelector(`#nav-sidebar a[data-key="${CSS.escape(event.key)}"]`);
    if (link) { event.preventDefault(); link.click(); }
    return;
  }
  if (event.key === "g") { isAfterG = true; setTimeout(() => { isAfterG = false; }, 1500); return; }
  if (KEYS[event.key]) { if (event.key !== "Enter" || at >= 0) event.preventDefault(); KEYS[event.key](); }
});
for (const button of document.querySelectorAll("[data-keys]")) {
  button.hidden = false;
  button.addEventListener("click", KEYS["?"]);
}

for (const pane of document.querySelectorAll(".log[data-log]")) new Log(pane);
if (document.querySelector("[data-live]")) live();
mark();

// --- a job's form: the schedule explained while it is written; another job type brings its own fields -------------------
const preview = document.querySelector("[data-preview]");
if (preview) {
  const asked = ["schedule", "timezone"].map((name) => document.getElementById(`id_${name}`)).filter(Boolean);
  let last, waiting;
  const explain = async () => {
    const query = new URLSearchParams(asked.map((field) => [field.name, field.value]));
    query.set("job", preview.dataset.previewJob);
    last = query.toString();
    try {
      const answer = await fetch(`${preview.dataset.preview}?${query}`, { headers: { "X-Live": "1" }, redirect: "error" });
      if (!answer.ok || last !== query.toString()) return; // something else was written meanwhile
      preview.replaceChildren(...new DOMParser().parseFromString(await answer.text(), "text/html").body.childNodes);
    } catch { /* the button still works */ }
  };
  for (const field of asked) field.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(explain, 300); });
}
const look = document.querySelector("[data-look]");
if (look) document.getElementById(look.dataset.look)?.addEventListener("change", () => look.form.requestSubmit(look));
if (document.querySelector("select.admin-autocomplete")) { // whose search field, which comes later, has no name
  const name = () => {
    for (const field of document.querySelectorAll(".select2-search__field:not([aria-label])")) field.setAttribute("aria-label", "Search");
  };
  new MutationObserver(name).observe(document.body, { childList: true, subtree: true });
  name();
}
