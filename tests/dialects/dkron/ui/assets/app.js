// A small page that asks what Dkron's own web UI asks (reference, section 16), in its words.
const element = (id) => document.getElementById(id);

async function call(path, options = {}) {
  const headers = { Accept: "application/json", ...options.headers };
  const token = localStorage.getItem("token");
  if (token) headers.Authorization = `Bearer ${token}`;
  const answer = await fetch(`${window.DKRON_API_URL}/${path}`, { ...options, headers });
  if (answer.status === 401 || answer.status === 403) {
    localStorage.removeItem("token");
    element("login").hidden = false;
  }
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return { json: await answer.json(), total: answer.headers.get("X-Total-Count") };
}

async function list(path) {
  const found = await call(path);
  if (found.total === null) throw new Error("The X-Total-Count header is missing.");
  return found;
}

function button(row, word, deed) {
  const made = row.insertCell().appendChild(document.createElement("button"));
  made.textContent = word;
  made.addEventListener("click", () => deed().catch((error) => { element("message").textContent = error.message; }));
}

async function jobs() {
  const { json, total } = await list("jobs?_sort=id&_order=ASC&_start=0&_end=10");
  const members = await list("members?_end=10&_order=ASC&_sort=id&_start=0");
  element("numbers").textContent =
    `${total} jobs, ${members.json[0].statusText} ${Object.keys(members.json[0].Tags).length > 0}, ` +
    `leader ${window.DKRON_LEADER}, told ${window.DKRON_TOTAL_JOBS}`;
  element("jobs").replaceChildren();
  for (const job of json) {
    const row = element("jobs").insertRow();
    row.id = job.id;
    for (const text of [job.id, job.schedule, job.disabled ? "disabled" : "enabled", job.status || "untriggered"])
      row.insertCell().textContent = text;
    button(row, "Show", () => show(job.id));
    button(row, "Run", () => call(`jobs/${job.id}`, { method: "POST" }).then(jobs));
    button(row, "Toggle", () => call(`jobs/${job.id}/toggle`, { method: "POST" }).then(jobs));
    button(row, "Save", () => call(`jobs/${job.id}`, {
      method: "PUT", body: JSON.stringify({ ...job, displayname: "Saved" }),
    }).then(jobs));
    button(row, "Delete", () => call(`jobs/${job.id}`, { method: "DELETE" }).then(jobs));
  }
}

async function show(id) {
  const job = (await call(`jobs/${id}`)).json;
  const query = `_sort=id&_order=DESC&_start=0&_end=25&jobs=${id}&output_size_limit=200`;
  const { json, total } = await list(`jobs/${id}/executions?${query}`);
  element("message").textContent = `${job.name} ${job.displayname}: ${total} executions`;
  element("executions").replaceChildren();
  for (const one of json) {
    const row = element("executions").insertRow();
    const state = one.finished_at === "0001-01-01T00:00:00Z" ? "running" : one.success ? "success" : "failed";
    for (const text of [state, one.node_name, one.output || "", one.output_truncated ? "cut" : "whole"])
      row.insertCell().textContent = text;
    button(row, "Load full output", async () => {
      element("output").textContent = (await call(`jobs/${id}/executions/${one.id}`)).json.output;
    });
  }
}

element("login").addEventListener("submit", (event) => {
  event.preventDefault();
  localStorage.setItem("token", element("token").value);
  element("login").hidden = true;
  jobs();
});
if (window.DKRON_ACL_ENABLED && !localStorage.getItem("token")) element("login").hidden = false;
else jobs();
